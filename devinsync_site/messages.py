"""Where messages wait for the next page. Named by MESSAGE_STORAGE."""

from typing import Any

from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpResponse


class Storage(FallbackStorage):
    """Django's: in a cookie, and what does not fit in the session. But nobody gets a session by what they are told: for
    whoever is not logged in, the oldest message gives way."""

    def _store(self, messages: list[Any], response: HttpResponse, *args: Any, **kwargs: Any) -> list[Any]:
        if self.request.user.is_authenticated:
            return list(super()._store(messages, response, *args, **kwargs))  # type: ignore[misc]
        return list(self.storages[0]._store(messages, response, remove_oldest=True))
