"""A set makes the syncs of its organizations, and keeps them as it says.

Each organization is a transaction of its own, under the lock of the set, so that a set of hundreds holds up nobody and
goes on where it was broken off. Never in a web request: the scheduler does it (`fleets.companion`).
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from common.lacking import Lacking
from fleets.causes import note_causes
from fleets.choices import MissingFolder, State, WhenLeft
from fleets.folders import find_folders
from fleets.membership import bring_members
from fleets.models import Member, SyncSet
from fleets.wanted import differs, wanted_fields
from sources.errors import SourceError
from sources.protocol import Found
from syncs.editing import Actor, change_sync, create_sync, delete_sync
from syncs.errors import SyncError
from syncs.models import DevinSync
from syncs.places import JOINED
from syncs.runs.waves import go_in_waves

log = logging.getLogger(__name__)

# When to look again, though nobody has told of a change: whether a folder has been made meanwhile.
AGAIN = timedelta(minutes=1)
AGAIN_ELSEWHERE = timedelta(minutes=10)
# So many organizations at once may lose their secrets without a person; more are paused.
MOST_REMOVED = 3
NO_FOLDER = "There is no folder {path}. Create it, and the organization gets its sync."


def actor_of(each: SyncSet) -> Actor:
    """Whoever changed the set last answers for what it does."""
    return Actor.by_set(each.changed_by or each.created_by, each.pk, each.name)


def generate(set_id: UUID) -> int:
    """Brings the organizations of a set in line with it; returns how many syncs were made or changed."""
    each = _begin(set_id)
    if each is None:
        return 0
    slugs = list(each.members.order_by().values_list("slug", flat=True))
    try:
        folders = find_folders(each, slugs)
    except SourceError as error:
        _say(each, f"The folders of the source could not be listed, so nothing was changed. {error}")
        return 0
    _say(each, "" if each.has_source else f"The folder {each.source_label} no longer exists. Choose another one.")
    members = each.members.select_related("sync", *(f"sync__{name}" for name in JOINED))
    todo = [member.pk for member in members if _needs_work(member, folders)]
    return sum(_bring_in_line(each, member_id, folders) for member_id in todo)


@transaction.atomic
def _begin(set_id: UUID) -> SyncSet | None:
    """The set with the organizations that it takes now. None if it is gone."""
    each = locked(set_id)
    if each is None:
        return None
    if not each.is_ending:
        bring_members(each, seen=False)
    elif not each.members.exclude(sync=None).exists():
        each.delete()
        return None
    again = AGAIN if each.project.is_kept_here else AGAIN_ELSEWHERE
    SyncSet.objects.filter(pk=each.pk).update(generate_due_at=timezone.now() + again)
    return each


def locked(set_id: UUID) -> SyncSet | None:
    rows = SyncSet.objects.with_source().select_related("connection", "created_by", "changed_by")
    return rows.select_for_update(of=("self",)).filter(pk=set_id).first()


def _say(each: SyncSet, message: str) -> None:
    SyncSet.objects.filter(pk=each.pk).exclude(message=message).update(message=message[:1024])


def _needs_work(member: Member, folders: Mapping[str, Found]) -> bool:
    if member.is_behind:
        return True
    found = folders.get(member.slug)
    if found is None or member.state in (State.LEFT, State.WAITING):
        return False
    if member.sync is None:
        # It was skipped, or failed: there is a folder now, or what was in the way may be gone.
        return True
    return member.sync.source != found


def _bring_in_line(before: SyncSet, member_id: UUID, folders: Mapping[str, Found]) -> int:
    try:
        with transaction.atomic():
            each = locked(before.pk)
            if each is None or each.version != before.version:
                # Somebody has changed the set meanwhile, and so asked for all of it again.
                return 0
            rows = Member.objects.select_related("sync").select_for_update(of=("self",))
            member = rows.filter(pk=member_id, set=each).first()
            return _make(each, member, folders.get(member.slug)) if member is not None else 0
    except (SyncError, Lacking, ValidationError) as error:
        told = error.message if isinstance(error, SyncError) else "; ".join(getattr(error, "messages", [str(error)]))
        said = {"message": told[:1024]} if before.is_ending else {"message": told[:1024], "is_behind": False}
        Member.objects.filter(pk=member_id).update(state=State.FAILED, **said)
        return 0


def _make(each: SyncSet, member: Member, found: Found | None) -> int:
    member.set = each
    if each.is_ending or member.state == State.LEFT:
        return _let_go(each, member)
    if member.state == State.WAITING:
        return _done(member, State.WAITING)
    if found is None:
        return _without_folder(each, member)
    member.state = State.ACTIVE
    count = _write(each, member, found)
    _done(member, State.ACTIVE)
    return count


def _write(each: SyncSet, member: Member, found: Found) -> int:
    """Makes the sync like the set; 0 if it was."""
    fields, by = wanted_fields(each, member, found), actor_of(each)
    if member.sync is not None:
        sync = DevinSync.objects.with_source().select_related("connection").get(pk=member.sync.pk)
        if sync.goes_in_waves != each.goes_in_waves:
            go_in_waves(sync.pk, each.goes_in_waves)
        if not differs(sync, fields):
            return 0
        note_causes(each, member)
        change_sync(sync.pk, fields, by=by)
        return 1
    sync = DevinSync(project=each.project, set_id=each.pk, goes_in_waves=each.goes_in_waves)
    for name, value in fields.items():
        setattr(sync, name, value)
    member.sync = create_sync(sync, by=by).sync
    note_causes(each, member, is_new=True)
    return 1


def _without_folder(each: SyncSet, member: Member) -> int:
    """Its sync, if it has one, stays and does nothing: where its folder is gone, no run starts."""
    if not each.has_source:
        return 0
    is_error = each.missing_folder == MissingFolder.ERROR
    return _done(member, State.FAILED if is_error else State.SKIPPED, NO_FOLDER.format(path=each.path_for(member.slug)))


def _let_go(each: SyncSet, member: Member) -> int:
    """Its sync stands still, or goes with what it wrote."""
    if member.sync is None:
        return _done(member, member.state)
    if each.is_ending or _loses_secrets(each, member):
        note_causes(each, member)
        delete_sync(member.sync.pk, by=actor_of(each), removes_secrets=True)
        return _done(member, member.state, "Its secrets are being removed from Devin.")
    if member.sync.is_enabled:
        change_sync(member.sync.pk, {"is_enabled": False}, by=actor_of(each), runs=False)
    return _done(member, member.state, "Its sync is paused. Its secrets are still in Devin.")


def _loses_secrets(each: SyncSet, member: Member) -> bool:
    """One that is gone from Devin can't be reached; and of many at once, a list that went wrong may be the cause."""
    if each.when_left != WhenLeft.REMOVE:
        return False
    if not each.connection.organizations.filter(org_id=member.org_id, gone_at=None).exists():
        return False
    return each.members.filter(state=State.LEFT, left_at=member.left_at).count() <= MOST_REMOVED


def _done(member: Member, state: str, message: str = "") -> int:
    member.state, member.message, member.is_behind = state, message, False
    member.save(update_fields=["state", "message", "is_behind", "sync"])
    return 0
