"""A set is made, looked at and changed on its pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from fleets.admin.organizations import FILTERS
from fleets.choices import NewOrganizations, Selection, State
from fleets.companion import generate_due
from fleets.editing import change_set, override
from fleets.models import SyncSet
from sources.models import SharedConnection
from syncs.choices import Operation, Status
from syncs.models import DevinSync, SyncRun
from syncs.options import OPTIONS
from tests.actors import ANYBODY
from tests.fleets.conftest import CONSOLE, List, MakeSet, member_of, standing
from tests.syncs.people import log_in
from tests.syncs.wizard_walk import Walk, step_url
from vault.access.models import Membership
from vault.editing import create_folder, set_secrets
from vault.models import Folder


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    log_in(client, "superuser")
    return client


def page_of(each: SyncSet) -> str:
    return reverse("admin:fleets_syncset_change", args=[each.pk])


def entries(folder: Folder, connection: Connection, /, **fields: Any) -> dict[str, Any]:
    """What a person enters for a new set."""
    defaults = {name: SyncSet._meta.get_field(name).get_default() for name in OPTIONS}  # type: ignore[union-attr]
    options = {name: value for name, value in defaults.items() if value is not False}
    given: dict[str, Any] = {
        **options,
        "name": "core",
        "is_enabled": "on",
        "folder": str(folder.pk),
        "connection": str(connection.pk),
        "selection": Selection.ALL,
        "new_organizations": NewOrganizations.AT_ONCE,
        "missing_folder": "skip",
        "when_left": "pause",
        "wave_size": "0",
        "max_failures": "0",
    }
    return given | fields


def add_url(folder: Folder) -> str:
    return reverse("admin:fleets_syncset_add", query={"project": folder.environment.project_id})


def test_a_set_is_made(admin: Client, folder: Folder, connection: Connection, devin_lists: List, rung: object) -> None:
    devin_lists("Acme", "Beta", "Gamma")

    answer = admin.post(add_url(folder), entries(folder, connection, exceptions="gam*"))

    each = SyncSet.objects.get()
    assert answer.headers["Location"] == page_of(each)
    assert each.created_by is not None
    assert set(standing(each)) == {"acme", "beta"}
    assert "2 still to be made" in " ".join(admin.get(page_of(each)).content.decode().split())
    generate_due()
    assert sorted(DevinSync.objects.values_list("name", flat=True)) == ["core-acme", "core-beta"]


def test_the_wizard_hands_on_what_was_entered_and_is_come_back_to_with_all_of_it(
    admin: Client, folder: Folder, connection: Connection
) -> None:
    Connection.objects.create(name="another", base_url=connection.base_url)
    walk = Walk(admin, folder, connection)
    walk.begin()
    walk.answer("source")
    left = {"destination-connection": str(connection.pk), "destination-org_id": "half", "wizard_goto_step": "many"}

    page = admin.get(admin.post(step_url("destination"), left).headers["Location"])

    form = page.context["adminform"].form
    assert (form["folder"].value(), form["connection"].value()) == (str(folder.pk), str(connection.pk))
    assert f'href="{step_url("destination")}"' in page.content.decode()
    entered = admin.get(step_url("destination")).context["form"]
    assert (entered["connection"].value(), entered["org_id"].value()) == (str(connection.pk), "half")
    assert admin.get(step_url("source")).context["form"]["folder"].value() == str(folder.pk)


def test_a_set_that_was_made_from_the_wizard_leaves_nothing_unfinished_there(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List, rung: object
) -> None:
    devin_lists("Acme")
    walk = Walk(admin, folder, connection)
    walk.begin()
    walk.answer("source")
    to_many = {"destination-connection": str(connection.pk), "wizard_goto_step": "many"}
    way = admin.post(step_url("destination"), to_many).headers["Location"]

    admin.post(way, entries(folder, connection, name="Not A Slug"))
    assert admin.get(step_url("destination")).status_code == 200
    admin.post(way, entries(folder, connection))

    assert SyncSet.objects.exists()
    assert admin.get(step_url("destination")).headers["Location"] == step_url("source")


def test_a_look_at_which_organizations_saves_nothing(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")

    answer = admin.post(add_url(folder), entries(folder, connection, exceptions="beta", preview="1"))

    shown = answer.content.decode()
    assert 'title="org-acme"' in shown
    assert 'title="org-beta"' not in shown
    assert not SyncSet.objects.exists()


def test_a_look_at_which_organizations_is_had_beside_wrong_entries_too(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    wrong = entries(folder, connection, name="Not A Slug", exceptions="beta\nBetta\norg-nobody", preview="1")

    shown = " ".join(admin.post(add_url(folder), wrong).content.decode().split())

    assert 'title="org-acme"' in shown
    assert 'title="org-beta"' not in shown
    told = "The connection lists no organization like “Betta”, “org-nobody”, so none is left out by that."
    assert told in shown
    assert not SyncSet.objects.exists()


def test_a_line_that_no_organization_is_like_is_told_once_the_set_is_saved(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List, rung: object
) -> None:
    devin_lists("Acme", "Beta")
    given = entries(folder, connection, selection="matching", chosen="ac*\nzzz*", exceptions="Beta\nBetta")

    page = admin.post(add_url(folder), given, follow=True).content.decode()

    assert "no organization like “zzz*”, so none is taken by that." in page
    assert "no organization like “Betta”, so none is left out by that." in page


def test_the_form_shows_which_keys_go_and_how_they_are_called(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    own = create_folder(folder.environment, "/orgs/beta", by=ANYBODY)
    set_secrets(own, {"STRIPE_KEY": "s", "LOCAL_X": "x", "DB_URL": "d"}, by=ANYBODY)
    lines = {"except_keys": "LOCAL_*", "key_renames": "DB_URL=DATABASE_URL"}
    given = entries(
        folder, connection, below="{{organization}}", key_schema="{{organization}}_{{secretKey}}", **lines, preview="1"
    )

    answer = admin.post(add_url(folder), given)

    assert str(answer.context["names_of"]) == "Beta", "Acme has no folder"
    names = {name.source_key: name.destination_key for name in answer.context["preview"].names}
    assert names == {"STRIPE_KEY": "beta_STRIPE_KEY", "DB_URL": "beta_DATABASE_URL"}
    assert answer.context["preview"].others == ["LOCAL_X"]
    assert "Keys, as in Beta" in answer.content.decode()
    none = admin.post(add_url(folder), given | {"below": "team/{{organization}}"}).content.decode()
    assert "No organization has a folder /orgs/team/{{organization}} yet" in none


def test_whoever_may_not_see_secrets_there_is_shown_no_keys(
    client: Client, folder: Folder, make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme")
    set_secrets(folder, {"STRIPE_KEY": "s"}, by=ANYBODY)
    each = make_set()
    person = User.objects.create_user("changer", is_staff=True)
    names = ("view_devinsync", "change_devinsync")
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)

    page = client.get(reverse("admin:fleets_syncset_settings", args=[each.pk])).content.decode()

    assert 'title="org-acme"' in page
    assert "STRIPE_KEY" not in page


def test_a_connection_that_lists_no_organization_is_told_to_be_so(
    admin: Client, folder: Folder, connection: Connection
) -> None:
    nothing = admin.get(add_url(folder)).content.decode()
    Connection.objects.create(name="another", base_url=connection.base_url)

    unchosen = admin.get(add_url(folder)).content.decode()

    assert "Ask for organizations" in nothing, "the only connection is chosen already"
    assert "Choose a connection, and its organizations are shown here." in unchosen


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"canaries": "Nobody"}, ("canaries", "knows no organization of this name")),
        ({"selection": "listed"}, ("chosen", "Name the organizations")),
        ({"selection": "listed", "chosen": "Twin"}, ("chosen", "reaches several organizations of this name")),
        ({"key_schema": "no key"}, ("key_schema", "A key schema may hold")),
        ({"below": "a//b"}, ("below", "")),
        ({"folder": "nothing"}, ("folder", "no such folder")),
        ({"name": "Not A Slug"}, ("name", "lower-case letters")),
        ({"guard_max_percent": "101"}, ("guard_max_percent", "100")),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    admin: Client, folder: Folder, connection: Connection, fields: dict[str, str], problem: tuple[str, str]
) -> None:
    field, told = problem
    connection.organizations.create(org_id="org-1", name="Twin")
    connection.organizations.create(org_id="org-2", name="Twin")

    answer = admin.post(add_url(folder), entries(folder, connection, **fields))

    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert told in str(errors[field])
    assert not SyncSet.objects.exists()


def test_all_that_is_wrong_is_said_at_once(
    admin: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme")
    wrong = {"name": "Not A Slug", "canaries": "Nobody", "selection": "listed", "chosen": "Somebody"}

    answer = admin.post(add_url(folder), entries(folder, connection, **wrong))
    without = admin.post(add_url(folder), entries(folder, connection, **wrong, connection=""))

    assert set(answer.context["adminform"].form.errors) == {"name", "canaries", "chosen"}
    assert set(without.context["adminform"].form.errors) == {"name", "connection"}
    assert not SyncSet.objects.exists()


def test_the_name_of_another_set_is_refused(
    admin: Client, folder: Folder, connection: Connection, make_set: MakeSet
) -> None:
    make_set()

    answer = admin.post(add_url(folder), entries(folder, connection))

    assert "already has a sync set named" in str(answer.context["adminform"].form.errors["name"])


def test_settings_are_changed(admin: Client, make_set: MakeSet, folder: Folder, devin_lists: List) -> None:
    devin_lists("Acme")
    each = make_set(selection=Selection.LISTED, chosen="org-acme")
    settings = reverse("admin:fleets_syncset_settings", args=[each.pk])
    form = admin.get(settings).context["adminform"].form
    assert form.initial["chosen"] == "Acme"
    new = entries(folder, each.connection, selection="listed", chosen="Acme", key_schema="X_{{secretKey}}")

    admin.post(settings, new | {"seen_version": str(each.version)})
    generate_due()

    each.refresh_from_db()
    assert (each.chosen, each.version) == ("org-acme", 2)
    assert DevinSync.objects.get().key_schema == "X_{{secretKey}}"


def test_an_edit_of_somebody_else_is_not_overwritten(
    admin: Client, make_set: MakeSet, folder: Folder, devin_lists: List
) -> None:
    each = make_set()
    change_set(each.pk, {"description": "theirs"}, by=CONSOLE)

    answer = admin.post(page_of(each), entries(folder, each.connection, description="mine") | {"seen_version": "1"})

    assert "Somebody else saved this set" in answer.content.decode()
    each.refresh_from_db()
    assert each.description == "theirs"


def test_the_page_takes_as_many_statements_for_many_as_for_few(
    admin: Client, make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme")
    each = make_set()

    def count() -> int:
        with CaptureQueriesContext(database) as asked:
            assert admin.get(page_of(each)).status_code == 200
        return len(asked)

    count()
    few = count()
    devin_lists("Acme", *(f"Org {number}" for number in range(40)))
    generate_due()

    assert count() == few
    assert few <= 12


def test_the_table_is_narrowed(admin: Client, make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta", "Gamma", "Delta")
    each = make_set(new_organizations=NewOrganizations.ASK)
    failed = {"sync_status": Status.FAILED, "last_sync_message": "Devin said no."}
    DevinSync.objects.filter(org_id__in=["org-beta", "org-delta"]).update(**failed)
    override(member_of(each, "gamma").pk, {"is_enabled": False, "guard_max_deletions": 7}, by=CONSOLE)
    devin_lists("Acme", "Beta", "Gamma", "New")
    generate_due()

    def shown(**query: str) -> list[str]:
        return [row.name for row in admin.get(page_of(each), query).context["rows"]]

    assert shown() == ["Acme", "Beta", "Gamma", "New", "Delta"]
    assert shown(show="trouble") == ["Beta"], "Delta has left"
    assert shown(show="waiting") == ["New"]
    assert shown(show="paused") == ["Gamma"]
    assert shown(show="left") == ["Delta"]
    assert shown(q="amm") == ["Gamma"]
    assert shown(show="waiting", q="amm") == []
    page = admin.get(page_of(each)).content.decode()
    assert "Devin said no." in page
    assert "only here: deletions without asking: 7" in page
    assert "Nothing matches" in admin.get(page_of(each), {"q": "nobody"}).content.decode()
    assert set(FILTERS) == {"", "trouble", "waiting", "skipped", "paused", "left"}


def test_what_somebody_had_changed_in_devin_is_told_for_a_day(
    admin: Client, make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    each, now = make_set(), timezone.now()
    for drifted, ago in ((2, 1), (3, 23), (8, 25)):
        sync = member_of(each, "acme").sync
        SyncRun.objects.create(
            sync=sync, status=Status.SUCCEEDED, drifted_count=drifted, finished_at=now - timedelta(hours=ago)
        )

    rows = admin.get(page_of(each)).context["rows"]

    assert {row.name: row.member.drift for row in rows} == {"Acme": 5, "Beta": None}


def test_an_empty_set_says_what_to_do(admin: Client, make_set: MakeSet) -> None:
    assert "No organization yet" in admin.get(page_of(make_set())).content.decode()


def test_all_are_synced(admin: Client, make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    SyncRun.objects.all().delete()

    answer = admin.post(reverse("admin:fleets_syncset_run", args=[each.pk]), follow=True)

    assert "2 runs have been queued." in answer.content.decode()
    assert SyncRun.objects.filter(status=Status.PENDING).count() == 2


def test_those_that_wait_are_approved(admin: Client, make_set: MakeSet, devin_lists: List) -> None:
    each = make_set(new_organizations=NewOrganizations.ASK)
    devin_lists("Acme", "Beta")
    generate_due()

    admin.post(
        reverse("admin:fleets_syncset_approve", args=[each.pk]),
        {"member": [str(member_of(each, "beta").pk), "no id"]},
    )
    generate_due()

    assert standing(each) == {"acme": State.WAITING, "beta": State.ACTIVE}


def test_one_is_paused_and_given_other_limits(admin: Client, make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    args = [each.pk, member_of(each, "acme").pk]
    limits = reverse("admin:fleets_syncset_limits", args=args)

    admin.post(reverse("admin:fleets_syncset_pause", args=args), {"on": "0"})
    admin.post(limits, {"guard_max_percent": "5", "disable_secret_deletion": "true"})
    wrong = admin.post(limits, {"guard_max_percent": "101"})
    generate_due()

    assert "100" in str(wrong.context["form"].errors["guard_max_percent"])
    acme, beta = DevinSync.objects.order_by("name")
    assert (acme.is_enabled, acme.guard_max_percent, acme.disable_secret_deletion) == (False, 5, True)
    assert (beta.is_enabled, beta.guard_max_percent, beta.disable_secret_deletion) == (True, 30, False)
    admin.post(reverse("admin:fleets_syncset_pause", args=args), {"on": "1"})
    generate_due()
    acme.refresh_from_db()
    assert acme.is_enabled


def test_the_secrets_of_one_that_left_are_removed(admin: Client, make_set: MakeSet, devin_lists: List) -> None:
    devin_lists("Acme", "Beta")
    each = make_set()
    remove = reverse("admin:fleets_syncset_remove", args=[each.pk, member_of(each, "beta").pk])
    assert "has left the set" in admin.post(remove, follow=True).content.decode()
    devin_lists("Acme")
    generate_due()

    admin.post(remove)

    assert SyncRun.objects.get(operation=Operation.REMOVE).org_id == "org-beta"


@pytest.mark.parametrize("choice", ["leave", "remove", ""])
def test_a_set_is_deleted(admin: Client, make_set: MakeSet, devin_lists: List, choice: str) -> None:
    devin_lists("Acme")
    each = make_set()

    admin.post(reverse("admin:fleets_syncset_delete", args=[each.pk]), {"secrets": choice})
    generate_due()

    assert SyncSet.objects.exists() == (choice != "leave")
    assert SyncRun.objects.filter(operation=Operation.REMOVE).exists() == (choice == "remove")


def test_a_sync_that_a_set_makes_is_looked_at_and_not_edited(
    admin: Client, make_set: MakeSet, devin_lists: List
) -> None:
    devin_lists("Acme")
    each = make_set()
    sync = DevinSync.objects.get()

    settings = admin.get(reverse("admin:syncs_devinsync_settings", args=[sync.pk]))
    page = admin.get(sync.get_absolute_url()).content.decode()

    assert not settings.context["has_change_permission"]
    assert page_of(each) in page
    assert reverse("admin:syncs_devinsync_delete", args=[sync.pk]) not in page


def test_organizations_are_suggested_by_name(
    admin: Client, client: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme", "Beta")
    url = reverse("admin:fleets_syncset_suggest", args=[folder.environment.project_id])

    page = admin.get(add_url(folder)).content.decode()
    assert page.count(f'data-from="{url}"') == 3
    all_of_them = admin.get(url, {"connection": str(connection.pk)}).content.decode()
    assert '<option value="org-acme">Acme</option><option value="org-beta">Beta</option>' in all_of_them
    by_id = admin.get(url, {"connection": str(connection.pk), "q": "G-BET"}).content.decode()
    assert "Acme" not in by_id
    assert '<option value="org-beta">Beta</option>' in by_id
    for other in ("", "none", str(folder.pk)):
        assert "<option" not in admin.get(url, {"connection": other}).content.decode()


def test_of_a_connection_that_one_may_not_use_no_organization_is_suggested(
    client: Client, folder: Folder, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme")
    member = User.objects.create_user("vera", is_staff=True)
    Membership.objects.create(project=folder.environment.project, user=member, role="editor")
    client.force_login(member)
    url = reverse("admin:fleets_syncset_suggest", args=[folder.environment.project_id])

    assert "Acme" not in client.get(url, {"connection": str(connection.pk)}).content.decode()
    SharedConnection.objects.create(connection=connection, project=folder.environment.project)
    assert "Acme" in client.get(url, {"connection": str(connection.pk)}).content.decode()
