"""Pages of an installation with thousands of syncs, folders and runs: no larger than with a few."""

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import long_lists
from sources.choosing import folders_of, places_of
from sources.protocol import Place
from syncs.admin.form_fields import MOST_LISTED, MOST_SUGGESTED, PathField, ProjectFolderField
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.syncs.runs.test_schedule import copied
from vault.models import Folder

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
RUNS = "admin:syncs_syncrun_changelist"
KIB = 1024
LARGEST_PAGE = 100 * KIB


@pytest.fixture
def client(admin_client: Client) -> Client:
    return admin_client


@pytest.fixture
def many(sync: DevinSync) -> list[DevinSync]:
    """Six hundred syncs with a run each."""
    rows = [DevinSync(**copied(sync), name=f"app-{number}", org_id=f"org-{number}") for number in range(600)]
    syncs = DevinSync.objects.bulk_create(rows)
    SyncRun.objects.bulk_create(
        SyncRun(sync=one, sync_name=one.name, org_id=one.org_id, trigger=Trigger.MANUAL, status=Status.SUCCEEDED)
        for one in syncs
    )
    return syncs


@pytest.fixture
def many_folders(folder: Folder) -> list[Folder]:
    rows = [
        Folder(environment=folder.environment, parent=folder.parent, name=f"f{number}", path=f"/f{number}")
        for number in range(MOST_LISTED + 1)
    ]
    return Folder.objects.bulk_create(rows)


def test_the_list_of_runs_names_no_sync_but_those_it_shows(client: Client, many: list[DevinSync]) -> None:
    page = client.get(reverse(RUNS))

    assert len(page.content) < LARGEST_PAGE
    assert page.content.decode().count("app-") <= 2 * 50


def test_counts_and_skips_no_more_than_anybody_leafs_through(
    client: Client, many: list[DevinSync], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "MOST_SHOWN", 100)

    with CaptureQueriesContext(connection) as captured:
        page = client.get(reverse(RUNS))
        last = client.get(reverse(RUNS), {"p": "2"})

    counts = [query["sql"] for query in captured if "COUNT(*)" in query["sql"] and "syncs_syncrun" in query["sql"]]
    assert counts
    assert all("LIMIT 100" in sql for sql in counts)
    assert page.context["cl"].result_count == 100
    assert last.status_code == 200


def test_finds_the_runs_of_a_sync_by_a_part_of_its_name(client: Client, many: list[DevinSync]) -> None:
    page = client.get(reverse(RUNS), {"sync_name": "PP-599", "status__exact": "succeeded"})

    assert [run.sync_name for run in page.context["cl"].result_list] == ["app-599"]
    shown = page.content.decode()
    assert 'value="PP-599"' in shown
    assert '<input type="hidden" name="status__exact" value="succeeded">' in shown


def test_a_link_to_the_runs_of_one_sync_still_leads_there(client: Client, many: list[DevinSync]) -> None:
    page = client.get(reverse(RUNS), {"sync__id__exact": str(many[7].pk)})

    assert [run.sync_name for run in page.context["cl"].result_list] == ["app-7"]


def test_the_ledger_lists_no_sync_to_choose_from(client: Client, many: list[DevinSync]) -> None:
    page = client.get(reverse("admin:syncs_managedsecret_changelist"))

    assert "app-599" not in page.content.decode()


def test_the_page_of_a_sync_lists_no_more_folders_than_anybody_reads(
    client: Client, sync: DevinSync, many_folders: list[Folder]
) -> None:
    page = client.get(reverse("admin:syncs_devinsync_settings", args=[sync.pk]))

    assert len(page.content) < LARGEST_PAGE
    assert 'value="dev:/my-secrets"' in page.content.decode()
    assert "/f77" not in page.content.decode()


def test_nor_loads_more(client: Client, sync: DevinSync, many_folders: list[Folder]) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:syncs_devinsync_settings", args=[sync.pk]))

    of_folders = [each["sql"] for each in queries if 'FROM "vault_folder"' in each["sql"]]
    assert of_folders
    assert all(" LIMIT " in sql or "COUNT(" in sql for sql in of_folders)


@pytest.fixture
def typed(many_folders: list[Folder], sync: DevinSync) -> ProjectFolderField:
    field = ProjectFolderField()
    field.offer(places_of(sync.project))
    return field


def test_a_folder_is_typed_where_there_are_too_many_to_list(
    typed: ProjectFolderField, many_folders: list[Folder]
) -> None:
    chosen = many_folders[77]

    assert typed.clean(" dev:/f77 ").place.folder_id == str(chosen.pk)
    assert typed.clean(str(chosen.pk)).place == Place("dev", "/f77")
    assert typed.prepare_value(chosen.pk) == "dev:/f77"
    for wrong in ("dev:/nowhere", "prod:/f77", "/f77", "f77", "dev:/F77", "dev:/f7%", chosen.pk.hex, str(UUID(int=7))):
        with pytest.raises(Exception, match="no such folder"):
            typed.clean(wrong)


def test_in_the_wizard_too(many_folders: list[Folder], folder: Folder) -> None:
    field = PathField()
    field.offer(folders_of(folder.environment.project, "dev"))

    assert field.is_typed
    assert field.clean("/f77").id == str(many_folders[77].pk)


def test_what_is_typed_is_suggested(client: Client, sync: DevinSync, many_folders: list[Folder]) -> None:
    page = client.get(reverse("admin:syncs_devinsync_places", args=[sync.pk]), {"q": "/F7"}).content.decode()

    assert '<option value="dev:/f77">' in page
    assert '<option value="dev:/f8">' not in page
    assert page.count("<option") == 11
    everything = client.get(reverse("admin:syncs_devinsync_places", args=[sync.pk])).content.decode()
    assert everything.count("<option") == MOST_SUGGESTED
    assert f'data-more="{len(many_folders) + 2 - MOST_SUGGESTED}"' in everything


def test_a_few_folders_are_listed(folder: Folder) -> None:
    field = PathField()
    field.offer(folders_of(folder.environment.project, "dev"))

    assert not field.is_typed
    assert field.clean(str(folder.pk)).path == folder.path


def test_runs_of_one_moment_are_listed_newest_first(client: Client, many: list[DevinSync]) -> None:
    newest = SyncRun.objects.order_by("?").first()
    assert newest is not None
    SyncRun.objects.filter(pk=newest.pk).update(queued_at=timezone.now())

    page = client.get(reverse(RUNS))

    assert page.context["cl"].result_list[0] == newest
