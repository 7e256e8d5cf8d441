"""Ticked secrets and folders go elsewhere by pages: what that does in Devin is told first, and just that is done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from sandbox.organization import Organization
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault import editing
from vault.models import Environment, Folder, Secret, Tag
from vault.reading import read_secrets
from vault.values import open_value

CANARY = "canary-transferring-1c6f"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


@pytest.fixture
def live(bench: Bench) -> Environment:
    return editing.create_environment(bench.folder.environment.project, name="Live", slug="live", by=ANYBODY)


@pytest.fixture
def shared(bench: Bench) -> Folder:
    return editing.create_folder(bench.folder.environment, "/shared", by=ANYBODY)


@pytest.fixture
def synced(bench: Bench, shared: Folder) -> Bench:
    """A and B in Devin, with the environment before their names."""
    bench.options(key_schema="{{environment}}_{{secretKey}}")
    bench.source(A=CANARY + "a", B=CANARY + "b")
    bench.run()
    return bench


def url(name: str, folder: Folder) -> str:
    return reverse(f"admin:vault_{name}", args=[folder.pk])


def text_of(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page.content.decode()).split())


def stored() -> list[Any]:
    folders = Folder.objects.values_list("environment__slug", "path")
    return [sorted(folders), sorted(Secret.objects.values_list("folder__path", "key", "version"))]


def seen_of(page: Any) -> dict[str, str]:
    if (preview := page.context.get("preview")) is not None:
        return {"seen": preview.seen}
    return {"seen": page.context["foreseen"].seen, "confirmed": "yes"}


Given = Callable[[Bench, Environment, Folder], tuple[str, dict[str, Any], str]]


def a_move(bench: Bench, live: Environment, shared: Folder) -> tuple[str, dict[str, Any], str]:
    sent = {"key": ["A"], "environment": live.pk, "path": "/new", "carries": "on"}
    return url("secrets_move", bench.folder), sent, "deletes dev_A from org-sandbox"


def a_copy(bench: Bench, live: Environment, shared: Folder) -> tuple[str, dict[str, Any], str]:
    editing.set_secrets(shared, {"A": "other", "C": "c"}, by=ANYBODY)
    sent = {"key": ["A", "C"], "environment": bench.folder.environment_id, "path": bench.folder.path, "replaces": "on"}
    return url("secrets_copy", shared), sent, "creates dev_C in org-sandbox"


def a_deletion(bench: Bench, live: Environment, shared: Folder) -> tuple[str, dict[str, Any], str]:
    return url("secrets_delete", bench.folder), {"key": ["A", "B"]}, "deletes dev_A, dev_B from org-sandbox"


def a_moved_folder(bench: Bench, live: Environment, shared: Folder) -> tuple[str, dict[str, Any], str]:
    sent = {"environment": live.pk, "path": "/", "carries": "on"}
    return url("folder_move", bench.folder), sent, "renames dev_A → live_A, dev_B → live_B in org-sandbox"


def a_copied_folder(bench: Bench, live: Environment, shared: Folder) -> tuple[str, dict[str, Any], str]:
    bench.options(recursive=True)
    bench.run()
    editing.set_secret(shared, "S", "s", by=ANYBODY)
    sent = {"environment": bench.folder.environment_id, "path": bench.folder.path}
    return url("folder_copy", shared), sent, "creates dev_S in org-sandbox"


EDITS = (a_move, a_copy, a_deletion, a_moved_folder, a_copied_folder)


@pytest.mark.parametrize("given", EDITS, ids=lambda given: given.__name__)
def test_tells_before_it_is_done(
    client: Client, synced: Bench, live: Environment, shared: Folder, *, given: Given
) -> None:
    address, sent, words = given(synced, live, shared)
    before = stored()

    page = client.post(address, sent)

    assert page.status_code == 200
    assert words in text_of(page)
    assert CANARY not in page.content.decode()
    assert stored() == before
    assert not SyncRun.objects.pending().exists()

    done = client.post(address, sent | seen_of(page), follow=True)

    assert stored() != before
    assert "Queued: my-devin-sync" in text_of(done)
    assert CANARY not in f"{list(LogEntry.objects.values())} {done.content.decode()}"


@pytest.mark.parametrize("given", EDITS, ids=lambda given: given.__name__)
def test_what_was_seen_must_still_be_so(
    client: Client, synced: Bench, live: Environment, shared: Folder, *, given: Given
) -> None:
    address, sent, _ = given(synced, live, shared)
    seen = seen_of(client.post(address, sent))
    DevinSync.objects.update(auto_sync_enabled=False)
    before = stored()

    again = client.post(address, sent | seen)

    assert again.status_code == 200
    assert "at its next run" in text_of(again)
    assert stored() == before
    assert client.post(address, sent | seen_of(again)).status_code == 302


def test_a_sync_follows_its_folder(
    client: Client, synced: Bench, live: Environment, shared: Folder, *, organization: Organization
) -> None:
    address, sent, _ = a_moved_folder(synced, live, shared)

    page = client.post(address, sent)
    assert "These read it, and go on reading it at its new place my-devin-sync" in text_of(page)
    assert "The environment changes from dev to live" in text_of(page)
    client.post(address, sent | seen_of(page))

    sync = DevinSync.objects.get()
    assert (sync.folder_id, sync.environment_id) == (synced.folder.pk, live.pk)
    assert (sync.source_environment, sync.source_path) == ("live", synced.folder.path)
    synced.carry_out(SyncRun.objects.pending().get())
    assert organization.values() == {"live_A": CANARY + "a", "live_B": CANARY + "b"}


def test_a_folder_that_a_sync_reads_stays_in_its_project(client: Client, synced: Bench) -> None:
    other = editing.create_project(name="Other", environments=[("Live", "live")], by=ANYBODY).environments.get()
    sent = {"environment": other.pk, "path": "/", "carries": "on"}

    page = client.post(url("folder_move", synced.folder), sent)

    assert "is read by my-devin-sync. A sync stays in its project" in text_of(page)


# The rest of what these pages say


def test_ticks_are_asked_where_to_first(client: Client, bench: Bench) -> None:
    bench.source(A=CANARY, B=CANARY)

    page = client.post(url("secrets_copy", bench.folder), {"key": ["A", "B"]})

    assert page.context["preview"] is None
    assert "Show what it does" in text_of(page)
    assert "Copy 2 secrets from" in text_of(page)


@pytest.mark.parametrize("name", ["secrets_copy", "secrets_move", "secrets_delete", "secrets_tag"])
def test_none_and_too_many_ticks_are_refused(client: Client, bench: Bench, name: str) -> None:
    bench.source(A=CANARY)
    sent = {"environment": bench.folder.environment_id, "path": "/x", "tagged": "yes", "confirmed": "yes"}

    assert "No secret was ticked" in text_of(client.post(url(name, bench.folder), sent))
    many = {"key": [f"K{number}" for number in range(501)]}
    assert "At most 500 secrets go at once" in text_of(client.post(url(name, bench.folder), sent | many))
    assert Secret.objects.count() == 1


@pytest.mark.parametrize("name", ["secrets_copy", "secrets_move", "secrets_delete"])
def test_a_key_that_is_gone_is_named(client: Client, bench: Bench, shared: Folder, name: str) -> None:
    bench.source(A=CANARY)
    sent = {"key": ["A", "GONE"], "environment": bench.folder.environment_id, "path": "/shared", "confirmed": "yes"}

    assert "There is no secret GONE" in text_of(client.post(url(name, bench.folder), sent))
    assert Secret.objects.get().folder == bench.folder


def test_references_are_told_and_change_if_wished(client: Client, bench: Bench, shared: Folder) -> None:
    bench.source(A=CANARY, USER="${A}")
    sent = {"key": ["A"], "environment": bench.folder.environment_id, "path": "/shared"}
    address = url("secrets_move", bench.folder)

    left, carried = client.post(address, sent), client.post(address, sent | {"carries": "on"})
    assert "These references lead elsewhere or nowhere afterwards" in text_of(left)
    assert "These references change too" in text_of(carried)
    assert client.post(address, sent | seen_of(carried)).status_code == 200
    client.post(address, sent | {"carries": "on"} | seen_of(carried))

    user = bench.folder.secrets.select_related("folder__environment").get(key="USER")
    assert open_value(user) == "${dev.shared.A}"
    assert {one.key: one.value for one in read_secrets(bench.folder)} == {"USER": CANARY}


def test_deleting_names_those_that_refer_to_what_goes(client: Client, bench: Bench) -> None:
    bench.source(A=CANARY, USER="${A}", OTHER="${A}")

    page = client.post(url("secrets_delete", bench.folder), {"key": ["A", "OTHER"]})

    assert [secret.key for secret in page.context["referrers"]] == ["USER"]
    client.post(url("secrets_delete", bench.folder), {"key": ["A", "OTHER"]} | seen_of(page))
    assert [secret.key for secret in Secret.objects.all()] == ["USER"]


def test_tags_are_put_on_many_and_taken_from_them(client: Client, bench: Bench) -> None:
    bench.source(A=CANARY, B=CANARY, C=CANARY)
    project = bench.folder.environment.project
    editing.change_tags(project, list(bench.folder.secrets.all()), add=["old"], remove=[], by=ANYBODY)
    old = Tag.objects.get(slug="old")
    address, sent = url("secrets_tag", bench.folder), {"key": ["A", "B"], "tagged": "yes"}

    assert "Name a tag to put on them" in text_of(client.post(address, sent))
    assert "can&#x27;t be put on them and taken" in text_of(
        client.post(address, sent | {"add": "old", "remove": old.pk})
    )
    assert "can&#x27;t be a tag" in text_of(client.post(address, sent | {"add": "a b"}))
    client.post(address, sent | {"add": "New, payments", "remove": old.pk})

    tags = {row.key: sorted(tag.slug for tag in row.tags.all()) for row in bench.folder.secrets.all()}
    assert tags == {"A": ["new", "payments"], "B": ["new", "payments"], "C": ["old"]}
    assert LogEntry.objects.filter(change_message="Tagged A, B.").count() == 2


def test_a_new_tag_takes_its_own_permission(client: Client, bench: Bench, django_user_model: Any) -> None:
    bench.source(A=CANARY)
    editing.create_tag(bench.folder.environment.project, "there", by=ANYBODY)
    person = django_user_model.objects.create_user("somebody", is_staff=True)
    needed = ["view_secret", "change_secret", "view_folder"]
    person.user_permissions.set(Permission.objects.filter(codename__in=needed))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    address, sent = url("secrets_tag", bench.folder), {"key": "A", "tagged": "yes"}

    assert "There is no tag new yet" in text_of(client.post(address, sent | {"add": "there, new"}))
    client.post(address, sent | {"add": "there"})
    assert [tag.slug for tag in bench.folder.secrets.get().tags.all()] == ["there"]


def test_each_end_of_a_move_has_it_in_its_history(client: Client, bench: Bench, shared: Folder) -> None:
    bench.source(A=CANARY)
    sent = {"key": ["A"], "environment": bench.folder.environment_id, "path": "/shared"}
    page = client.post(url("secrets_move", bench.folder), sent)
    client.post(url("secrets_move", bench.folder), sent | seen_of(page))

    entries = LogEntry.objects.filter(change_message=f"Moved A from {bench.folder} to {shared}.")
    assert {entry.object_id for entry in entries} == {str(bench.folder.pk), str(shared.pk)}


def test_making_a_folder_takes_its_own_permission(
    client: Client, bench: Bench, django_user_model: Any, shared: Folder
) -> None:
    bench.source(A=CANARY)
    person = django_user_model.objects.create_user("somebody", is_staff=True)
    needed = ["view_environment", "view_folder", "view_secret", "reveal_secret", "add_secret", "change_secret"]
    person.user_permissions.set(Permission.objects.filter(codename__in=needed))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    sent = {"key": ["A"], "environment": bench.folder.environment_id}

    refused = client.post(url("secrets_copy", bench.folder), sent | {"path": "/new"})
    assert "takes the permission vault.add_folder" in text_of(refused)
    assert client.post(url("secrets_copy", bench.folder), sent | {"path": "/shared"}).context["preview"] is not None
