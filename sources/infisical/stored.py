"""Reads a whole project of Infisical as it is stored, to be copied.

    environments   GET the project                                     once
    folders        GET /api/v2/folders, or v1, all below the root      each environment
    secrets        GET as for a sync, unexpanded, without imports      each folder
    imports        GET /api/v2/secret-imports, or v1                   each folder

Each folder by itself: of many folders read at once, Infisical leaves out those that the identity may not read.
"""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from connections.infisical.client import InfisicalClient
from connections.infisical.opening import open_client
from sources.contents import Contents, KeptFolder, KeptSecret, Left, Tell, shown
from sources.errors import PlaceMissing, Unavailable
from sources.infisical.projects import environments_in, load_project
from sources.infisical.references import Untranslatable, translate
from sources.infisical.rows import LITERAL, Reading, Unbelievable, is_hidden, list_in
from sources.infisical.source import InfisicalSource, translated
from sources.infisical.tree import all_imports_at, folders_below
from sources.kinds import Opening
from sources.protocol import ROOT, EnvironmentEntry, Place

HIDDEN = "its value is hidden from the machine identity: give its role the right to read values there"
PERSONAL = "it belongs to one person, and syncs do not read it either"
REPLICA = "Infisical keeps a replica of it; in the vault it is an import like any other"
# So often one question waits until the limit lets it through, which others share.
TRIES = 10
pause = time.sleep

T = TypeVar("T")
NOT_KEPT = {"secretMetadata": "metadata", "secretReminderNote": "a reminder"}


def read_contents(opening: Opening, environments: Collection[str], tell: Tell) -> Contents:
    """All environments, or those named. Raises SourceError."""
    with translated():
        client = open_client(opening.through, patience=opening.patience)
    with InfisicalSource(client, opening.remote_id) as source:
        return _Project(client, source, opening.remote_id).read(environments, tell)


class Step:
    """One of many questions. It waits for its turn within the limit, telling so, and not before it is told to come."""

    def __init__(self, tell: Tell, name: str, count: int, total: int) -> None:
        self._tell, self._name, self._count, self._total = tell, name, count, total
        tell(name, count, total)

    def patiently(self, ask: Callable[[], T]) -> T:
        for _ in range(TRIES - 1):
            try:
                return ask()
            except Unavailable as error:
                if error.retry_after is None:
                    raise
                self._tell(f"{self._name} (waits for the source's limit)", self._count, self._total)
                pause(error.retry_after.total_seconds())
        return ask()


class _Project:
    def __init__(self, client: InfisicalClient, source: InfisicalSource, project_id: str) -> None:
        self._client, self._source, self._project_id = client, source, project_id
        self._reading = Reading(project_id, values=False)
        self._slug = ""
        self._hidden: list[Left] = []
        self._left: list[Left] = []

    def read(self, environments: Collection[str], tell: Tell) -> Contents:
        chosen = self._environments(environments)
        places: list[Place] = []
        for count, entry in enumerate(chosen):
            step = Step(tell, "Reading the folders of each environment", count, len(chosen))
            places += step.patiently(partial(self._places, entry.slug))
        folders = []
        for count, place in enumerate(places):
            step = Step(tell, "Reading the secrets and imports of each folder", count, len(places))
            folders.append(self._folder(place, step))
        return Contents(tuple(chosen), tuple(folders), tuple(self._hidden), tuple(self._left))

    def _environments(self, named: Collection[str]) -> list[EnvironmentEntry]:
        with translated():
            project = load_project(self._client, self._project_id)
            entries = environments_in(project)
            if len({entry.slug for entry in entries}) != len(entries):
                raise Unbelievable("the answer lists an environment twice")
        self._slug = slug if isinstance(slug := project.get("slug"), str) else ""
        if missing := sorted(set(named) - {entry.slug for entry in entries}):
            there = ", ".join(entry.slug for entry in entries) or "none"
            raise PlaceMissing(f"The project has no environment {', '.join(missing)} in Infisical. It has: {there}.")
        return [entry for entry in entries if not named or entry.slug in named]

    def _places(self, slug: str) -> list[Place]:
        with translated(Place(slug)):
            return [Place(slug), *(Place(slug, path) for path in sorted(folders_below(*self._at(slug))))]

    def _at(self, slug: str) -> tuple[InfisicalClient, str, Place]:
        return self._client, self._project_id, Place(slug, ROOT)

    def _folder(self, place: Place, step: "Step") -> KeptFolder:
        data = step.patiently(lambda: self._source.ask_stored(place))
        with translated(place):
            _check_imports(data)
            secrets = tuple(self._secrets(list_in(data, "secrets"), place))
            if len({secret.key for secret in secrets}) != len(secrets):
                raise Unbelievable("a key comes twice")
        listed = step.patiently(lambda: self._imports(place))
        self._left += [Left(str(place), f"the replica of {at}", REPLICA) for at, is_replica in listed if is_replica]
        return KeptFolder(place, secrets, tuple(at for at, _ in listed))

    def _imports(self, place: Place) -> list[tuple[Place, bool]]:
        with translated(place):
            return all_imports_at(self._client, self._project_id, place)

    def _secrets(self, items: list[Any], place: Place) -> Iterator[KeptSecret]:
        for item in items:
            row = next(self._reading.own([item], place, recursive=False), None)
            if row is None:
                self._left.append(Left(str(place), f"the personal {_name(item)}", PERSONAL))
            elif is_hidden(item):
                self._hidden.append(Left(str(place), shown(row.key), HIDDEN))
            else:
                # Who may tag a secret there says so that its text means what it says; here that is a mark of its own.
                tags = (row.tags or frozenset()) - {LITERAL}
                yield replace(self._kept(item, row.key, place, is_literal=row.is_literal), tags=tags)

    def _kept(self, item: dict[str, Any], key: str, place: Place, *, is_literal: bool) -> KeptSecret:
        value, comment = self._reading.value(item, key), item.get("secretComment") or ""
        if not isinstance(comment, str):
            raise Unbelievable(f"the comment of {key} is no text")
        if also := [what for name, what in NOT_KEPT.items() if item.get(name)]:
            self._left.append(
                Left(str(place), f"{' and '.join(also)} of {shown(key)}", "the copy has values, comments and tags")
            )
        if is_literal:
            return KeptSecret(key, value, comment, is_literal=True)
        try:
            return KeptSecret(key, translate(value, project_slug=self._slug), comment)
        except Untranslatable as error:
            return KeptSecret(key, "", comment, problem=str(error))


def _check_imports(data: dict[str, Any]) -> None:
    """They were not asked for, and may be missing; what is there must be right, or the rest may be wrong as well."""
    if "imports" in data and not all(isinstance(block, dict) for block in list_in(data, "imports")):
        raise Unbelievable("an import is no object")


def _name(item: dict[str, Any]) -> str:
    return shown(name) if isinstance(name := item.get("secretKey"), str) else "secret"
