"""Whose doing a change of a set's syncs is: everybody's who changed the set since it last changed them."""

import pytest
from django.contrib.auth.models import User

from fleets.choices import NewOrganizations, State
from fleets.editing import approve_organizations, change_set, override, remove_secrets_of
from fleets.generating import generate
from fleets.models import SyncSet
from syncs.choices import Approval
from syncs.editing import Actor
from syncs.models import SourceAuthor
from tests.fleets.conftest import List, MakeSet, member_of

Authors = dict[str, set[str]]


@pytest.fixture
def ada(db: None) -> Actor:
    return Actor.in_admin(User.objects.create_user("ada", is_superuser=True))


@pytest.fixture
def kim(db: None) -> Actor:
    return Actor.in_admin(User.objects.create_user("kim", is_superuser=True))


@pytest.fixture
def guarded(make_set: MakeSet, devin_lists: List) -> SyncSet:
    devin_lists("Acme", "Beta")
    each = make_set(approval=Approval.WRITES)
    SourceAuthor.objects.all().delete()
    return each


def authors(each: SyncSet) -> Authors:
    """By the slugs of the organizations, and forgotten."""
    found: Authors = {}
    rows = SourceAuthor.objects.filter(sync__set_id=each.pk)
    for slug, name in rows.values_list("sync__member__slug", "user__username"):
        found.setdefault(slug, set()).add(name)
    rows.delete()
    return found


def test_whoever_said_what_holds_for_an_organization_alone(guarded: SyncSet, ada: Actor, kim: Actor) -> None:
    change_set(guarded.pk, {"guard_max_deletions": 7}, by=ada)
    generate(guarded.pk)
    assert authors(guarded) == {"acme": {"ada"}, "beta": {"ada"}}

    override(member_of(guarded, "acme").pk, {"disable_secret_deletion": True}, by=kim)
    generate(guarded.pk)

    assert authors(guarded) == {"acme": {"kim"}}


def test_all_who_changed_the_set_before_its_syncs_followed(guarded: SyncSet, ada: Actor, kim: Actor) -> None:
    change_set(guarded.pk, {"key_schema": "X_{{secretKey}}"}, by=kim)
    change_set(guarded.pk, {"guard_max_deletions": 7}, by=ada)
    generate(guarded.pk)

    assert authors(guarded) == {"acme": {"ada", "kim"}, "beta": {"ada", "kim"}}


def test_no_token_passes_for_the_set_by_its_name(guarded: SyncSet, ada: Actor, kim: Actor) -> None:
    change_set(guarded.pk, {"key_schema": "X_{{secretKey}}"}, by=kim)
    token = Actor.by_token(kim.user, f"API token mine by the sync set {guarded.name}")  # type: ignore[arg-type]
    token.note_changed(member_of(guarded, "acme").sync, "Started a run")  # type: ignore[arg-type]
    change_set(guarded.pk, {"guard_max_deletions": 7}, by=ada)
    generate(guarded.pk)

    assert authors(guarded) == {"acme": {"ada", "kim"}, "beta": {"ada", "kim"}}


def test_whoever_approved_an_organization(guarded: SyncSet, devin_lists: List, ada: Actor, kim: Actor) -> None:
    change_set(guarded.pk, {"new_organizations": NewOrganizations.ASK}, by=ada)
    generate(guarded.pk)
    devin_lists("Acme", "Beta", "Gamma")
    generate(guarded.pk)
    authors(guarded)
    approve_organizations(guarded.pk, [member_of(guarded, "gamma").pk], by=kim)
    generate(guarded.pk)

    assert authors(guarded) == {"gamma": {"kim"}}


def test_whoever_had_an_organization_lose_its_secrets(
    guarded: SyncSet, devin_lists: List, ada: Actor, kim: Actor
) -> None:
    change_set(guarded.pk, {"exceptions": "Beta"}, by=ada)
    generate(guarded.pk)
    authors(guarded)
    assert member_of(guarded, "beta").state == State.LEFT
    remove_secrets_of(member_of(guarded, "beta").pk, by=kim)

    assert authors(guarded) == {"beta": {"kim"}}


def test_nobody_is_noted_where_no_other_person_is_asked(make_set: MakeSet, devin_lists: List, ada: Actor) -> None:
    devin_lists("Acme")
    each = make_set()
    change_set(each.pk, {"guard_max_deletions": 7}, by=ada)
    generate(each.pk)

    assert not SourceAuthor.objects.exists()
