"""The whole sequence, on one screen.

    READ SOURCE → TRANSFORM KEYS → LIST DESTINATION → PLAN → GUARD → APPLY → RECORD

and once more from LIST DESTINATION as long as an answer left open what happened.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from connections.devin.types import RemoteSecret
from syncs.choices import Operation
from syncs.engine import guard
from syncs.engine.apply import Applier, Result
from syncs.engine.desired import Desired, read_desired
from syncs.engine.destination import Organization
from syncs.engine.lease import Lease
from syncs.engine.ledger import Ledger
from syncs.engine.plan import Plan
from syncs.engine.planning import plan_removal, plan_sync
from syncs.engine.preview import limits_of
from syncs.engine.recover import finish_sealed
from syncs.engine.tags import check_rollback, newest_generation
from syncs.errors import Blocked, DestinationProblem, SourceProblem, TooManyRounds
from syncs.models import Destination, DevinSync, SyncControl, SyncRun

ROUNDS = 6
LONGEST_PAUSE = 4.0
pause = time.sleep


@dataclass
class Reconcile:
    """One attempt of one run. `refused` collects, by key, why Devin or we would not write it."""

    run: SyncRun
    sync: DevinSync
    destination: Destination
    lease: Lease
    refused: dict[str, str] = field(default_factory=dict)

    def reconcile(self, organization: Organization) -> None:
        """Makes the organization equal to the source. Raises SyncError; `refused` says which keys were not written."""
        ledger = Ledger(self.run, self.sync, self.destination, self.lease)
        self.lease.quarantine(pause)
        ledger.start_attempt()
        organization.begin_list()
        desired = self._read(ledger, organization)
        applier = self._applier(ledger, organization, desired)
        last, taken = Result(), Counter[str]()
        for number in range(ROUNDS):
            existing = organization.list_secrets()
            ledger.settle(existing)
            self._check_deletable(last, existing)
            plan = self._plan(ledger, desired, existing)
            rows = ledger.write_plan(plan)
            self._guard(plan, existing, ledger, organization)
            last = applier.apply(plan, rows, may_delete=not self.refused)
            self.refused |= last.refused
            taken.update(last.taken)
            self._give_up_on(taken, ledger)
            if not last.unclear - self.refused.keys():
                ledger.finish(plan, desired.fingerprints)
                return
            pause(min(0.25 * 2**number, LONGEST_PAUSE))
        raise TooManyRounds(f"Devin left open what became of some keys, {ROUNDS} lists in a row.")

    def _read(self, ledger: Ledger, organization: Organization) -> Desired:
        if self.run.operation == Operation.REMOVE:
            return Desired()
        try:
            return read_desired(self.sync)
        except SourceProblem:
            # A key that we took away must come back even now; its value is sealed in the intent.
            finish_sealed(ledger, organization)
            raise

    def _plan(self, ledger: Ledger, desired: Desired, existing: Sequence[RemoteSecret]) -> Plan:
        if self.run.operation == Operation.REMOVE:
            return plan_removal(self.sync, self.destination, existing)
        plan = plan_sync(
            self.sync,
            self.destination,
            desired,
            existing,
            repush_all=self.run.repushes_all,
            repushed=ledger.written_keys() if self.run.repushes_all else (),
            taken_away=ledger.missing,
        )
        self.refused |= {refusal.destination_key: refusal.reason for refusal in plan.refusals}
        return plan.without(self.refused)

    def _guard(self, plan: Plan, existing: Sequence[RemoteSecret], ledger: Ledger, organization: Organization) -> None:
        """Raises Blocked; the plan's rows are written by then, for a person to read."""
        if self.run.operation == Operation.REMOVE:
            return
        try:
            self._judge(plan, existing)
        except Blocked:
            # Whatever the person decides, a key that we took away does not wait for it.
            finish_sealed(ledger, organization)
            raise

    def _judge(self, plan: Plan, existing: Sequence[RemoteSecret]) -> None:
        if self.run.accepts_rollback:
            self.sync.raise_generation(newest_generation(self.sync, existing))
        check_rollback(self.sync, existing)
        confirmation = guard.Confirmation(self.run.confirmed_deletions, self.run.confirms_any_deletion)
        guard.check(plan, limits=limits_of(self.sync), confirmation=confirmation)

    def _applier(self, ledger: Ledger, organization: Organization, desired: Desired) -> Applier:
        return Applier(
            ledger=ledger,
            organization=organization,
            values=desired.values,
            fingerprints=desired.fingerprints,
            source_label=self.sync.source_label,
            instance_id=SyncControl.get().instance_id,
        )

    def _check_deletable(self, last: Result, existing: Sequence[RemoteSecret]) -> None:
        still_there = {secret.secret_id: secret.key for secret in existing if secret.secret_id in last.undeletable_ids}
        if still_there:
            key = next(iter(still_there.values()))
            raise DestinationProblem(
                f"Devin refuses to delete {key} in {self.run.org_id} (403), and it is still there. Give the service "
                f"user of connection “{self.run.connection}” the ManageOrgSecrets permission there, then sync again."
            )

    def _give_up_on(self, taken: Counter[str], ledger: Ledger) -> None:
        """A key that Devin calls taken twice although its list lacks it is somebody's whom we cannot see."""
        for key in [key for key, times in taken.items() if times > 1 and key not in self.refused]:
            self.refused[key] = (
                f"Devin says that {key} is taken, but lists no such secret of the organization. "
                "Perhaps it is somebody's personal secret. Rename one of the two."
            )
            ledger.fail(key, self.refused[key])
