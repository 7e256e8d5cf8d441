"""The journal: what it gives back after an end of any kind, and that no value is in it."""

import json
from pathlib import Path

import pytest

from sandbox.directory import Directory
from sandbox.organization import Organization
from sandbox.storage import Journal, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.jsonl"


def open_world(path: Path) -> tuple[Journal, Directory]:
    journal = Journal(path)
    directory = Directory(journal.record, on_founded=journal.found)
    journal.load(directory)
    return journal, directory


def organization_of(directory: Directory, org_id: str = "org-sandbox") -> Organization:
    organization = directory.find(org_id)
    assert organization is not None
    return organization


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_gives_back_what_was_put_changed_and_not_deleted(path: Path) -> None:
    journal, directory = open_world(path)
    organization = organization_of(directory)
    kept = organization.put(key="KEPT", value="canary-1", note="n")
    gone = organization.put(key="GONE", value="canary-2")
    changed = organization.change(kept.secret_id, value="canary-3", key="RENAMED")
    organization.delete(gone.secret_id)
    journal.close()

    _, again = open_world(path)

    (found,) = organization_of(again).secrets()
    assert (found.secret_id, found.key, found.note) == (kept.secret_id, "RENAMED", "n")
    assert (found.sha256, found.value, found.updated_at) == (changed.sha256, None, changed.updated_at)
    assert "canary" not in path.read_text()


def test_keeps_organizations_apart_and_secrets_in_their_order(path: Path) -> None:
    journal, directory = open_world(path)
    directory.declare_organization("org-b").put(key="B1")
    organization_of(directory).put(key="A1")
    directory.declare_organization("org-b").put(key="B2")
    journal.close()

    _, again = open_world(path)

    assert [secret.key for secret in organization_of(again, "org-b").secrets()] == ["B1", "B2"]
    assert [secret.key for secret in organization_of(again).secrets()] == ["A1"]


def test_gives_back_organizations_that_hold_nothing_and_their_names(path: Path) -> None:
    journal, directory = open_world(path)
    directory.declare_organization("org-b", "Billing")
    journal.close()
    open_world(path)[0].close()

    _, again = open_world(path)

    assert organization_of(again, "org-b").name == "Billing"
    assert organization_of(again).name == "Sandbox"


def test_starts_anew_with_what_is_left(path: Path) -> None:
    journal, directory = open_world(path)
    for number in range(20):
        organization_of(directory).delete(organization_of(directory).put(key=f"K{number}").secret_id)
    organization_of(directory).put(key="LAST")
    journal.close()
    assert len(lines_of(path)) == 41

    open_world(path)[0].close()

    assert [line["event"] for line in lines_of(path)] == ["put"]
    assert not path.with_name(path.name + ".new").exists()


def test_a_key_put_anew_under_its_id_stands_last_after_a_restart_too(path: Path) -> None:
    journal, directory = open_world(path)
    organization = organization_of(directory)
    organization.put(key="A", secret_id="secret-a")
    organization.put(key="B")
    organization.put(key="A", secret_id="secret-a")
    journal.close()

    _, again = open_world(path)

    assert [secret.key for secret in organization_of(again).secrets()] == ["B", "A"]


def test_every_change_is_in_the_file_at_once(path: Path) -> None:
    _, directory = open_world(path)

    organization_of(directory).put(key="A")

    assert [line["event"] for line in lines_of(path)] == ["put"], "a kill now would lose nothing"


def test_takes_any_text_that_json_can_spell(path: Path) -> None:
    journal, directory = open_world(path)
    organization_of(directory).put(key="\ud800", note="line\nbreak\u2028 \x00")
    journal.close()

    (secret,) = organization_of(open_world(path)[1]).secrets()

    assert (secret.key, secret.note) == ("\ud800", "line\nbreak\u2028 \x00")


DAMAGE = [
    pytest.param(b'{"org": "org-sandbox", "ev', id="a line cut short"),
    pytest.param(b"\xff\xfe\n", id="bytes that are no text"),
    pytest.param(b"\n\n", id="empty lines"),
    pytest.param(b"5\n", id="a number"),
    pytest.param(b'{"event": "put"}\n', id="no organization"),
    pytest.param(b'{"org": "o", "event": "put", "secret": {"colour": 1}}\n', id="a field of another version"),
    pytest.param(b'{"org": "o", "event": "put", "secret": null}\n', id="no secret"),
    pytest.param(b'{"org": "o", "event": "founded"}\n', id="no name"),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_line_that_it_cannot_read_costs_that_line_alone(path: Path, damage: bytes) -> None:
    journal, directory = open_world(path)
    organization_of(directory).put(key="KEPT")
    journal.close()
    with path.open("ab") as file:
        file.write(damage)

    _, again = open_world(path)

    assert [secret.key for secret in organization_of(again).secrets()] == ["KEPT"]


def test_no_file_is_an_empty_journal(path: Path) -> None:
    assert read_journal(path) == {}


def test_is_for_its_user_alone(path: Path) -> None:
    open_world(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_what_comes_after_the_end_is_not_written_and_no_error(path: Path) -> None:
    journal, directory = open_world(path)
    journal.close()
    journal.close()

    organization_of(directory).put(key="LATE")

    assert lines_of(path) == []


def test_a_folder_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_world(tmp_path / "none" / "sandbox.jsonl")
