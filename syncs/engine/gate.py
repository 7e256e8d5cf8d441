"""Where a run stops until another person has approved its plan, if its sync asks for that."""

from collections.abc import Collection
from dataclasses import dataclass

from common import clock
from syncs.choices import Answer, Approval
from syncs.engine.approval import Line, beyond, difference, digest_of, is_needed, lines_of, mark_of
from syncs.engine.changes import Plan
from syncs.engine.desired import Desired
from syncs.errors import AwaitedPlan, AwaitsApproval
from syncs.models import Destination, DevinSync, PlanApproval, SyncRun


@dataclass(frozen=True)
class Gate:
    run: SyncRun
    sync: DevinSync
    destination: Destination

    @property
    def place(self) -> str:
        return f"{self.run.operation} {self.destination.base_url} {self.destination.org_id}"

    def check(self, plan: Plan, desired: Desired, *, taken: Collection[str] = ()) -> None:
        """Raises AwaitsApproval unless nobody need approve the plan, or somebody has approved exactly this one.

        An approval is used up by the first run that begins with it. That run may finish what was approved in as many
        attempts as it takes, and nothing besides.
        """
        policy = Approval(self.sync.approval)
        if not is_needed(policy, plan, taken=taken):
            return
        marks = {key: mark_of(found, desired.words.get(key, "")) for key, found in desired.fingerprints.items()}
        lines = lines_of(plan, marks, taken=taken)
        given = self._given()
        approved = [Line.kept(row) for row in given.lines] if given else []
        if given and given.begun_at and given.place == self.place:
            if not beyond(plan, approved, marks, taken=taken):
                return
        elif given and self._begin(given, digest_of(self.place, lines)):
            return
        rows = [line.as_row() for line in lines]
        sources = list(desired.ids_behind(line.key for line in lines))
        awaited = AwaitedPlan(self.place, rows, digest_of(self.place, lines), sources)
        raise AwaitsApproval(f"{_what(plan, taken)} {_why_again(given, approved, lines)}".strip(), awaited)

    def _given(self) -> PlanApproval | None:
        if self.run.approved_run_id is None:
            return None
        return PlanApproval.objects.filter(pk=self.run.approved_run_id, answer=Answer.APPROVED).first()

    def _begin(self, given: PlanApproval, digest: str) -> bool:
        if given.digest != digest or given.is_expired:
            return False
        given.begun_at = clock.now()
        return bool(PlanApproval.objects.filter(pk=given.pk, begun_at=None).update(begun_at=given.begun_at))


def _what(plan: Plan, taken: Collection[str]) -> str:
    taking = f", {len(taken)} to take over" if taken else ""
    return f"Nothing was written: another person has to approve the plan first ({plan}{taking})."


def _why_again(given: PlanApproval | None, approved: list[Line], lines: list[Line]) -> str:
    if given is None:
        return ""
    if set(approved) != set(lines):
        return f"What {given.answered_by_name} approved was another plan: {difference(approved, lines)}."
    if given.is_expired and given.begun_at is None:
        return f"The approval of {given.answered_by_name} came too long before this run could start."
    return f"What {given.answered_by_name} approved was for another place, or has been used."
