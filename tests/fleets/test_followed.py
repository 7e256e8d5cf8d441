"""A set goes on with its folder, wherever that goes."""

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from fleets.generating import generate
from fleets.models import SyncSet
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.fleets.conftest import List, MakeSet
from tests.syncs.people import log_in
from vault.editing import create_folder, create_project, delete_folder, move_folder, restore
from vault.errors import InUse
from vault.models import Environment, Folder
from vault.trash import in_trash


def places(rows: QuerySet[SyncSet] | QuerySet[DevinSync]) -> list[tuple[bool, str]]:
    return [(row.has_source, row.source_path) for row in rows.select_related("folder", "project")]


def test_follows_a_folder_that_is_moved(
    make_set: MakeSet, devin_lists: List, folder: Folder, environment: Environment
) -> None:
    devin_lists("Acme")
    make_set()
    create_folder(environment, "/below", by=ANYBODY)

    move_folder(folder, environment, "/below", carries_references=True, by=ANYBODY)

    assert places(SyncSet.objects.all()) == places(DevinSync.objects.all()) == [(True, "/below/orgs")]


def test_reads_a_folder_again_that_comes_back_from_the_trash(
    make_set: MakeSet, devin_lists: List, folder: Folder
) -> None:
    devin_lists("Acme")
    each = make_set()
    delete_folder(folder, by=ANYBODY)
    generate(each.pk)
    each.refresh_from_db()
    assert "no longer exists" in each.message
    assert places(SyncSet.objects.all()) == [(False, "/orgs")]

    restore(in_trash().get(), by=ANYBODY)
    generate(each.pk)

    each.refresh_from_db()
    assert each.message == ""
    assert places(SyncSet.objects.all()) == places(DevinSync.objects.all()) == [(True, "/orgs")]


def test_a_folder_tells_of_the_set_that_reads_it(
    make_set: MakeSet, devin_lists: List, folder: Folder, client: Client
) -> None:
    each = make_set()
    log_in(client, "superuser")

    page = client.get(reverse("admin:vault_folder_page", args=[folder.pk])).content.decode()

    assert each.get_absolute_url() in page


def test_a_folder_stays_in_the_project_of_its_set(make_set: MakeSet, folder: Folder) -> None:
    make_set()
    other = create_project(name="Other", slug="other", environments=(("dev", "Development"),), by=ANYBODY)

    with pytest.raises(InUse, match="is read by core"):
        move_folder(folder, other.environments.get(), "/", carries_references=True, by=ANYBODY)
