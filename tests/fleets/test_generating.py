"""A set makes a sync for each of its organizations, and keeps them as it says."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import Organization
from fleets.choices import MissingFolder, NewOrganizations, Selection, State, WhenLeft
from fleets.companion import generate_due
from fleets.editing import approve_organizations, change_set, delete_set, override, remove_secrets_of
from fleets.generating import generate
from fleets.models import Member, SyncSet
from syncs.choices import Operation, Status
from syncs.editing import change_sync, create_sync, delete_sync, switch_sync
from syncs.editing.declaration import describe_all
from syncs.errors import EditRefused
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.fleets.conftest import CONSOLE, List, MakeSet, member_of, standing
from vault.editing import create_folder, delete_folder
from vault.models import Environment

OWN_FOLDERS = {"below": "{{organization}}"}


def own_folders(environment: Environment, *slugs: str) -> None:
    for slug in slugs:
        create_folder(environment, f"/orgs/{slug}", by=ANYBODY)


def test_each_organization_gets_an_ordinary_sync_that_runs(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta Corp")

    each = make_set(key_schema="{{organization}}_{{secretKey}}", description="What all share")

    syncs = DevinSync.objects.filter(set_id=each.pk)
    assert [(sync.name, sync.org_id, sync.key_schema, sync.source_label, sync.description) for sync in syncs] == [
        ("core-acme", "org-acme", "acme_{{secretKey}}", "dev:/orgs", "What all share"),
        ("core-beta-corp", "org-betacorp", "beta-corp_{{secretKey}}", "dev:/orgs", "What all share"),
    ]
    assert standing(each) == {"acme": State.ACTIVE, "beta-corp": State.ACTIVE}
    assert SyncRun.objects.filter(sync__in=syncs, status=Status.PENDING).count() == 2


def test_a_second_look_changes_nothing(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    before = list(DevinSync.objects.values())

    assert generate(each.pk) == 0

    assert list(DevinSync.objects.values()) == before


def test_a_look_at_many_costs_as_many_statements_as_at_few(make_set: MakeSet, devin_lists: List) -> None:
    def count(each: SyncSet) -> int:
        with CaptureQueriesContext(connection) as asked:
            generate(each.pk)
        return len(asked)

    devin_lists("Acme")
    each = make_set()
    few = count(each)
    devin_lists(*(f"Org {number}" for number in range(30)), "Acme")
    generate(each.pk)

    assert count(each) == few
    assert each.members.count() == 31


def test_a_new_organization_is_served_and_one_that_is_gone_is_paused(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()

    devin_lists("Acme", "Gamma")
    generate_due()

    assert standing(each) == {"acme": State.ACTIVE, "beta": State.LEFT, "gamma": State.ACTIVE}
    beta = member_of(each, "beta")
    assert beta.sync is not None
    assert not beta.sync.is_enabled
    assert beta.left_at is not None
    assert "still in Devin" in beta.message


def test_one_that_comes_back_goes_on_with_its_sync(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    first = member_of(each, "beta").sync
    devin_lists("Acme")
    generate_due()

    devin_lists("Acme", "Beta")
    generate_due()

    beta = member_of(each, "beta")
    assert beta.sync == first
    assert beta.sync is not None
    assert beta.sync.is_enabled
    assert beta.left_at is None


def test_a_new_one_waits_where_the_set_says_so(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")
    each = make_set(new_organizations=NewOrganizations.ASK)
    devin_lists("Acme", "Beta")
    generate_due()
    assert standing(each) == {"acme": State.ACTIVE, "beta": State.WAITING}
    assert member_of(each, "beta").sync is None

    assert approve_organizations(each.pk, [member_of(each, "beta").pk], by=CONSOLE) == 1
    generate_due()

    assert standing(each) == {"acme": State.ACTIVE, "beta": State.ACTIVE}


def test_an_edit_does_not_let_in_what_waits(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")
    each = make_set(new_organizations=NewOrganizations.ASK)
    devin_lists("Acme", "Beta")
    generate_due()

    change_set(each.pk, {"description": "Other"}, by=CONSOLE)
    generate_due()

    assert standing(each)["beta"] == State.WAITING


def test_one_without_a_folder_is_skipped_until_it_has_one(
    make_set: MakeSet, devin_lists: List, environment: Environment
) -> None:
    own_folders(environment, "acme")
    devin_lists("Acme", "Beta")
    each = make_set(**OWN_FOLDERS)
    assert standing(each) == {"acme": State.ACTIVE, "beta": State.SKIPPED}
    assert "/orgs/beta" in member_of(each, "beta").message

    own_folders(environment, "beta")
    generate(each.pk)

    sync = member_of(each, "beta").sync
    assert sync is not None
    assert sync.source_label == "dev:/orgs/beta"


def test_one_without_a_folder_failed_where_the_set_says_so(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")

    each = make_set(**OWN_FOLDERS, missing_folder=MissingFolder.ERROR)

    assert standing(each) == {"acme": State.FAILED}


def test_a_folder_that_goes_and_is_made_again_is_read_again(
    make_set: MakeSet, devin_lists: List, environment: Environment
) -> None:
    own_folders(environment, "acme")
    devin_lists("Acme")
    each = make_set(**OWN_FOLDERS)
    delete_folder(environment.folders.get(path="/orgs/acme"), by=ANYBODY)
    generate(each.pk)
    lost = member_of(each, "acme").sync
    assert lost is not None
    assert not lost.has_source

    own_folders(environment, "acme")
    generate(each.pk)

    found = member_of(each, "acme").sync
    assert found == lost
    assert found.has_source


def test_an_organization_does_not_take_the_folder_of_another_by_its_name(
    make_set: MakeSet, devin_lists: List, environment: Environment
) -> None:
    own_folders(environment, "acme", "beta")
    devin_lists("Acme", "Beta")
    each = make_set(**OWN_FOLDERS)

    # The first is renamed, and another takes its name.
    Organization.objects.filter(org_id="org-acme").update(name="Old")
    Organization.objects.filter(org_id="org-beta").update(name="Acme")
    generate(each.pk)

    assert {member.org_id: member.slug for member in each.members.all()} == {"org-acme": "acme", "org-beta": "beta"}
    assert {sync.org_id: sync.path for sync in DevinSync.objects.all()} == {
        "org-acme": "/orgs/acme",
        "org-beta": "/orgs/beta",
    }


def test_a_changed_set_changes_all_its_syncs(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()

    change_set(each.pk, {"key_schema": "X_{{secretKey}}", "name": "base"}, by=CONSOLE)
    generate_due()

    assert list(DevinSync.objects.values_list("name", "key_schema")) == [
        ("base-acme", "X_{{secretKey}}"),
        ("base-beta", "X_{{secretKey}}"),
    ]


def test_what_holds_for_one_alone_is_kept(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    override(member_of(each, "beta").pk, {"is_enabled": False, "guard_max_deletions": 3}, by=CONSOLE)
    generate_due()

    change_set(each.pk, {"guard_max_deletions": 9}, by=CONSOLE)
    generate_due()

    acme, beta = DevinSync.objects.order_by("name")
    assert (acme.is_enabled, acme.guard_max_deletions) == (True, 9)
    assert (beta.is_enabled, beta.guard_max_deletions) == (False, 3)
    override(member_of(each, "beta").pk, {"is_enabled": None, "guard_max_deletions": None}, by=CONSOLE)
    generate_due()
    beta.refresh_from_db()
    assert (beta.is_enabled, beta.guard_max_deletions) == (True, 9)


def test_only_limits_can_be_overridden(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")
    each = make_set()

    with pytest.raises(ValueError, match="key_schema"):
        override(member_of(each, "acme").pk, {"key_schema": "Y_{{secretKey}}"}, by=CONSOLE)


def test_nobody_but_the_set_edits_its_syncs(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")
    sync = member_of(make_set(), "acme").sync
    assert sync is not None

    with pytest.raises(EditRefused, match="made by a sync set"):
        change_sync(sync.pk, {"key_schema": ""}, by=CONSOLE)
    with pytest.raises(EditRefused, match="made by a sync set"):
        switch_sync(sync.pk, "is_enabled", on=False, by=CONSOLE)
    with pytest.raises(EditRefused, match="made by a sync set"):
        delete_sync(sync.pk, by=CONSOLE, removes_secrets=False)


def test_documents_leave_out_what_a_set_makes(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme")
    make_set()

    assert describe_all()["syncs"] == []


def leave(each: SyncSet, *slugs: str) -> None:
    """These organizations are listed still, and match no more."""
    ids = [member_of(each, slug).org_id for slug in slugs]
    change_set(each.pk, {"exceptions": "\n".join(ids)}, by=CONSOLE)
    generate_due()


def test_secrets_of_those_that_match_no_more_are_removed_where_the_set_says_so(
    make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    each = make_set(when_left=WhenLeft.REMOVE)

    leave(each, "beta")

    run = SyncRun.objects.get(operation=Operation.REMOVE)
    assert (run.org_id, run.removes_sync) == ("org-beta", True)


def test_a_list_that_lacks_many_removes_nothing(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta", "Gamma", "Delta", "Epsilon")
    each = make_set(when_left=WhenLeft.REMOVE)

    devin_lists("Acme")
    generate_due()
    assert list(standing(each).values()).count(State.LEFT) == 4
    devin_lists("Acme", "Beta", "Gamma", "Delta", "Epsilon")
    generate_due()
    leave(each, "beta", "gamma", "delta", "epsilon")

    assert not SyncRun.objects.filter(operation=Operation.REMOVE).exists()
    assert DevinSync.objects.filter(is_enabled=False).count() == 4


def test_a_person_removes_the_secrets_of_one_that_left(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    with pytest.raises(EditRefused, match="has left the set"):
        remove_secrets_of(member_of(each, "beta").pk, by=CONSOLE)
    leave(each, "beta")

    remove_secrets_of(member_of(each, "beta").pk, by=CONSOLE)

    assert SyncRun.objects.get(operation=Operation.REMOVE).org_id == "org-beta"


def test_a_set_that_is_deleted_leaves_its_syncs(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()

    assert delete_set(each.pk, by=CONSOLE, removes_secrets=False) == 2

    assert not SyncSet.objects.exists()
    assert set(DevinSync.objects.values_list("set_id", "is_enabled")) == {(None, True)}


def test_a_set_that_is_deleted_with_its_secrets_goes_once_they_are_removed(
    make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()

    delete_set(each.pk, by=CONSOLE, removes_secrets=True)
    generate_due()

    assert SyncRun.objects.filter(operation=Operation.REMOVE, removes_sync=True).count() == 2
    with pytest.raises(EditRefused, match="being deleted"):
        change_set(each.pk, {"description": "x"}, by=CONSOLE)
    DevinSync.objects.all().delete()
    generate(each.pk)
    assert not SyncSet.objects.exists()


def test_it_goes_on_where_it_was_broken_off(
    make_set: MakeSet, devin_lists: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    devin_lists("Acme")
    each = make_set()

    def dies(*args: object, **kwargs: object) -> object:
        if DevinSync.objects.count() == 2:
            raise KeyboardInterrupt
        return create_sync(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("fleets.generating.create_sync", dies)
    devin_lists("Acme", "Beta", "Gamma")
    with pytest.raises(KeyboardInterrupt):
        generate(each.pk)
    monkeypatch.undo()
    SyncSet.objects.update(generate_due_at=timezone.now() - timedelta(seconds=1))

    generate_due()

    assert list(standing(each).values()) == [State.ACTIVE] * 3
    assert not Member.objects.filter(is_behind=True).exists()


def test_a_name_that_is_taken_concerns_one_organization_alone(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    first = member_of(each, "acme").sync
    assert first is not None
    DevinSync.objects.filter(pk=first.pk).update(set_id=None, name="base-acme")
    Member.objects.filter(sync=first).update(sync=None)

    change_set(each.pk, {"name": "base"}, by=CONSOLE)
    generate_due()

    assert standing(each) == {"acme": State.FAILED, "beta": State.ACTIVE}
    assert "already has a sync named “base-acme”" in member_of(each, "acme").message


def test_names_that_stand_for_one_organization_are_kept_by_id(make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta", "Gamma")

    each = make_set(selection=Selection.LISTED, chosen="Acme\norg-beta\nAcme", canaries="Beta")

    assert (each.chosen, each.canaries) == ("org-acme\norg-beta", "org-beta")
    assert standing(each) == {"acme": State.ACTIVE, "beta": State.ACTIVE}
