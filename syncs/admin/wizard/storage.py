"""Keeps what was entered in the wizard: sealed to one person's session, and only for a while.

formtools' own session storage writes raw posts, which anybody who can read the session table can read. Here the table
holds one sealed text. No secret value and no API key is ever entered in the wizard; names and plans deserve care too.
"""

import json
import time
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from formtools.wizard.storage.session import SessionStorage

from encryption import DecryptionError, seal, unseal

LIFETIME_SECONDS = 2 * 3600
# Under which formtools keeps the entries of the one wizard that there is, in the session.
KEPT_AS = "wizard_sync_wizard"


def forget_draft(request: HttpRequest) -> None:
    """What was entered has become something else than a sync."""
    request.session.pop(KEPT_AS, None)


class SealedStorage(SessionStorage):  # type: ignore[misc]
    """Opened at the first use in a request, sealed again at its end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._opened: dict[str, Any] | None = None
        self._before = ""
        super().__init__(*args, **kwargs)
        self._open()

    def _context(self) -> str:
        return f"syncs.wizard:{self.request.user.pk}:{self.request.session.session_key}"

    def _open(self) -> None:
        try:
            kept = json.loads(unseal(self.request.session.get(self.prefix, ""), context=self._context()))
        except (DecryptionError, ValueError, TypeError, AttributeError):
            kept = {}
        if kept.get("until", 0) > time.time():
            self._opened = kept["data"]
        else:
            self.init_data()
        self._before = json.dumps(self.data)

    @property
    def data(self) -> dict[str, Any]:
        return self._opened if self._opened is not None else {}

    @data.setter
    def data(self, value: dict[str, Any]) -> None:
        self._opened = value

    def init_data(self) -> None:
        """A new beginning, with the id that the sync will have, so that it can be made only once."""
        super().init_data()
        self.extra_data["sync_id"] = str(uuid4())

    @property
    def is_begun(self) -> bool:
        return bool(self.data[self.step_data_key] or self.extra_data.get("drafts"))

    def update_response(self, response: HttpResponse) -> None:
        """Writes only what has changed: a page that is merely looked at must not undo what another request stored."""
        super().update_response(response)
        if json.dumps(self.data) == self._before:
            return
        kept = {"until": time.time() + LIFETIME_SECONDS, "data": self.data}
        self.request.session[self.prefix] = seal(json.dumps(kept), context=self._context())

    def forget(self, step: str) -> None:
        self.data[self.step_data_key].pop(step, None)
