"""What a person must be allowed to do to make, change or delete a set: one right taken away each time."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User

from common.lacking import Lacking
from fleets.choices import NewOrganizations, WhenLeft
from fleets.companion import generate_due
from fleets.editing import (
    approve_organizations,
    change_set,
    create_set,
    delete_set,
    override,
    remove_secrets_of,
)
from fleets.models import SyncSet
from syncs.choices import Approval
from syncs.editing import Actor
from tests.fleets.conftest import List, MakeSet, member_of

ADD, CHANGE, DELETE = (f"{verb}_devinsync" for verb in ("add", "change", "delete"))
REVEAL, USE, REMOVE, LOOSEN = "reveal_secret", "use_connection", "remove_secrets", "loosen_approval"
ALL = frozenset({ADD, CHANGE, DELETE, REVEAL, USE, REMOVE, LOOSEN})


def person(rights: frozenset[str]) -> Actor:
    user = User.objects.create_user("vera")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return Actor.in_admin(user)


@pytest.fixture
def each(make_set: MakeSet, devin_lists: List) -> SyncSet:
    """Beta waits for approval, Gamma has left."""
    devin_lists("Acme", "Gamma")
    each = make_set(new_organizations=NewOrganizations.ASK, approval=Approval.WRITES)
    devin_lists("Acme", "Beta")
    generate_due()
    return each


def again(each: SyncSet, **fields: object) -> SyncSet:
    """A set like it that is not saved yet."""
    given = {"name": "other", "connection": each.connection, "folder": each.folder} | fields
    return SyncSet(project=each.project, **given)


Act = Callable[[SyncSet, Actor], object]
ACTS: dict[str, tuple[Act, frozenset[str]]] = {
    "make": (lambda each, by: create_set(again(each), by=by), frozenset({ADD, REVEAL, USE})),
    "make one that removes": (
        lambda each, by: create_set(again(each, when_left=WhenLeft.REMOVE), by=by),
        frozenset({ADD, REVEAL, USE, DELETE, REMOVE}),
    ),
    "describe": (lambda each, by: change_set(each.pk, {"description": "x"}, by=by), frozenset({CHANGE})),
    "give to others": (
        lambda each, by: change_set(each.pk, {"exceptions": "acme"}, by=by), frozenset({CHANGE, REVEAL, USE}),
    ),
    "read elsewhere": (
        lambda each, by: change_set(each.pk, {"below": "{{organization}}"}, by=by), frozenset({CHANGE, REVEAL, USE}),
    ),
    "remove from now on": (
        lambda each, by: change_set(each.pk, {"when_left": WhenLeft.REMOVE}, by=by),
        frozenset({CHANGE, DELETE, REMOVE}),
    ),
    "ask for less approval": (
        lambda each, by: change_set(each.pk, {"approval": Approval.NONE}, by=by), frozenset({CHANGE, LOOSEN}),
    ),
    "approve": (
        lambda each, by: approve_organizations(each.pk, [member_of(each, "beta").pk], by=by),
        frozenset({CHANGE, REVEAL, USE}),
    ),
    "pause one": (
        lambda each, by: override(member_of(each, "acme").pk, {"is_enabled": False}, by=by), frozenset({CHANGE}),
    ),
    "remove secrets of one": (
        lambda each, by: remove_secrets_of(member_of(each, "gamma").pk, by=by), frozenset({DELETE, REMOVE}),
    ),
    "delete": (lambda each, by: delete_set(each.pk, by=by, removes_secrets=False), frozenset({DELETE})),
    "delete with secrets": (
        lambda each, by: delete_set(each.pk, by=by, removes_secrets=True), frozenset({DELETE, REMOVE}),
    ),
}  # fmt: skip
LACKED = [(name, right) for name, (_, needed) in ACTS.items() for right in sorted(needed)]


@pytest.mark.parametrize("name", ACTS)
def test_those_rights_are_enough(each: SyncSet, name: str) -> None:
    act, needed = ACTS[name]

    act(each, person(needed))


@pytest.mark.parametrize(("name", "right"), LACKED)
def test_each_of_them_is_needed(each: SyncSet, name: str, right: str) -> None:
    act, _ = ACTS[name]

    with pytest.raises(Lacking, match=right):
        act(each, person(ALL - {right}))
