import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import DjangoAssertNumQueries

from encryption import DecryptionError, unseal
from tests.actors import ANYBODY
from vault import editing
from vault.editing import Actor
from vault.errors import Invalid, Missing, Outdated, Taken
from vault.models import Folder, Secret, SecretReference
from vault.signals import contents_changed
from vault.values import open_value, open_version

CANARY = "canary-7f3a"


def test_a_value_is_stored_sealed(root: Folder, alice: User) -> None:
    secret = editing.set_secret(root, "A", CANARY, comment="What it is for", by=Actor.on_command_line(alice))

    assert CANARY not in secret.sealed_value
    assert open_value(secret) == CANARY
    assert (secret.version, secret.comment, secret.updated_by) == (1, "What it is for", alice)


def test_a_value_opens_for_its_own_secret_and_version_only(root: Folder) -> None:
    a = editing.set_secret(root, "A", "1", by=ANYBODY)
    b = editing.set_secret(root, "B", "2", by=ANYBODY)

    with pytest.raises(DecryptionError):
        unseal(a.sealed_value, context=b.sealing_context())
    a.version += 1
    with pytest.raises(DecryptionError):
        unseal(a.sealed_value, context=a.sealing_context())


def test_a_change_is_a_version_with_who_and_when(root: Folder, alice: User) -> None:
    editing.set_secret(root, "A", "1", by=ANYBODY)

    secret = editing.set_secret(root, "A", "2", by=Actor.on_command_line(alice))

    versions = list(secret.versions.values_list("version", "created_by__username"))
    assert versions == [(2, "alice"), (1, None)]
    assert open_version(secret.versions.get(version=2), key="A") == open_value(secret) == "2"


def test_an_unchanged_value_is_no_version_and_no_signal(root: Folder, announced: list[set[str]]) -> None:
    first = editing.set_secret(root, "A", "1", by=ANYBODY)
    announced.clear()

    again = editing.set_secret(root, "A", "1", by=ANYBODY)

    assert (again.version, again.sealed_value, again.updated_at) == (1, first.sealed_value, first.updated_at)
    assert announced == []


def test_a_comment_alone_is_no_version_and_told_as_what_it_is(root: Folder, announced: list[set[str]]) -> None:
    importing = editing.create_folder(root.environment, "/app", by=ANYBODY)
    editing.add_import(importing, root, by=ANYBODY)
    editing.set_secret(root, "A", "1", comment="old", by=ANYBODY)
    announced.clear()

    secret = editing.set_secret(root, "A", "1", comment="new", by=ANYBODY)

    assert (secret.version, secret.comment, secret.versions.get().comment) == (1, "new", "new")
    assert announced == [{"dev:/'s comments", "dev:/app's comments"}]


def test_a_comment_beside_a_value_is_told_once(root: Folder, announced: list[set[str]]) -> None:
    editing.set_secrets(root, {"A": "1", "B": "1"}, comments={"A": "old"}, by=ANYBODY)
    announced.clear()

    editing.set_secrets(root, {"A": "1", "B": "2"}, comments={"A": "new"}, by=ANYBODY)

    assert announced == [{"dev:/"}]


def test_many_are_one_transaction_and_one_signal(root: Folder, announced: list[set[str]]) -> None:
    editing.set_secrets(root, {"A": "1", "B": "2"}, by=ANYBODY)

    written = editing.set_secrets(root, {"A": "1", "B": "3", "C": "4"}, by=ANYBODY)

    assert (written.created, written.changed, written.unchanged) == (["C"], ["B"], ["A"])
    assert announced == [{"dev:/"}, {"dev:/"}]


def test_many_are_all_or_none(root: Folder) -> None:
    with pytest.raises(Invalid):
        editing.set_secrets(root, {"A": "1", "not a key": "2"}, by=ANYBODY)

    assert not Secret.objects.exists()


def test_a_preview_tells_without_writing(root: Folder) -> None:
    editing.set_secrets(root, {"A": "1", "B": "2"}, by=ANYBODY)

    preview = editing.preview_secrets(root, {"A": "1", "B": "3", "C": "4"}, by=ANYBODY)

    assert (preview.created, preview.changed, preview.unchanged) == (["C"], ["B"], ["A"])
    assert root.secrets.count() == 2


def test_refuses_to_create_what_is_there_and_to_change_what_is_not(root: Folder) -> None:
    editing.set_secret(root, "A", "1", by=ANYBODY)

    with pytest.raises(Taken, match="A in dev:/"):
        editing.set_secrets(root, {"A": "2"}, must_exist=False, by=ANYBODY)
    with pytest.raises(Missing, match="B in dev:/"):
        editing.set_secrets(root, {"A": "2", "B": "2"}, must_exist=True, by=ANYBODY)


