"""Finds the members of a project, and changes their roles with a line in the log for each."""

from collections.abc import Callable, Sequence

from django.contrib.auth.models import Group, User
from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import NotFoundError
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.lookups import get_project_of
from vault.access import place_of
from vault.access.holders import seen_by, tell_gone, tell_now
from vault.access.models import Membership
from vault.editing import Actor
from vault.editing.members import Terms, memberships_of, set_roles
from vault.errors import Taken
from vault.models import Project

VIEW = "vault.view_membership"
ADD, CHANGE, REMOVE = (f"vault.{verb}_membership" for verb in ("add", "change", "delete"))
# One who has the right in a part of a project sees those who are members there or everywhere, as on their page.
ROWS = Membership.objects.select_related("project", "user", "group")


def project_of(caller: Caller, project_id: str, *permissions: str) -> Project:
    """For whoever may see its members, and has the others in all of it."""
    project = get_project_of(caller, project_id, VIEW, *permissions)
    caller.require_within(place_of(project), VIEW)
    caller.require_at(place_of(project), *permissions)
    return project


def by_holder(rows: Sequence[Membership]) -> dict[int, list[Membership]]:
    """In the order of their first roles; by the ids of users or of groups."""
    found: dict[int, list[Membership]] = {}
    for row in rows:
        found.setdefault(row.user_id or row.group_id or 0, []).append(row)
    return found


def roles_of(caller: Caller, project: Project, holder: User | Group, told: str) -> list[Membership]:
    """Raises NotFoundError for who is no member, as far as the caller sees."""
    rows = seen_by(caller.user, memberships_of(project, holder))
    if not rows:
        raise no_member(project, told)
    return rows


def no_member(project: Project, told: str) -> NotFoundError:
    return NotFoundError(f"{told} is no member of the project {project.slug}.")


@transaction.atomic
def give(caller: Caller, project: Project, holder: User | Group, terms: Sequence[Terms], told: str) -> list[Membership]:
    """To somebody who has none there."""
    if memberships_of(project, holder):
        raise Taken(f"{told} is a member of the project {project.slug} already. Change their roles instead.")
    return change(caller, project, holder, terms)


@transaction.atomic
def change(caller: Caller, project: Project, holder: User | Group, terms: Sequence[Terms]) -> list[Membership]:
    done = set_roles(project, holder, terms, by=_actor(caller))
    _note(caller, note_added, done.added, tell_now)
    _note(caller, note_changed, done.changed, tell_now)
    _note(caller, note_deleted, done.removed, tell_gone)
    return memberships_of(project, holder)


def _actor(caller: Caller) -> Actor:
    return Actor.by_token(caller.user, allows=caller.gives)


def _note(
    caller: Caller, note: Callable[..., None], rows: Sequence[Membership], tell: Callable[[Membership], str]
) -> None:
    for row in rows:
        note(caller, row, detail=tell(row))
