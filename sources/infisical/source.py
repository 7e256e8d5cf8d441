"""Reads a project of Infisical through the protocol.

read:     GET /api/v4/secrets, or /api/v3/secrets/raw where a server has no v4: one folder (or more) with imports
besides:  what such an answer leaves out without a word, `whole` looks up
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from connections.infisical.client import SECRETS, InfisicalClient, segment
from connections.infisical.errors import (
    Forbidden,
    InfisicalError,
    LoginRefused,
    NotFound,
    RateLimited,
    TokenRefused,
    Unreachable,
)
from encryption import DecryptionError, fingerprint
from sources.errors import PlaceMissing, Refused, SourceError, Unavailable, Untrustworthy
from sources.infisical.flights import Flights
from sources.infisical.rows import Listed, Row, Unbelievable, as_secrets, merge, parse, tags_of
from sources.infisical.tree import folders_below, imports_at
from sources.infisical.whole import Whole
from sources.protocol import ROOT, EnvironmentEntry, FolderEntry, Place, SourceSecret

V4, V3 = "/api/v4/secrets", "/api/v3/secrets/raw"
NOTHING_CHANGED = "Nothing is changed on the strength of such an answer."

# Sites that have told so: an old server is not asked each time.
_without_v4: set[str] = set()
_flights: Flights[list[Row]] = Flights()


class InfisicalSource:
    """`project_id` is Infisical's. `whose` tells one set of credentials from another, for reads that are shared."""

    def __init__(self, client: InfisicalClient, project_id: str, *, whose: str = "", shared: bool = False) -> None:
        self._client = client
        self._project_id = project_id
        self._shares = (whose, project_id) if shared else None
        self._whole = Whole(client, project_id, self._list)

    def list_environments(self, *, search: str = "") -> list[EnvironmentEntry]:
        with translated():
            entries = self._whole.environments()
        return [entry for entry in entries if search.lower() in f"{entry.slug}\n{entry.name}".lower()]

    def list_folders(self, environment_slug: str, *, search: str = "") -> list[FolderEntry]:
        with translated():
            self._whole.require_environment(environment_slug)
            found = folders_below(self._client, self._project_id, Place(environment_slug))
        entries = [FolderEntry(ROOT), *(FolderEntry(path, id_) for path, id_ in sorted(found.items()))]
        return [entry for entry in entries if search.lower() in entry.path.lower()]

    def list_keys(self, place: Place, *, recursive: bool = False) -> list[str]:
        """Asks for no values; an old server sends them all the same, and they are dropped."""
        with translated(place):
            return [row.key for row in self._rows_without_values(place, recursive=recursive)]

    def list_tags(self, place: Place, *, recursive: bool = False) -> dict[str, frozenset[str]]:
        with translated(place):
            return {row.key: tags_of(row) for row in self._rows_without_values(place, recursive=recursive)}

    def list_imports(self, place: Place) -> list[Place]:
        with translated(place):
            return imports_at(self._client, self._project_id, place)

    def read(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        with translated(place):
            return as_secrets(self._rows(place, recursive=recursive))

    def read_tagged(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        with translated(place):
            return as_secrets(self._rows(place, recursive=recursive), tags=True)

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        """A keyed fingerprint of the whole answer: `lastSecretModified` knows nothing of imports and references.

        Of an answer that `read` would refuse there is no version, so that the next read says why. Folders below are not
        looked up one by one: what is left out of them once it was read makes another version.
        """
        with translated(place):
            data = self._ask(place, recursive=recursive)
            try:
                listed = self._parse(data, place, recursive=recursive)
                as_secrets(merge(listed, self._whole.require(listed, place, recursive=False)))
            except (Unbelievable, SourceError):
                return None
        return fingerprint("infisical", self._project_id, str(place), str(recursive), json.dumps(data, sort_keys=True))

    def ask_stored(self, place: Place) -> dict[str, Any]:
        """A folder as it is stored, unparsed: its own secrets alone, references unexpanded. Raises SourceError."""
        query = self._query(place, values=True, expanded=False, imports=False)
        with translated(place):
            return self._ask_newest(query, f"read {place} in Infisical", lambda: None)

    def link(self, place: Place) -> str:
        query = urlencode({"secretPath": place.path})
        project, environment = segment(self._project_id), segment(place.environment_slug)
        site = self._client.site.base_url
        return f"{site}/projects/secret-management/{project}/secrets/{environment}?{query}"

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    def _rows(self, place: Place, *, recursive: bool) -> list[Row]:
        """Of one request, for all who ask for the same at the moment, whether by tags or not."""
        if self._shares is None:
            return self._read(place, recursive, lambda: None)
        key = (*self._shares, place, recursive)
        return _flights.fly(key, lambda leave: self._read(place, recursive, leave))

    def _read(self, place: Place, recursive: bool, leave: Callable[[], None]) -> list[Row]:
        with translated(place):
            data = self._ask(place, recursive=recursive, leave=leave)
            listed = self._parse(data, place, recursive=recursive)
            return merge(listed, self._whole.require(listed, place, recursive=recursive))

    def _rows_without_values(self, place: Place, *, recursive: bool) -> list[Row]:
        data = self._ask(place, recursive=recursive, values=False)
        listed = self._parse(data, place, recursive=recursive, values=False)
        return merge(listed, self._whole.require(listed, place, recursive=recursive))

    def _list(self, place: Place) -> Listed:
        """One folder by itself, for its names alone."""
        return self._parse(self._ask(place, recursive=False, values=False), place, recursive=False, values=False)

    def _ask(
        self, place: Place, *, recursive: bool, values: bool = True, leave: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        query = self._query(place, values=values, expanded=values, imports=True, recursive=recursive)
        return self._ask_newest(query, f"read {place} in Infisical", leave)

    def _query(
        self, place: Place, *, values: bool, expanded: bool, imports: bool, recursive: bool = False
    ) -> dict[str, str]:
        """For the newer route and the older. Both get both spellings: what they do not know they ignore."""
        return {
            "projectId": self._project_id,
            "workspaceId": self._project_id,
            "environment": place.environment_slug,
            "secretPath": place.path,
            "viewSecretValue": _flag(values),
            "expandSecretReferences": _flag(expanded),
            "recursive": _flag(recursive),
            "includeImports": _flag(imports),
            "include_imports": _flag(imports),
            "includePersonalOverrides": "false",
        }

    def _ask_newest(self, query: dict[str, str], what: str, leave: Callable[[], None]) -> dict[str, Any]:
        site = self._client.site.base_url
        told: NotFound | None = None
        for path in (V3, V4) if site in _without_v4 else (V4, V3):
            try:
                return self._client.get(path, query, what, sort=SECRETS, may_send=leave)
            except NotFound as error:
                if error.is_route:
                    (_without_v4.add if path == V4 else _without_v4.discard)(site)
                # What is said of the place tells more than that a route is missing.
                told = error if told is None or told.is_route else told
        assert told is not None  # noqa: S101 - there are two routes
        raise told

    def _parse(self, data: dict[str, Any], place: Place, *, recursive: bool, values: bool = True) -> Listed:
        return parse(data, project_id=self._project_id, place=place, recursive=recursive, values=values)


def _flag(value: bool) -> str:
    return "true" if value else "false"


@contextmanager
def translated(place: Place | None = None) -> Iterator[None]:
    """Infisical's errors as those of any source, with the same sentences."""
    try:
        yield
    except Unbelievable as error:
        what = f"Could not read {place} in Infisical" if place else "Could not read the project in Infisical"
        advice = error.advice or f"{NOTHING_CHANGED} Look at this place in Infisical, and sync again."
        raise Untrustworthy(f"{what}: {error}. {advice}") from None
    except RateLimited as error:
        raise Unavailable(error.message, retry_after=error.retry_after) from None
    except Unreachable as error:
        raise Unavailable(error.message, retryable=error.retryable) from None
    except NotFound as error:
        raise PlaceMissing(error.message) from None
    except (LoginRefused, TokenRefused, Forbidden) as error:
        raise Refused(error.message) from None
    except InfisicalError as error:
        raise Untrustworthy(error.message) from None
    except DecryptionError as error:
        raise Refused(str(error)) from None
