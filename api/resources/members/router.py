"""`/api/v1/projects/{id}/memberships`, with `/identities` and `/groups`: who is a member of a project, and as what.

`/api/v2/workspace/{id}/identity-memberships` are the same of machine identities, as Infisical's older clients ask.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest
from ninja import Router

from accounts.machines import are_machines
from api.auth.callers import Bearer, caller_of
from api.http.errors import BadRequest, NotFoundError
from api.http.idempotency import idempotent
from api.models import MachineIdentity
from api.resources import resource
from api.resources.base import with_errors
from api.resources.members.edits import (
    ADD,
    CHANGE,
    REMOVE,
    ROWS,
    VIEW,
    by_holder,
    change,
    give,
    no_member,
    project_of,
    roles_of,
)
from api.resources.members.schemas import (
    GiveRoles,
    GroupMember,
    IdentityMember,
    InviteMembers,
    ManyGroupMembers,
    ManyIdentityMembers,
    ManyMembers,
    OneGroupMember,
    OneIdentityMember,
    OneMember,
    PersonMember,
    SetRoles,
)
from vault.access.holders import people, seen_by
from vault.access.models import Membership
from vault.models import Project

projects = resource("Members")
workspaces = resource("Members, older routes")


# People


def list_members(request: HttpRequest, project_id: str) -> ManyMembers:
    """The people who are members, with their roles."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    people_alone = ROWS.filter(project=project, user__isnull=False).exclude(user__in=_machine_users(project))
    rows = seen_by(caller.user, people_alone)
    return ManyMembers(memberships=[_person(each) for each in by_holder(rows).values()])


@idempotent
@transaction.atomic
def invite_members(request: HttpRequest, project_id: str, body: InviteMembers) -> ManyMembers:
    """Makes people members, all or none of them."""
    caller = caller_of(request)
    project = project_of(caller, project_id, ADD)
    found = {user.get_username(): user for user in people().filter(username__in=body.usernames)}
    if missing := next((name for name in body.usernames if name not in found), None):
        raise BadRequest(f"There is nobody with the user name {missing}. Correct it, or ask an administrator.")
    given = [give(caller, project, user, body.terms, name) for name, user in found.items()]
    return ManyMembers(memberships=[_person(rows) for rows in given])


def get_member(request: HttpRequest, project_id: str, membership_id: UUID) -> OneMember:
    """A person, by the ID of any of their roles."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    return OneMember(membership=_person(roles_of(caller, project, _user_of(project, membership_id), "Nobody")))


def update_member(request: HttpRequest, project_id: str, membership_id: UUID, body: SetRoles) -> OneMember:
    """Gives a person these roles and no others."""
    caller = caller_of(request)
    project = project_of(caller, project_id, CHANGE)
    return OneMember(membership=_person(change(caller, project, _user_of(project, membership_id), body.terms)))


def remove_member(request: HttpRequest, project_id: str, membership_id: UUID) -> OneMember:
    """Takes all roles in the project from a person."""
    caller = caller_of(request)
    project = project_of(caller, project_id, REMOVE)
    user = _user_of(project, membership_id)
    answer = OneMember(membership=_person(roles_of(caller, project, user, "Nobody")))
    change(caller, project, user, [])
    return answer


def _user_of(project: Project, membership_id: UUID) -> User:
    row = ROWS.filter(project=project, pk=membership_id, user__isnull=False).exclude(user__in=_machine_users(project))
    found = row.first()
    if found is None or found.user is None:
        raise NotFoundError(f"The project {project.slug} has no person as a member with the ID {membership_id}.")
    return found.user


def _person(rows: Sequence[Membership]) -> PersonMember:
    assert rows[0].user is not None  # noqa: S101 - only rows of people come here
    return PersonMember.of(rows[0].user, rows)


def _machine_users(project: Project) -> Any:
    return User.objects.filter(are_machines(), memberships__project=project).values("pk")


# Machine identities


def list_identity_members(request: HttpRequest, project_id: str) -> ManyIdentityMembers:
    """The machine identities that are members, with their roles."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    rows = by_holder(seen_by(caller.user, ROWS.filter(project=project, user__machine_identity__isnull=False)))
    identities = MachineIdentity.objects.in_bulk(list(rows), field_name="user_id")
    found = [IdentityMember.of(identities[user_id], own) for user_id, own in rows.items()]
    return ManyIdentityMembers(identity_memberships=found, total_count=len(found))


