"""Reads a project of Infisical through the protocol.

read:     GET /api/v4/secrets, or /api/v3/secrets/raw where a server has no v4: one folder (or more) with imports
empty:    an old server answers so for a folder or environment that is not there: both are looked up then
imports:  one that the identity may not read is left out without a word: so the list of imports is compared
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
from sources.infisical.rows import Listed, Unbelievable, as_secrets, merge, parse
from sources.infisical.tree import folders_at, folders_below, imports_at
from sources.protocol import ROOT, EnvironmentEntry, FolderEntry, Place, SourceSecret

V4, V3 = "/api/v4/secrets", "/api/v3/secrets/raw"
NOTHING_CHANGED = "Nothing is changed on the strength of such an answer."

# Sites that have told so: an old server is not asked each time.
_without_v4: set[str] = set()
_flights: Flights[list[SourceSecret]] = Flights()


class InfisicalSource:
    """`project_id` is Infisical's. `whose` tells one set of credentials from another, for reads that are shared."""

    def __init__(self, client: InfisicalClient, project_id: str, *, whose: str = "", shared: bool = False) -> None:
        self._client = client
        self._project_id = project_id
        self._shares = (whose, project_id) if shared else None
        self._environments: list[EnvironmentEntry] | None = None

    def list_environments(self, *, search: str = "") -> list[EnvironmentEntry]:
        with translated():
            entries = self._load_environments()
        return [entry for entry in entries if search.lower() in f"{entry.slug}\n{entry.name}".lower()]

    def list_folders(self, environment_slug: str, *, search: str = "") -> list[FolderEntry]:
        with translated():
            self._require_environment(environment_slug)
            found = folders_below(self._client, self._project_id, Place(environment_slug))
        entries = [FolderEntry(ROOT), *(FolderEntry(path, id_) for path, id_ in sorted(found.items()))]
        return [entry for entry in entries if search.lower() in entry.path.lower()]

    def list_keys(self, place: Place, *, recursive: bool = False) -> list[str]:
        """Asks for no values; an old server sends them all the same, and they are dropped."""
        with translated(place):
            data = self._ask(place, recursive=recursive, values=False)
            listed = self._parse(data, place, recursive=recursive, values=False)
            self._require_whole(listed, place)
            return [row.key for row in merge(listed, recursive=recursive)]

    def read(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        if self._shares is None:
            return self._read(place, recursive, lambda: None)
        key = (*self._shares, place, recursive)
        return _flights.fly(key, lambda leave: self._read(place, recursive, leave))

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        """A keyed fingerprint of the whole answer: `lastSecretModified` knows nothing of imports and references.

        Of an answer that `read` would refuse there is no version, so that the next read says why.
        """
        with translated(place):
            data = self._ask(place, recursive=recursive)
            try:
                listed = self._parse(data, place, recursive=recursive)
                self._require_whole(listed, place)
                as_secrets(merge(listed, recursive=recursive))
            except (Unbelievable, SourceError):
                return None
        return fingerprint("infisical", self._project_id, str(place), str(recursive), json.dumps(data, sort_keys=True))

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

    def _read(self, place: Place, recursive: bool, leave: Callable[[], None]) -> list[SourceSecret]:
        with translated(place):
            data = self._ask(place, recursive=recursive, leave=leave)
            listed = self._parse(data, place, recursive=recursive)
            self._require_whole(listed, place)
            return as_secrets(merge(listed, recursive=recursive))

    def _ask(
        self, place: Place, *, recursive: bool, values: bool = True, leave: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """By the newer route, else by the older. Both get both spellings: what they do not know they ignore."""
        query = {
            "projectId": self._project_id,
            "workspaceId": self._project_id,
            "environment": place.environment_slug,
            "secretPath": place.path,
            "viewSecretValue": _flag(values),
            "expandSecretReferences": _flag(values),
            "recursive": _flag(recursive),
            "includeImports": "true",
            "include_imports": "true",
            "includePersonalOverrides": "false",
        }
        return self._ask_newest(query, f"read {place} in Infisical", leave)

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

    def _require_whole(self, listed: Listed, place: Place) -> None:
        if listed.is_empty:
            self._require_environment(place.environment_slug)
            self._require_folder(place)
        answered = {block.place for block in listed.blocks}
        for imported in imports_at(self._client, self._project_id, place):
            if imported not in answered:
                self._require_readable(imported, of=place)

    def _require_readable(self, imported: Place, *, of: Place) -> None:
        """An import that was not answered: only one that is there, may be read and is empty may be missing."""
        listed = self._parse(self._ask(imported, recursive=False), imported, recursive=False)
        if listed.rows:
            raise Unbelievable(f"{of} imports {imported}, and the answer leaves that out")
        self._require_environment(imported.environment_slug)
        self._require_folder(imported)

    def _require_environment(self, slug: str) -> None:
        environments = self._load_environments()
        if all(entry.slug != slug for entry in environments):
            there = ", ".join(entry.slug for entry in environments) or "none that the machine identity may see"
            raise PlaceMissing(
                f"Could not read the environment {slug} in Infisical: there is none. The project has: {there}. "
                "Choose another one, or give it its name back."
            )

    def _require_folder(self, place: Place) -> None:
        path = ROOT
        for name in place.path.strip("/").split("/") if place.path != ROOT else ():
            below = folders_at(self._client, self._project_id, Place(place.environment_slug, path))
            if name not in below:
                raise PlaceMissing(
                    f"Could not read {place} in Infisical: there is no folder {name} in {path}, or the machine "
                    "identity may not see it. Choose another folder, or restore this one."
                )
            path = f"{path.rstrip('/')}/{name}"

    def _load_environments(self) -> list[EnvironmentEntry]:
        if self._environments is None:
            self._environments = environments_in(load_project(self._client, self._project_id))
        return self._environments


def load_project(client: InfisicalClient, project_id: str) -> dict[str, Any]:
    """The project as Infisical tells it, by its id. Raises InfisicalError or Unbelievable."""
    what = f"look up the project {project_id[:64]} in Infisical"
    calls: dict[str, dict[str, str]] = {
        f"/api/v1/workspace/{segment(project_id)}": {},
        f"/api/v1/projects/{segment(project_id)}": {},
    }
    project = project_in(client.get_either(calls, what))
    if project.get("id") != project_id:
        raise Unbelievable("the answer is about another project")
    return project


def project_in(data: dict[str, Any]) -> dict[str, Any]:
    project = next((data[name] for name in ("workspace", "project") if isinstance(data.get(name), dict)), data)
    if not isinstance(project.get("id"), str) or not project["id"]:
        raise Unbelievable("the answer names no project")
    return dict(project)


def environments_in(project: dict[str, Any]) -> list[EnvironmentEntry]:
    rows = project.get("environments")
    if not isinstance(rows, list):
        raise Unbelievable("the answer lists no environments")
    entries = []
    for row in rows:
        slug, name, id_ = (row.get(part) if isinstance(row, dict) else None for part in ("slug", "name", "id"))
        if not isinstance(slug, str) or not slug:
            raise Unbelievable("an environment has no slug")
        entries.append(EnvironmentEntry(slug, _text(name) or slug, _text(id_)))
    return entries


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


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
