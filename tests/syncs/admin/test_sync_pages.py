"""The pages of a sync: Overview, Keys, Runs and Settings, each at an address of its own; and what its menu leads to."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.admin.wizard.drafts import drafts_for
from syncs.choices import Action, Outcome, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from tests.syncs.people import log_in
from tests.syncs.wizard_walk import posted_options, step_url
from vault.editing import add_import, create_folder, delete_secret, rename_secret, set_secrets
from vault.models import Folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]
TABS = ("change", "keys", "runs", "settings")


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


def page_of(sync: DevinSync, name: str = "change") -> str:
    return reverse(f"admin:syncs_devinsync_{name}", args=[sync.pk])


# The four pages


@pytest.mark.parametrize("name", TABS)
def test_each_leads_to_the_others_and_has_the_menu(client: Client, sync: DevinSync, name: str) -> None:
    page = client.get(page_of(sync, name)).content.decode()

    for other in TABS:
        assert f'<a href="{page_of(sync, other)}"' in page
    assert page.count('aria-current="page">') >= 1
    assert f'<a href="{page_of(sync, name)}" aria-current="page">' in page
    for led_to in ("delete", "history"):
        assert f'href="{page_of(sync, led_to)}"' in page
    assert f'data-copy-text="{sync.pk}"' in page
    assert "Sync now" in page


def test_the_form_stands_on_its_settings_alone(client: Client, sync: DevinSync) -> None:
    assert 'name="key_schema"' not in client.get(page_of(sync)).content.decode()
    assert 'name="key_schema"' in client.get(page_of(sync, "settings")).content.decode()


@pytest.mark.parametrize("name", ["change", "settings"])
def test_an_edit_with_an_error_comes_back_on_the_settings(client: Client, sync: DevinSync, name: str) -> None:
    posted = {"name": "", "seen_version": sync.version, **posted_options(sync)}

    page = client.post(page_of(sync, name), posted)

    assert page.context["tab"] == "settings"
    assert "Nothing was saved." in page.content.decode()


def test_settings_are_saved_where_they_stand(client: Client, sync: DevinSync) -> None:
    posted = {
        "name": "other-name", "description": "", "is_enabled": "on", "folder": sync.folder_id,
        "connection": sync.connection_id, "org_id": sync.org_id, "seen_version": sync.version,
        **posted_options(sync),
    }  # fmt: skip

    assert client.post(page_of(sync, "settings"), posted).status_code == 302
    sync.refresh_from_db()
    assert sync.name == "other-name"


def test_who_may_not_see_keys_is_not_led_to_them(client: Client, sync: DevinSync) -> None:
    user = log_in(client, "viewer")
    assert user is not None
    user.groups.clear()
    user.user_permissions.set(Permission.objects.filter(codename="view_devinsync"))

    page = client.get(page_of(sync)).content.decode()

    assert page_of(sync, "keys") not in page
    assert page_of(sync, "runs") not in page
    assert client.get(page_of(sync, "keys")).status_code == 403


def test_says_when_it_was_compared_and_what_is_in_step(client: Client, bench: Bench) -> None:
    bench.source(A="1", B="2")
    bench.run()

    assert "all 2 in step" in client.get(page_of(bench.sync)).content.decode()
    assert "all 2 in step" in client.get(reverse("admin:syncs_devinsync_changelist")).content.decode()


# Keys


def states(client: Client, sync: DevinSync, **query: str) -> dict[str, str]:
    page = client.get(page_of(sync, "keys"), query)
    return {key.name: str(key.state.label) for key, _ in page.context["keys"]}


def test_a_key_that_stands_as_it_should_is_in_step(client: Client, bench: Bench) -> None:
    bench.options(key_schema="PROD_{{secretKey}}")
    bench.source(A="1")
    bench.run()

    page = client.get(page_of(bench.sync, "keys"))

    (key, source_url), *_ = page.context["keys"]
    assert (key.name, key.source_key, key.state.label) == ("PROD_A", "A", "In step")
    assert key.written_at == ManagedSecret.objects.get().written_at
    assert source_url == page_of_secret(bench.folder, "A")
    assert "PROD_A" in page.content.decode()


def links(client: Client, sync: DevinSync) -> dict[str, str]:
    return {key.name: url for key, url in client.get(page_of(sync, "keys")).context["keys"]}


def page_of_secret(folder: Folder, key: str) -> str:
    return reverse("admin:vault_secret_page", args=[folder.secrets.get(key=key).pk])


def test_a_key_leads_to_its_secret_wherever_that_is(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    shared = create_folder(bench.folder.environment, "/shared", by=ANYBODY)
    below = create_folder(bench.folder.environment, "/my-secrets/below", by=ANYBODY)
    set_secrets(shared, {"IMPORTED": "1"}, by=ANYBODY)
    set_secrets(below, {"BELOW": "1"}, by=ANYBODY)
    add_import(bench.folder, shared, by=ANYBODY)
    bench.options(recursive=True)
    sandbox.refuse_value("REFUSED")
    bench.source(OWN="1", REFUSED="2")
    bench.run()

    assert links(client, bench.sync) == {
        "OWN": page_of_secret(bench.folder, "OWN"),
        "REFUSED": page_of_secret(bench.folder, "REFUSED"),
        "IMPORTED": page_of_secret(shared, "IMPORTED"),
        "BELOW": page_of_secret(below, "BELOW"),
    }


def test_a_key_leads_to_its_secret_under_its_new_name(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    rename_secret(bench.folder.secrets.get(key="A"), "B", by=ANYBODY)

    assert links(client, bench.sync)["A"] == page_of_secret(bench.folder, "B")


@pytest.mark.parametrize("source_id", ["", "an id of another source"])
def test_what_the_ledger_does_not_know_is_found_by_its_key(client: Client, bench: Bench, source_id: str) -> None:
    bench.source(A="1", GONE="2")
    bench.run()
    ManagedSecret.objects.update(source_id=source_id)
    delete_secret(bench.folder.secrets.get(key="GONE"), by=ANYBODY)

    assert links(client, bench.sync) == {
        "A": page_of_secret(bench.folder, "A"),
        "GONE": f"{reverse('admin:vault_folder_page', args=[bench.folder.pk])}?q=GONE",
    }


def test_a_refused_value_fails_its_key_with_the_reason(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    sandbox.refuse_value("B")
    bench.source(A="1", B="2")
    bench.run()

    assert states(client, bench.sync) == {"B": "Failed", "A": "In step"}
    assert "Devin answered 422" in client.get(page_of(bench.sync, "keys")).content.decode()


def test_a_key_of_another_sync_is_refused(client: Client, bench: Bench, other: Bench) -> None:
    other.source(A="theirs")
    other.run()
    bench.source(A="1", B="2")
    bench.run()

    assert states(client, bench.sync) == {"A": "Refused", "B": "In step"}


def test_a_key_that_was_taken_away_is_absent(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.duplicates = Duplicates.REJECT_409
    bench.source(A="old", B="old")
    bench.run()
    bench.source(A="new", B="old")
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=401, skip=1, times=None)
    bench.run()

    assert states(client, bench.sync) == {"A": "Absent", "B": "In step"}


def test_drift_that_is_not_repaired_yet_is_shown(client: Client, bench: Bench) -> None:
    bench.source(A="1", B="2")
    run = bench.run()
    run.changes.filter(destination_key="B").update(is_drift=True, outcome=Outcome.NOT_ATTEMPTED)

    assert states(client, bench.sync) == {"B": "Drifted", "A": "In step"}


def test_what_was_planned_and_not_done_waits(client: Client, bench: Bench) -> None:
    bench.source(A="1", B="2")
    run = bench.run()
    run.changes.filter(destination_key="B").update(action=Action.DELETE, outcome=Outcome.PLANNED)

    assert states(client, bench.sync) == {"B": "Waits", "A": "In step"}


def test_strangers_are_no_keys_of_the_sync(client: Client, bench: Bench, organization: SandboxOrganization) -> None:
    bench.options(strangers="ask")
    organization.put(key="THEIRS", value="x")
    bench.source(A="1")
    bench.run()

    assert states(client, bench.sync) == {"A": "In step"}


def test_a_run_that_never_had_a_plan_tells_nothing_of_keys(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    sandbox.refuse_value("B")
    bench.source(A="1", B="2")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="GET", status=401, times=None)
    assert bench.run().status == Status.FAILED

    assert states(client, bench.sync) == {"B": "Failed", "A": "In step"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "b"}, {"B"}),
        ({"state": "failed"}, {"B"}),
        ({"state": "in_step"}, {"A"}),
        ({"state": "nonsense"}, {"A", "B"}),
        ({"q": "a", "state": "failed"}, set()),
    ],
)
def test_keys_are_filtered(
    client: Client, bench: Bench, sandbox: Sandbox, query: dict[str, str], found: set[str]
) -> None:
    sandbox.refuse_value("B")
    bench.source(A="1", B="2")
    bench.run()

    assert set(states(client, bench.sync, **query)) == found


def test_many_keys_are_paged_in_few_queries(
    client: Client, bench: Bench, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bench.source(**{f"KEY_{number:03}": "1" for number in range(120)})
    bench.run()

    with django_assert_max_num_queries(14):
        page = client.get(page_of(bench.sync, "keys"), {"page": "2"})

    assert (len(page.context["keys"]), page.context["page"].paginator.num_pages) == (50, 3)
    assert "page=3" in page.content.decode()


def test_no_value_stands_there(client: Client, bench: Bench) -> None:
    bench.source(A="canary-7e2")
    bench.run()

    for name in TABS:
        assert "canary-7e2" not in client.get(page_of(bench.sync, name)).content.decode()


# Runs


def test_lists_the_runs_of_this_sync_alone(client: Client, bench: Bench, other: Bench) -> None:
    facts: dict[str, Any] = {"trigger": Trigger.MANUAL, "status": Status.SUCCEEDED}
    wrote = SyncRun.objects.create(sync=bench.sync, **facts, created_count=1)
    kept = SyncRun.objects.create(sync=bench.sync, **facts, kept_count=1)
    SyncRun.objects.create(sync=other.sync, **facts)

    for chosen, found in (("", {wrote, kept}), ("yes", {wrote}), ("no", {kept})):
        page = client.get(page_of(bench.sync, "runs"), {"changed": chosen})
        assert {row[0] for row in page.context["rows"]} == found


# Duplicating


def test_a_duplicate_begins_as_the_sync_is(client: Client, bench: Bench) -> None:
    sync = bench.sync
    bench.options(key_schema="COPY_{{secretKey}}", description="What it is for", guard_max_deletions=7)
    link = f"{reverse('admin:syncs_devinsync_add')}?copy={sync.pk}"
    assert link in client.get(page_of(sync)).content.decode()

    client.get(link)
    initial = client.get(step_url("source")).context["form"].initial

    assert initial == {
        "project": str(sync.project_id), "environment": str(sync.environment_id), "folder": str(sync.folder_id)
    }  # fmt: skip
    entries: dict[str, dict[str, Any]] = {
        "source": initial,
        "destination": {"connection": sync.connection_id, "org_id": sync.org_id},
    }
    for step, posted in entries.items():
        shown = client.get(step_url(step)).context["form"].initial
        assert {name: str(shown[name]) for name in posted} == {name: str(value) for name, value in posted.items()}
        client.post(step_url(step), {f"{step}-{name}": value for name, value in posted.items()})
    options = client.get(step_url("options")).context["form"].initial
    assert (options["key_schema"], options["guard_max_deletions"]) == ("COPY_{{secretKey}}", 7)
    client.post(step_url("options"), {f"options-{name}": value for name, value in posted_options(sync).items()})
    details = client.get(step_url("details")).context["form"].initial
    assert (details["name"], details["description"]) == ("my-devin-sync-copy", "What it is for")


def test_a_second_duplicate_has_a_name_of_its_own(client: Client, sync: DevinSync) -> None:
    DevinSync.objects.create(
        name=f"{sync.name}-copy", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-x"
    )

    assert drafts_for(QueryDict(f"copy={sync.pk}"), User(is_superuser=True))["details"]["name"] == f"{sync.name}-copy-2"


def test_a_duplicate_of_nothing_begins_empty(client: Client, db: None) -> None:
    client.get(reverse("admin:syncs_devinsync_add"), {"copy": "not-an-id"})

    assert client.get(step_url("source")).context["form"].initial == {}


def test_a_folder_leads_to_a_new_sync_of_it(client: Client, sync: DevinSync) -> None:
    link = f"{reverse('admin:syncs_devinsync_add')}?folder={sync.folder_id}"

    assert link in client.get(reverse("admin:vault_folder_page", args=[sync.folder_id])).content.decode()
    client.get(link)
    assert client.get(step_url("source")).context["form"].initial["folder"] == str(sync.folder_id)


# Lists


def test_what_failed_stands_first_and_says_why(client: Client, sync: DevinSync) -> None:
    def another(name: str, status: Status, **facts: Any) -> None:
        place = {"project": sync.project, "folder": sync.folder, "connection": sync.connection, "org_id": "org-x"}
        DevinSync.objects.create(name=name, sync_status=status, **place, **facts)

    another("z-failed", Status.FAILED, last_sync_message="Devin refused everything.")
    another("y-blocked", Status.BLOCKED)
    another("a-off", Status.FAILED, is_enabled=False)

    page = client.get(reverse("admin:syncs_devinsync_changelist"))

    names = [found.name for found in page.context["cl"].result_list]
    assert names == ["z-failed", "y-blocked", "my-devin-sync", "a-off"]
    assert "Devin refused everything." in page.content.decode()


def test_a_run_says_on_its_row_why_it_failed(client: Client, sync: DevinSync) -> None:
    SyncRun.objects.create(sync=sync, trigger=Trigger.MANUAL, status=Status.FAILED, message="No such organization.")

    assert "No such organization." in client.get(reverse("admin:syncs_syncrun_changelist")).content.decode()


def test_the_filter_by_sync_suggests_names(client: Client, sync: DevinSync) -> None:
    page = client.get(reverse("admin:syncs_syncrun_changelist")).content.decode()
    address = reverse("admin:syncs_devinsync_names")

    assert f'data-suggests-at="{address}"' in page
    assert client.get(address, {"q": "DEVIN-s"}).json() == {"names": [sync.name]}
    assert client.get(address, {"q": "other"}).json() == {"names": []}
