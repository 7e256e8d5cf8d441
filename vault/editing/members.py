"""Who is a member of a project, and as what: nobody gives more than they have there."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.before import remember
from common.refusals import note_lacking
from vault.access import Place, forget_grants
from vault.access.models import Membership
from vault.access.roles import RIGHTS, Role
from vault.editing.actor import Actor
from vault.errors import Invalid, NotAllowed, Taken
from vault.models import Environment, Project
from vault.rules import clean_path


@dataclass(frozen=True)
class Terms:
    """A role and where it holds. No environments and no paths mean all of them."""

    role: str
    environments: Sequence[str] = ()
    paths: Sequence[str] = ()


def add_member(project: Project, holder: User | Group, terms: Terms, *, by: Actor) -> Membership:
    """A machine identity is a member by its user."""
    by.demand("vault.add_membership", Place(project.pk))
    whose = {"group": holder} if isinstance(holder, Group) else {"user": holder}
    return _write(Membership(project=project, **whose), terms, by)


def update_member(row: Membership, terms: Terms, *, by: Actor) -> Membership:
    by.demand("vault.change_membership", Place(row.project_id))
    return _write(row, terms, by)


def remove_member(row: Membership, *, by: Actor) -> None:
    """Whoever it is, also the last one: administrators of the installation remain."""
    by.demand("vault.delete_membership", Place(row.project_id))
    remember([row])
    row.delete()
    forget_grants(by.user)


@dataclass(frozen=True)
class Given:
    """What `set_roles` has done to the memberships of one holder: those that were removed as they were."""

    added: list[Membership] = field(default_factory=list)
    changed: list[Membership] = field(default_factory=list)
    removed: list[Membership] = field(default_factory=list)


@transaction.atomic
def set_roles(project: Project, holder: User | Group, wanted: Sequence[Terms], *, by: Actor) -> Given:
    """Lets somebody have these roles in a project and no others; a row stays the same as far as can be."""
    rows = memberships_of(project, holder)
    by_terms = {_cleaned(terms): terms for terms in wanted}
    new = [terms for cleaned, terms in by_terms.items() if cleaned not in map(_terms_of, rows)]
    old = [row for row in rows if _terms_of(row) not in by_terms]
    done = Given()
    for row, terms in zip(old, new, strict=False):
        done.changed.append(update_member(row, terms, by=by))
    for terms in new[len(old) :]:
        done.added.append(add_member(project, holder, terms, by=by))
    for row in old[len(new) :]:
        done.removed.append(copy(row))
        remove_member(row, by=by)
    return done


def memberships_of(project: Project, holder: User | Group) -> list[Membership]:
    """The oldest first."""
    rows = Membership.objects.select_related("project", "user", "group").filter(project=project)
    return list(rows.filter(group=holder) if isinstance(holder, Group) else rows.filter(user=holder))


def _cleaned(terms: Terms) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    paths = tuple(sorted(set(map(clean_path, terms.paths))))
    return terms.role, tuple(sorted(set(terms.environments))), paths


def _terms_of(row: Membership) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return row.role, tuple(row.environments), tuple(row.paths)


@transaction.atomic
def _write(row: Membership, terms: Terms, by: Actor) -> Membership:
    # Two who write at once would else both find that there is none.
    Project.objects.select_for_update().get(pk=row.project_id)
    row.role, environments, paths = _cleaned(terms)
    row.environments, row.paths = list(environments), list(paths)
    _check(row)
    _check_has_it_all(row, by)
    row.save()
    forget_grants(by.user)
    return row


def _check(row: Membership) -> None:
    if row.role not in Role.values:
        raise Invalid(f"The role is one of {', '.join(Role.values)}.", field="role")
    try:
        row.full_clean(exclude=["project", "user", "group"], validate_constraints=False)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Invalid(messages[0], field=name) from None
    there = set(Environment.objects.filter(project=row.project_id).values_list("slug", flat=True))
    if row.project.is_kept_here and (missing := sorted(set(row.environments) - there)):
        raise Invalid(f"The project has no environment {missing[0]}. Correct it.", field="environments")
    same = Membership.objects.filter(project=row.project_id, user=row.user_id, group=row.group_id, role=row.role)
    if any((each.environments, each.paths) == (row.environments, row.paths) for each in same.exclude(pk=row.pk)):
        raise Taken("This is what they are already. Choose another role or another place.", field="role")


def _check_has_it_all(row: Membership, by: Actor) -> None:
    """Each right of the role, at each of its places."""
    for place in _places(row):
        for permission in sorted(RIGHTS[row.role]):
            if not by.can(permission, place):
                note_lacking([permission], place)
                raise NotAllowed(
                    f"Nobody gives more than they have: this role takes the permission {permission} in {place}, "
                    f"{by.lacking}.",
                    field="role",
                )


def check_slug_gives_no_more(environment: Environment, slug: str, *, by: Actor) -> None:
    """With another slug, an environment comes under the roles that are limited to that slug: nobody gives more by it
    than they have in the environment as it is."""
    rows = Membership.objects.filter(project=environment.project_id).order_by("pk")
    for row in rows:
        if slug not in row.environments:
            continue
        for path in row.paths or [None]:
            place = Place(environment.project_id, environment.slug, path)
            if lacking := next((each for each in sorted(RIGHTS[row.role]) if not by.can(each, place)), ""):
                note_lacking([lacking], place)
                raise NotAllowed(
                    f"A member has a role in “{slug}”. With this slug the environment would come under it, and that "
                    f"takes the permission {lacking} in {place}, {by.lacking}.",
                    field="slug",
                )


def _places(row: Membership) -> Iterable[Place]:
    for environment in row.environments or [None]:
        for path in row.paths or [None]:
            yield Place(row.project_id, environment, path)
