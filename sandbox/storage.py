"""Keeps organizations over a restart: a journal of changes, one JSON object a line, with digests for values."""

import json
import os
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO

from sandbox.directory import Directory
from sandbox.organization import Organization, Secret


class Journal:
    """Hears each change as an organization's listener and writes it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._lock = threading.Lock()

    def load(self, directory: Directory) -> None:
        """Put back what the journal tells, then start it anew with just that."""
        for org_id, secrets in read_journal(self._path).items():
            organization = directory.declare_organization(org_id)
            for secret in secrets.values():
                organization.restore(secret)
        draft = self._path.with_name(self._path.name + ".new")
        self._file = open_private(draft)
        for organization in directory.organizations():
            for secret in organization.secrets():
                self.record(organization, "put", secret)
        os.replace(draft, self._path)

    def record(self, organization: Organization, event: str, secret: Secret) -> None:
        fields = asdict(secret)
        del fields["value"], fields["position"]
        line = {"org": organization.org_id, "event": event, "secret": fields}
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


def read_journal(path: Path) -> dict[str, dict[str, Secret]]:
    found: dict[str, dict[str, Secret]] = {}
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            org_id, event, secret = str(entry["org"]), entry["event"], Secret(**entry["secret"])
        except (ValueError, LookupError, TypeError):
            continue  # a last line cut short by a kill, or what another version wrote
        secrets = found.setdefault(org_id, {})
        secrets.pop(secret.secret_id, None)
        if event != "removed":
            secrets[secret.secret_id] = secret
    return found
