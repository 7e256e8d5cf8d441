"""Each line tells where and what: the fields that changed, before and after, and nothing that nobody may read there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.before import remember
from audit.changes import Change
from audit.kinds import is_declared, kinds
from audit.models import Entry, Outcome
from audit.rows import look_at
from connections.models import Connection
from encryption.registry import sealed_fields
from syncs.choices import Status
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from vault.editing import create_environment, create_folder, create_project, set_secrets
from vault.models import Folder, Secret

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
OLD, NEW, KEY = "canary-old-9431", "canary-new-9431", "cog_canary_9431_of_forty_characters_and_more"


@pytest.fixture
def folder() -> Folder:
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    folder = create_folder(create_environment(project, name="Dev", slug="dev", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"API_KEY": OLD}, by=ANYBODY)
    return folder


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password="correct-horse-7")


@pytest.fixture
def caller(root: User) -> Caller:
    return make_caller(root)


@pytest.fixture
def pages(root: User) -> Client:
    client = Client()
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    return client


def newest() -> Entry:
    return Entry.objects.order_by("-pk")[0]


def test_a_secret_tells_its_labels_and_of_its_value_the_version(caller: Caller, folder: Folder) -> None:
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/app"}
    tag = caller.post(f"/api/v1/projects/{place['projectId']}/tags", {"slug": "billing", "color": ""})

    labels = {"secretComment": f"Pasted here: {OLD}", "tagIds": [tag["tag"]["id"]]}
    caller.patch("/api/v4/secrets/API_KEY", place | labels | {"secretValue": NEW, "newSecretName": "K"})

    entry = newest()
    assert set(entry.told_changes) == {
        Change("key", "API_KEY", "K"),
        Change("comment", "", "set"),
        Change("tags", "", "billing"),
        Change("value", "version 1", "version 2"),
    }
    assert (entry.project, entry.environment, entry.path, entry.key) == ("shop", "dev", "/app", "K")
    assert (entry.token, entry.outcome) == ("API token tests", Outcome.DONE)
    assert canaries() == 0

    caller.delete("/api/v4/secrets/K", place)

    assert Change("comment", "set", "removed") in newest().told_changes
    assert newest().key == "K"
    assert canaries() == 0


def test_pages_tell_the_same(pages: Client, folder: Folder) -> None:
    secret = Secret.objects.get()
    other = create_folder(folder.environment, "/other", by=ANYBODY)

    form = {"key": "API_KEY", "comment": "Mine", "version": 1}
    pages.post(reverse("admin:vault_secret_edit", args=[secret.pk]), form)
    assert newest().told_changes == [Change("comment", "", "set")]

    pages.post(reverse("admin:vault_import_add", args=[folder.pk]), {"source": other.pk})
    assert newest().told_changes == [Change("import", "", "dev:/other")]
    assert newest().path == "/app"

    pages.post(reverse("admin:vault_secret_reveal", args=[secret.pk]))
    assert (newest().told_changes, newest().key) == ([], "API_KEY")


def test_a_sync_tells_its_options_and_the_run_that_follows(caller: Caller, add_sync: Callable[..., DevinSync]) -> None:
    sync = add_sync("orders", Status.SUCCEEDED)
    options: dict[str, Any] = {"initialSyncBehavior": sync.initial_sync_behavior, "keySchema": "X_{{secretKey}}"}
    options["disableSecretDeletion"] = True

    caller.patch(
        f"/api/v1/secret-syncs/devin/{sync.pk}",
        {"description": "Of the shop", "syncOptions": options},
    )

    entry, run = newest(), sync.runs.order_by("-queued_at")[0]
    assert {each.field: (each.before, each.after) for each in entry.told_changes} == {
        "description": ("", "set"),
        "key schema": ("", "X_{{secretKey}}"),
        "disable secret deletion": ("no", "yes"),
    }
    assert (entry.project, entry.path, entry.run) == (sync.project.slug, sync.source_path, str(run.pk))


def test_a_connection_tells_that_credentials_were_replaced(root: User) -> None:
    made = Connection(name="devin", base_url="http://127.0.0.1:9")
    made.set_api_key(KEY)
    made.save()
    made.set_api_key(f"{KEY}x")
    made.name = "other"
    made.save()

    LogEntry.objects.log_actions(root.pk, [made], CHANGE, change_message="Changed.", single_object=True)

    assert newest().told_changes == [Change("name", "devin", "other"), Change("credentials", "set", "replaced")]
    assert canaries(made.credentials_hint) == 0


def test_people_tell_their_groups_and_rights(pages: Client) -> None:
    user = User.objects.create_user("alice", is_staff=True)
    group = Group.objects.get(name="Viewer")

    pages.post(
        reverse("admin:auth_user_change", args=[user.pk]),
        {"username": "alice", "is_active": "on", "is_staff": "on", "groups": [group.pk], "first_name": "Al"},
    )

    changes = newest().told_changes
    assert Change("groups", "", "Viewer") in changes
    assert Change("first name", "", "Al") in changes


def canaries(*more: str) -> int:
    texts = [str(value) for row in Entry.objects.values() for value in row.values()]
    return sum(canary in text for text in texts for canary in (OLD, NEW, KEY, *more))


def test_an_import_of_many_is_one_line_with_counted_keys_in_few_statements(pages: Client, folder: Folder) -> None:
    def write(count: int, value: str) -> int:
        with CaptureQueriesContext(database) as queries:
            set_secrets(folder, {f"KEY_{number}": value for number in range(count)}, by=ANYBODY)
        return len(queries)

    write(400, "first")
    assert write(2, "second") == write(400, "third")

    text = "\n".join(f"MORE_{number}={NEW}" for number in range(1000))
    page = reverse("admin:vault_dotenv", args=[folder.pk])
    lines = Entry.objects.count()
    kept = pages.post(page, {"text": text}).context["kept"]
    pages.post(page, {"kept": kept})

    # The preview was a request of its own.
    assert Entry.objects.count() - lines == 2
    [added] = newest().told_changes
    assert (added.field, added.after.endswith(" and 970 more")) == ("secrets added", True)
    assert canaries() == 0


def test_many_lines_take_as_few_statements_as_one(caller: Caller, folder: Folder) -> None:
    set_secrets(folder, {f"KEY_{number}": OLD for number in range(40)}, by=ANYBODY)
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/app"}

    def change(count: int, comment: str) -> int:
        rows = [{"secretKey": f"KEY_{number}", "secretComment": comment} for number in range(count)]
        with CaptureQueriesContext(database) as queries:
            caller.patch("/api/v4/secrets/batch", place | {"secrets": rows})
        return len(queries)

    change(1, "first")
    assert change(2, "second") == change(40, "third")
    assert newest().told_changes == [
        Change("comment", "set", "replaced") if newest().key in ("KEY_0", "KEY_1") else Change("comment", "", "set")
    ]


def test_what_was_taken_back_is_not_told(caller: Caller, folder: Folder) -> None:
    """A change that is only foreseen, before one that is made, is neither before nor after."""
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/app"}
    caller.patch("/api/v4/secrets/API_KEY?plan=true", place | {"secretComment": "Foreseen"})

    caller.patch("/api/v4/secrets/API_KEY", place | {"secretComment": "Made"})

    assert newest().told_changes == [Change("comment", "", "set")]


# What they count is nobody's act.
COUNTING = {"metrics", "forwarding"}
OURS = {each.label for each in apps.get_app_configs() if Path(each.path).parent == settings.BASE_DIR} - COUNTING


def test_every_kind_of_row_is_declared_once() -> None:
    """A new kind says by `audit.registry` what the log tells of it, or that it is told in the line of another."""
    models = [each for each in apps.get_models() if each._meta.app_label in {*OURS, "auth"}]
    missing = [each._meta.label for each in models if each._meta.default_permissions and not is_declared(each)]

    assert missing == []


def test_every_kind_can_be_looked_at_and_names_nothing_that_is_sealed() -> None:
    sealed = {(field.model, field.name) for field in sealed_fields()}
    for kind in kinds():
        assert look_at(kind, []) == {}
        named = {lookup.rpartition("__")[2] for lookup in (*kind.fields.values(), *kind.many.values())}
        assert not named & {"password", "digest", "fingerprint", "credentials_hint", "prefix"}, kind.label
        # What people write freely may be anything, and no line can be taken back.
        assert not named & {"comment", "description", "note", "reminder_note"}, kind.label
        assert not [name for name in named if name.startswith("sealed") or (kind.model, name) in sealed], kind.label
        assert look_at(kind, ["00000000-0000-0000-0000-000000000000"] if is_uuid(kind.model) else ["0"]) == {}
        assert not [words for words in kind.fields if {"url", "id", "api"} & set(words.split())], kind.label


def is_uuid(model: Any) -> bool:
    return bool(model._meta.pk.get_internal_type() == "UUIDField")


def test_rows_are_looked_at_once_before_they_change() -> None:
    group = Group.objects.create(name="Ops")

    with CaptureQueriesContext(database) as queries:
        remember([group])
        remember([group])

    assert len(queries) == 1
