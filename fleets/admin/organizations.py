"""The organizations of a set, as its page shows them: how each stands, of all how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils import timezone

from common.long_lists import MOST_SHOWN, LongListPaginator
from fleets.admin.rollouts import Standing
from fleets.choices import State, StepState
from fleets.models import Member, SyncSet
from fleets.planning import summary_of
from fleets.waves.forming import Turn, turns_of
from syncs.admin.base import status_badge
from syncs.admin.syncs import next_due
from syncs.choices import Status
from syncs.models import SyncRun
from syncs.places import JOINED
from theme.badges import badge

ROWS_A_PAGE = 50
# Secrets that somebody had changed in Devin are told for so long after a run found them.
DRIFT_OF = timedelta(days=1)
# One that has left the set fails no more, whatever its last run said.
THERE, TROUBLE = ~Q(state=State.LEFT), Q(sync__sync_status__in=[Status.FAILED, Status.BLOCKED])
# What the page can be narrowed to, by the word in its address: how it is called, and which rows.
FILTERS: Mapping[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "trouble": ("Failed or blocked", Q(state=State.FAILED) | (THERE & TROUBLE)),
    "waiting": ("Wait for approval", Q(state=State.WAITING)),
    "skipped": ("Skipped", Q(state=State.SKIPPED)),
    "paused": ("Paused", Q(state=State.ACTIVE, sync__is_enabled=False)),
    "left": ("Left the set", Q(state=State.LEFT)),
}
BADGES = {
    State.NEW: "pending",
    State.WAITING: "blocked",
    State.SKIPPED: "off",
    State.FAILED: "failed",
    State.LEFT: "off",
}

# How its turn looks, in as few words as a column has room for.
TURNS = {
    StepState.WAITING: ("waiting", "To come"),
    StepState.RUNNING: ("running", "Under way"),
    StepState.DONE: ("ok", "Done"),
    StepState.FAILED: ("failed", "Failed"),
    StepState.SKIPPED: ("off", "Left out"),
}


@dataclass(frozen=True)
class Row:
    member: Member
    name: str
    turn: Turn | None = None

    @property
    def badge(self) -> str:
        """How the sync stands or, where there is none or it does not count, how the organization does."""
        member = self.member
        if member.sync is None or member.state in (State.LEFT, State.FAILED):
            state = State(member.state)
            return badge(BADGES.get(state, "ok"), state.label)
        return status_badge(member.sync.sync_status) if member.sync.is_enabled else badge("off", "Paused")

    @property
    def reason(self) -> str:
        sync = self.member.sync
        if self.member.message or sync is None:
            return self.member.message
        return sync.last_sync_message if sync.sync_status in (Status.FAILED, Status.BLOCKED) else ""

    @property
    def last_synced(self) -> Any:
        return self.member.sync.last_synced_at if self.member.sync is not None else None

    @property
    def next_due(self) -> Any:
        return next_due(self.member.sync) if self.member.sync is not None else None

    @property
    def turn_badge(self) -> str:
        """How far its turn in the open rollout is."""
        state = self.turn.state if self.turn is not None else None
        return badge(*TURNS[state]) if state is not None else ""

    @property
    def is_paused(self) -> bool:
        return self.member.is_paused

    @property
    def overrides(self) -> list[str]:
        """What holds for this organization alone, but for the pause."""
        said = ((name, value) for name, value in self.member.overrides.items() if name != "is_enabled")
        words = {True: "yes", False: "no"}
        return [
            f"{SyncSet._meta.get_field(name).verbose_name}: {words[value] if isinstance(value, bool) else value}"  # type: ignore[union-attr]
            for name, value in said
        ]


def counts_of(each: SyncSet) -> dict[str, int]:
    """How many organizations there are of each sort, in one query."""
    found: dict[str, int] = each.members.order_by().aggregate(
        listed=Count("pk"),
        total=Count("pk", filter=~Q(state=State.LEFT)),
        behind=Count("pk", filter=Q(is_behind=True) & ~Q(state__in=[State.LEFT, State.WAITING])),
        synced=Count("pk", filter=Q(state=State.ACTIVE, sync__sync_status=Status.SUCCEEDED)),
        running=Count("pk", filter=Q(state=State.ACTIVE, sync__sync_status__in=[Status.PENDING, Status.RUNNING])),
        **{name: Count("pk", filter=rows) for name, (_, rows) in FILTERS.items() if name},
    )
    return found


def members_of(each: SyncSet, *, chosen: str, search: str) -> QuerySet[Member]:
    rows = each.members.select_related("sync", *(f"sync__{name}" for name in JOINED))
    day = timezone.now() - DRIFT_OF
    drift = SyncRun.objects.filter(sync=OuterRef("sync"), finished_at__gt=day, drifted_count__gt=0).order_by()
    total = drift.values("sync").annotate(total=Sum("drifted_count")).values("total")
    known = each.connection.organizations.filter(org_id=OuterRef("org_id")).order_by().values("name")
    rows = rows.annotate(managed=Count("sync__managed_secrets"), drift=Subquery(total), called=Subquery(known[:1]))
    if search:
        named = each.connection.organizations.filter(name__icontains=search).values("org_id")
        rows = rows.filter(Q(slug__icontains=search) | Q(org_id__icontains=search) | Q(org_id__in=named))
    return rows.filter(FILTERS.get(chosen, FILTERS[""])[1]).order_by(F("left_at").asc(nulls_first=True), "slug")


def table_of(request: HttpRequest, each: SyncSet, standing: Standing | None) -> dict[str, Any]:
    """The context of the table, whatever its size, in a fixed number of queries."""
    steps = standing.steps if standing is not None and standing.rollout.is_open else ()
    chosen, search = request.GET.get("show", ""), request.GET.get("q", "").strip()
    chosen = chosen if chosen in FILTERS else ""
    paginator, counts = LongListPaginator(members_of(each, chosen=chosen, search=search), ROWS_A_PAGE), counts_of(each)
    if not search:
        paginator.count = min(counts[chosen or "listed"], MOST_SHOWN)
    page = paginator.get_page(request.GET.get("page"))
    members, turns = list(page), turns_of(each, steps)
    query = "&".join(f"{name}={value}" for name, value in (("show", chosen), ("q", search)) if value)
    return {
        "rows": [
            Row(
                member,
                getattr(member, "called", "") or member.org_id,
                turns.get(member.pk) if member.state != State.LEFT else None,
            )
            for member in members
        ],
        "shows_waves": each.goes_in_waves,
        "page": page,
        "query": query,
        "chosen": chosen,
        "search": search,
        "counts": counts,
        "plans": summary_of(each),
        "ways": [(name, label, counts.get(name)) for name, (label, _) in FILTERS.items()],
    }