@pytest.mark.parametrize("key", ["", "1A", "A B", "Ä", "A/B", "A" * 256, "A\n", "A\0"])
def test_refuses_a_key(root: Folder, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        editing.set_secrets(root, {key: CANARY}, by=ANYBODY)

    assert caught.value.field == "key"


@pytest.mark.parametrize("value", [CANARY + "\0", CANARY + "\ud800", CANARY * 10_000])
def test_refuses_a_value_without_telling_it(root: Folder, value: str) -> None:
    with pytest.raises(Invalid, match="value of A") as caught:
        editing.set_secret(root, "A", value, by=ANYBODY)

    assert caught.value.field == "value"
    assert caught.value.__cause__ is None
    assert CANARY not in repr(caught.value)


def test_notes_references_and_forgets_old_ones(root: Folder) -> None:
    editing.set_secret(root, "A", "${B} ${prod.app.C}", by=ANYBODY)
    places = SecretReference.objects.values_list("environment_slug", "path", "key")
    assert set(places) == {("", "", "B"), ("prod", "/app", "C")}

    editing.set_secret(root, "A", "${D}", by=ANYBODY)

    assert list(places.all()) == [("", "", "D")]


def test_renaming_keeps_versions_and_tells_readers_of_both_names(
    root: Folder, shared: Folder, app: Folder, announced: list[set[str]]
) -> None:
    secret = editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(app, "X", "${dev.A}", by=ANYBODY)
    editing.set_secret(shared, "Y", "${dev.B}", by=ANYBODY)
    announced.clear()

    renamed = editing.rename_secret(secret, "B", by=ANYBODY)

    assert (renamed.key, renamed.version, open_value(renamed)) == ("B", 1, "1")
    assert announced == [{"dev:/", "dev:/app", "dev:/shared"}]


def test_refuses_to_rename_to_a_key_that_is_taken(root: Folder) -> None:
    secret = editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(root, "B", "2", by=ANYBODY)

    with pytest.raises(Taken):
        editing.rename_secret(secret, "B", by=ANYBODY)


def test_refuses_to_write_over_what_somebody_else_wrote(root: Folder) -> None:
    secret = editing.set_secret(root, "A", "1", by=ANYBODY)
    editing.set_secret(root, "A", "2", by=ANYBODY)

    with pytest.raises(Outdated, match="version 2"):
        editing.update_secret(secret, value="3", expected_version=1, by=ANYBODY)


def test_restores_a_version_as_the_newest(root: Folder, alice: User, announced: list[set[str]]) -> None:
    editing.set_secret(root, "A", "${B}", comment="first", by=ANYBODY)
    secret = editing.set_secret(root, "A", "2", comment="second", by=ANYBODY)
    announced.clear()

    restored = editing.restore_version(secret, 1, by=Actor.on_command_line(alice))

    assert (restored.version, open_value(restored), restored.comment) == (3, "${B}", "first")
    assert restored.versions.count() == 3
    assert restored.references.get().key == "B"
    assert announced == [{"dev:/"}]
    with pytest.raises(Missing):
        editing.restore_version(secret, 9, by=Actor.on_command_line(alice))


def test_deletes_with_versions(root: Folder, app: Folder, announced: list[set[str]]) -> None:
    editing.set_secrets(root, {"A": "1", "B": "2"}, by=ANYBODY)
    editing.set_secret(app, "X", "${dev.A}", by=ANYBODY)
    announced.clear()

    editing.delete_secrets(root.secrets.all(), by=ANYBODY)

    assert list(Secret.objects.values_list("key", flat=True)) == ["X"]
    assert announced == [{"dev:/", "dev:/app"}]


def test_a_receiver_that_raises_undoes_the_change(root: Folder) -> None:
    def refuse(**kwargs: object) -> None:
        raise RuntimeError

    contents_changed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            editing.set_secret(root, "A", "1", by=ANYBODY)
    finally:
        contents_changed.disconnect(refuse)

    assert not Secret.objects.exists()


def test_writes_many_in_as_many_queries_as_few(
    root: Folder,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    folder = Folder.objects.select_related("environment").get(id=root.id)
    many = {f"A{n}": f"${{B{n}}}" for n in range(50)}

    with django_assert_max_num_queries(20):
        editing.set_secrets(folder, many, by=ANYBODY)
    with django_assert_max_num_queries(20):
        editing.set_secrets(folder, {key: value + "x" for key, value in many.items()}, by=ANYBODY)
