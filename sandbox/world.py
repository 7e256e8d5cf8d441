"""Everything the sandbox knows, apart from sockets. Tests hold it; other processes go through the control routes."""

import threading
from dataclasses import fields, replace
from pathlib import Path

from sandbox.directory import DEFAULT_ORGANIZATION, Directory
from sandbox.faults import Faults
from sandbox.log import RequestLog
from sandbox.organization import Organization
from sandbox.rate import RateLimit, RetryAfterWindows
from sandbox.settings import Settings
from sandbox.storage import Journal


class World:
    def __init__(self, *, settings: Settings | None = None, data: Path | None = None) -> None:
        self.settings = settings or Settings()
        self._settings_at_start = replace(self.settings)
        self.journal = Journal(data) if data else None
        self.directory = Directory()
        if self.journal:
            self.directory = Directory(self.journal.record, on_founded=self.journal.found, on_key=self.journal.keep_key)
            self.journal.load(self.directory)
        self.faults = Faults()
        self.log = RequestLog()
        self.rate_limit = RateLimit()
        self.windows = RetryAfterWindows()
        self.stopping = threading.Event()

    def organization(self, org_id: str = DEFAULT_ORGANIZATION) -> Organization:
        """One of the declared organizations."""
        organization = self.directory.find(org_id)
        if organization is None:
            raise LookupError(f"The sandbox has no organization {org_id}; declare it first.")
        return organization

    def refuse_value(self, key: str, org_id: str = DEFAULT_ORGANIZATION) -> None:
        """From now on a create with this key gets a 422 that calls the value invalid."""
        self.organization(org_id).refuse_value(key)

    def clear_traffic(self) -> None:
        """Forget requests, limits and faults; organizations, keys and settings stay."""
        self.faults.clear()
        self.log.clear()
        self.rate_limit.clear()
        self.windows.clear()

    def reset(self) -> None:
        """Empty every organization, forget the traffic, and return to the settings of the start."""
        self.clear_traffic()
        self.directory.reset()
        for setting in fields(Settings):
            setattr(self.settings, setting.name, getattr(self._settings_at_start, setting.name))
