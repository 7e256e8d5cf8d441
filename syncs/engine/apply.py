"""APPLY: the only writer to Devin. RECORD each change as it happens.

One thread owns the run and the database; a few others send requests and nothing else. For each key:

    Create     intent ─▶ POST ─▶ fact
    Replace    intent ─▶ POST ─▶ fact ─▶ DELETE the old one ─▶ closed
               key taken? seal the value ─▶ DELETE the old one and POST, back to back ─▶ fact
    Rename     as Create or Replace, then DELETE the secret of the former key ─▶ closed
    Delete     intent ─▶ DELETE ─▶ fact

An answer that leaves open what happened leaves the intent open too: the caller lists the organization again and
believes the list. Keys that an earlier attempt took away come first, other deletions last; those wait for no write.

A run that a person has cancelled begins with no further key; what is on its way arrives, and keys that are half done
are finished. What has not been sent is as if it had never been planned.

While a key is absent that could not be put back, no other is taken away. Nor is one, once Devin has refused the values
of two after theirs had to go: it looks at a value only when the key is free, so what a replacement costs is not known.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import islice

from connections.devin.errors import Ambiguous, DevinError, Forbidden, KeyTaken, ListIncomplete, NotFound, Refused
from connections.devin.types import RemoteSecret
from encryption import seal
from syncs.choices import Action, Phase
from syncs.engine.changes import Change, Create, Delete, Plan, Rename, Replace, Write
from syncs.engine.destination import Organization
from syncs.engine.ledger import Ledger
from syncs.engine.notes import compose_note
from syncs.engine.rows import storable
from syncs.engine.tags import new_tag
from syncs.engine.work import Answer, Batch, Result, Work
from syncs.errors import Stopped, TooManyRounds
from syncs.models import SyncRunChange, WriteIntent

# So many unclear answers in a row mean that something is wrong with Devin or the way there, not with a key.
UNCLEAR_IN_A_ROW = 5
LOST_AT_MOST = 2
ACTIONS: dict[type, Action] = {
    Create: Action.CREATE,
    Replace: Action.REPLACE,
    Rename: Action.RENAME,
    Delete: Action.DELETE,
}


def needs_room(change: Write) -> bool:
    """Whether a secret of this very key has to go for it, where Devin allows no second one."""
    return not isinstance(change, Create) and bool(change.old_ids)


@dataclass
class Applier:
    ledger: Ledger
    organization: Organization
    values: Mapping[str, str] = field(repr=False)
    fingerprints: Mapping[str, str]
    origins: Mapping[str, str]
    words: Mapping[str, str] = field(repr=False)
    source_label: str
    instance_id: str
    # How many keys may be between DELETE and POST at once. One after the first fault, in this attempt and the next.
    rooms: int = 1
    lost: int = 0

    def __post_init__(self) -> None:
        if self.ledger.run.attempt <= 1:
            self.rooms = self.organization.concurrency

    def apply(self, plan: Plan, rows: Mapping[Change, SyncRunChange]) -> Result:
        """Carries out a plan. Raises SyncError for what concerns all keys, and Stopped; the ledger is right in any
        case."""
        self.result, self.is_stuck = Result(), False
        try:
            self._write(plan, rows)
        except TooManyRounds:
            # A key that Devin cannot take holds up no other key's deletion.
            self._delete(plan, rows)
            raise
        self._delete(plan, rows)
        return self.result

    def _write(self, plan: Plan, rows: Mapping[Change, SyncRunChange]) -> None:
        writes = [change for change in plan.writes if not (isinstance(change, Rename) and change.is_written)]
        if not writes:
            return
        self.generation = self.ledger.next_generation()
        missing = [change for change in writes if change.destination_key in self.ledger.missing]
        others = [change for change in writes if change.destination_key not in self.ledger.missing]
        into_the_free = [change for change in others if not needs_room(change)]
        for some in (missing, into_the_free, self._takable([change for change in others if needs_room(change)])):
            self._drive(self._write_work(change, rows[change]) for change in some)

    def _takable(self, changes: Sequence[Write]) -> Iterator[Write]:
        """Those that may still be taken away when their turn comes."""
        for change in changes:
            if self.lost >= LOST_AT_MOST:
                self._spare(change.destination_key)
            elif not self.is_stuck:
                yield change

    def _delete(self, plan: Plan, rows: Mapping[Change, SyncRunChange]) -> None:
        halves = [change for change in plan.renames if change.is_written]
        removals: list[Delete | Rename] = [*halves, *plan.deletes]
        self._drive(self._removal_work(change, rows[change]) for change in removals)

    # Preparing

    def _write_work(self, change: Write, row: SyncRunChange) -> Work:
        key = change.destination_key
        tag = new_tag(self.instance_id, self.ledger.sync.short_id, self.generation, destination_key=key)
        old_ids = [] if isinstance(change, Create) else list(change.old_ids)
        former_ids = list(change.former_ids) if isinstance(change, Rename) else []
        intent = self._intent(change, row, Phase.POSTING)
        intent.source_key, intent.source_id = row.source_key, self.origins[key]
        intent.fingerprint = self.fingerprints[key]
        intent.nonce, intent.generation, intent.old_secret_ids = tag.nonce, self.generation, old_ids + former_ids
        intent.note = compose_note(self.source_label, tag, words=self.words.get(key, ""))
        if key in self.ledger.missing:
            # It takes over from the intent under which the old secret went.
            intent.phase = Phase.ABSENT
            intent.sealed_value = seal(self.values[key], context=intent.sealing_context())
        return Work(change, intent, self.values[key], old_ids, former_ids, is_absent=intent.phase == Phase.ABSENT)

    def _removal_work(self, change: Delete | Rename, row: SyncRunChange) -> Work:
        if isinstance(change, Rename):
            intent = self._intent(change, row, Phase.REMOVING_OLD)
            intent.old_secret_ids = list(change.former_ids)
            return Work(change, intent, old_ids=list(change.former_ids), only_removes=True)
        intent = self._intent(change, row, Phase.DELETING)
        intent.secret_id = change.secret_id
        return Work(change, intent)

    def _intent(self, change: Change, row: SyncRunChange, phase: Phase) -> WriteIntent:
        return WriteIntent(
            run=self.ledger.run,
            sync=self.ledger.sync,
            destination=self.ledger.destination,
            change=row,
            epoch=self.ledger.lease.epoch,
            action=ACTIONS[type(change)],
            phase=phase,
            destination_key=storable(change.destination_key),
        )

    # Driving: intents are committed a little ahead, so that no connection waits for the database

    def _drive(self, works: Iterator[Work]) -> None:
        at_once, self.unclear_in_a_row = self.organization.concurrency, 0
        running: dict[Future[Answer], Work] = {}
        self.queue: deque[Work] = deque()
        has_left = False
        try:
            while True:
                if self.ledger.lease.is_stopping:
                    has_left |= self._leave(works, running)
                    works = iter(())
                under_way = len(running) + len(self.queue)
                if under_way <= 2 * at_once and (fresh := list(islice(works, 3 * at_once - under_way))):
                    if not self.ledger.open_intents([work.intent for work in fresh]):
                        has_left = True
                        continue
                    self.queue.extend(fresh)
                self._submit(running)
                if not running:
                    self.result.unclear |= {work.key for work in self.queue}
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                # In the order in which they were sent, which a set does not keep: who is taken first goes on first.
                self.queue.extendleft(reversed(self._take(running, [one for one in running if one in done])))
        except BaseException:
            self._wind_up(running)
            raise
        if has_left:
            raise Stopped

    def _leave(self, works: Iterator[Work], running: dict[Future[Answer], Work]) -> bool:
        """Begins with nothing more, for good; whether anything is left by that."""
        unsent = [running.pop(future) for future in list(running) if future.cancel()]
        waiting = [*unsent, *self.queue]
        self.queue = deque(work for work in waiting if work.is_begun)
        left = [work.intent for work in waiting if not work.is_begun]
        if left:
            self.ledger.drop_intents(left)
        return bool(left) or next(works, None) is not None

    def _submit(self, running: dict[Future[Answer], Work]) -> None:
        """Sends on what waits, but lets only so many keys be absent at once."""
        rooms = sum(work.makes_room for work in running.values())
        for work in [self.queue.popleft() for _ in range(len(self.queue))]:
            if work.makes_room and self.lost >= LOST_AT_MOST:
                self._spare(work.key)
                continue
            if work.makes_room and (self.is_stuck or rooms >= self.rooms):
                self.queue.append(work)
                continue
            rooms += work.makes_room
            running[self.organization.pool.submit(self._request(work))] = work

    def _request(self, work: Work) -> Callable[[], Answer]:
        """What the intent's phase allows. It runs in another thread, so it touches no row."""
        phase, organization = work.intent.phase, self.organization
        if phase == Phase.DELETING:
            secret_id = work.intent.secret_id
            return lambda: organization.delete(secret_id)
        if phase == Phase.REMOVING_OLD:
            secret_id = work.old_ids[0]
            return lambda: organization.delete(secret_id)
        key, value, note = work.key, work.value, work.intent.note

        def create() -> Answer:
            # Nothing between the last DELETE and the POST: the key is absent for just that long.
            while work.makes_room and work.old_ids:
                organization.delete(work.old_ids[0])
                work.old_ids.pop(0)
                work.is_absent = not work.old_ids
            return organization.create(key=key, value=value, note=note)

        return create

    def _take(self, running: dict[Future[Answer], Work], done: Sequence[Future[Answer]]) -> list[Work]:
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
                absent=batch.absent,
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
        wait(running)
        for future in list(running):
            try:
                self._take(running, [future])
            except Exception:  # noqa: S112 - the first error is on its way up; the list will tell
                continue

    # Answers

    def _after(self, work: Work, answer: Answer, batch: Batch) -> None:
        if work.intent.phase == Phase.DELETING:
            batch.deleted.append(work.intent)
        elif work.intent.phase == Phase.REMOVING_OLD:
            self._after_old_deleted(work, batch)
        elif answer is not None:
            self._after_written(work, answer, batch)

    def _after_written(self, work: Work, secret: RemoteSecret, batch: Batch) -> None:
        work.written, work.is_absent = secret, False
        had_room = work.intent.phase == Phase.POSTING
        left = work.old_ids if had_room else []
        work.old_ids = [old for old in (*left, *work.former_ids) if old != secret.secret_id]
        if work.old_ids:
            work.intent.phase, work.intent.sealed_value = Phase.REMOVING_OLD, ""
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
            batch.deleted.append(work.intent)

    def _after_error(self, work: Work, error: DevinError, batch: Batch) -> Exception | None:
        """Files the error under its key. Returned is what concerns all keys and so ends the attempt."""
        self._narrow(work, error, batch)
        if isinstance(error, Ambiguous | ListIncomplete):
            return self._unclear(work)
        if isinstance(error, Forbidden | NotFound) and work.is_deleting:
            # Devin answers 403, not 404, for a secret that is gone: only a list tells it from a missing permission.
            self.result.undeletable_ids.add(work.intent.secret_id or work.old_ids[0])
            self.result.unclear.add(work.key)
            return None
        if isinstance(error, KeyTaken):
            self._after_taken(work, batch)
            return None
        if isinstance(error, Refused):
            self._refuse(work, error, batch)
            return None
        return self.organization.problem(error, f"{work.intent.get_action_display().lower()} {work.key} in")

    def _narrow(self, work: Work, error: DevinError, batch: Batch) -> None:
        """After a fault, one key at a time is taken away; and that one is absent now is on record."""
        if work.is_absent or not isinstance(error, KeyTaken | Refused):
            self.rooms = 1
        if work.is_absent and not isinstance(error, Refused):
            self.is_stuck = True
            work.intent.phase = Phase.ABSENT
            batch.absent.append(work.intent)

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
        if work.is_absent:
            self.result.missing.add(work.key)
            self.lost += 1
            reason = f"{work.key} is now missing from Devin: the old secret had to go first, and then: {reason}"
        self.result.refused[work.key] = reason
        batch.failed.append((work.intent, reason))

    def _spare(self, key: str) -> None:
        reason = f"The old {key} stays: Devin refused the values of others after their old secrets had to go."
        self.result.refused[key] = reason
        self.ledger.fail(key, reason)

    def _unclear(self, work: Work) -> Exception | None:
        self.result.unclear.add(work.key)
        self.unclear_in_a_row += 1
        if self.unclear_in_a_row < UNCLEAR_IN_A_ROW:
            return None
        return TooManyRounds(
            f"Devin answered unclearly {UNCLEAR_IN_A_ROW} times in a row (timeouts, cut connections or 5xx). "
            "The next attempt goes by what Devin lists."
        )
