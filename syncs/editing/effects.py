"""What a change of the vault does to the syncs that read it, and so to Devin: told before it is made."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, Q
from django.urls import reverse

from sources.protocol import SourceSecret
from syncs.access import VIEW
from syncs.choices import Status
from syncs.engine.notes import words_of_comment
from syncs.engine.source import list_source_keys, read_sources
from syncs.errors import SourceProblem, SyncError
from syncs.models import DevinSync, ManagedSecret, SyncRun
from syncs.naming import Naming
from syncs.organizations import load_named
from vault import effects
from vault.access import visible
from vault.effects import MOST_READ, Effect, Started, View
from vault.models import Folder
from vault.signals import Aspect

SOON, LATER, OFF = "within seconds", "at its next run, as auto-sync is off", "once it is enabled"


class SyncWatcher:
    """The syncs, as readers of the vault, by their destination keys. They delete only what they wrote."""

    def readers_of(self, folder_ids: Collection[UUID], aspect: Aspect) -> Collection[UUID]:
        return DevinSync.objects.minding(aspect).reading_folders(folder_ids)

    def view(self, readers: Collection[UUID]) -> Mapping[UUID, View]:
        rows = DevinSync.objects.filter(pk__in=readers).with_source().order_by("name")
        # Of the two views of a change that is tried, the one before it tells whom it reaches.
        syncs = list(rows) if effects.is_tried() else load_named(rows)
        read = read_sources(syncs)
        return {sync.pk: _view(sync, read[sync.pk]) for sync in syncs}

    def compare(self, before: Mapping[UUID, View], after: Mapping[UUID, View]) -> list[Effect]:
        ours = _written_by(before)
        found = (_effect(view.reader, view, after[id_], ours.get(id_, set())) for id_, view in before.items())
        return [effect for effect in found if effect is not None]

    def reach(self, keys: Mapping[Folder, Collection[str]]) -> list[Effect]:
        ids = DevinSync.objects.all().reading_folders([folder.pk for folder in keys])
        syncs = DevinSync.objects.filter(pk__in=ids[:MOST_READ]).with_source().select_related("connection")
        ours = _written_by(ids[:MOST_READ])
        found = [_reached(sync, keys, ours.get(sync.pk, set())) for sync in load_named(syncs.order_by("name"))]
        return [*found, *([self.more(len(ids) - MOST_READ)] if len(ids) > MOST_READ else [])]

    def more(self, count: int) -> Effect:
        which = "1 more sync" if count == 1 else f"{count:,} more syncs"
        return Effect(
            which,
            reverse("admin:syncs_devinsync_changelist"),
            note="read this too; look at their plans.",
            is_grave=True,
        )

    def seen_by(self, user: User, readers: Collection[UUID]) -> Collection[UUID]:
        if user.has_perm(VIEW):
            return readers
        return list(visible(user, DevinSync.objects.filter(pk__in=readers)).values_list("pk", flat=True))

    def failures(self, secret_id: UUID, user: User) -> list[Started]:
        rows = SyncRun.objects.filter(faulty_secret_id=secret_id, status__in=[Status.FAILED, Status.PENDING])
        unread = visible(user, rows)
        since = unread.filter(Q(sync__last_synced_at=None) | Q(sync__last_synced_at__lt=F("queued_at")))
        latest = {run.sync_id: run for run in since.filter(sync__isnull=False).order_by("queued_at")[:MOST_READ]}
        return [_started(run) for run in latest.values()]

    def describe(self, ids: Collection[UUID], user: User) -> list[Started]:
        rows = visible(user, SyncRun.objects.filter(pk__in=ids))
        return [_started(run) for run in rows.order_by("sync_name", "pk")]


def _started(run: SyncRun) -> Started:
    live = f"{reverse('admin:syncs_syncrun_progress', args=[run.pk])}?part=badge"
    return Started(run.sync_name, run.get_absolute_url(), live)


def when_it_reads(*, is_enabled: bool, by_itself: bool) -> str:
    """When a sync takes over what has changed, as the end of a sentence."""
    return OFF if not is_enabled else SOON if by_itself else LATER


def connect() -> None:
    effects.watch(SyncWatcher())


def _written_by(sync_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    ours: dict[UUID, set[str]] = {}
    for sync_id, key in ManagedSecret.objects.filter(sync__in=sync_ids).values_list("sync_id", "destination_key"):
        ours.setdefault(sync_id, set()).add(key)
    return ours


def _reached(sync: DevinSync, keys: Mapping[Folder, Collection[str]], ours: Collection[str]) -> Effect:
    naming = Naming.of(sync)
    read = {key for folder, some in keys.items() if sync.reads(folder, below=sync.recursive) for key in some}
    names = sorted(naming.render(key) for key in read & _taken(sync, naming, read))
    creates, replaces = [name for name in names if name not in ours], [name for name in names if name in ours]
    return _describe(sync, creates=tuple(creates), replaces=tuple(replaces))


def _taken(sync: DevinSync, naming: Naming, keys: Collection[str]) -> set[str]:
    """By keys alone where the source does not tell the tags now: then rather too many."""
    named = {key for key in keys if naming.takes_key(key)}
    if not (sync.chooses_by_tags and named):
        return named
    try:
        tags = list_source_keys(sync)
    except SourceProblem:
        return named
    return {key for key in named if key in tags and naming.takes_tags(tags[key])}


def _view(sync: DevinSync, read: Sequence[SourceSecret] | SourceProblem) -> View:
    if isinstance(read, SourceProblem):
        return View(problem=str(read), reader=sync)
    by_key = {secret.key: secret for secret in read}
    try:
        tags = {secret.key: secret.tags for secret in read}
        named = {name: by_key[key] for name, key in Naming.of(sync).names(tags).items()}
    except SyncError as error:
        return View(problem=str(error), reader=sync)
    values = {name: secret.value for name, secret in named.items()}
    words = {name: words_of_comment(secret.comment) for name, secret in named.items() if sync.send_comments}
    return View(values, {name: secret.id for name, secret in named.items()}, words, reader=sync)


def _effect(sync: DevinSync, before: View, after: View, ours: set[str]) -> Effect | None:
    """None where the sync gets what it got."""
    if after.problem:
        return None if before.problem else _describe(sync, problem=after.problem)
    new, gone = (
        [key for key in after.values if key not in before.values and key not in ours],
        set(before.values) - set(after.values),
    )
    renames = _renames(before, after, new=new, gone=sorted(gone & ours))
    to, old = {key for _, key in renames}, {key for key, _ in renames}
    deletes = () if sync.disable_secret_deletion else tuple(sorted(gone & ours - old))
    creates = tuple(sorted(key for key in new if key not in to))
    replaces = tuple(
        sorted(key for key in after.values if key in before.values and key not in to and _differs(key, before, after))
    )
    if not (creates or replaces or renames or deletes):
        return None
    return _describe(sync, creates=creates, replaces=replaces, renames=tuple(renames), deletes=deletes)


def _differs(key: str, before: View, after: View) -> bool:
    return before.values[key] != after.values[key] or before.words.get(key) != after.words.get(key)


def _renames(before: View, after: View, *, new: list[str], gone: list[str]) -> list[tuple[str, str]]:
    """As a run pairs them: the same secret under another key, whatever its value is now; or else one new key for each
    former key of the same value."""
    by_origin = {origin: key for key, origin in after.origins.items() if origin}
    found = [(key, by_origin[origin]) for key in gone if (origin := before.origins.get(key)) in by_origin]
    settled, taken = {key for key, _ in found}, {key for _, key in found}
    free = sorted(key for key in new if key not in taken)
    for key in (key for key in gone if key not in settled):
        same = next((other for other in free if after.values[other] == before.values[key]), None)
        if same is not None:
            free.remove(same)
            found.append((key, same))
    return found


def _describe(
    sync: DevinSync,
    *,
    creates: tuple[str, ...] = (),
    replaces: tuple[str, ...] = (),
    renames: tuple[tuple[str, str], ...] = (),
    deletes: tuple[str, ...] = (),
    problem: str = "",
) -> Effect:
    remark = when_it_reads(is_enabled=sync.is_enabled, by_itself=sync.auto_sync_enabled)
    url = sync.get_absolute_url()
    where = sync.organization
    return Effect(
        sync.name,
        url,
        creates,
        replaces,
        renames,
        deletes,
        where,
        problem,
        remark,
        id=sync.pk,
        is_grave=bool(deletes or problem),
    )
