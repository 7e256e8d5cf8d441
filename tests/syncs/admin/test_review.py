"""What an edit of a sync does in Devin is shown before it is saved, whatever is edited, and wherever."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from sandbox.organization import Organization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Strangers
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.admin.test_syncs import act, entries, messages_on, page_of
from tests.syncs.conftest import API_KEY, Bench
from tests.syncs.people import log_in
from tests.syncs.reviewing import answer_review, is_review
from vault.editing import create_environment, create_folder, set_secrets
from vault.models import Folder, Project

SCHEMA = "PROD_{{secretKey}}"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


@pytest.fixture
def synced(bench: Bench) -> DevinSync:
    """Two secrets stand in Devin as in the source."""
    bench.source(A="1", B="2")
    bench.run()
    assert not SyncRun.objects.pending().exists()
    return bench.sync


@pytest.fixture
def prod(project: Project, synced: DevinSync) -> Folder:
    folder = create_folder(create_environment(project, name="Production", slug="prod", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"A": "of prod"}, by=ANYBODY)
    return folder


def edit(client: Client, sync: DevinSync, **changed: Any) -> Any:
    return client.post(page_of(sync), entries(sync, **changed))


def stands_as_before(sync: DevinSync, organization: Organization) -> bool:
    now = DevinSync.objects.get(pk=sync.pk)
    untouched = (now.version, now.key_schema, now.folder_id) == (sync.version, sync.key_schema, sync.folder_id)
    return untouched and organization.values() == {"A": "1", "B": "2"} and not SyncRun.objects.pending().exists()


def test_another_key_schema_is_a_rename_seen_before(
    client: Client, synced: DevinSync, bench: Bench, organization: Organization
) -> None:
    page = edit(client, synced, key_schema=SCHEMA)

    assert is_review(page)
    text = page.content.decode()
    assert "Renamed in Devin" in text
    assert "A → PROD_A" in text
    assert 'ds-counts__item--keep">\n    <strong>0</strong> to delete' in text
    assert stands_as_before(synced, organization)

    answer_review(client, page, "sync")

    bench.carry_out(SyncRun.objects.pending().get())
    assert organization.values() == {"PROD_A": "1", "PROD_B": "2"}


def test_another_environment_is_a_line_of_its_own(
    client: Client, synced: DevinSync, prod: Folder, organization: Organization
) -> None:
    page = edit(client, synced, folder=prod.pk)

    assert [str(each) for each in page.context["crossings"]] == ["The environment changes from dev to prod."]
    assert "The environment changes from <code>dev</code> to <code>prod</code>." in page.content.decode()
    assert page.context["shown"].plan.counts == {"create": 0, "replace": 1, "delete": 1, "keep": 0}
    assert stands_as_before(synced, organization)


def test_another_connection_and_organization_are_too(client: Client, synced: DevinSync, sandbox: Sandbox) -> None:
    sandbox.directory.declare_organization("org-b")
    second = Connection(name="second", base_url=sandbox.url)
    sandbox.directory.declare_key("cog_b", org_id="org-b")
    second.set_api_key("cog_b")
    second.save()

    page = edit(client, synced, connection=second.pk, org_id="org-b", old_secrets="remove")

    assert [str(each) for each in page.context["crossings"]] == [
        "The connection changes from acme to second.",
        "The organization changes from org-sandbox to org-b.",
    ]
    assert "Removed from org-sandbox" in page.content.decode()
    assert page.context["review"].removed == ["A", "B"]
    assert not SyncRun.objects.filter(operation=Operation.REMOVE).exists()


EDITS: tuple[dict[str, Any], ...] = (
    {"key_schema": SCHEMA}, {"disable_secret_deletion": None}, {"strangers": Strangers.LEAVE}, {"recursive": "on"},
    {"guard_max_deletions": "1"}, {"guard_max_percent": "90"}, {"guard_min_deletions": "1"},
)  # fmt: skip


@pytest.mark.parametrize("changed", EDITS, ids=str)
def test_every_option_that_moves_secrets_is_reviewed(
    client: Client, synced: DevinSync, bench: Bench, organization: Organization, changed: dict[str, Any]
) -> None:
    if "disable_secret_deletion" in changed:
        bench.options(disable_secret_deletion=True)
    organization.delete(organization.with_key("A")[0].secret_id)

    page = edit(client, bench.sync, **changed)

    assert is_review(page)
    assert not SyncRun.objects.pending().exists()


def test_nothing_is_asked_where_nothing_changes(client: Client, synced: DevinSync) -> None:
    page = edit(client, synced, guard_max_deletions="7")

    assert page.status_code == 302
    synced.refresh_from_db()
    assert synced.guard_max_deletions == 7


@pytest.mark.parametrize("changed", [{"description": "x"}, {"is_enabled": None}, {"auto_sync_enabled": None}], ids=str)
def test_nor_where_nothing_could(
    client: Client, synced: DevinSync, organization: Organization, changed: dict[str, Any]
) -> None:
    organization.delete(organization.with_key("A")[0].secret_id)

    assert edit(client, synced, **changed).status_code == 302


def test_saved_without_a_sync_nothing_runs(client: Client, synced: DevinSync, organization: Organization) -> None:
    page = edit(client, synced, key_schema=SCHEMA)

    answer = answer_review(client, page, "later", follow=True)

    assert "No run was started" in messages_on(answer)
    synced.refresh_from_db()
    assert (synced.key_schema, SyncRun.objects.pending().count()) == (SCHEMA, 0)
    assert organization.values() == {"A": "1", "B": "2"}


def test_back_keeps_what_was_typed(client: Client, synced: DevinSync, organization: Organization) -> None:
    page = edit(client, synced, key_schema=SCHEMA, description="half done", recursive="on")

    form = answer_review(client, page, "back")

    shown = form.context["adminform"].form
    assert (shown["key_schema"].value(), shown["description"].value()) == (SCHEMA, "half done")
    assert shown["recursive"].value()
    assert "errornote" not in form.content.decode()
    assert stands_as_before(synced, organization)


def test_what_is_saved_is_what_was_shown(client: Client, synced: DevinSync, bench: Bench) -> None:
    page = edit(client, synced, key_schema=SCHEMA)
    set_secrets(bench.folder, {"C": "3"}, by=ANYBODY)
    SyncRun.objects.pending().delete()

    again = answer_review(client, page, "sync")

    assert is_review(again)
    assert "The plan has changed since it was shown" in messages_on(again)
    assert "PROD_C" in again.content.decode()
    synced.refresh_from_db()
    assert (synced.key_schema, SyncRun.objects.pending().count()) == ("", 0)
    answer_review(client, again, "sync")
    assert DevinSync.objects.get().key_schema == SCHEMA


def test_an_edit_of_somebody_else_is_not_written_over(client: Client, synced: DevinSync) -> None:
    page = edit(client, synced, key_schema=SCHEMA)
    DevinSync.objects.update(version=9)

    answer = answer_review(client, page, "sync")

    assert "Somebody else saved this sync" in str(answer.context["errors"])
    assert answer.context["adminform"].form["key_schema"].value() == SCHEMA


def test_only_the_deletions_that_were_shown_are_confirmed(
    client: Client, synced: DevinSync, bench: Bench, prod: Folder, organization: Organization
) -> None:
    page = edit(client, synced, folder=prod.pk)
    answer_review(client, page, "sync")
    organization.put(key="LATE", value="x")

    run = bench.carry_out(SyncRun.objects.pending().get())

    assert run.status == Status.BLOCKED
    assert organization.values() == {"A": "of prod", "LATE": "x"}


def test_what_others_wrote_takes_a_persons_word(client: Client, synced: DevinSync, organization: Organization) -> None:
    organization.put(key="PROD_THEIRS", value="x")
    page = edit(client, synced, key_schema=SCHEMA)
    assert "1 secret that DevinSync did not write will be lost" in page.content.decode()

    refused = answer_review(client, page, "sync")

    assert "Tick this box" in refused.content.decode()
    assert not SyncRun.objects.pending().exists()
    answer_review(client, refused, "sync", agrees=True)
    assert SyncRun.objects.pending().exists()


def test_without_a_plan_it_is_saved_disabled(client: Client, synced: DevinSync, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key(API_KEY)
    page = edit(client, synced, key_schema=SCHEMA)
    text = page.content.decode()
    assert "The plan could not be calculated" in text
    assert "Save and sync" not in text
    assert is_review(answer_review(client, page, "sync"))

    answer_review(client, page, "disabled")

    synced.refresh_from_db()
    assert (synced.key_schema, synced.is_enabled) == (SCHEMA, False)
    assert not SyncRun.objects.pending().exists()


def test_keys_that_another_sync_holds_are_a_problem(client: Client, bench: Bench, other: Bench) -> None:
    other.options(key_schema="X_{{secretKey}}")
    other.source(A="theirs")
    other.run()
    bench.options(key_schema="Y_{{secretKey}}")
    bench.source(A="1")
    bench.run()

    page = edit(client, bench.sync, key_schema="X_{{secretKey}}")

    text = page.content.decode()
    assert "The only key of dev:/my-secrets cannot be written." in text
    assert "The sync “their-sync” manages" in text
    assert "Save and sync" not in text


def test_nothing_of_it_is_kept_in_the_session(client: Client, synced: DevinSync) -> None:
    before = dict(client.session.items())

    page = edit(client, synced, key_schema=SCHEMA)

    assert is_review(page)
    assert dict(client.session.items()) == before


# Switching on


@pytest.fixture
def off(bench: Bench, synced: DevinSync) -> DevinSync:
    """Disabled, and no longer in step."""
    bench.options(is_enabled=False)
    bench.source(A="1", B="2", C="3")
    SyncRun.objects.pending().delete()
    return bench.sync


@pytest.mark.parametrize("by", ["button", "action"])
def test_enabling_is_reviewed(client: Client, off: DevinSync, by: str) -> None:
    if by == "button":
        page = client.post(page_of(off, "switch"), {"field": "is_enabled", "on": "1"})
    else:
        page = act(client, "enable", off)

    assert is_review(page)
    assert not DevinSync.objects.get().is_enabled
    answer_review(client, page, "sync")
    assert DevinSync.objects.get().is_enabled
    assert SyncRun.objects.pending().exists()


def test_enabling_several_is_asked(client: Client, off: DevinSync) -> None:
    twin = DevinSync.objects.create(
        name="twin", project=off.project, folder=off.folder, connection=off.connection, org_id="org-x", is_enabled=False
    )

    page = act(client, "enable", off, twin)

    assert "Enable 2 syncs?" in page.content.decode()
    assert page_of(twin, "plan") in page.content.decode()
    assert not DevinSync.objects.filter(is_enabled=True).exists()
    client.post(reverse("admin:syncs_devinsync_confirmed", args=["enable"]), {"sync": [off.pk, twin.pk]})
    assert DevinSync.objects.filter(is_enabled=True).count() == 2


def test_who_may_not_see_a_plan_starts_none(client: Client, synced: DevinSync) -> None:
    user = log_in(client, "nobody")
    assert user is not None
    wanted = ["view_devinsync", "change_devinsync", "run_devinsync"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))

    page = edit(client, synced, key_schema=SCHEMA)

    assert "may not see what a run would do" in page.content.decode()
    assert "PROD_A" not in page.content.decode()
    assert is_review(answer_review(client, page, "sync"))
    assert not SyncRun.objects.pending().exists()