def get_identity_member(request: HttpRequest, project_id: str, identity_id: UUID) -> OneIdentityMember:
    """A machine identity, with its roles in the project."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    identity = _identity_in(project, identity_id)
    return _one_identity(identity, roles_of(caller, project, identity.user, identity.name))


@idempotent
def add_identity_member(request: HttpRequest, project_id: str, identity_id: UUID, body: GiveRoles) -> OneIdentityMember:
    """Makes a machine identity a member."""
    caller = caller_of(request)
    project = project_of(caller, project_id, ADD)
    identity = MachineIdentity.objects.select_related("user").filter(pk=identity_id).first()
    if identity is None:
        raise NotFoundError(f"There is no machine identity with the ID {identity_id}.")
    return _one_identity(identity, give(caller, project, identity.user, body.terms, identity.name))


def update_identity_member(
    request: HttpRequest, project_id: str, identity_id: UUID, body: SetRoles
) -> OneIdentityMember:
    """Gives a machine identity these roles and no others."""
    caller = caller_of(request)
    project = project_of(caller, project_id, CHANGE)
    identity = _identity_in(project, identity_id)
    return _one_identity(identity, change(caller, project, identity.user, body.terms))


def remove_identity_member(request: HttpRequest, project_id: str, identity_id: UUID) -> OneIdentityMember:
    """Takes all roles in the project from a machine identity."""
    caller = caller_of(request)
    project = project_of(caller, project_id, REMOVE)
    identity = _identity_in(project, identity_id)
    answer = _one_identity(identity, roles_of(caller, project, identity.user, identity.name))
    change(caller, project, identity.user, [])
    return answer


def _identity_in(project: Project, identity_id: UUID) -> MachineIdentity:
    members = MachineIdentity.objects.select_related("user").filter(user__memberships__project=project)
    identity = members.filter(pk=identity_id).first()
    if identity is None:
        raise no_member(project, f"The machine identity {identity_id}")
    return identity


def _one_identity(identity: MachineIdentity, rows: Sequence[Membership]) -> OneIdentityMember:
    return OneIdentityMember(identity_membership=IdentityMember.of(identity, rows))


# Groups


def list_group_members(request: HttpRequest, project_id: str) -> ManyGroupMembers:
    """The groups that are members, with their roles."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    rows = by_holder(seen_by(caller.user, ROWS.filter(project=project, group__isnull=False)))
    return ManyGroupMembers(group_memberships=[_group_member(own) for own in rows.values()])


def get_group_member(request: HttpRequest, project_id: str, group: str) -> OneGroupMember:
    """A group, by its name, with its roles in the project."""
    caller = caller_of(request)
    project = project_of(caller, project_id)
    return _one_group(roles_of(caller, project, _group_in(project, group), group))


@idempotent
def add_group_member(request: HttpRequest, project_id: str, group: str, body: GiveRoles) -> OneGroupMember:
    """Makes a group a member: all who are in it, today and later."""
    caller = caller_of(request)
    project = project_of(caller, project_id, ADD)
    found = Group.objects.filter(name=group).first()
    if found is None:
        raise NotFoundError(f"There is no group {group[:150]}. Correct the name, or ask an administrator.")
    return _one_group(give(caller, project, found, body.terms, group))


def update_group_member(request: HttpRequest, project_id: str, group: str, body: SetRoles) -> OneGroupMember:
    """Gives a group these roles and no others."""
    caller = caller_of(request)
    project = project_of(caller, project_id, CHANGE)
    return _one_group(change(caller, project, _group_in(project, group), body.terms))


def remove_group_member(request: HttpRequest, project_id: str, group: str) -> OneGroupMember:
    """Takes all roles in the project from a group."""
    caller = caller_of(request)
    project = project_of(caller, project_id, REMOVE)
    found = _group_in(project, group)
    answer = _one_group(roles_of(caller, project, found, group))
    change(caller, project, found, [])
    return answer


def _group_in(project: Project, name: str) -> Group:
    group = Group.objects.filter(name=name, memberships__project=project).first()
    if group is None:
        raise no_member(project, f"The group {name[:150]}")
    return group


def _one_group(rows: Sequence[Membership]) -> OneGroupMember:
    return OneGroupMember(group_membership=_group_member(rows))


def _group_member(rows: Sequence[Membership]) -> GroupMember:
    assert rows[0].group is not None  # noqa: S101 - only rows of groups come here
    return GroupMember.of(rows[0].group, rows)


IDENTITIES: tuple[tuple[str, str, Any, Any], ...] = (
    # method, what follows, view, answer
    ("GET", "", list_identity_members, ManyIdentityMembers),
    ("GET", "/{identity_id}", get_identity_member, OneIdentityMember),
    ("POST", "/{identity_id}", add_identity_member, OneIdentityMember),
    ("PATCH", "/{identity_id}", update_identity_member, OneIdentityMember),
    ("DELETE", "/{identity_id}", remove_identity_member, OneIdentityMember),
)
GROUPS: tuple[tuple[str, str, Any, Any], ...] = (
    ("GET", "", list_group_members, ManyGroupMembers),
    ("GET", "/{group}", get_group_member, OneGroupMember),
    ("POST", "/{group}", add_group_member, OneGroupMember),
    ("PATCH", "/{group}", update_group_member, OneGroupMember),
    ("DELETE", "/{group}", remove_group_member, OneGroupMember),
)
PEOPLE: tuple[tuple[str, str, Any, Any], ...] = (
    ("GET", "", list_members, ManyMembers),
    ("POST", "", invite_members, ManyMembers),
    ("GET", "/{uuid:membership_id}", get_member, OneMember),
    ("PATCH", "/{uuid:membership_id}", update_member, OneMember),
    ("DELETE", "/{uuid:membership_id}", remove_member, OneMember),
)
RIGHTS = {"GET": (VIEW,), "POST": (VIEW, ADD), "PATCH": (VIEW, CHANGE), "DELETE": (VIEW, REMOVE)}


def add_routes(router: Router, base: str, routes: Sequence[tuple[str, str, Any, Any]]) -> None:
    for method, rest, view, answer in routes:
        bearer = Bearer(*RIGHTS[method], by_place=True)
        router.api_operation([method], f"{base}{rest}", auth=bearer, response=with_errors(answer))(view)


add_routes(projects, "/{project_id}/memberships", PEOPLE)
add_routes(projects, "/{project_id}/memberships/identities", IDENTITIES)
add_routes(projects, "/{project_id}/memberships/groups", GROUPS)
add_routes(workspaces, "/{project_id}/identity-memberships", IDENTITIES)
