import logging
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import F
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.actors import ANYBODY
from vault import editing, loading
from vault.errors import DuplicateKey, FolderMissing, ReferenceMissing, SourceError, Unreadable
from vault.links import Links, load_links
from vault.models import Environment, Folder, Project, Secret
from vault.reading import find_folder, list_keys, read_contents, read_secrets, reveal

CANARY = "canary-7f3a"


def test_reads_own_imported_and_referred_secrets(root: Folder, app: Folder, shared: Folder, prod: Environment) -> None:
    editing.set_secret(prod.folders.get(), "HOST", "db.internal", by=ANYBODY)
    editing.set_secrets(shared, {"URL": "https://${prod.HOST}", "PORT": "1"}, by=ANYBODY)
    own = editing.set_secret(app, "PORT", "2", by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)

    port, url = read_secrets(app)

    assert (port.key, port.value, port.path, port.secret_id) == ("PORT", "2", "/app", own.id)
    assert (url.key, url.value, url.environment_slug, url.path) == ("URL", "https://db.internal", "dev", "/shared")


def test_reads_the_folders_below_when_asked(dev: Environment, root: Folder, app: Folder) -> None:
    editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(app, "B", "2", by=ANYBODY)
    editing.set_secret(editing.create_folder(dev, "/app/api", by=ANYBODY), "C", "3", by=ANYBODY)
    editing.set_secret(editing.create_folder(dev, "/apple", by=ANYBODY), "D", "4", by=ANYBODY)

    assert [secret.key for secret in read_secrets(app)] == ["B"]
    assert [secret.key for secret in read_secrets(app, recursive=True)] == ["B", "C"]
    assert list_keys(root, recursive=True) == ["A", "B", "C", "D"]


def test_a_key_in_two_folders_is_an_error_that_names_both(root: Folder, app: Folder) -> None:
    editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(app, "A", "2", by=ANYBODY)

    with pytest.raises(DuplicateKey, match="dev:/ and in dev:/app"):
        read_secrets(root, recursive=True)


def test_reads_in_a_fixed_number_of_queries(
    dev: Environment, app: Folder, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        folder = editing.create_folder(dev, f"/x{number}", by=ANYBODY)
        editing.set_secrets(folder, {f"A{number}": "1", f"B{number}": "${dev.x0.A0}"}, by=ANYBODY)
        editing.add_import(app, folder, by=ANYBODY)
    folder = Folder.objects.select_related("environment").get(id=app.id)

    # The counter with imports and references; folders; secrets, with the counter again.
    with django_assert_num_queries(3):
        assert len(read_secrets(folder, recursive=True)) == 20


def test_one_secret_that_cannot_be_opened_fails_the_whole(root: Folder) -> None:
    editing.set_secrets(root, {"A": CANARY, "B": "2"}, by=ANYBODY)
    Secret.objects.filter(key="A").update(sealed_value=Secret.objects.get(key="B").sealed_value)

    with pytest.raises(Unreadable, match="value of A") as caught:
        read_secrets(root)

    assert not caught.value.retryable


def test_a_value_put_back_by_hand_is_refused(root: Folder) -> None:
    old = editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(root, "A", "2", by=ANYBODY)
    Secret.objects.filter(key="A").update(sealed_value=old.sealed_value)

    with pytest.raises(Unreadable):
        read_secrets(root)


def test_a_project_that_changes_while_it_is_read_is_read_again(root: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    editing.set_secret(root, "A", "1", by=ANYBODY)
    load, changes = load_links, iter(["2", "3"])

    def load_and_change(project_id: UUID, **what: bool) -> Links:
        found = load(project_id, **what)
        if value := next(changes, None):
            editing.set_secret(root, "A", value, by=ANYBODY)
        return found

    monkeypatch.setattr(loading, "load_links", load_and_change)

    assert read_secrets(root)[0].value == "3"


def test_a_project_that_never_holds_still_is_an_error_that_may_pass(
    root: Folder, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = load_links

    def load_and_change(project_id: UUID, **what: bool) -> Links:
        found = load(project_id, **what)
        Project.objects.update(revision=F("revision") + 1)
        return found

    monkeypatch.setattr(loading, "load_links", load_and_change)

    with pytest.raises(Unreadable, match="again and again") as caught:
        read_secrets(root)
    assert caught.value.retryable


def test_a_folder_that_is_gone_is_an_error(app: Folder) -> None:
    editing.delete_folder(Folder.objects.get(id=app.id), by=ANYBODY)

    with pytest.raises(FolderMissing, match="dev:/app is gone"):
        read_secrets(app)


def test_finds_a_folder_or_says_what_there_is(project: Project, app: Folder) -> None:
    assert find_folder(project, "dev", "app/") == app
    with pytest.raises(FolderMissing, match="no environment “qa”"):
        find_folder(project, "qa", "/")
    with pytest.raises(FolderMissing, match="no folder /x in shop, dev"):
        find_folder(project, "dev", "/x")
    with pytest.raises(FolderMissing, match="one slash"):
        find_folder(project, "dev", "/a//b")


def test_contents_keep_own_and_imported_apart(app: Folder, shared: Folder) -> None:
    editing.set_secret(shared, "A", "${B}", by=ANYBODY)
    editing.set_secret(shared, "B", "b", by=ANYBODY)
    editing.set_secret(app, "A", "own", by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)

    (contents,) = read_contents(app)

    assert [(s.key, s.value) for s in contents.secrets] == [("A", "own")]
    assert [(i.path, [(s.key, s.value) for s in i.secrets]) for i in contents.imports] == [
        ("/shared", [("A", "b"), ("B", "b")])
    ]
    assert read_contents(shared, expand=False)[0].secrets[0].value == "${B}"


def test_no_error_and_no_repr_tells_a_value(root: Folder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    editing.set_secrets(root, {"A": CANARY + "${MISSING}", "B": CANARY}, by=ANYBODY)

    with pytest.raises(SourceError) as caught:
        read_secrets(root)

    secret = editing.set_secret(root, "A", CANARY, by=ANYBODY)
    seen = repr(caught.value) + caplog.text + repr(read_secrets(root)) + repr(secret) + repr(secret.versions.all())
    assert isinstance(caught.value, ReferenceMissing)
    assert CANARY not in seen


def test_revealing_needs_its_permission_and_is_noted(root: Folder, alice: User) -> None:
    editing.set_secret(root, "A", "old", by=ANYBODY)
    secret = editing.set_secret(root, "A", CANARY, by=ANYBODY)
    with pytest.raises(PermissionDenied):
        reveal(secret, alice)
    assert not LogEntry.objects.exists()

    alice.user_permissions.add(Permission.objects.get(codename="reveal_secret"))
    alice = User.objects.get(pk=alice.pk)

    assert (reveal(secret, alice), reveal(secret, alice, version=1)) == (CANARY, "old")
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("id")] == [
        "Revealed the value of version 2.",
        "Revealed the value of version 1.",
    ]


def test_reads_no_more_folders_than_may_be_needed(dev: Environment, app: Folder, shared: Folder) -> None:
    for number in range(5):
        editing.create_folder(dev, f"/other{number}", by=ANYBODY)
    editing.set_secrets(app, {"A": "1", "B": "${A}"}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)

    def known() -> set[str]:
        return {place.path for place in loading.load_resolver(app)[0].folders()}

    assert known() == {"/app", "/shared"}
    editing.set_secret(shared, "C", "${dev.other1.D}", by=ANYBODY)
    assert known() == {"/", "/app", "/shared", *(f"/other{number}" for number in range(5))}
