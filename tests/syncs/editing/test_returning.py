"""A sync whose folder comes back from the trash reads it again, and what that does is told before."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault import editing
from vault.models import Environment, Folder
from vault.trash import in_trash

pytestmark = pytest.mark.django_db


@pytest.fixture
def synced(bench: Bench) -> Bench:
    bench.source(A="1", B="2")
    bench.run()
    return bench


def sync() -> DevinSync:
    return DevinSync.objects.select_related("folder", "environment").get()


@pytest.mark.parametrize("kind", ["folder", "environment"])
def test_reads_again_what_came_back(synced: Bench, kind: str) -> None:
    folder = synced.folder
    if kind == "folder":
        editing.delete_folder(Folder.objects.get(pk=folder.pk), by=ANYBODY)
    else:
        editing.delete_environment(Environment.objects.get(pk=folder.environment_id), by=ANYBODY)
    assert sync().folder is None

    editing.restore(in_trash().get(), by=ANYBODY)

    assert (sync().folder, sync().environment) == (folder, folder.environment)
    run = synced.carry_out(SyncRun.objects.pending().get())
    assert (run.status, run.created_count, run.deleted_count) == ("succeeded", 0, 0)


def test_one_that_reads_another_folder_by_now_is_left_alone(synced: Bench) -> None:
    other = editing.create_folder(synced.folder.environment, "/other", by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=synced.folder.pk), by=ANYBODY)
    row = sync()
    row.folder = other
    row.save()

    editing.restore(in_trash().get(), by=ANYBODY)

    assert sync().folder == other


def test_nor_one_whose_other_folder_is_gone_too(synced: Bench) -> None:
    other = editing.create_folder(synced.folder.environment, "/other", by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=synced.folder.pk), by=ANYBODY)
    row = sync()
    row.folder = other
    row.save()
    editing.delete_folder(Folder.objects.get(pk=other.pk), by=ANYBODY)

    editing.restore(in_trash().get(name=synced.folder.path), by=ANYBODY)
    assert sync().folder is None
    editing.restore(in_trash().get(name="/other"), by=ANYBODY)

    assert sync().folder == other


def test_tells_what_a_restored_secret_does_in_devin(client: Client, admin_user: User, synced: Bench) -> None:
    client.force_login(admin_user)
    editing.delete_secret(synced.folder.secrets.select_related("folder__environment").get(key="A"), by=ANYBODY)
    synced.carry_out(SyncRun.objects.pending().get())
    address = reverse("admin:vault_trash_restore", args=[in_trash().get().pk])

    page: Any = client.post(address)

    assert f"creates A in {synced.sync.org_id}" in " ".join(page.content.decode().split())
    assert not synced.folder.secrets.filter(key="A").exists()
    done = client.post(address, {"seen": page.context["question"].seen}, follow=True).content.decode()
    assert synced.folder.secrets.filter(key="A").exists()
    assert "Queued: " in done
