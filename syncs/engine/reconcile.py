"""The whole sequence, on one screen.

    READ SOURCE → TRANSFORM KEYS → LIST DESTINATION → PLAN → GUARD → APPLY → RECORD

and once more from LIST DESTINATION as long as an answer left open what happened.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from connections.devin.types import RemoteSecret
from syncs.choices import Approval, Operation
from syncs.engine import guard
from syncs.engine.apply import Applier
from syncs.engine.authors import found_in, look_up
from syncs.engine.awaited import ring_who_waits
from syncs.engine.changes import Plan
from syncs.engine.desired import Desired, read_desired
from syncs.engine.destination import Organization
from syncs.engine.gate import Gate
from syncs.engine.handing import hand_over, take_over
from syncs.engine.lease import Lease
from syncs.engine.ledger import Ledger, known_secrets
from syncs.engine.planning import plan_removal, plan_sync
from syncs.engine.preview import limits_of
from syncs.engine.recover import finish_sealed
from syncs.engine.report import Report
from syncs.engine.source import note_fault, note_read, note_unread
from syncs.engine.tags import OwnTag, check_rollback
from syncs.engine.waves import that_wait
from syncs.engine.work import Result
from syncs.errors import AwaitsApproval, AwaitsWave, Blocked, SourceProblem, Stopped, TooManyRounds
from syncs.models import Destination, DevinSync, SyncRun

ROUNDS = 6
LONGEST_PAUSE = 4.0
pause = time.sleep


@dataclass
class Reconcile:
    """One attempt of one run.

    `ring` asks for a run of a sync that is given secrets, `ring_again` for what a run had to leave that waited for this
    source; each in the transaction of its cause.
    """

    run: SyncRun
    sync: DevinSync
    destination: Destination
    lease: Lease
    ring: Callable[[DevinSync], object]
    ring_again: Callable[[SyncRun], object]
    report: Report = field(default_factory=Report)
    # Secrets by id that Devin refuses to delete, with the reason.
    undeletable: dict[str, str] = field(default_factory=dict)
    own_tag: OwnTag = field(init=False)

    def __post_init__(self) -> None:
        self.own_tag = OwnTag(self.sync)

    def reconcile(self, organization: Organization) -> Report:
        """Makes the organization equal to the source, as far as it may; the report says what is left. Raises SyncError
        for what concerns all keys, Stopped once a person has cancelled the run, and AwaitsWave where it carries a
        change whose turn has not come; no key is absent for either."""
        ledger = Ledger(self.run, self.sync, self.destination, self.lease)
        self.lease.quarantine(pause)
        try:
            self._stop_if_cancelled()
            if not self._may_carry_changes():
                # Else the return of a key that an earlier attempt took away would pass for a change.
                finish_sealed(ledger, organization)
            return self._go_on(ledger, organization)
        except (Stopped, AwaitsWave):
            finish_sealed(ledger, organization)
            raise

    def _go_on(self, ledger: Ledger, organization: Organization) -> Report:
        ledger.start_attempt()
        organization.begin_list()
        desired = self._read(ledger, organization)
        self._take_over(ledger, desired, organization)
        applier = self._applier(ledger, organization, desired)
        last, taken = Result(), Counter[str]()
        for number in range(ROUNDS):
            existing = organization.list_secrets()
            ledger.settle(existing)
            self._note_undeletable(last, existing, ledger)
            plan = self._plan(ledger, desired, existing)
            rows = ledger.write_plan(plan)
            self._stop_before_writes(plan)
            self._look_up_authors(plan, existing, ledger)
            self._check_rollback(existing, ledger, organization)
            self._check_approval(plan, desired, ledger, organization)
            allowed = self._guard(plan, ledger, organization)
            if plan.hand_overs:
                hand_over(ledger, plan.hand_overs, rows, ring=self.ring)
            last = applier.apply(allowed, rows)
            self._note_refused(last, plan)
            taken.update(last.taken)
            self._give_up_on(taken, ledger)
            if not last.unclear - self.report.refused.keys():
                ledger.finish(allowed, desired.fingerprints, desired.origins)
                return self.report
            pause(min(0.25 * 2**number, LONGEST_PAUSE))
        raise TooManyRounds(f"Devin left open what became of some keys, {ROUNDS} lists in a row.")

    def _stop_if_cancelled(self) -> None:
        if self.lease.is_stopping:
            raise Stopped

    def _stop_before_writes(self, plan: Plan) -> None:
        if plan.changes:
            self._stop_if_cancelled()
        if that_wait(plan) and not self._may_carry_changes():
            raise AwaitsWave

    def _may_carry_changes(self) -> bool:
        """Asked after the source was read: a change that was read by then has taken back its turn in its own
        transaction."""
        if not self.sync.goes_in_waves or self.run.operation == Operation.REMOVE:
            return True
        return SyncRun.objects.filter(pk=self.run.pk, is_released=True).exists()

    def _read(self, ledger: Ledger, organization: Organization) -> Desired:
        if self.run.operation == Operation.REMOVE:
            return Desired()
        try:
            desired = read_desired(self.sync)
        except SourceProblem as problem:
            note_unread(self.sync, problem)
            note_fault(self.run, problem)
            # A key that we took away must come back even now; its value is sealed in the intent.
            finish_sealed(ledger, organization)
            raise
        note_read(self.sync, desired.read)
        if self.run.faulty_secret_id is not None:
            note_fault(self.run, None)
        self.report.desired_count = len(desired.secrets)
        if self.sync.is_awaited:
            ring_who_waits(self.sync, self.destination, self.ring_again)
        return desired

    def _take_over(self, ledger: Ledger, desired: Desired, organization: Organization) -> None:
        chosen = self.run.takes_over
        if chosen:
            if self.sync.approval != Approval.NONE:
                chosen = self._check_taking(ledger, desired, organization)
            wanted = {key: secret.key for key, secret in desired.secrets.items()}
            take_over(ledger, wanted, chosen=None if chosen is True else chosen)

    def _check_taking(self, ledger: Ledger, desired: Desired, organization: Organization) -> list[str]:
        """The keys to take over, once they are approved as a part of the plan: before anything is taken."""
        existing = organization.list_secrets()
        ledger.settle(existing)
        plan, chosen = self._draw(ledger, desired, existing), self.run.takes_over
        there = {refusal.destination_key for refusal in plan.refusals if refusal.may_take_over}
        keys = sorted(there if chosen is True else there.intersection(chosen or ()))
        if keys:
            ledger.write_plan(plan)
            self._check_approval(plan, desired, ledger, organization, taken=keys)
        return keys

    def _check_approval(
        self,
        plan: Plan,
        desired: Desired,
        ledger: Ledger,
        organization: Organization,
        *,
        taken: Collection[str] = (),
    ) -> None:
        try:
            Gate(self.run, self.sync, self.destination).check(plan, desired, taken=taken)
        except AwaitsApproval:
            # Whatever is answered, a key that we took away does not wait for it.
            finish_sealed(ledger, organization)
            raise

    def _plan(self, ledger: Ledger, desired: Desired, existing: Sequence[RemoteSecret]) -> Plan:
        if self.run.operation == Operation.REMOVE:
            plan = plan_removal(self.sync, self.destination, existing)
            self.report.held_back = plan.held_back
            return plan.without(secret_ids=self.undeletable)
        plan = self._draw(ledger, desired, existing)
        self.report.refused |= {refusal.destination_key: refusal.reason for refusal in plan.refusals}
        self.report.may_take_over = {each.destination_key for each in plan.refusals if each.may_take_over}
        self.report.waiting |= {delete.destination_key for delete in plan.waiting}
        self.report.held_back = plan.held_back
        return plan.without(self.report.refused, secret_ids=self.undeletable)

    def _guard(self, plan: Plan, ledger: Ledger, organization: Organization) -> Plan:
        """What of the plan may be done now; its rows are written by then, for a person to read."""
        if self.run.operation == Operation.REMOVE:
            return plan
        confirmation = guard.Confirmation(self.run.confirmed_deletions, self.run.confirms_any_deletion)
        hold = guard.judge(plan, limits=limits_of(self.sync), confirmation=confirmation)
        self.report.blocked = hold.blocked if hold else None
        if hold is None:
            return plan
        # Nor does one that the source has lost since: that is a deletion, too, and waits like the others.
        if finish_sealed(ledger, organization, but_for={change.destination_key for change in plan.writes}):
            plan = replace(plan, forgotten=())
        return plan.without(secret_ids={delete.secret_id for delete in hold.deletes})

    def _draw(self, ledger: Ledger, desired: Desired, existing: Sequence[RemoteSecret]) -> Plan:
        return plan_sync(
            self.sync,
            self.destination,
            desired,
            existing,
            repush_all=self.run.repushes_all,
            repushed=ledger.written_keys() if self.run.repushes_all else (),
            taken_away=ledger.missing,
            own_tag=self.own_tag,
        )

    def _look_up_authors(self, plan: Plan, existing: Sequence[RemoteSecret], ledger: Ledger) -> None:
        """Once, for the first plan in which there is something that somebody else did."""
        found = [] if self.run.authors is not None else list(found_in(plan))
        if not found or self.run.operation == Operation.REMOVE:
            return
        assert self.run.connection is not None  # noqa: S101 - claim() has cancelled runs without one
        known = known_secrets(self.sync, self.destination)
        looked_up = look_up(self.run.connection, self.run.org_id, found, existing, known)
        # Written with the attempt's end.
        self.run.requests_sent += looked_up.requests_sent
        if looked_up.authors is not None:
            ledger.note_authors(looked_up.authors)

    def _check_rollback(self, existing: Sequence[RemoteSecret], ledger: Ledger, organization: Organization) -> None:
        """Raises Blocked."""
        if self.run.operation == Operation.REMOVE:
            return
        if self.run.accepts_rollback:
            self.sync.raise_generation(self.own_tag.newest_generation(existing))
        try:
            check_rollback(self.sync, self.own_tag, existing)
        except Blocked:
            # Whatever the person decides, a key that we took away does not wait for it.
            finish_sealed(ledger, organization)
            raise

    def _applier(self, ledger: Ledger, organization: Organization, desired: Desired) -> Applier:
        return Applier(
            ledger=ledger,
            organization=organization,
            values=desired.values,
            fingerprints=desired.fingerprints,
            origins=desired.origins,
            words=desired.words,
            source_label=self.sync.source_label,
            instance_id=self.own_tag.instance,
        )

    def _note_undeletable(self, last: Result, existing: Sequence[RemoteSecret], ledger: Ledger) -> None:
        """A secret that Devin would not delete, and that is still there: its key fails, the others go on."""
        still_there = {one.secret_id: one.key or "" for one in existing if one.secret_id in last.undeletable_ids}
        for secret_id, key in still_there.items():
            self.undeletable[secret_id] = f"Devin refuses to delete {key} (403), and it is still there."
            self.report.undeleted[key] = self.undeletable[secret_id]
        if still_there:
            ledger.fail_deletions({secret_id: self.undeletable[secret_id] for secret_id in still_there})

    def _note_refused(self, last: Result, plan: Plan) -> None:
        self.report.refused |= last.refused
        self.report.missing |= last.missing
        held_up = [change for change in plan.renames if change.destination_key in self.report.refused]
        self.report.waiting |= {key for change in held_up for key in change.former_keys}

    def _give_up_on(self, taken: Counter[str], ledger: Ledger) -> None:
        """A key that Devin calls taken twice although its list lacks it is somebody's whom we cannot see."""
        for key in [key for key, times in taken.items() if times > 1 and key not in self.report.refused]:
            self.report.refused[key] = (
                f"Devin says that {key} is taken, but lists no such secret of the organization. "
                "Perhaps it is somebody's personal secret. Rename one of the two."
            )
            ledger.fail(key, self.report.refused[key])
