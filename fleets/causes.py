"""Whose doing it is that a set changes one of its syncs: they may not approve the plan that comes of it.

The sync itself tells of one alone, whoever changed the set last. Another may have changed it shortly before, approved
the organization, or said what holds for it alone.
"""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet, Value
from django.db.models.functions import Right, StrIndex

from fleets.models import Member, SyncSet
from syncs.choices import Approval
from syncs.editing import Actor
from syncs.editing.actor import THROUGH_THE_API
from syncs.models import DevinSync
from syncs.runs.source_authors import note_authors


def note_causes(each: SyncSet, member: Member, *, is_new: bool = False) -> None:
    """Before the set changes the sync of this member, or as soon as it `is_new`."""
    sync = member.sync
    if sync is not None and {each.approval, sync.approval} != {Approval.NONE}:
        since = None if is_new else _last_in_line(each, sync)
        note_authors([sync.pk], _who_changed(each, since=since or member.joined_at))


def _who_changed(each: SyncSet, *, since: datetime) -> set[int]:
    return set(_log_of(each).filter(action_time__gte=since).values_list("user_id", flat=True))


def _last_in_line(each: SyncSet, sync: DevinSync) -> datetime | None:
    """When the set last changed it: it has not been told yet what was done to the set since. None for never, by the
    name that the set has now."""
    end = f" {Actor.by_set(None, each.pk, each.name).way}."
    by_the_set = _log_of(sync).annotate(end=Right("change_message", len(end))).filter(end=end)
    # A token is called as its owner likes, and its name stands last too.
    by_the_set = by_the_set.annotate(by_api=StrIndex("change_message", Value(f" {THROUGH_THE_API} "))).filter(by_api=0)
    return by_the_set.order_by("-action_time").values_list("action_time", flat=True).first()


def _log_of(row: Model) -> QuerySet[LogEntry]:
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    return LogEntry.objects.filter(content_type=kind, object_id=str(row.pk))
