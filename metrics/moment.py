"""What stands in the database and the queue at this moment: a statement a function, however many rows there are."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import django_rq
from django.conf import settings
from django.db.models import Case, Count, Min, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from redis.exceptions import RedisError

from api.models import ApiToken, ClientSecret
from common import clock
from common.version import VERSION
from connections.models import Connection, KeyRotation
from connections.rotation.troubles import failed, standing_still
from fleets.needs import Need, needing_a_person, needs_of
from forwarding.sending import waiting
from metrics import gauges
from metrics.gauges import Gauge
from notices.choices import State
from notices.models import Delivery
from sources.models import LinkedProject
from syncs.choices import OPEN_STATUSES, Phase, Status
from syncs.editing.attention import awaits_removal, awaits_sync
from syncs.models import DevinSync, SyncControl, SyncRun, WriteIntent
from syncs.places import lost_source
from syncs.runs.bells import count_workers
from syncs.runs.queue import QUEUE, count_bells
from syncs.used_connections import is_used
from vault.models import Secret
from vault.rotation import last_day_of_due

# By the values of the labels, in their order.
Values = Mapping[tuple[str, ...], float]
Read = Iterator[tuple[Gauge, Values]]
# Keys that have run out still tell so for this long.
EXPIRED_TOLD = timedelta(days=7)
VALIDITY = {True: "accepted", False: "refused", None: "untested"}


def read_moment() -> Read:
    now = clock.now()
    yield gauges.INFO, {(VERSION,): 1}
    is_paused, seen_at = SyncControl.objects.values_list("is_paused", "scheduler_seen_at").first() or (False, None)
    yield gauges.PAUSED, {(): is_paused}
    yield gauges.SCHEDULER_SEEN, {(): seen_at.timestamp() if seen_at else 0}
    yield from _queue()
    yield from _syncs()
    yield from _runs(now, is_paused=is_paused)
    yield gauges.MISSING, {(): WriteIntent.objects.open().filter(phase=Phase.ABSENT).count()}
    yield from _connections(now)
    yield from _sources()
    yield from _due_secrets()
    yield from _expiries(now)
    yield from _connection_keys()
    yield from _key_rotations(now)
    yield gauges.SETS, _sets()
    yield from _untold(now)
    yield gauges.AUDIT_WAITING, {(label,): age.total_seconds() for label, age in waiting(now).items()}
    if settings.METRICS_PER_SYNC:
        yield from _each_sync()


def _queue() -> Read:
    try:
        queue = django_rq.get_queue(QUEUE)
        is_up, workers, bells = True, count_workers(queue), count_bells(queue.connection)
    except (RedisError, OSError):
        is_up, workers, bells = False, 0, 0
    yield gauges.QUEUE_UP, {(): is_up}
    yield gauges.WORKERS, {(): workers}
    yield gauges.BELLS, {(): bells}


def _syncs() -> Read:
    columns = ("is_enabled", "sync_status", "is_lost", "awaits", "removal_awaits")
    told = {"is_lost": _is(lost_source()), "awaits": _is(awaits_sync()), "removal_awaits": _is(awaits_removal())}
    rows = DevinSync.objects.order_by().annotate(**told).values_list(*columns)
    states, in_step, awaiting = Counter[tuple[str, ...]](), 0, 0
    for *state, awaits, removal_awaits, number, secrets in rows.annotate(
        number=Count("pk"), secrets=Sum("in_step_count")
    ):
        states[(_state(*state),)] += number
        in_step += secrets or 0
        awaiting += number * (awaits + removal_awaits)
    yield gauges.SYNCS, {(state,): states[(state,)] for state in gauges.SYNC_STATES}
    yield gauges.IN_STEP, {(): in_step}
    yield gauges.AWAITING, {(): awaiting}


def _is(condition: Q) -> Case:
    """Of a sync, as a column."""
    return Case(When(condition, then=Value(True)), default=Value(False))


def _state(is_enabled: bool, status: str, is_lost: bool) -> str:
    if not is_enabled:
        return "disabled"
    return "without_source" if is_lost else status or "new"


def _runs(now: datetime, *, is_paused: bool) -> Read:
    """While all syncs are paused no worker could take any: then none counts as waiting for one."""
    waits = Q(status=Status.PENDING)
    due = waits & (Q(not_before__isnull=True) | Q(not_before__lte=now))
    found = SyncRun.objects.filter(status__in=OPEN_STATUSES).aggregate(
        due=Count("pk", filter=due),
        since=Min(Coalesce("not_before", "queued_at"), filter=due),
        waiting=Count("pk", filter=waits),
        running=Count("pk", filter=Q(status=Status.RUNNING)),
        started=Min("started_at", filter=Q(status=Status.RUNNING)),
    )
    yield gauges.DEPTH, {(): 0 if is_paused else found["due"]}
    yield gauges.OLDEST, {(): 0 if is_paused else _age(found["since"], now)}
    yield gauges.LATER, {(): found["waiting"] - found["due"]}
    yield gauges.RUNNING, {(): found["running"]}
    yield gauges.LONGEST, {(): _age(found["started"], now)}


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def _connections(now: datetime) -> Read:
    limited = Count("pk", filter=Q(rate_limited_until__gt=now))
    rows = list(
        Connection.objects.order_by().values_list("app", "is_valid").annotate(number=Count("pk"), limited=limited)
    )
    numbers = {(app, VALIDITY[is_valid]): number for app, is_valid, number, _ in rows}
    apps, states = gauges.CONNECTIONS.labels.values()
    yield gauges.CONNECTIONS, {(app, state): numbers.get((app, state), 0) for app in apps for state in states}
    yield gauges.LIMITED, {(): sum(number for *_, number in rows)}


def _sources() -> Read:
    found = LinkedProject.objects.aggregate(all=Count("pk"), readable=Count("pk", filter=Q(last_error="")))
    yield gauges.SOURCES, {("readable",): found["readable"], ("unreadable",): found["all"] - found["readable"]}


def _due_secrets() -> Read:
    overdue = Count("pk", filter=Q(due_on__lt=timezone.localdate()))
    found = Secret.objects.filter(due_on__lte=last_day_of_due()).aggregate(all=Count("pk"), overdue=overdue)
    yield gauges.DUE, {("due",): found["all"] - found["overdue"], ("overdue",): found["overdue"]}


def _expiries(now: datetime) -> Read:
    told = {"revoked_at": None, "expires_at__gt": now - EXPIRED_TOLD}
    first = {
        ("api_token",): ApiToken.objects.filter(**told).aggregate(at=Min("expires_at"))["at"],
        ("client_secret",): ClientSecret.objects.filter(**told).aggregate(at=Min("expires_at"))["at"],
    }
    yield gauges.EXPIRY, {kind: at.timestamp() for kind, at in first.items() if at is not None}


def _connection_keys() -> Read:
    rows = Connection.objects.filter(is_used(), key_life__expires_at__isnull=False).order_by("-key_life__expires_at")
    columns = rows.values_list("app", "name", "key_life__expires_at")
    told = [(app, name, at.timestamp()) for app, name, at in columns if at]
    # Of several the last one counts, which is the first to run out.
    yield gauges.CONNECTION_EXPIRY, {(app,): at for app, _, at in told}
    if settings.METRICS_PER_SYNC:
        yield gauges.EACH_EXPIRY, {(name,): at for _, name, at in told}


def _key_rotations(now: datetime) -> Read:
    """Of them standing still is not under way."""
    is_open, stands = Q(ended_at__isnull=True), standing_still(now)
    found = KeyRotation.objects.filter(is_open | failed(now)).aggregate(
        under_way=Count("pk", filter=is_open & ~stands),
        standing_still=Count("pk", filter=stands),
        failed=Count("pk", filter=Q(ended_at__isnull=False)),
    )
    yield gauges.KEY_ROTATIONS, {(state,): number for state, number in found.items()}


def _sets() -> dict[tuple[str, ...], float]:
    found = Counter(waits.need for each in needing_a_person() for waits in needs_of(each))
    return {(need.value,): found[need] for need in Need}


def _untold(now: datetime) -> Read:
    """Not what its channel does not want yet: that is put off. What was tried counts while it waits for the next."""
    due = Q(attempts__gt=0) | Q(not_before__lte=now)
    waiting = Delivery.objects.filter(due, state=State.WAITING, channel__is_enabled=True)
    found = waiting.aggregate(number=Count("pk"), since=Min("created_at"))
    yield gauges.UNTOLD, {(): found["number"]}
    yield gauges.UNTOLD_SINCE, {(): _age(found["since"], now)}


def _each_sync() -> Read:
    columns = ("project__slug", "name", "last_synced_at", "is_enabled", "sync_status", "is_lost")
    states, synced = dict[tuple[str, ...], float](), dict[tuple[str, ...], float]()
    for project, name, at, *state in (
        DevinSync.objects.order_by().annotate(is_lost=_is(lost_source())).values_list(*columns)
    ):
        states[(project, name, _state(*state))] = 1.0
        synced[(project, name)] = at.timestamp() if at else 0.0
    yield gauges.SYNC_STATE, states
    yield gauges.SYNC_SYNCED, synced
