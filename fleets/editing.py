"""The only writer of sync sets.

Each function is one transaction with its line in the log; the scheduler makes the syncs afterwards. They refuse with a
`SyncError`, with Lacking, or with Django's ValidationError for a field.
"""

from collections.abc import Collection, Mapping
from copy import copy
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from fleets.causes import note_causes
from fleets.choices import Selection, State
from fleets.generating import actor_of, locked
from fleets.membership import bring_members
from fleets.models import Member, SyncSet
from fleets.rights import CHANGE, check_may_change, check_may_create, check_may_delete, check_may_send
from fleets.selecting import is_id
from fleets.waves.steps import leave_waves
from syncs.access import place_of
from syncs.editing import Actor, delete_sync
from syncs.editing.rules import check_has_tags
from syncs.errors import EditRefused
from syncs.models import DevinSync
from syncs.options import OPTIONS
from syncs.organizations import require_id

SELECTION = ("selection", "chosen", "exceptions", "new_organizations", "missing_folder", "when_left")
WAVES = ("canaries", "wave_size", "max_failures")
EDITABLE = ("name", "description", "is_enabled", "source", "below", "connection", *SELECTION, *WAVES, *OPTIONS)
NAMES_ONLY = frozenset({"name", "description"})


@transaction.atomic
def create_set(each: SyncSet, *, by: Actor) -> SyncSet:
    """Saves a set that is not saved yet, with the organizations that it takes now."""
    each.created_by_id = each.changed_by_id = by.user_id
    check_may_create(each, by=by)
    check_set(each, EDITABLE)
    each.full_clean(exclude=each.unjudged_columns(), validate_unique=False, validate_constraints=False)
    _save(each, force_insert=True)
    bring_members(each, seen=True)
    by.note_added(each)
    return each


@transaction.atomic
def change_set(set_id: UUID, fields: Mapping[str, Any], *, by: Actor, seen_version: int | None = None) -> SyncSet:
    """Gives some of the `EDITABLE` fields these values; `seen_version` is the version that the person looked at."""
    each = _found(set_id)
    if seen_version not in (None, each.version):
        raise EditRefused(f"Somebody else has changed the set {each.name}. Look at it again, then change it.")
    before = copy(each)
    changed = _set(each, fields)
    check_may_change(before, each, changed, by=by)
    check_set(each, changed)
    each.version += 1
    each.changed_by_id = by.user_id or each.changed_by_id
    _save(each)
    if changed:
        each.members.exclude(state=State.WAITING).update(is_behind=True)
        bring_members(each, seen=True)
    by.note_changed(each, f"Changed {', '.join(sorted(changed)) or 'nothing'}")
    return each


@transaction.atomic
def delete_set(set_id: UUID, *, by: Actor, removes_secrets: bool) -> int:
    """Deletes it at once, and its syncs go on as ordinary ones; or has the secrets of all its organizations removed
    first, with the syncs. Answers how many syncs that concerns."""
    each = _found(set_id)
    check_may_delete(each, by=by, removes_secrets=removes_secrets)
    syncs = DevinSync.objects.filter(set_id=each.pk)
    count = syncs.count()
    if removes_secrets:
        by.note_deleted(each, f"Asked to delete it with the secrets of {count} organizations")
        each.members.update(is_behind=True)
        SyncSet.objects.filter(pk=each.pk).update(
            is_ending=True, changed_by=by.user_id, version=each.version + 1, generate_due_at=timezone.now()
        )
        return count
    by.note_deleted(each, f"Deleted, and {count} syncs go on without it")
    leave_waves(each)
    syncs.update(set_id=None)
    each.delete()
    return count


@transaction.atomic
def approve_organizations(set_id: UUID, member_ids: Collection[UUID], *, by: Actor) -> int:
    """Those that wait for approval get their syncs; returns how many they are."""
    each = _found(set_id)
    by.demand(CHANGE, place_of(each))
    check_may_send(each, by=by)
    rows = each.members.filter(pk__in=member_ids, state=State.WAITING)
    told = ", ".join(rows.order_by("slug").values_list("slug", flat=True)[:10])
    count = rows.update(state=State.NEW, is_behind=True, message="")
    if count:
        _generate_soon(each)
        by.note_changed(each, f"Approved {count} organizations: {told}")
    return count


