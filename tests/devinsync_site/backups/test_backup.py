"""`manage.py backup` writes what a database that is in use holds at one moment, sealed as it is, into one file."""

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Model

from devinsync_site.backups import dump
from devinsync_site.backups.contents import LEFT_OUT, kept_models, label_of
from devinsync_site.backups.snapshot import rows_of as rows_of_table
from encryption.keyring import generate_key
from syncs.models import DevinSync
from tests.devinsync_site.backups.conftest import API_KEY, CANARY, back_up, lines_of, rows_of

pytestmark = [pytest.mark.django_db(transaction=True)]


def told(*arguments: str | Path) -> str:
    out = io.StringIO()
    call_command("backup", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.postgresql
def test_holds_every_table_but_those_that_are_left_out_on_purpose(worked: DevinSync, tmp_path: Path) -> None:
    file = tmp_path / "backup"

    said = told(file)

    rows = rows_of(file)
    every = {model._meta.label_lower for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    assert set(rows) == every - LEFT_OUT
    assert every >= LEFT_OUT
    for model in kept_models(apps):
        assert len(rows[label_of(model)]) == model._base_manager.count()
    assert f"Wrote {sum(map(len, rows.values())):,} rows of {len(rows)} tables to {file}" in said
    assert "secrets.env" in said


def test_holds_no_value_no_credential_and_no_key(worked: DevinSync, tmp_path: Path, settings: LazySettings) -> None:
    content = gzip.decompress(back_up(tmp_path / "backup").read_bytes()).decode()

    assert CANARY not in content
    assert API_KEY not in content
    assert settings.SECRET_KEY not in content
    for key in settings.ENCRYPTION_KEYS:
        assert key not in content


@pytest.mark.postgresql
def test_tells_of_one_moment_while_others_write(
    worked: DevinSync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes while a table is read waits for nothing, and is seen in none of the tables that follow."""
    other = connections.create_connection("default")

    def write_first(model: type[Model]) -> Iterator[tuple[Any, ...]]:
        with other.cursor() as cursor:
            cursor.execute("UPDATE vault_project SET name = 'Written meanwhile'")
        return rows_of_table(model)

    monkeypatch.setattr(dump, "rows_of", write_first)
    back_up(tmp_path / "backup")
    other.close()

    assert [row["name"] for row in rows_of(tmp_path / "backup")["vault.project"]] == ["Käse & “Shop”"]


@pytest.mark.postgresql
def test_takes_nothing_half(worked: DevinSync, tmp_path: Path) -> None:
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("UPDATE vault_project SET name = 'Under way'")
    back_up(tmp_path / "backup")
    other.rollback()
    other.close()

    assert [row["name"] for row in rows_of(tmp_path / "backup")["vault.project"]] == ["Käse & “Shop”"]


def test_is_one_file_for_its_user_alone(transactional_db: None, tmp_path: Path) -> None:
    back_up(tmp_path / "backup")

    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_touches_no_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "older").write_text("precious")

    with pytest.raises(CommandError, match="is there already"):
        back_up(tmp_path / "older")

    assert (tmp_path / "older").read_text() == "precious"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        back_up(tmp_path / "missing" / "backup")


def test_leaves_nothing_behind_that_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("devinsync_site.backups.dump.os.fsync", fail)

    with pytest.raises(CommandError, match=r"could not be written to .*: No space left on device"):
        back_up(tmp_path / "backup")

    assert list(tmp_path.iterdir()) == []


# Looking at one


def test_a_whole_one_says_of_when_and_what(tmp_path: Path) -> None:
    file = back_up(tmp_path / "backup")

    said = told(file, "--check")

    assert f"{file} is whole: " in said
    assert lines_of(file)[0]["made_at"] in said
    assert "ENCRYPTION_KEYS has every key" in said


def test_one_whose_key_is_not_there_names_it(worked: DevinSync, tmp_path: Path, settings: LazySettings) -> None:
    file = back_up(tmp_path / "backup")
    (key_id,) = lines_of(file)[0]["key_ids"]
    settings.ENCRYPTION_KEYS = [generate_key()]

    with pytest.raises(CommandError, match=f"sealed with encryption key {key_id}, which ENCRYPTION_KEYS lacks"):
        told(file, "--check")


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_its_end(content: bytes) -> bytes:
    return gzip.compress(b"\n".join(gzip.decompress(content).split(b"\n")[:-2]) + b"\n")


def without_a_row(content: bytes) -> bytes:
    lines = gzip.decompress(content).split(b"\n")
    lines.remove(next(line for line in lines if line.startswith(b"[")))
    return gzip.compress(b"\n".join(lines))


def with_another_name(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b"Can add", b"May add"))


def of_a_newer_format(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b'"version":1', b'"version":2', 1))


SPOILED = {
    "cut off": (cut, "is not whole, or was altered"),
    "without its end": (without_its_end, "is not whole, or was altered"),
    "without a row": (without_a_row, "is not whole, or was altered"),
    "altered": (with_another_name, "is not whole, or was altered"),
    "a newer format": (of_a_newer_format, "has format 2, this version reads 1"),
    "text": (lambda content: b"SECRET=canary", "can't be read: it is no backup"),
    "compressed text": (lambda content: gzip.compress(b"SECRET=canary"), "is not whole, or was altered"),
    "a list": (lambda content: gzip.compress(b"[1]"), "is no backup of DevinSync"),
    "empty": (lambda content: b"", "is no backup of DevinSync"),
    "a first line alone": (lambda content: gzip.compress(b'{"format":"devinsync-backup","version":1}\n'), "first line"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_one_that_is_not_whole_is_none(tmp_path: Path, kind: str) -> None:
    file = back_up(tmp_path / "backup")
    spoil, why = SPOILED[kind]
    file.write_bytes(spoil(file.read_bytes()))

    with pytest.raises(CommandError, match=why) as refused:
        told(file, "--check")

    assert "canary" not in str(refused.value)


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory"):
        told(tmp_path / "absent", "--check")
