"""APPLY: the only writer to Devin. RECORD each change as it happens.

One thread owns the run and the database; a few others send requests and nothing else. For each key:

    Create     intent ─▶ POST ─▶ fact
    Replace    intent ─▶ POST ─▶ fact ─▶ DELETE the old one ─▶ closed
               key taken? seal the value ─▶ DELETE the old one ─▶ "absent" ─▶ POST at once ─▶ fact
    Delete     intent ─▶ DELETE ─▶ fact

An answer that leaves open what happened leaves the intent open too: the caller lists the organization again and
believes the list. Deletions come last, and only if every create and replace succeeded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice

from connections.devin.errors import Ambiguous, DevinError, Forbidden, KeyTaken, ListIncomplete, NotFound, Refused
from connections.devin.types import RemoteSecret
from encryption import seal
from syncs.choices import Action, Phase
from syncs.engine.destination import Organization
from syncs.engine.ledger import Ledger, storable
from syncs.engine.notes import Tag, compose_note, new_nonce
from syncs.engine.plan import Change, Create, Delete, Plan, Replace
from syncs.errors import TooManyRounds
from syncs.models import SyncRunChange, WriteIntent

# So many unclear answers in a row mean that something is wrong with Devin or the way there, not with a key.
UNCLEAR_IN_A_ROW = 5
REMOVES_OLD = frozenset({Phase.REMOVING_OLD, Phase.MAKING_ROOM})
Answer = RemoteSecret | None


@dataclass
class Result:
    """What became of a plan. `unclear` keys need a fresh list; `refused` ones have their reason."""

    unclear: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    undeletable_ids: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.unclear and not self.refused


@dataclass(eq=False)
class Work:
    """One key on its way. `old_ids` are still to be deleted."""

    change: Change
    intent: WriteIntent
    value: str = field(default="", repr=False)
    old_ids: list[str] = field(default_factory=list)
    written: RemoteSecret | None = None

    @property
    def key(self) -> str:
        return self.change.destination_key


@dataclass
class Batch:
    """What some answers establish, to be recorded in one transaction, and who goes on."""

    written: list[tuple[WriteIntent, RemoteSecret]] = field(default_factory=list)
    deleted: list[WriteIntent] = field(default_factory=list)
    failed: list[tuple[WriteIntent, str]] = field(default_factory=list)
    next: list[Work] = field(default_factory=list)

    @property
    def has_facts(self) -> bool:
        return bool(self.written or self.deleted or self.failed)


@dataclass
class Applier:
    ledger: Ledger
    organization: Organization
    values: Mapping[str, str] = field(repr=False)
    fingerprints: Mapping[str, str]
    source_label: str
    instance_id: str

    def apply(self, plan: Plan, rows: Mapping[Change, SyncRunChange], *, may_delete: bool = True) -> Result:
        """Carries out a plan. Raises SyncError for what concerns all keys; the ledger is right in any case."""
        self.result, self.unclear_in_a_row = Result(), 0
        writes: tuple[Create | Replace, ...] = (*plan.creates, *plan.replaces)
        deletes = plan.deletes
        if writes:
            self.generation = self.ledger.next_generation()
            self._drive(self._write_work(change, rows[change]) for change in writes)
        if not (may_delete and self.result.is_complete):
            self.ledger.mark_not_attempted(rows[delete] for delete in deletes)
        else:
            self._drive(self._delete_work(change, rows[change]) for change in deletes)
        return self.result

    # Preparing

    def _write_work(self, change: Change, row: SyncRunChange) -> Work:
        key, nonce = change.destination_key, new_nonce()
        tag = Tag(self.instance_id, self.ledger.sync.short_id, self.generation, nonce)
        old_ids = list(change.old_ids) if isinstance(change, Replace) else []
        intent = self._intent(change, row, Phase.POSTING)
        intent.action = Action.REPLACE if isinstance(change, Replace) else Action.CREATE
        intent.source_key, intent.fingerprint = row.source_key, self.fingerprints[key]
        intent.nonce, intent.generation, intent.old_secret_ids = nonce, self.generation, old_ids
        intent.note = compose_note(self.source_label, tag)
        if key in self.ledger.missing:
            # It takes over from the intent under which the old secret went.
            intent.phase = Phase.ABSENT
            intent.sealed_value = seal(self.values[key], context=intent.sealing_context())
        return Work(change, intent, self.values[key], old_ids)

    def _delete_work(self, change: Delete, row: SyncRunChange) -> Work:
        intent = self._intent(change, row, Phase.DELETING)
        intent.action, intent.secret_id = Action.DELETE, change.secret_id
        return Work(change, intent)

    def _intent(self, change: Change, row: SyncRunChange, phase: Phase) -> WriteIntent:
        return WriteIntent(
            run=self.ledger.run,
            sync=self.ledger.sync,
            destination=self.ledger.destination,
            change=row,
            epoch=self.ledger.lease.epoch,
            phase=phase,
            destination_key=storable(change.destination_key),
        )

    # Driving: intents are committed a little ahead, so that no connection waits for the database

    def _drive(self, works: Iterator[Work]) -> None:
        at_once = self.organization.concurrency
        running: dict[Future[Answer], Work] = {}
        with ThreadPoolExecutor(at_once, thread_name_prefix="devin") as pool:
            try:
                while True:
                    if len(running) <= 2 * at_once and (fresh := list(islice(works, 3 * at_once - len(running)))):
                        self.ledger.open_intents([work.intent for work in fresh])
                        self._submit(pool, running, fresh)
                    if not running:
                        return
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    self._submit(pool, running, self._take(running, done))
            except BaseException:
                self._wind_up(running)
                raise

    def _submit(self, pool: ThreadPoolExecutor, running: dict[Future[Answer], Work], works: Iterable[Work]) -> None:
        for work in works:
            running[pool.submit(self._request(work))] = work

    def _request(self, work: Work) -> Callable[[], Answer]:
        """The one request that the intent's phase allows. It runs in another thread, so it touches no row."""
        phase, organization = work.intent.phase, self.organization
        if phase == Phase.DELETING:
            secret_id = work.intent.secret_id
            return lambda: organization.delete(secret_id)
        if phase in REMOVES_OLD:
            secret_id = work.old_ids[0]
            return lambda: organization.delete(secret_id)
        key, value, note = work.key, work.value, work.intent.note
        return lambda: organization.create(key=key, value=value, note=note)

    def _take(self, running: dict[Future[Answer], Work], done: Iterable[Future[Answer]]) -> list[Work]:
        """Records the answers that have come; the works that go on, their next phase committed."""
        batch, fatal = Batch(), None
        for future in done:
            work = running.pop(future)
            try:
                self._after(work, future.result(), batch)
                self.unclear_in_a_row = 0
            except DevinError as error:
                fatal = self._after_error(work, error, batch) or fatal
        if batch.has_facts:
            self.ledger.record(
                written=batch.written,
                deleted=batch.deleted,
                failed=batch.failed,
                requests_sent=self.ledger.run.requests_sent + self.organization.client.requests_sent,
            )
        if fatal:
            raise fatal
        if batch.next:
            self.ledger.advance([work.intent for work in batch.next])
        return batch.next

    def _wind_up(self, running: dict[Future[Answer], Work]) -> None:
        """Lets what is under way end, and records what can be; what was not sent stays open for the next list."""
        for future in list(running):
            if future.cancel():
                del running[future]
        done, _ = wait(running)
        for future in done:
            try:
                self._take(running, [future])
            except Exception:  # noqa: S112 - the first error is on its way up; the list will tell
                continue

    # Answers

    def _after(self, work: Work, answer: Answer, batch: Batch) -> None:
        phase = work.intent.phase
        if phase == Phase.DELETING:
            batch.deleted.append(work.intent)
        elif phase in REMOVES_OLD:
            self._after_old_deleted(work, batch)
        elif answer is not None:
            self._after_written(work, answer, batch)

    def _after_written(self, work: Work, secret: RemoteSecret, batch: Batch) -> None:
        work.written = secret
        had_room = work.intent.phase == Phase.POSTING
        work.old_ids = [old for old in work.old_ids if old != secret.secret_id] if had_room else []
        if work.old_ids:
            work.intent.phase = Phase.REMOVING_OLD
            batch.next.append(work)
        else:
            batch.written.append((work.intent, secret))

    def _after_old_deleted(self, work: Work, batch: Batch) -> None:
        work.old_ids.pop(0)
        if work.old_ids:
            batch.next.append(work)
        elif work.written is not None:
            batch.written.append((work.intent, work.written))
        else:
            work.intent.phase = Phase.ABSENT
            batch.next.append(work)

    def _after_error(self, work: Work, error: DevinError, batch: Batch) -> Exception | None:
        """Files the error under its key. Returned is what concerns all keys and so ends the attempt."""
        phase = work.intent.phase
        if isinstance(error, Ambiguous | ListIncomplete):
            return self._unclear(work)
        if isinstance(error, Forbidden | NotFound) and (phase == Phase.DELETING or phase in REMOVES_OLD):
            # Devin answers 403, not 404, for a secret that is gone: only a list tells it from a missing permission.
            self.result.undeletable_ids.add(work.old_ids[0] if phase in REMOVES_OLD else work.intent.secret_id)
            self.result.unclear.add(work.key)
            return None
        if isinstance(error, KeyTaken):
            self._after_taken(work, batch)
            return None
        if isinstance(error, Refused):
            self._refuse(work, error, batch)
            return None
        return self.organization.problem(error, f"{work.intent.get_action_display().lower()} {work.key} in")

    def _after_taken(self, work: Work, batch: Batch) -> None:
        if work.intent.phase == Phase.POSTING and work.old_ids:
            work.intent.phase = Phase.MAKING_ROOM
            work.intent.sealed_value = seal(work.value, context=work.intent.sealing_context())
            batch.next.append(work)
        else:
            self.result.taken.add(work.key)
            self.result.unclear.add(work.key)

    def _refuse(self, work: Work, error: DevinError, batch: Batch) -> None:
        reason = error.message
        if work.intent.phase == Phase.ABSENT:
            reason = f"{work.key} is now missing from Devin: the old secret had to go first, and then: {reason}"
        self.result.refused[work.key] = reason
        batch.failed.append((work.intent, reason))

    def _unclear(self, work: Work) -> Exception | None:
        self.result.unclear.add(work.key)
        self.unclear_in_a_row += 1
        if self.unclear_in_a_row < UNCLEAR_IN_A_ROW:
            return None
        return TooManyRounds(
            f"Devin answered unclearly {UNCLEAR_IN_A_ROW} times in a row (timeouts, cut connections or 5xx). "
            "Nothing is lost: the next attempt goes by what Devin lists."
        )
