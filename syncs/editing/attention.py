"""Which syncs go no further without a person, and why. One query, whatever their number."""

from collections.abc import Collection

from django.db.models import Case, Exists, IntegerChoices, OuterRef, Q, QuerySet, Value, When

from syncs.choices import BlockedReason, Outcome, Phase, Status
from syncs.models import DevinSync, ManagedSecret, StrangerDecision, SyncRun, SyncRunChange, WriteIntent
from syncs.places import lost_source


class Need(IntegerChoices):
    """Why a sync needs a person, the most pressing first."""

    MISSING = 1, "Missing"
    APPROVAL = 2, "Waits for approval"
    BLOCKED = 3, "Blocked"
    SOURCE = 4, "No source"
    FAILED = 5, "Failed"
    ASKS = 6, "Asks"


def syncs_needing_a_person(needs: Collection[Need] = tuple(Need)) -> QuerySet[DevinSync]:
    """Each with its `need`: the most pressing first, and of these what has been out of step for longest."""
    return (
        DevinSync.objects.annotate(
            need=Case(
                When(Exists(_absent()), then=Value(Need.MISSING)),
                When(awaits_sync(), then=Value(Need.APPROVAL)),
                When(awaits_removal(), then=Value(Need.APPROVAL)),
                When(Q(is_enabled=True, sync_status=Status.BLOCKED), then=Value(Need.BLOCKED)),
                When(lost_source() & Q(is_enabled=True), then=Value(Need.SOURCE)),
                When(Q(is_enabled=True, sync_status=Status.FAILED), then=Value(Need.FAILED)),
                When(Q(Exists(_asked()), is_enabled=True, sync_status=Status.SUCCEEDED), then=Value(Need.ASKS)),
            )
        )
        .filter(need__in=needs)
        .order_by("need", "last_synced_at", "name")
    )


def _absent() -> QuerySet[WriteIntent]:
    """Keys that a run took away from Devin and could not put back, whatever has become of that run."""
    return WriteIntent.objects.open().filter(phase=Phase.ABSENT, sync=OuterRef("pk"))


def awaits_sync() -> Q:
    """Of a sync, whether its last run waits for another person's approval."""
    return Q(Exists(_awaiting("sync")), is_enabled=True, sync_status=Status.BLOCKED)


def awaits_removal() -> Q:
    """The same of its last removal of secrets, which no switch stops."""
    return Q(Exists(_awaiting("remove")), remove_status=Status.BLOCKED)


def _awaiting(track: str) -> QuerySet[SyncRun]:
    """The last run of that kind, if it waits for another person's approval."""
    return SyncRun.objects.filter(pk=OuterRef(f"last_{track}_run_id"), blocked_reason=BlockedReason.APPROVAL)


def _asked() -> QuerySet[SyncRunChange]:
    """What the last run asked about secrets that DevinSync did not write, and nobody has said a word on yet."""
    decided = StrangerDecision.objects.filter(sync=OuterRef(OuterRef("pk")), secret_id=OuterRef("secret_id"))
    adopted = ManagedSecret.objects.filter(sync=OuterRef(OuterRef("pk")), secret_id=OuterRef("secret_id"))
    rows = SyncRunChange.objects.filter(run=OuterRef("last_sync_run_id"), outcome=Outcome.HELD)
    return rows.exclude(Exists(decided)).exclude(Exists(adopted))
