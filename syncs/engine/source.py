"""READ SOURCE: the secrets of the sync's place, whole or not at all.

A source that cannot be read whole is an error, never a smaller set: what is missing would be deleted from Devin.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID

from common import tracing
from common.counting import Counter, Histogram
from sources import watching
from sources.checking import check_key, check_read
from sources.errors import SourceError, Untrustworthy
from sources.protocol import ReadsMany, Source, SourceSecret, TellsTags
from sources.registry import KINDS
from syncs.errors import SourceProblem
from syncs.models import DevinSync, SyncRun
from syncs.places import find_secret
from vault.access import Place, is_hidden_from_some, place_of
from vault.errors import SourceError as VaultSourceError

# For all who see the sync: what is wrong stands on the pages of what is at fault.
ELSEWHERE = (
    "something is wrong with a secret or folder that it takes from elsewhere in the project. Whoever may see that "
    "finds it on the page of the run, or of the folder; else ask a manager of the project."
)
NO_TAGS = "Its secrets carry no tags to choose by."
READS = Counter(
    "devinsync_source_reads_total",
    "Reads of sources. unavailable: it did not answer, which can pass; faulty: a person must mend something.",
    {"kind": tuple(KINDS), "outcome": ("whole", "unavailable", "faulty")},
)
READ_TIME = Histogram("devinsync_source_read_duration_seconds", "How long such a read took.", {"kind": tuple(KINDS)})


def read_source(sync: DevinSync, *, patience: timedelta | None = None) -> Sequence[SourceSecret]:
    """Raises SourceProblem, which names the place or the secret and says what to do.

    With `patience` a person waits; else a source that has to be asked for it may take as long as is usual.
    """
    if not sync.has_source:
        raise SourceProblem(
            f"The source folder {sync.source_label} no longer exists. Choose another source for this sync; until then "
            "nothing is written to Devin and nothing deleted."
        )
    with as_problem(sync), counted(sync), sync.open_source(patience=patience) as source:
        read = tagged(source).read_tagged if sync.chooses_by_tags else source.read
        secrets = read(sync.place, recursive=sync.recursive)
        check_read(sync.place, secrets, recursive=sync.recursive)
    return secrets


def tagged(source: Source) -> TellsTags:
    """For a sync that chooses by tags. Without them its secrets would pass for none that are chosen."""
    if not isinstance(source, TellsTags):
        raise Untrustworthy(f"{NO_TAGS} Empty “only tags” and “except tags” of the sync, and choose by keys.")
    return source


def read_sources(syncs: Sequence[DevinSync]) -> dict[UUID, Sequence[SourceSecret] | SourceProblem]:
    """What `read_source` answers or raises for each. Those of a project are read together, where its source can; those
    that choose by tags by themselves."""
    found: dict[UUID, Sequence[SourceSecret] | SourceProblem] = {}
    by_project: dict[UUID, list[DevinSync]] = {}
    for sync in syncs:
        if sync.has_source and not sync.chooses_by_tags:
            by_project.setdefault(sync.project_id, []).append(sync)
    for some in by_project.values():
        # What is wrong with the source each says by its own read.
        with suppress(SourceError):
            found |= _read_together(some)
    return found | {sync.pk: _read_or_problem(sync) for sync in syncs if sync.pk not in found}


def _read_together(syncs: Sequence[DevinSync]) -> dict[UUID, Sequence[SourceSecret] | SourceProblem]:
    with syncs[0].open_source() as source:
        if not isinstance(source, ReadsMany):
            return {}
        with counted(syncs[0]):
            read = source.read_each([(sync.place, sync.recursive) for sync in syncs])
    return {sync.pk: _checked(sync, each) for sync, each in zip(syncs, read, strict=True)}


def _checked(sync: DevinSync, read: Sequence[SourceSecret] | SourceError) -> Sequence[SourceSecret] | SourceProblem:
    try:
        with as_problem(sync):
            if isinstance(read, SourceError):
                _count_fault(sync, read)
                raise read
            check_read(sync.place, read, recursive=sync.recursive)
    except SourceProblem as problem:
        return problem
    return read


def _read_or_problem(sync: DevinSync) -> Sequence[SourceSecret] | SourceProblem:
    try:
        return read_source(sync)
    except SourceProblem as problem:
        return problem


def list_source_keys(sync: DevinSync, *, patience: timedelta | None = None) -> Mapping[str, Collection[str]]:
    """Each with the tags of its secret, where the sync chooses by them. Raises SourceProblem. No value is looked at
    where the source can help it."""
    with as_problem(sync), sync.open_source(patience=patience) as source:
        keys = keys_with_tags(source, sync)
        for key in keys:
            check_key(key)
    return keys


def keys_with_tags(source: Source, sync: DevinSync) -> Mapping[str, Collection[str]]:
    """The same of a source that is open. Raises SourceError."""
    if sync.chooses_by_tags:
        return tagged(source).list_tags(sync.place, recursive=sync.recursive)
    return dict.fromkeys(source.list_keys(sync.place, recursive=sync.recursive), ())


def note_read(sync: DevinSync, secrets: Iterable[SourceSecret]) -> None:
    """For the pages of a project that is kept elsewhere, and to know whom a change there concerns."""
    if not sync.project.is_kept_here:
        watching.note_read(sync.project, sync.place, secrets, recursive=sync.recursive)


def note_unread(sync: DevinSync, problem: SourceProblem) -> None:
    if not sync.project.is_kept_here and isinstance(problem.__cause__, SourceError):
        watching.note_error(sync.project, problem.__cause__)


def note_fault(run: SyncRun, problem: SourceProblem | None) -> None:
    """Which secret of the vault is at fault, so that its page and the run's lead to each other."""
    cause = problem.__cause__ if problem else None
    found = cause.secret_id if isinstance(cause, SourceError) and run.sync and run.sync.project.is_kept_here else ""
    SyncRun.objects.filter(pk=run.pk).update(faulty_secret_id=UUID(found) if found else None)


@contextmanager
def counted(sync: DevinSync) -> Iterator[None]:
    kind = sync.project.source
    try:
        with tracing.span("read source", kind=kind), READ_TIME.timed(kind=kind):
            yield
    except SourceError as error:
        _count_fault(sync, error)
        raise
    READS.add(kind=kind, outcome="whole")


def _count_fault(sync: DevinSync, error: SourceError) -> None:
    READS.add(kind=sync.project.source, outcome="unavailable" if error.retryable else "faulty")


@contextmanager
def as_problem(sync: DevinSync) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        why = ELSEWHERE if _tells_too_much(sync, error) else f"{error}"
        raise SourceProblem(
            f"Could not read {sync.source_label}: {why}", retryable=error.retryable, retry_after=error.retry_after
        ) from error


def _tells_too_much(sync: DevinSync, error: SourceError) -> bool:
    """Whether a member who sees the sync would be told of folders that they may not see."""
    cause = error.__cause__
    if not isinstance(cause, VaultSourceError):
        return False
    others = [Place(sync.project_id, *place) for place in cause.places]
    if not others and cause.secret_id is not None and (secret := find_secret(cause.secret_id)) is not None:
        others.append(place_of(secret))
    here = Place(sync.project_id, sync.environment_slug, sync.path)
    return any(place != here for place in others) and is_hidden_from_some(here, others)
