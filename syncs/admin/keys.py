"""The keys of a sync: how each stands in Devin, where it comes from, when it was written. Names, never a value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Exists, IntegerChoices, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from syncs.access import VIEW_RUN, place_of
from syncs.admin.actions import Owner
from syncs.admin.base import find_sync
from syncs.admin.heading import heading_of
from syncs.admin.key_links import source_urls
from syncs.authors import Author
from syncs.choices import OPEN_STATUSES, Action, Operation, Outcome, Phase, Status
from syncs.engine.rows import NOT_OURS
from syncs.models import DevinSync, SyncRun, SyncRunChange, WriteIntent
from theme.badges import badge
from vault.access import at

KEYS_PER_PAGE = 50
LOOKING = ("vault.view_folder", "vault.view_secret")


class State(IntegerChoices):
    """How a key stands, the worst first."""

    ABSENT = 1, "Absent"
    FAILED = 2, "Failed"
    REFUSED = 3, "Refused"
    DRIFTED = 4, "Drifted"
    WAITS = 5, "Waits"
    IN_STEP = 6, "In step"


TONES = {
    State.ABSENT: "failed",
    State.FAILED: "failed",
    State.REFUSED: "blocked",
    State.DRIFTED: "blocked",
    State.WAITS: "waiting",
    State.IN_STEP: "ok",
}


@dataclass(frozen=True)
class Key:
    name: str
    source_key: str
    state: State
    why: str = ""
    written_at: datetime | None = None
    # The source's own id of the secret, where the ledger knows it.
    source_id: str = ""
    # Who changed it in Devin, for those who may see runs.
    author: Author | None = None

    @property
    def badge(self) -> str:
        return badge(TONES[self.state], self.state.label)


def keys_of(sync: DevinSync) -> list[Key]:
    """The worst first, then by name: what it has written, and what it could not write."""
    found = {key.name: key for key in _written(sync)}
    for row in _unsettled(sync):
        known = found.get(row.destination_key)
        source_key = row.source_key or (known.source_key if known else "")
        written_at, why = known.written_at if known else None, row.detail or _why(row)
        source_id = known.source_id if known and known.source_key == source_key else ""
        found[row.destination_key] = Key(
            row.destination_key, source_key, _state(row), why, written_at, source_id, row.author
        )
    for name, source_key in _absent(sync):
        why = "The old secret had to go first, and the new one does not stand yet. The next run begins with it."
        found[name] = Key(name, source_key, State.ABSENT, why)
    return sorted(found.values(), key=lambda key: (key.state, key.name))


def _written(sync: DevinSync) -> Iterable[Key]:
    columns = ("destination_key", "source_key", "written_at", "source_id", "is_adopted")
    for name, source_key, written_at, source_id, is_adopted in sync.managed_secrets.order_by().values_list(*columns):
        why = "A person put it here; its value is not known." if is_adopted else ""
        yield Key(name, source_key, State.IN_STEP, why, written_at, source_id)


def _unsettled(sync: DevinSync) -> Iterable[SyncRunChange]:
    """What the last run that had a plan left undone or put right; a deletion only of what the sync itself wrote."""
    ended = SyncRun.objects.filter(sync=sync, operation=Operation.SYNC).exclude(status__in=OPEN_STATUSES)
    planned = Q(status=Status.SUCCEEDED) | Exists(SyncRunChange.objects.filter(run=OuterRef("pk")))
    last = ended.filter(planned).order_by("-queued_at").first()
    if last is None:
        return ()
    repaired = Q(outcome=Outcome.DONE, is_drift=True)
    rows = last.changes.filter(repaired | ~Q(outcome=Outcome.DONE))
    return rows.exclude(action=Action.DELETE, is_stranger=True).order_by("pk")


def _state(row: SyncRunChange) -> State:
    if row.outcome == Outcome.DONE:
        return State.IN_STEP
    if row.outcome == Outcome.FAILED:
        return State.REFUSED if row.reason == NOT_OURS else State.FAILED
    return State.DRIFTED if row.is_drift else State.WAITS


def _why(row: SyncRunChange) -> str:
    return f"Put right: {row.reason}" if row.outcome == Outcome.DONE else row.reason


def _absent(sync: DevinSync) -> Iterable[tuple[str, str]]:
    intents = WriteIntent.objects.open().filter(sync=sync, phase=Phase.ABSENT)
    return intents.values_list("destination_key", "source_key")


def keys_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    sync = find_sync(request, pk, "view_devinsync", "view_managedsecret")
    keys = keys_of(sync)
    query, chosen = request.GET.get("q", "").strip(), request.GET.get("state", "")
    state = next((each for each in State if each.name.lower() == chosen), None)
    shown = [key for key in keys if state in (None, key.state) and _fits(key, query)]
    page = Paginator(shown, KEYS_PER_PAGE).get_page(request.GET.get("page"))
    may = at(request.user, place_of(sync))
    urls = source_urls(sync, list(page)) if sync.has_source and all(may(right) for right in LOOKING) else {}
    context: dict[str, Any] = {
        **heading_of(owner, request, sync, tab="keys"),
        "keys": [(key, urls.get(key.name, "")) for key in page],
        "page": page,
        "count": len(keys),
        "names_authors": may(VIEW_RUN),
        "states": _counted(keys),
        "chosen": {"q": query, "state": state.name.lower() if state else ""},
        "query": urlencode({name: value for name, value in (("q", query), ("state", chosen)) if value}),
    }
    return TemplateResponse(request, "admin/syncs/devinsync/keys.html", context)


def _fits(key: Key, query: str) -> bool:
    return query.casefold() in f"{key.name}\n{key.source_key}".casefold()


def _counted(keys: list[Key]) -> list[tuple[str, str, int]]:
    """Each state that there is, by its name in the address, with how many keys are in it."""
    counts = {state: sum(key.state == state for key in keys) for state in State}
    return [(state.name.lower(), str(state.label), count) for state, count in counts.items() if count]
