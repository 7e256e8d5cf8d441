"""Keeps organizations, and what became of API keys, over a restart: a journal of changes, one JSON object a line, with
digests for values and for tokens."""

import contextlib
import json
import os
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from sandbox.directory import DEFAULT_ORGANIZATION, ApiKey, Directory
from sandbox.organization import Organization, Secret

FOUNDED, KEY = "founded", "key"


@dataclass
class Kept:
    """What the journal tells of an organization: its name, "" where it tells none, and its secrets by id."""

    name: str = ""
    secrets: dict[str, Secret] = field(default_factory=dict)


class Journal:
    """Hears of each new organization, and of each change as its listener, and writes it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._lock = threading.Lock()

    def load(self, directory: Directory) -> None:
        """Put back what the journal tells, then start it anew with just that."""
        keys = read_keys(self._path)
        for key in keys:
            directory.restore_key(key)
        for org_id, kept in read_journal(self._path).items():
            organization = directory.declare_organization(org_id, kept.name)
            for secret in kept.secrets.values():
                organization.restore(secret)
        draft = self._path.with_name(self._path.name + ".new")
        self._file = open_private(draft)
        for key in keys:
            self.keep_key(key)
        for organization in directory.organizations():
            self.found(organization)
            for secret in organization.secrets():
                self.record(organization, "put", secret)
        os.replace(draft, self._path)

    def found(self, organization: Organization) -> None:
        """The one of the start is always there."""
        if organization.org_id != DEFAULT_ORGANIZATION:
            self._write({"org": organization.org_id, "event": FOUNDED, "name": organization.name})

    def record(self, organization: Organization, event: str, secret: Secret) -> None:
        fields = asdict(secret)
        del fields["value"], fields["position"]
        self._write({"org": organization.org_id, "event": event, "secret": fields})

    def keep_key(self, key: ApiKey) -> None:
        """By the digest of its token alone."""
        fields = asdict(replace(key, token="", sha256=key.digest))
        self._write({"event": KEY, "key": fields | {"permissions": sorted(key.permissions)}})

    def _write(self, line: dict[str, Any]) -> None:
        with self._lock:
            if self._file is not None:
                self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def open_private(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def read_journal(path: Path) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for entry in entries_of(path):
        with contextlib.suppress(LookupError, TypeError):  # what another version wrote
            take_in(found, entry)
    return found


def read_keys(path: Path) -> list[ApiKey]:
    """As the last line about each tells."""
    found: dict[str, ApiKey] = {}
    for entry in entries_of(path):
        with contextlib.suppress(LookupError, TypeError):
            key = ApiKey(**entry["key"] | {"permissions": frozenset(entry["key"]["permissions"])})
            found[key.sha256] = key
    return list(found.values())


def entries_of(path: Path) -> list[Any]:
    """All lines that can be read: the last one may be cut short by a kill."""
    found = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def take_in(found: dict[str, Kept], entry: Any) -> None:
    org_id, event = str(entry["org"]), entry["event"]
    if event == FOUNDED:
        found.setdefault(org_id, Kept()).name = str(entry["name"])
        return
    secret = Secret(**entry["secret"])
    secrets = found.setdefault(org_id, Kept()).secrets
    secrets.pop(secret.secret_id, None)
    if event != "removed":
        secrets[secret.secret_id] = secret
