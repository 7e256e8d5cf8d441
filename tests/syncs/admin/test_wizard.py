"""The wizard: from an empty form to a first run, with what a person may do wrong on the way."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from connections.models import Connection
from sandbox.organization import Organization
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.engine.overlaps import overlap_advice
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from tests.syncs.wizard_walk import Walk, step_url
from vault.editing import change_tags, create_folder, set_secrets
from vault.models import Folder

CANARY = "canary-7f3a-value"


@pytest.fixture
def editor(db: None) -> User:
    user = User.objects.create_user("edith", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="Editor"))
    return user


@pytest.fixture
def walk(client: Client, editor: User, folder: Folder, connection: Connection, rung: list[str]) -> Walk:
    set_secrets(folder, {"DB_URL": CANARY, "API_KEY": CANARY}, by=ANYBODY)
    client.force_login(editor)
    return Walk(client, folder, connection)


def test_makes_a_sync_and_starts_its_first_run(walk: Walk, organization: Organization) -> None:
    response = walk.create(walk.to_review())

    run = SyncRun.objects.get()
    assert response.headers["Location"] == run.get_absolute_url()
    assert (run.trigger, run.requested_by and run.requested_by.username) == (Trigger.WIZARD, "edith")
    jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert organization.values() == {"PROD_DB_URL": CANARY, "PROD_API_KEY": CANARY}


def test_saves_everything_that_was_entered(walk: Walk) -> None:
    walk.options = {
        "disable_secret_deletion": "on",
        "recursive": "on",
        "reconcile_minutes": "60",
        "guard_max_percent": "5",
    }
    walk.details = {"name": "  My-Sync ", "description": "What it is for", "is_enabled": "on"}

    walk.create(walk.to_review())

    sync = DevinSync.objects.get()
    assert (sync.name, sync.description, sync.org_id) == ("my-sync", "What it is for", "org-sandbox")
    assert (sync.project, sync.folder, sync.connection) == (
        walk.folder.environment.project,
        walk.folder,
        walk.connection,
    )
    assert (sync.disable_secret_deletion, sync.recursive, sync.strangers) == (True, True, "delete")
    assert (sync.key_schema, sync.reconcile_minutes, sync.guard_max_percent) == ("PROD_{{secretKey}}", 60, 5)
    assert (sync.source_environment, sync.source_path) == ("dev", "/my-secrets")
    assert sync.created_by is not None


def test_shows_what_the_folder_holds(walk: Walk) -> None:
    walk.begin()

    page = walk.post("source", button="refresh")

    assert page.status_code == 200
    assert "2 secrets found" in page.content.decode()
    assert "API_KEY" in page.content.decode()


def test_offers_environments_and_folders_without_scripts(walk: Walk) -> None:
    walk.begin()

    page = walk.post("source", button="refresh", environment=None, folder=None)

    form = page.context["form"]
    assert "/my-secrets" in page.content.decode()
    assert form.initial["environment"] == str(walk.folder.environment_id), "the only one there is"
    assert not form.errors


def test_prefills_the_organization_of_the_key(walk: Walk) -> None:
    walk.connection.verify()
    walk.begin()
    walk.answer("source")

    page = walk.client.get(step_url("destination"))

    assert page.context["form"].initial["org_id"] == "org-sandbox"


def test_check_access_counts_the_secrets(walk: Walk, organization: Organization) -> None:
    organization.put(key="A", value="x")
    organization.put(key="B", value="x", secret_type="totp")
    walk.begin()
    walk.answer("source")

    page = walk.post("destination", button="check")

    assert (page.context["access"].secret_count, page.context["access"].special_count) == (2, 1)
    assert "It holds 2 secrets now, 1 of them TOTP or cookie" in page.content.decode()


@pytest.mark.parametrize(
    ("org_id", "says"),
    [("acme", "starts with"), ("org-nobody", "org-nobody"), ("", "starts with")],
    ids=["no organization ID", "one that the key may not see", "none"],
)
def test_check_access_says_what_is_wrong(walk: Walk, org_id: str, says: str) -> None:
    walk.begin()
    walk.answer("source")

    page = walk.post("destination", button="check", org_id=org_id)

    assert says in page.context["access"].problem


def test_previews_names_as_they_are_typed(walk: Walk) -> None:
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", button="refresh", key_schema="{{environment}}/{{secretKey}}")

    names = {name.source_key: name.destination_key for name in page.context["preview"].names}
    assert names == {"API_KEY": "dev/API_KEY", "DB_URL": "dev/DB_URL"}
    assert "Devin shows it to its sessions as dev_API_KEY" in page.content.decode()


def test_shows_which_keys_fall_in_and_which_fall_out(walk: Walk) -> None:
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", button="refresh", only_keys="DB_*", key_renames="DB_URL = DATABASE_URL")

    names = {name.source_key: name.destination_key for name in page.context["preview"].names}
    assert names == {"DB_URL": "PROD_DATABASE_URL"}
    assert page.context["preview"].others == ["API_KEY"]
    assert "1 key of the source not synced" in page.content.decode()


def test_shows_whose_tags_fall_in_and_which_tag_no_secret_carries(walk: Walk) -> None:
    rows = list(walk.folder.secrets.select_related("folder__environment__project").filter(key="DB_URL"))
    change_tags(rows[0].folder.environment.project, rows, add=["devin", "db"], remove=[], by=ANYBODY)
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", button="refresh", only_tags="devin, prod")

    preview = page.context["preview"]
    assert ([name.source_key for name in preview.names], preview.others) == (["DB_URL"], ["API_KEY"])
    assert (
        "No secret of the source carries the tag prod, so nothing is synced for it. There are: db, devin."
        in page.content.decode()
    )


def test_says_where_no_key_falls_in(walk: Walk) -> None:
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", button="refresh", only_keys="NOTHING_*").content.decode()

    assert "No secret of the source is like that, so nothing is synced." in page


def test_warns_of_a_schema_without_a_fixed_part(walk: Walk) -> None:
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", button="refresh", key_schema="")

    assert "every secret of the organization belongs to this sync" in page.content.decode()


def test_warns_of_another_sync_of_the_same_organization(walk: Walk, sync: DevinSync) -> None:
    page = walk.to_review()

    assert [overlap.other.name for overlap in page.context["overlapping"]] == [sync.name]
    assert f"The sync “{sync.name}”" in page.content.decode()


@pytest.mark.parametrize(
    ("own", "others", "advice"),
    [
        ("A_{{secretKey}}", "", "Give that sync a prefix"),
        ("", "A_{{secretKey}}", "Give this sync a prefix"),
        ("", "", "give each its own prefix"),
    ],
)
def test_says_which_of_two_syncs_to_give_a_prefix(sync: DevinSync, own: str, others: str, advice: str) -> None:
    other = DevinSync(name="other", project=sync.project, org_id=sync.org_id, key_schema=others)
    sync.key_schema = own

    assert advice in overlap_advice(sync, other)


BAD_INPUT: list[tuple[str, dict[str, Any], str, str]] = [
    ("source", {"project": None}, "project", "Choose a project."),
    ("source", {"project": "nonsense"}, "project", "Choose one of the list."),
    ("source", {"environment": None}, "environment", "Choose an environment"),
    ("source", {"folder": None}, "folder", "Choose the folder"),
    ("source", {"folder": "0b5f3f5e-0000-4000-8000-000000000000"}, "folder", "no such folder"),
    ("destination", {"connection": None}, "connection", "Choose the connection"),
    ("destination", {"org_id": ""}, "org_id", "starts with “org-”"),
    ("destination", {"org_id": "acme"}, "org_id", 'starts with "org-"'),
    ("destination", {"org_id": "org-" + "x" * 200}, "org_id", "at most 128"),
    ("destination", {"org_id": "org-a/../b"}, "org_id", 'letters, digits, "-" or "_"'),
    ("options", {"initial_sync_behavior": "import"}, "initial_sync_behavior", "Devin never gives a value back"),
    ("options", {"key_schema": "PROD_"}, "key_schema", "{{secretKey}} exactly once"),
    ("options", {"key_schema": "{{secretKey}}{{secretKey}}"}, "key_schema", "exactly once"),
    ("options", {"key_schema": "A B {{secretKey}}"}, "key_schema", "letters, digits"),
    ("options", {"key_schema": "{{ secretKey }}"}, "key_schema", "without spaces"),
    ("options", {"only_keys": "A\nTWO WORDS"}, "only_keys", "Line 2 is no key and no pattern"),
    ("options", {"except_keys": "A=B"}, "except_keys", "Line 1 is no key and no pattern"),
    ("options", {"only_tags": "A\nTWO WORDS"}, "only_tags", "Line 2 is no tag and no pattern"),
    ("options", {"key_renames": "A=B\nA=C"}, "key_renames", "Line 2 renames A a second time"),
    ("options", {"key_schema": "x" * 250 + "{{secretKey}}"}, "key_schema", "at most 255"),
    ("options", {"reconcile_minutes": "-1"}, "reconcile_minutes", "greater than or equal to 0"),
    ("options", {"reconcile_minutes": "99999"}, "reconcile_minutes", "less than or equal to 10080"),
    ("options", {"guard_max_percent": "101"}, "guard_max_percent", "less than or equal to 100"),
    ("options", {"guard_max_deletions": "many"}, "guard_max_deletions", "whole number"),
    ("details", {"name": ""}, "name", "Give the sync a name"),
    ("details", {"name": "my_sync"}, "name", "single hyphens"),
    ("details", {"name": "a--b"}, "name", "single hyphens"),
    ("details", {"name": "x" * 257}, "name", "at most 256"),
    ("details", {"name": "taken"}, "name", "already has a sync named “taken”"),
    ("details", {"description": "x" * 257}, "description", "at most 256"),
]


@pytest.mark.parametrize(
    ("step", "entries", "field", "says"), BAD_INPUT, ids=[f"{s} {e}"[:60] for s, e, *_ in BAD_INPUT]
)
def test_bad_input_gets_a_message_at_its_field(  # noqa: PLR0917
    walk: Walk, sync: DevinSync, step: str, entries: dict[str, Any], field: str, says: str
) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(name="taken")
    steps = ["source", "destination", "options", "details"]
    walk.begin()
    walk.answer(*steps[: steps.index(step)])

    page = walk.post(step, **entries)

    assert page.status_code == 200
    assert says in " ".join(page.context["form"].errors[field])
    assert DevinSync.objects.count() == 1
    for name, value in walk.entries(step).items():
        if name not in entries:
            assert str(page.context["form"][name].value()) in (str(value), "True"), "nothing is lost"


def test_refuses_subfolders_that_share_a_key(walk: Walk) -> None:
    below = create_folder(walk.folder.environment, "/my-secrets/web", by=ANYBODY)
    set_secrets(below, {"DB_URL": "x"}, by=ANYBODY)
    walk.begin()
    walk.answer("source", "destination")

    page = walk.post("options", recursive="on")

    assert "DB_URL" in " ".join(page.context["form"].errors["recursive"])


def test_back_keeps_what_was_entered_even_if_it_is_wrong(walk: Walk) -> None:
    walk.begin()
    walk.answer("source")

    response = walk.client.post(
        step_url("destination"), {"destination-org_id": "half-an-id", "wizard_goto_step": "source"}
    )

    assert response.headers["Location"] == step_url("source")
    page = walk.client.get(step_url("source"))
    assert str(page.context["form"]["folder"].value()) == str(walk.folder.pk)
    assert walk.client.get(step_url("destination")).context["form"]["org_id"].value() == "half-an-id"


def test_a_later_step_leads_to_the_first_unanswered_one(walk: Walk) -> None:
    walk.begin()
    walk.answer("source")

    for step in ("options", "details", "review"):
        assert walk.client.get(step_url(step)).headers["Location"] == step_url("destination")
        assert walk.client.post(step_url(step), {}).headers["Location"] == step_url("destination")


def test_an_unknown_step_is_not_found(walk: Walk) -> None:
    assert walk.client.get(step_url("nonsense")).status_code == 404


def test_goes_on_where_it_was_left(walk: Walk) -> None:
    walk.begin()
    walk.answer("source", "destination")

    response = walk.client.get(reverse("admin:syncs_devinsync_add"), follow=True)

    assert response.redirect_chain == [(step_url("options"), 302)]
    assert "You left this sync unfinished" in response.content.decode()


def test_begins_with_the_folder_of_a_link(walk: Walk) -> None:
    walk.client.get(reverse("admin:syncs_devinsync_add"), {"folder": str(walk.folder.pk)})

    page = walk.client.get(step_url("source"))

    assert str(page.context["chosen_folder"]) == str(walk.folder)


def test_shows_the_dangerous_first(walk: Walk, organization: Organization) -> None:
    organization.put(key="PROD_LEGACY", value="x")
    organization.put(key="PROD_OTP", value="x", secret_type="totp")
    organization.put(key="PROD_DB_URL", value="x")
    organization.put(key="OTHER", value="x")

    page = walk.to_review()

    shown = page.context["shown"]
    assert [(group.action, [item.key for item in group.items]) for group in shown.groups] == [
        ("delete", ["PROD_OTP", "PROD_LEGACY"]),
        ("replace", ["PROD_DB_URL"]),
        ("create", ["PROD_API_KEY"]),
    ]
    assert (shown.stranger_count, shown.special_count, page.context["asks"]) == (3, 1, True)


def test_destroys_others_secrets_only_with_a_word(walk: Walk, organization: Organization) -> None:
    organization.put(key="PROD_LEGACY", value="x")
    page = walk.to_review()

    refused = walk.create(page)
    assert refused.status_code == 200
    assert "Tick this box" in refused.content.decode()
    assert not DevinSync.objects.exists()

    walk.create(page, confirm=True)
    run = SyncRun.objects.get()
    jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 1)
    assert "PROD_LEGACY" not in organization.values()


def test_who_may_not_confirm_deletions_confirms_none(walk: Walk, editor: User, organization: Organization) -> None:
    editor.groups.clear()
    editor.user_permissions.set(Permission.objects.exclude(codename="confirm_deletions"))
    for number in range(12):
        organization.put(key=f"PROD_LEGACY_{number}", value="x")

    page = walk.to_review()
    walk.create(page, confirm=True)

    assert "somebody who may confirm" in page.content.decode()
    run = SyncRun.objects.get()
    jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "too_many_deletions")


def test_the_first_run_deletes_no_more_than_was_shown(walk: Walk, organization: Organization) -> None:
    walk.create(walk.to_review())
    organization.put(key="PROD_LATECOMER", value="x")

    run = SyncRun.objects.get()
    jobs.run_sync(str(run.pk))

    run.refresh_from_db()
    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "plan_grew")
    assert organization.values()["PROD_LATECOMER"] == "x"
    assert run.held_count == 1


def test_a_plan_of_other_entries_is_not_confirmed(walk: Walk, organization: Organization) -> None:
    old = walk.to_review()
    organization.put(key="PROD_NEW", value="x")
    walk.client.get(step_url("review"))

    response = walk.create(old)

    assert response.status_code == 200
    assert "drawn anew" in response.content.decode()
    assert not DevinSync.objects.exists()


def test_two_clicks_make_one_sync(walk: Walk) -> None:
    page = walk.to_review()

    first, second = walk.create(page), walk.create(page)

    assert DevinSync.objects.count() == SyncRun.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_two_clicks_make_one_sync_for_who_came_by_a_bookmark(walk: Walk) -> None:
    walk.answer("source", "destination", "options", "details")
    page = walk.client.get(step_url("review"))

    first, second = walk.create(page), walk.create(page)

    assert DevinSync.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_a_name_taken_meanwhile_leads_back_to_details(walk: Walk, sync: DevinSync) -> None:
    page = walk.to_review()
    DevinSync.objects.filter(pk=sync.pk).update(name="my-sync")

    response = walk.create(page)

    assert response.headers["Location"] == step_url("details")
    assert "already has a sync named" in str(walk.client.get(step_url("details")).context["form"].errors)


def test_says_why_the_plan_cannot_be_drawn(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")

    page = walk.to_review()

    assert "does not accept the API key" in page.context["problem"]
    assert page.context["mend_url"] == step_url("destination")


def test_without_a_plan_only_a_disabled_sync_is_made(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")
    page = walk.to_review()

    assert walk.create(page).status_code == 200
    assert not DevinSync.objects.exists()

    walk.create(page, create_disabled="1")
    assert DevinSync.objects.get().is_enabled is False
    assert not SyncRun.objects.exists()


def test_a_disabled_sync_starts_no_run(walk: Walk) -> None:
    walk.details = {"name": "later"}

    response = walk.create(walk.to_review())

    sync = DevinSync.objects.get()
    assert response.headers["Location"] == sync.get_absolute_url()
    assert (sync.is_enabled, SyncRun.objects.count()) == (False, 0)


def test_says_what_is_missing_to_begin(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    client.get(reverse("admin:syncs_devinsync_add"))

    assert "The vault has no project yet" in client.get(step_url("source")).content.decode()


def test_says_that_there_is_no_connection(walk: Walk) -> None:
    walk.begin()
    walk.answer("source")
    walk.connection.delete()

    page = walk.client.get(step_url("destination"))

    assert "No connection to Devin yet" in page.content.decode()


def test_the_session_can_not_be_read(walk: Walk) -> None:
    walk.to_review()

    kept = Session.objects.get().get_decoded()["wizard_sync_wizard"]

    assert kept.startswith("ds1.")
    assert "my-sync" not in kept


def test_another_session_can_not_open_it(walk: Walk, admin_user: User) -> None:
    walk.to_review()
    kept = walk.client.session["wizard_sync_wizard"]
    other = Client()
    other.force_login(admin_user)
    session = other.session
    session["wizard_sync_wizard"] = kept
    session.save()

    assert other.get(step_url("review")).headers["Location"] == step_url("source")


def test_what_was_entered_expires(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    walk.to_review()

    monkeypatch.setattr("syncs.admin.wizard.storage.time", SimpleNamespace(time=lambda: 4e9))

    assert walk.client.get(step_url("review")).headers["Location"] == step_url("source")


def test_no_value_on_any_page(walk: Walk, organization: Organization) -> None:
    organization.put(key="PROD_LEGACY", value="stranger-" + CANARY)

    walk.begin()
    pages = [walk.post("source", button="refresh")]
    walk.answer("source")
    pages += [walk.post("destination", button="check")]
    walk.answer("destination")
    pages += [walk.post("options", button="refresh")]
    walk.answer("options", "details")
    pages += [walk.client.get(step_url("review"))]

    assert all(CANARY not in page.content.decode() and "cog_" not in page.content.decode() for page in pages)


@pytest.mark.parametrize(
    ("group", "status"), [("Viewer", 403), ("Operator", 403), ("Editor", 302), ("Administrator", 302), (None, 403)]
)
def test_takes_the_right_to_add(client: Client, db: None, group: str | None, status: int) -> None:
    user = User.objects.create_user("someone", password="x", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    client.force_login(user)

    assert client.get(reverse("admin:syncs_devinsync_add")).status_code == status
    assert client.get(step_url("review")).status_code == status


def test_asks_strangers_to_log_in(client: Client, db: None) -> None:
    assert "/login/" in client.get(step_url("source")).headers["Location"]


# Keys that another sync holds


@pytest.fixture
def held(other: Bench) -> Bench:
    """Another sync has written both keys to the organization."""
    other.options(key_schema="PROD_{{secretKey}}")
    other.source(DB_URL="x", API_KEY="x")
    other.run()
    return other


def test_does_not_make_a_sync_that_could_write_nothing(walk: Walk, held: Bench) -> None:
    page = walk.to_review()

    text = page.content.decode()
    assert "None of the 2 keys of dev:/my-secrets can be written." in text
    assert "The sync “their-sync” manages" in text
    assert [step_url(step) in text for step in ("options", "source", "destination")] == [True] * 3
    assert ">Create sync<" not in text
    assert walk.create(page).status_code == 200
    assert not DevinSync.objects.exclude(pk=held.sync.pk).exists()


def test_makes_it_disabled_all_the_same(walk: Walk, held: Bench) -> None:
    walk.create(walk.to_review(), create_disabled="1")

    assert not DevinSync.objects.exclude(pk=held.sync.pk).get().is_enabled


def test_says_which_keys_it_could_not_write(walk: Walk, held: Bench) -> None:
    set_secrets(walk.folder, {"OWN": CANARY}, by=ANYBODY)

    page = walk.to_review()

    assert "2 of the 3 keys of dev:/my-secrets cannot be written." in page.content.decode()
    assert walk.create(page).status_code == 302


def test_another_key_schema_is_a_way_out(walk: Walk, held: Bench) -> None:
    walk.options = {"key_schema": "TEAM_{{secretKey}}"}

    assert "cannot be written" not in walk.to_review().content.decode()


def test_shows_the_plan_before_the_settings(walk: Walk) -> None:
    text = walk.to_review().content.decode()

    assert text.index("What the first run will do") < text.index("Key schema") < text.index(">Create sync<")