@transaction.atomic
def override(member_id: UUID, fields: Mapping[str, Any], *, by: Actor) -> Member:
    """What holds for this organization alone, of the fields that are `Member.OVERRIDABLE`; None is as the set says."""
    member = _member(member_id)
    by.demand(CHANGE, place_of(member.set))
    if unknown := fields.keys() - set(Member.OVERRIDABLE):
        raise ValueError(f"Not to be overridden: {', '.join(sorted(unknown))}.")
    said = {name: value for name, value in (member.overrides | dict(fields)).items() if value is not None}
    for name, value in said.items():
        SyncSet._meta.get_field(name).clean(value, None)  # type: ignore[union-attr]
    if said != member.overrides:
        member.overrides, member.is_behind = said, True
        member.save(update_fields=["overrides", "is_behind"])
        _generate_soon(member.set)
        by.note_changed(member.set, f"Changed {', '.join(sorted(fields))} for {member.slug} alone")
    return member


@transaction.atomic
def remove_secrets_of(member_id: UUID, *, by: Actor) -> None:
    """Of an organization that has left the set: its sync goes with what it wrote."""
    member = _member(member_id)
    check_may_delete(member.set, by=by, removes_secrets=True)
    if member.state != State.LEFT or member.sync is None:
        raise EditRefused("Only of an organization that has left the set, and has a sync still, secrets are removed.")
    by.note_changed(member.set, f"Asked to remove the secrets of {member.slug}")
    note_causes(member.set, member)
    delete_sync(member.sync.pk, by=actor_of(member.set), removes_secrets=True)


def _found(set_id: UUID) -> SyncSet:
    each = locked(set_id)
    if each is None:
        raise EditRefused("This sync set has been deleted meanwhile.")
    if each.is_ending:
        raise EditRefused(f"The set {each.name} is being deleted with its secrets.")
    return each


def _member(member_id: UUID) -> Member:
    set_id = Member.objects.filter(pk=member_id).values_list("set", flat=True).first()
    if set_id is None:
        raise EditRefused("This organization is no longer in the set.")
    each = _found(set_id)
    member = Member.objects.select_related("sync").select_for_update(of=("self",)).get(pk=member_id)
    member.set = each
    return member


def _set(each: SyncSet, fields: Mapping[str, Any]) -> set[str]:
    if unknown := fields.keys() - set(EDITABLE):
        raise ValueError(f"Not to be edited: {', '.join(sorted(unknown))}.")
    changed = {name for name, value in fields.items() if getattr(each, name) != value}
    for name in changed:
        setattr(each, name, fields[name])
    return changed


def check_set(each: SyncSet, changed: Collection[str]) -> None:
    """Brings lines into their form, and names into ids where a line stands for one organization. Raises EditRefused, or
    ValidationError for the fields at fault."""
    each.clean_fields(exclude={field.name for field in SyncSet._meta.fields} - set(changed))
    if "name" in changed:
        others = SyncSet.objects.filter(project=each.project, name=each.name).exclude(pk=each.pk)
        if others.exists():
            raise _taken(each)
    if {"only_tags", "except_tags"}.intersection(changed):
        check_has_tags(each, each.project)
    _name_by_ids(each, changed)
    if each.selection != Selection.ALL and not each.chosen:
        raise ValidationError({"chosen": "Name the organizations, a line each, or choose all of them."})


def _name_by_ids(each: SyncSet, changed: Collection[str]) -> None:
    """What is wrong with either is told at once."""
    is_listed = each.selection == Selection.LISTED and {"selection", "chosen", "connection"}.intersection(changed)
    fields = (["chosen"] if is_listed else []) + (["canaries"] if {"canaries", "connection"} & {*changed} else [])
    problems: dict[str, list[str]] = {}
    for field in fields:
        try:
            setattr(each, field, _ids_in(each, field))
        except ValidationError as error:
            problems |= error.message_dict
    if problems:
        raise ValidationError(problems)


def _ids_in(each: SyncSet, field: str) -> str:
    """What stands there, by ids: of several organizations of one name, nobody but a person can tell which."""
    found, problems = [], []
    for line in filter(None, getattr(each, field).split("\n")):
        try:
            found.append(line if is_id(line) else require_id(each.connection, line))
        except ValidationError as error:
            problems.append(f"“{line}”: {' '.join(error.messages)}")
    if problems:
        raise ValidationError({field: problems})
    return "\n".join(dict.fromkeys(found))


def _save(each: SyncSet, **how: Any) -> None:
    each.generate_due_at = timezone.now()
    try:
        with transaction.atomic():
            each.save(**how)
    except IntegrityError:
        raise _taken(each) from None


def _taken(each: SyncSet) -> EditRefused:
    told = f"The project {each.project.name} already has a sync set named “{each.name}”. Choose another name."
    return EditRefused(told, field="name")


def _generate_soon(each: SyncSet) -> None:
    SyncSet.objects.filter(pk=each.pk).update(generate_due_at=timezone.now())
