"""What is deleted goes to the trash; from there it comes back, whole, or goes for good."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from vault import access
from vault.access.trash import TO_DELETE, TO_RESTORE, place_of_entry
from vault.editing.actor import Actor
from vault.editing.change import Change, all_or_none, changing
from vault.editing.trying import take_out_of_sight
from vault.effects import is_tried
from vault.errors import Invalid, Missing, Taken
from vault.limits import LONGEST_PATH
from vault.models import Environment, Folder, Secret, SecretImport, TrashedRow, TrashEntry
from vault.returning import Place, Returned, put_back, put_back_secrets
from vault.signals import folders_leave, folders_return
from vault.trash import FEW, OF_SECRETS, Bin, check_entry, in_trash, is_on, table_of

Kind = TrashEntry.Kind
# What may hold others before those.
ORDER = (Kind.ENVIRONMENT, Kind.FOLDER, Kind.SECRET)


def delete_rows(change: Change, secrets: Sequence[Secret], *, deletion: UUID) -> None:
    """Deletes some secrets of any folders, each with an entry of its own, for callers that hold the transaction."""
    doomed = Secret.objects.filter(id__in=[secret.id for secret in secrets])
    if is_tried():
        take_out_of_sight(doomed)
        return
    entries = {secret.id: _entry_of_secret(change, secret, deletion) for secret in secrets} if is_on() else {}
    trash = Bin(list(entries.values())) if entries else None
    _delete_secrets(trash, doomed, entry_of=lambda id_: entries[id_])
    if trash is not None:
        trash.close()


def delete_tree(change: Change, item: Folder | Environment, doomed: "QuerySet[Folder]") -> None:
    """Deletes folders with what is in them, and the environment if it is one; its secrets some at a time."""
    if is_tried():
        take_out_of_sight(doomed)
        if isinstance(item, Environment):
            take_out_of_sight(Environment.objects.filter(pk=item.pk))
        return
    secrets = Secret.objects.filter(folder__in=doomed)
    entry = _entry_of_tree(change, item, folders=doomed.count(), secrets=secrets.count())
    trash = Bin([entry]) if is_on() else None
    while some := list(secrets.order_by("pk").values_list("pk", flat=True)[:FEW]):
        _delete_secrets(trash, Secret.objects.filter(pk__in=some), entry_of=lambda _: entry)
    if trash is not None:
        if isinstance(item, Environment):
            trash.keep(Environment.objects.filter(pk=item.pk), lambda _: entry)
        trash.keep(doomed, lambda _: entry)
        trash.keep(SecretImport.objects.filter(folder__in=doomed), lambda _: entry)
        answers: list[Any] = folders_leave.send(sender=Folder, folders=doomed)
        trash.note(entry, [note for _, notes in answers for note in notes or ()])
        trash.close()
    item.delete()


def restore(entry: TrashEntry, *, by: Actor) -> Returned:
    """Puts back what was deleted, with all versions, as it was. Raises Missing, Taken, or Unreadable."""
    return restore_all([entry], by=by)


def restore_all(entries: Iterable[TrashEntry], *, by: Actor) -> Returned:
    """All or none. What holds others comes before them."""
    by_project: dict[UUID, list[TrashEntry]] = {}
    for entry in entries:
        _demand(by, TO_RESTORE, entry)
        by_project.setdefault(entry.project_id, []).append(entry)
    returned = Returned()
    with all_or_none():
        for project_id, some in by_project.items():
            with changing(project_id, by) as change:
                bring_back_all(change, _lock(some), returned)
    return returned


def _demand(by: Actor, rights: Mapping[str, tuple[str, ...]], entry: TrashEntry) -> None:
    lacking = [permission for permission in rights[entry.kind] if not by.can(permission, access.Place())]
    if lacking:
        place = place_of_entry(entry)
        for permission in lacking:
            by.demand(permission, place)


@transaction.atomic
def delete_for_good(entry: TrashEntry, *, by: Actor) -> None:
    """With what was deleted before out of the folders that it holds, because it could never come back."""
    _demand(by, TO_DELETE, entry)
    entries = list(going_with(entry))
    for start in range(0, len(entries), FEW):
        some = [each.pk for each in entries[start : start + FEW]]
        TrashedRow.objects.filter(entry__in=some).delete()
        TrashEntry.objects.filter(pk__in=some).delete()


def going_with(entry: TrashEntry) -> list[TrashEntry]:
    """An entry, and those that can come back into nothing but what it holds."""
    found, waiting = {entry.pk: entry}, [entry]
    if entry.kind == Kind.SECRET:
        return waiting
    others = [each for each in in_trash().filter(project=entry.project_id) if each.pk != entry.pk]
    while waiting:
        each = waiting.pop()
        folders = _folders_in(each)
        inside = [other for other in others if other.folder in folders or other.environment == each.item]
        waiting += [other for other in inside if other.pk not in found]
        found |= {other.pk: other for other in inside}
    return list(found.values())


def _lock(entries: Sequence[TrashEntry]) -> list[TrashEntry]:
    found = {each.pk: each for each in in_trash().select_for_update().filter(pk__in=[each.pk for each in entries])}
    if gone := [str(each) for each in entries if each.pk not in found]:
        raise Missing(f"The trash does not hold {gone[0]} any more: it was restored, or is gone for good.")
    return sorted(found.values(), key=lambda each: (ORDER.index(Kind(each.kind)), len(each.name), each.name))


def bring_back_all(change: Change, entries: Sequence[TrashEntry], returned: Returned) -> None:
    """In their order, but secrets last, many at once. For callers that hold the transaction."""
    for entry in entries:
        if entry.kind != Kind.SECRET:
            _bring_back_tree(change, entry, returned)
    secrets = [entry for entry in entries if entry.kind == Kind.SECRET]
    for start in range(0, len(secrets), FEW):
        _bring_back_secrets(change, secrets[start : start + FEW])


def _bring_back_tree(change: Change, entry: TrashEntry, returned: Returned) -> None:
    check_entry(entry)
    place = None
    if entry.kind == Kind.ENVIRONMENT:
        _check_slug(entry)
    else:
        place = _place_of(entry)
    back = put_back(entry, place)
    change.seals.drop_imports(back.unkept)
    for folder_id in _folders_in(entry):
        change.mark(folder_id)
    folders_return.send(sender=Folder, notes=back.notes)
    returned.unkept += back.unkept
    TrashedRow.objects.filter(entry=entry).delete()
    entry.delete()


def _bring_back_secrets(change: Change, entries: Sequence[TrashEntry]) -> None:
    """As many statements for many as for one, but for what does not fit into one."""
    _check_keys(entries)
    for secret in put_back_secrets(entries):
        change.seals.put([secret])
        change.mark(secret.folder_id, [secret.key])
    ids = [entry.pk for entry in entries]
    TrashedRow.objects.filter(entry__in=ids).delete()
    TrashEntry.objects.filter(pk__in=ids).delete()


def _check_slug(entry: TrashEntry) -> None:
    if Environment.objects.filter(project=entry.project_id, slug=entry.name).exists():
        raise Taken(f"There is an environment {entry.name} again. Give that one another slug, then restore this one.")


def _place_of(entry: TrashEntry) -> Place:
    parent = _holder(entry)
    if parent is None:
        raise Missing(f"The folder {entry.name} was in one that is not there now. Restore that one first.")
    path = parent.prefix + entry.name.rpartition("/")[2]
    if Folder.objects.filter(environment=parent.environment_id, path=path).exists():
        raise Taken(f"There is a folder {path} here again. Give that one another name, then restore this one.")
    longest = max(map(len, (columns["path"] for columns in _columns(entry, Folder))))
    if longest - len(entry.name) + len(path) > LONGEST_PATH:
        raise Invalid(f"Below {parent}, a path would be longer than {LONGEST_PATH:,} characters.")
    return Place(parent.environment_id, entry.name, path)


def _holder(entry: TrashEntry) -> Folder | None:
    rows = Folder.objects.select_related("environment").filter(environment__project=entry.project_id)
    return rows.filter(pk=entry.folder).first() if entry.folder else None


def _check_keys(entries: Sequence[TrashEntry]) -> None:
    folders = Folder.objects.select_related("environment").in_bulk({entry.folder for entry in entries if entry.folder})
    names = {entry.name for entry in entries}
    there = Secret.objects.filter(folder__in=folders, key__in=names).order_by()
    taken = set(there.values_list("folder_id", "key"))
    for entry in entries:
        folder = folders.get(entry.folder) if entry.folder else None
        if folder is None or folder.environment.project_id != entry.project_id:
            raise Missing(f"The folder {entry.place} of {entry.name} is not there now. Restore the folder first.")
        if (folder.pk, entry.name) in taken:
            raise Taken(
                f"There is a secret {entry.name} in {folder} again. Give that one another key or delete it, then "
                "restore this one."
            )
        taken.add((folder.pk, entry.name))


def _columns(entry: TrashEntry, model: type[Model]) -> Iterator[dict[str, Any]]:
    rows = entry.rows.filter(table=table_of(model)).order_by("pk")
    yield from rows.values_list("columns", flat=True).iterator(chunk_size=FEW)


def _folders_in(entry: TrashEntry) -> set[UUID]:
    return set() if entry.kind == Kind.SECRET else {UUID(columns["id"]) for columns in _columns(entry, Folder)}


def _delete_secrets(trash: Bin | None, rows: "QuerySet[Secret]", *, entry_of: Callable[[UUID], TrashEntry]) -> None:
    if trash is not None:
        trash.keep(rows, lambda row: entry_of(row.pk))
        for table in OF_SECRETS:
            trash.keep(table._base_manager.filter(secret__in=rows), lambda row: entry_of(row.secret_id))
    rows.delete()


def _entry_of_secret(change: Change, secret: Secret, deletion: UUID) -> TrashEntry:
    return TrashEntry(
        project_id=change.project_id,
        deletion=deletion,
        kind=Kind.SECRET,
        name=secret.key,
        place=str(secret.folder),
        item=secret.pk,
        environment=secret.folder.environment_id,
        folder=secret.folder_id,
        secrets=1,
        deleted_at=timezone.now(),
        deleted_by=change.by.user,
    )


def _entry_of_tree(change: Change, item: Folder | Environment, *, folders: int, secrets: int) -> TrashEntry:
    is_folder = isinstance(item, Folder)
    return TrashEntry(
        project_id=change.project_id,
        kind=Kind.FOLDER if is_folder else Kind.ENVIRONMENT,
        name=item.path if isinstance(item, Folder) else item.slug,
        place=item.environment.slug if isinstance(item, Folder) else "",
        item=item.pk,
        environment=item.environment_id if isinstance(item, Folder) else None,
        folder=item.parent_id if isinstance(item, Folder) else None,
        folders=folders,
        secrets=secrets,
        deleted_at=timezone.now(),
        deleted_by=change.by.user,
    )
