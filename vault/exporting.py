"""A folder's secrets as the text of a file, for whoever may read their values; who took which is noted."""

import json
from dataclasses import dataclass, field

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from common.dotenv_text import Line, write
from vault.access import Sight, demand_at, place_of, sight
from vault.loading import load_resolver
from vault.models import Folder
from vault.reading import read_secrets

REVEAL = "vault.reveal_secret"
DOTENV, JSON = "dotenv", "json"
# How each is called, and how its file's name ends.
FORMATS = {DOTENV: (".env", ".env"), JSON: ("JSON", ".json")}


@dataclass(frozen=True)
class Export:
    """`told` is what the log says of it."""

    text: str = field(repr=False)
    count: int
    file_name: str
    told: str


def export(folder: Folder, user: User, *, to: str, resolved: bool) -> Export:
    """As `take`, for a person, and noted."""
    demand_at(user, place_of(folder), REVEAL)
    taken = take(folder, to=to, resolved=resolved, sees=sight(user, REVEAL, folder.environment.project_id))
    LogEntry.objects.log_actions(user.pk, [folder], CHANGE, change_message=f"{taken.told}.", single_object=True)
    return taken


def take(folder: Folder, *, to: str, resolved: bool, sees: Sight | None = None) -> Export:
    """For callers that have checked permission and note it. `resolved` is what Devin gets: imports merged, references
    expanded. Else the folder's own, as they are stored.

    Raises SourceError for a folder that can't be read whole, also where `sees` denies some of it.
    """
    lines = _resolved(folder, sees) if resolved else _stored(folder)
    name, ending = FORMATS[to]
    count = f"{len(lines):,} secret{'' if len(lines) == 1 else 's'}"
    told = f"Exported the values of {count} as {name}, {'as Devin gets them' if resolved else 'as they are stored'}"
    return Export(write(lines) if to == DOTENV else _as_json(lines), len(lines), _file_name(folder) + ending, told)


def _resolved(folder: Folder, sees: Sight | None) -> list[Line]:
    return [Line(secret.key, secret.value, is_text=True) for secret in read_secrets(folder, sees=sees)]


def _stored(folder: Folder) -> list[Line]:
    resolver, _ = load_resolver(folder, follow_references=False)
    comments = dict(folder.secrets.values_list("key", "comment"))
    return [
        Line(key, secret.open(), secret.is_literal, comments.get(key, ""))
        for key, secret in sorted(resolver.own(folder.id).items())
    ]


def _as_json(lines: list[Line]) -> str:
    return json.dumps({line.key: line.value for line in lines}, ensure_ascii=False, indent=2) + "\n"


def _file_name(folder: Folder) -> str:
    names = [folder.environment.project.slug, folder.environment.slug, *folder.path.strip("/").split("/")]
    return "-".join(filter(None, names))
