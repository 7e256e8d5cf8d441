"""What one attempt of a run leaves for a person to know: what was not written, not deleted, or is missing now."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from syncs.choices import Outcome, Phase
from syncs.engine.changes import HeldBack, told_sync
from syncs.errors import Blocked, SourceProblem
from syncs.models import SyncRun, WriteIntent

NAMED_KEYS = 10
NAMED_SYNCS = 3
# Of a message, which holds 1,024 characters: the names of ten keys and what else there is to say need the rest.
LONGEST_REASON = 400


@dataclass
class Report:
    """By key: why Devin or we would not write it, why its secret could not be deleted, and what it waits for.

    `missing` are keys that were taken away and then refused; `blocked` says which deletions wait for a person,
    `held_back` which for another sync's source.
    """

    refused: dict[str, str] = field(default_factory=dict)
    undeleted: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    # Of the refused ones, those that a stopped sync holds.
    may_take_over: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    blocked: Blocked | None = None
    held_back: tuple[HeldBack, ...] = ()
    # How many secrets the source has: of a run that is clean, Devin has them too. None of a removal.
    desired_count: int | None = None

    @property
    def is_clean(self) -> bool:
        return not (self._leaves_more or self.held_back)

    @property
    def _leaves_more(self) -> bool:
        return bool(self.refused or self.undeleted or self.waiting or self.blocked)

    def passing(self, run: SyncRun) -> SourceProblem | None:
        """All that is left, where it is deletions that another source holds and waiting may help; else None."""
        if self._leaves_more or not any(held.by.may_pass for held in self.held_back):
            return None
        longest = timedelta(seconds=max(held.by.seconds for held in self.held_back))
        return SourceProblem(self.sentences(run), retryable=True, retry_after=longest or None)

    def sentences(self, run: SyncRun) -> str:
        """The run's message, "" if all is well. It goes where no list of keys stands beside it, so it gives the first
        reason itself."""
        said = [self.blocked.message] if self.blocked else []
        if self.refused:
            said.append(self._refused())
        if self.may_take_over:
            held = named(self.may_take_over)
            said.append(f"A sync that has stopped holds {held}: choose “Take over” on the plan, or mend that sync.")
        if self.missing:
            said.append(f"Missing from Devin now: {named(self.missing)}.")
        if self.undeleted:
            said.append(self._undeletable(run))
        if self.waiting:
            count = "1 secret stays" if len(self.waiting) == 1 else f"{len(self.waiting)} secrets stay"
            said.append(f"{count} until what replaces it can be written: {named(self.waiting)}.")
        if self.held_back:
            said.append(about_held_back(self.held_back))
        return " ".join(said)

    def _refused(self) -> str:
        count = len(self.refused)
        keys = "1 key" if count == 1 else f"{count} keys"
        first = min(self.refused)
        reason = shortened(self.refused[first], LONGEST_REASON)
        why = reason if count == 1 else f"{first}: {reason} The run lists the reasons of the others."
        is_all = not (self.undeleted or self.waiting or self.blocked or self.held_back)
        rest = " The rest is up to date." if is_all else ""
        return f"{keys} could not be written: {named(self.refused)}. {why}{rest}"

    def _undeletable(self, run: SyncRun) -> str:
        several = len(self.undeleted) > 1
        which = f"{len(self.undeleted)} secrets in {run.org_id} (403), and they are" if several else ""
        which = which or f"{named(self.undeleted)} in {run.org_id} (403), and it is"
        names = f": {named(self.undeleted)}" if several else ""
        return (
            f"Devin refuses to delete {which} still there{names}. Give the service user of connection "
            f"“{run.connection}” the ManageOrgSecrets permission there, then sync again."
        )


def about_held_back(held_back: Collection[HeldBack]) -> str:
    """Which deletions are held, what to do, and for which syncs and why."""
    count = "1 deletion is" if len(held_back) == 1 else f"{len(held_back)} deletions are"
    keys = named({held.destination_key for held in held_back})
    problems = {held.by.name: held.by.problem for held in held_back}
    reasons = [f"Held for {told_sync(name)}: {problem}" for name, problem in problems.items()]
    more = [f"And for {len(reasons) - NAMED_SYNCS} more."] if len(reasons) > NAMED_SYNCS else []
    advice = (
        "Another sync may want that, and its source cannot be read now. Once it can, they go by themselves; if it "
        "never will, disable that sync."
    )
    return " ".join([f"{count} held: {keys}.", advice, *reasons[:NAMED_SYNCS], *more])


def about_stopped(run: SyncRun) -> str:
    """Who cancelled a run that was under way, what it had done by then, and what it leaves to the next one."""
    settled, left = _progress(run)
    if not settled and not left:
        return f"Cancelled by {run.stopped_by} before it wrote anything."
    done = f"{settled} of {settled + len(left)} changes {'was' if settled == 1 else 'were'} done by then."
    return f"Cancelled by {run.stopped_by}: {done} Left to the next run: {named(left) or 'nothing'}."


def about_waiting(run: SyncRun) -> str:
    """Of a run that found a change whose turn has not come."""
    settled, left = _progress(run)
    written = f"{settled} of {settled + len(left)} changes were done by then." if settled else "Nothing was written."
    return (
        "The source or the sync has changed, and changes of this sync go out in waves: its turn has not come yet. "
        f"{written} Waiting: {named(left)}."
    )


def _progress(run: SyncRun) -> tuple[int, list[str]]:
    """How many of its changes have an outcome, and the keys of the others."""
    rows = run.changes.order_by().values_list("outcome", "destination_key")
    settled = rows.filter(outcome__in=(Outcome.DONE, Outcome.FAILED)).count()
    return settled, [key for _, key in rows.filter(outcome__in=(Outcome.PLANNED, Outcome.NOT_ATTEMPTED))]


def named(keys: Collection[str]) -> str:
    """The first ten by name, and how many more there are."""
    ordered = sorted(keys)
    more = f" and {len(ordered) - NAMED_KEYS} more" if len(ordered) > NAMED_KEYS else ""
    return ", ".join(ordered[:NAMED_KEYS]) + more


def shortened(reason: str, longest: int) -> str:
    """A whole sentence, or the beginning of a long one."""
    return reason if len(reason) <= longest else f"{reason[: longest - 1]}…"


def has_sealed(run: SyncRun) -> bool:
    """Whether a key of this run's sync has been, or may have been, taken away and is not back."""
    return WriteIntent.objects.open().filter(sync_id=run.sync_id).exclude(sealed_value="").exists()


def missing_keys(run: SyncRun) -> list[str]:
    """The keys that this run's sync has taken away and not put back; their values are sealed in open intents."""
    intents = WriteIntent.objects.open().filter(sync_id=run.sync_id, phase=Phase.ABSENT)
    return sorted(set(intents.values_list("destination_key", flat=True)))


def about_missing(keys: Collection[str]) -> str:
    """A sentence for a message, "" if there are none."""
    if not keys:
        return ""
    which, them = ("1 secret is", "it") if len(keys) == 1 else (f"{len(keys)} secrets are", "them")
    return f"{which} missing from Devin until the next attempt, which begins with {them}: {named(keys)}."
