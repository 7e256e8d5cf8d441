"""Many rows are read and written in pieces; whatever their size, all come out as if there were none."""

import pytest

from tests.actors import ANYBODY
from vault import editing, loading
from vault.editing import Edit, Labels, Metadatum, labels
from vault.editing import secrets as writing
from vault.loading import describe_state
from vault.models import Environment, Folder, Secret, SecretReference, SecretVersion
from vault.reading import list_keys, read_secrets
from vault.values import open_value

SIZES = (1, 2, 7, 500)
KEYS = [f"K{number}" for number in range(9)]
pytestmark = pytest.mark.parametrize("size", SIZES)


@pytest.fixture
def pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (writing, labels, loading):
        monkeypatch.setattr(module, "FEW", size)


@pytest.fixture
def many(app: Folder, pieces: None) -> list[Secret]:
    editing.set_secrets(app, {key: f"${{{key}X}}{key}" for key in KEYS}, by=ANYBODY)
    return list(app.secrets.select_related("folder__environment").order_by("key"))


def read(folder: Folder) -> dict[str, str]:
    return {secret.key: secret.value for secret in read_secrets(folder)}


def test_writes_all_with_versions_and_references(app: Folder, many: list[Secret]) -> None:
    written = editing.set_secrets(app, {key: f"new-{key}" for key in [*KEYS[:5], "L1"]}, by=ANYBODY)

    assert (written.created, written.changed) == (["L1"], KEYS[:5])
    assert dict(app.secrets.values_list("key", "version")) == dict.fromkeys(KEYS, 1) | dict.fromkeys(KEYS[:5], 2) | {
        "L1": 1
    }
    assert sorted(SecretReference.objects.values_list("key", flat=True)) == [f"{key}X" for key in KEYS[5:]]
    assert SecretVersion.objects.count() == 15


def test_moves_all_keys_by_one(app: Folder, many: list[Secret]) -> None:
    following = dict(zip(KEYS, [*KEYS[1:], KEYS[0]], strict=True))
    values = {secret.key: open_value(secret) for secret in many}

    changed = editing.update_secrets(app, [Edit(one, key=following[one.key]) for one in many], by=ANYBODY)

    assert [secret.key for secret in changed] == [following[key] for key in KEYS]
    moved = app.secrets.select_related("folder__environment")
    assert {secret.key: open_value(secret) for secret in moved} == {following[key]: values[key] for key in KEYS}


def test_comments_reach_rows_and_newest_versions(app: Folder, many: list[Secret]) -> None:
    editing.update_secrets(app, [Edit(one, comment=f"of {one.key}") for one in many], by=ANYBODY)

    assert dict(app.secrets.values_list("key", "comment")) == {key: f"of {key}" for key in KEYS}
    assert dict(SecretVersion.objects.values_list("secret__key", "comment")) == {key: f"of {key}" for key in KEYS}


def test_deletes_all_that_were_meant(app: Folder, many: list[Secret], announced: list[set[str]]) -> None:
    announced.clear()

    editing.delete_secrets(many[:8], by=ANYBODY)

    assert list(app.secrets.values_list("key", flat=True)) == [KEYS[8]]
    assert announced == [{"dev:/app"}]


def test_labels_of_all_are_replaced(app: Folder, many: list[Secret]) -> None:
    project = app.environment.project
    hot, cold = (editing.create_tag(project, slug, by=ANYBODY) for slug in ("hot", "cold"))
    for tag in (hot, cold):
        wanted = {one: Labels(tag_ids=[tag.pk, tag.pk], metadata=[Metadatum("tag", tag.slug)]) for one in many}
        editing.set_labels(project.pk, wanted, by=ANYBODY)

    found = Secret.objects.prefetch_related("tags", "metadata")
    assert [[tag.slug for tag in secret.tags.all()] for secret in found] == [["cold"]] * 9
    assert [[(pair.key, pair.value) for pair in secret.metadata.all()] for secret in found] == [[("tag", "cold")]] * 9


def test_reads_from_more_folders_than_a_piece_has(
    dev: Environment, prod: Environment, app: Folder, pieces: None
) -> None:
    for number in range(4):
        folder = editing.create_folder(dev, f"/app/x{number}", by=ANYBODY)
        editing.set_secrets(folder, {f"A{number}": f"${{prod.B}}{number}"}, by=ANYBODY)
    editing.set_secrets(prod.folders.get(), {"B": "b", "C": "c"}, by=ANYBODY)
    row = Folder.objects.select_related("environment").get(pk=app.pk)

    assert {one.key: one.value for one in read_secrets(row, recursive=True)} == {f"A{n}": f"b{n}" for n in range(4)}
    assert list_keys(row, recursive=True) == [f"A{number}" for number in range(4)]
    assert read(app) == {}


def test_a_description_is_of_what_is_needed_alone(
    dev: Environment, prod: Environment, app: Folder, pieces: None
) -> None:
    editing.set_secrets(app, {"A": "${prod.B}"}, by=ANYBODY)
    editing.set_secrets(prod.folders.get(), {"B": "b"}, by=ANYBODY)
    apart = editing.create_folder(dev, "/apart", by=ANYBODY)
    before = describe_state(app)

    editing.set_secrets(apart, {"A": "other"}, by=ANYBODY)
    assert describe_state(app) == before
    editing.set_secrets(prod.folders.get(), {"B": "new"}, by=ANYBODY)
    assert describe_state(app) != before
    assert describe_state(app, follow_references=False) == [row for row in describe_state(app) if app.pk in row]
