from collections import Counter, defaultdict

from django.db import migrations, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery

# Rows a transaction: whoever waits to write waits for no more than these.
CHUNK = 500
COUNTS = ("created", "replaced", "renamed", "handed_over", "deleted", "held", "failed", "drifted")


def collapse(apps, schema_editor):
    """Scheduled runs that changed nothing count on their sync from now on, and leave no row. The last run of each sync
    stays, and one after a run that did not succeed: being in step again was news."""
    place = None
    while rows := list(_after(place, _telling_nothing(apps))[:CHUNK]):
        with transaction.atomic(using=schema_editor.connection.alias):
            _count(apps, Counter(sync_id for _, _, sync_id in rows))
            gone = apps.get_model("syncs", "SyncRun").objects.filter(pk__in=[pk for _, pk, _ in rows])
            gone._raw_delete(gone.db)
        place = rows[-1][:2]


def _telling_nothing(apps):
    """The time, key and sync of each, in the order of an index."""
    runs, syncs, changes, intents = (
        apps.get_model("syncs", name).objects for name in ("SyncRun", "DevinSync", "SyncRunChange", "WriteIntent")
    )
    of_this = OuterRef("pk")
    before = runs.filter(sync=OuterRef("sync"), operation="sync", queued_at__lt=OuterRef("queued_at"))
    return (
        runs.filter(operation="sync", trigger="schedule", trigger_count=1, status="succeeded", sync__isnull=False)
        .filter(requested_by__isnull=True, **{f"{name}_count": 0 for name in COUNTS})
        .exclude(Exists(syncs.filter(last_sync_run_id=of_this)))
        .exclude(Exists(changes.filter(run=of_this)))
        .exclude(Exists(intents.filter(run=of_this)))
        .annotate(before=Subquery(before.order_by("-queued_at").values("status")[:1]))
        .filter(before="succeeded")
        .order_by("queued_at", "pk")
        .values_list("queued_at", "pk", "sync_id")
    )


def _after(place, rows):
    if place is None:
        return rows
    queued_at, pk = place
    return rows.filter(Q(queued_at__gt=queued_at) | Q(queued_at=queued_at, pk__gt=pk))


def _count(apps, numbers):
    by_number = defaultdict(list)
    for sync_id, number in numbers.items():
        by_number[number].append(sync_id)
    for number, sync_ids in by_number.items():
        syncs = apps.get_model("syncs", "DevinSync").objects.filter(pk__in=sync_ids)
        syncs.update(compared_count=F("compared_count") + number)


class Migration(migrations.Migration):
    # Each chunk is committed by itself; one that is interrupted goes on where it was.
    atomic = False
    dependencies = [
        ("syncs", "0011_runs_that_leave_no_row"),
    ]

    operations = [
        migrations.RunPython(collapse, migrations.RunPython.noop),
    ]
