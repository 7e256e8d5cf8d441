"""What the overview page says, gathered in a fixed, small number of queries. Counts and names only, never a value."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import django_rq
from django.db.models import CharField, Count, Min, Q
from django.db.models.functions import Cast, Substr
from django.utils import timezone
from redis.exceptions import RedisError

from connections.models import Connection
from overview.attention import MOST_ROWS, Attentions, admin_url, collect_attention
from syncs.choices import Status
from syncs.models import DevinSync, SyncControl, SyncRun, SyncRunQuerySet
from syncs.runs.bells import count_workers
from syncs.runs.queue import count_bells
from syncs.runs.schedule import SILENT_AFTER
from theme.badges import tone_of
from theme.charts import Bar
from vault.access import can_somewhere, visible
from vault.models import Secret

HOURS = 24
RECENT_RUNS = 8
# Of a bar, from the bottom up. What waits counts as in progress.
STACK = (Status.SUCCEEDED, Status.RUNNING, Status.CANCELLED, Status.BLOCKED, Status.FAILED)


@dataclass(frozen=True)
class Tile:
    label: str
    value: int
    tone: str
    note: str
    url: str


@dataclass(frozen=True)
class Health:
    """How the queue and its workers are. `workers` and `queued` are None when the queue does not answer."""

    workers: int | None
    queued: int | None
    waiting: int
    waiting_since: datetime | None
    scheduler_seen_at: datetime | None

    @property
    def has_scheduler(self) -> bool:
        return self.scheduler_seen_at is not None and self.scheduler_seen_at > timezone.now() - SILENT_AFTER

    @property
    def is_reachable(self) -> bool:
        return self.workers is not None

    @property
    def is_well(self) -> bool:
        return bool(self.workers) and self.has_scheduler


@dataclass(frozen=True)
class Step:
    """One of a newcomer's first steps."""

    title: str
    text: str
    action: str
    url: str
    is_done: bool


@dataclass(frozen=True)
class Overview:
    tiles: list[Tile]
    bars: list[Bar]
    runs_in_chart: int
    attention: Attentions
    due: list[DevinSync]
    recent_runs: list[SyncRun]
    health: Health
    first_steps: list[Step]

    @property
    def is_new_installation(self) -> bool:
        return bool(self.first_steps)

    @property
    def next_step(self) -> Step | None:
        return next((step for step in self.first_steps if not step.is_done), None)


def collect(user: Any) -> Overview:
    counts = _count_syncs(user)
    has_syncs = bool(counts["all"])
    bars = _bars(user)
    return Overview(
        tiles=_tiles(counts),
        bars=bars,
        runs_in_chart=sum(number for bar in bars for _, number in bar["parts"]),
        attention=collect_attention(user),
        due=_due(user),
        recent_runs=list(_runs_of(user).select_related("requested_by")[:RECENT_RUNS]),
        health=_health(user),
        first_steps=[] if has_syncs else _first_steps(user),
    )


def is_paused() -> bool:
    return SyncControl.objects.filter(is_paused=True).exists()


def _runs_of(user: Any) -> SyncRunQuerySet:
    return cast(SyncRunQuerySet, visible(user, SyncRun.objects.all()))


def _count_syncs(user: Any) -> dict[str, int]:
    def having(*statuses: Status) -> Count:
        return Count("pk", filter=Q(sync_status__in=statuses, is_enabled=True))

    counted: dict[str, int] = visible(user, DevinSync.objects.all()).aggregate(
        all=Count("pk"),
        off=Count("pk", filter=Q(is_enabled=False)),
        ok=having(Status.SUCCEEDED),
        running=having(Status.RUNNING, Status.PENDING),
        blocked=having(Status.BLOCKED),
        failed=having(Status.FAILED),
    )
    return counted


def _tiles(counts: dict[str, int]) -> list[Tile]:
    syncs = admin_url("syncs_devinsync_changelist")

    def tile(label: str, name: str, tone: str, note: str, *statuses: Status) -> Tile:
        query = f"?is_enabled__exact=1&sync_status__exact={statuses[0]}" if statuses else ""
        return Tile(label, counts[name], tone if counts[name] else "off", note, syncs + query)

    off = counts["off"]
    return [
        Tile("Syncs", counts["all"], "plain", f"{off} disabled" if off else "all enabled", syncs),
        tile("Synced", "ok", "ok", "last run succeeded", Status.SUCCEEDED),
        tile("In progress", "running", "running", "queued or syncing", Status.RUNNING),
        tile("Blocked", "blocked", "blocked", "held until someone decides", Status.BLOCKED),
        tile("Failed", "failed", "failed", "last run failed", Status.FAILED),
    ]


def _bars(user: Any) -> list[Bar]:
    """One bar an hour, the last of them the hour we are in."""
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    # Of the text of a time: SQLite would cut off each time's minutes in Python.
    hour = Substr(Cast("queued_at", CharField()), 1, len("2026-01-31 23"))
    rows = _runs_of(user).filter(queued_at__gte=hours[0], queued_at__lt=last + timedelta(hours=1)).order_by()
    numbers: Counter[tuple[str, str]] = Counter()
    for told, status, number in rows.annotate(hour=hour).values_list("hour", "status").annotate(number=Count("pk")):
        numbers[told, Status.RUNNING if status == Status.PENDING else status] += number
    return [
        {
            "label": timezone.localtime(each).strftime("%H:%M"),
            "parts": [(tone_of(status), numbers[f"{each:%Y-%m-%d %H}", status]) for status in STACK],
        }
        for each in hours
    ]


def _due(user: Any) -> list[DevinSync]:
    live = visible(user, DevinSync.objects.live()).filter(auto_sync_enabled=True, next_reconcile_at__isnull=False)
    return list(live.order_by("next_reconcile_at")[:MOST_ROWS])


def _health(user: Any) -> Health:
    """What waits is counted of what the user sees; how long the queue is, for those alone who see all of it."""
    now = timezone.now()
    ready = _runs_of(user).pending().filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
    waiting = ready.aggregate(number=Count("pk"), since=Min("queued_at"))
    workers, queued = _ask_queue()
    if queued is not None and not user.has_perm("syncs.view_syncrun"):
        queued = waiting["number"]
    seen = SyncControl.objects.values_list("scheduler_seen_at", flat=True).first()
    return Health(workers, queued, waiting["number"], waiting["since"], seen)


def _ask_queue() -> tuple[int | None, int | None]:
    try:
        queue = django_rq.get_queue("default")
        return count_workers(queue), count_bells(queue.connection)
    except (RedisError, OSError):
        return None, None


def _first_steps(user: Any) -> list[Step]:
    def url(permission: str, name: str) -> str:
        return admin_url(name) if can_somewhere(user, permission) else ""

    return [
        Step(
            "Connect to Devin",
            "Enter an API key of a service user that may manage your organization's secrets. It is checked at once.",
            "Add a connection",
            url("connections.add_connection", "connections_connection_add"),
            visible(user, Connection.objects.all()).exists(),
        ),
        Step(
            "Put your secrets into the vault",
            "Make a project, and add its secrets one by one or by pasting a .env file.",
            "Add a project",
            url("vault.add_project", "vault_project_add"),
            visible(user, Secret.objects.all()).exists(),
        ),
        Step(
            "Create a sync",
            "Choose the folder and the organization, see what would happen, and start it.",
            "Add a sync",
            url("syncs.add_devinsync", "syncs_devinsync_add"),
            False,
        ),
    ]
