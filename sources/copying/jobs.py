"""The life of a copy that a person asked for: read and planned by a worker, agreed to, written by a worker.

    asked ──▶ planned ──▶ confirmed ──▶ done          the source or the vault changed: confirmed ──▶ planned, anew
      └──────────┴────────────┴──────▶ failed         a worker dies: nothing is written, and the next one begins again

A row is claimed by one worker at a time. It holds no value: what is written was read right before.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from common import clock
from common.places import places
from sources.copying.copying import Changed, Choice, Prepared, Wish, check_rights, outcome, prepare, write
from sources.copying.plan import Plan
from sources.errors import SourceError
from sources.kinds import RemoteProject
from sources.models import Copy
from vault.editing import Actor
from vault.errors import VaultError
from vault.models import Project

log = logging.getLogger(__name__)

# Longer than one request to a source waits for its turn and its answer.
CLAIM = timedelta(minutes=5)
# A bell that nobody heard is rung again after so long.
RING_AGAIN = timedelta(seconds=60)
KEPT_FOR = timedelta(days=30)
CHANGED = "The source or the project was changed since. Nothing was written; this is what would be copied now."
GONE = "Another worker has taken over."


class TakenOver(Exception):
    """Somebody else carries the copy out now, or nobody shall."""


@dataclass(frozen=True)
class Claim:
    copy: Copy
    id: UUID

    def rows(self) -> QuerySet[Copy]:
        return Copy.objects.filter(pk=self.copy.pk, claim=self.id)

    def tell(self, step: str, count: int, total: int) -> None:
        """Shows how far it is, and keeps the claim."""
        until = clock.now() + CLAIM
        if not self.rows().update(step=step, step_count=count, step_total=total, claimed_until=until):
            raise TakenOver(GONE)

    def end(self, state: str, **values: object) -> None:
        if not self.rows().update(state=state, claim=None, claimed_until=None, updated_at=clock.now(), **values):
            raise TakenOver(GONE)


def confirm(copy: Copy, digest: str, choice: Choice, *, by: User) -> bool:
    """Takes the decision on the plan of this digest. False if there is another one by now, or a decision already.

    What is written is written with the rights of whoever decided.
    """
    rows = Copy.objects.filter(pk=copy.pk, state=Copy.State.PLANNED, digest=digest)
    return bool(
        rows.update(
            state=Copy.State.CONFIRMED,
            replaces=choice.replaces,
            leaves_out=choice.leaves_out,
            **_anew(by),
        )
    )


def ask_again(copy: Copy, *, by: User) -> bool:
    """Plans once more, after an error or a decision that waited. False while it is under way, or done."""
    rows = Copy.objects.filter(pk=copy.pk, state__in=[Copy.State.PLANNED, Copy.State.FAILED])
    return bool(rows.update(state=Copy.State.ASKED, plan=None, digest="", **_anew(by)))


def _anew(by: User) -> dict[str, object]:
    return {"asked_by": by, "message": "", "rung_at": None, "step": "", "step_count": 0, "step_total": 0}


def ring_due(ring: Callable[[UUID], bool]) -> None:
    """Each is claimed by a filtered update, so that of two schedulers one rings."""
    now = clock.now()
    due = _waiting().filter(Q(rung_at=None) | Q(rung_at__lte=now - RING_AGAIN))
    for pk in list(due.order_by("created_at").values_list("pk", flat=True)):
        if due.filter(pk=pk).update(rung_at=now) and not ring(pk):
            return


def _waiting() -> QuerySet[Copy]:
    free = Q(claimed_until=None) | Q(claimed_until__lt=clock.now())
    return Copy.objects.filter(free, state__in=[Copy.State.ASKED, Copy.State.CONFIRMED])


def carry_out(copy_id: UUID) -> bool:
    """False if there is no such copy. One that somebody else carries out, or that waits for a person, is left alone."""
    if not Copy.objects.filter(pk=copy_id).exists():
        return False
    claim_id = uuid4()
    if _waiting().filter(pk=copy_id).update(claim=claim_id, claimed_until=clock.now() + CLAIM):
        row = Copy.objects.select_related("connection", "into", "asked_by").get(pk=copy_id)
        _carry(Claim(row, claim_id))
    return True


def _carry(claim: Claim) -> None:
    try:
        _go_on(claim)
    except TakenOver as error:
        log.warning("copy %s: %s", claim.copy.pk, error)
    except (SourceError, VaultError) as error:
        _fail(claim, error.message)
    except Exception as error:
        # A bug of ours. Its text could hold anything.
        log.error("copy %s ended by %s at %s", claim.copy.pk, type(error).__name__, places(error))
        _fail(claim, f"An internal error ({type(error).__name__}) ended it; nothing was written. See the worker's log.")


def _fail(claim: Claim, message: str) -> None:
    try:
        claim.end(Copy.State.FAILED, message=message)
    except TakenOver as error:
        log.warning("copy %s: %s", claim.copy.pk, error)


def _go_on(claim: Claim) -> None:
    copy = claim.copy
    check_rights(copy.asked_by, copy.into is None)
    prepared = prepare(wish_of(copy), claim.tell)
    if copy.state == Copy.State.ASKED:
        _show(claim, prepared)
    elif prepared.drafted.plan.digest != copy.digest:
        _show(claim, prepared, CHANGED)
    else:
        _write(claim, prepared)


def _show(claim: Claim, prepared: Prepared, message: str = "") -> None:
    plan = prepared.drafted.plan
    claim.end(Copy.State.PLANNED, plan=plan.as_json(), digest=plan.digest, message=message)


def _write(claim: Claim, prepared: Prepared) -> None:
    copy, choice = claim.copy, Choice(claim.copy.replaces, claim.copy.leaves_out)
    counts = prepared.drafted.plan.counts
    claim.tell("Writing all of it into the vault at once", 0, counts["new"] + counts["differs"])
    try:
        with transaction.atomic():
            project = write(prepared, choice, by=Actor.by_person(copy.asked_by))
            told = outcome(prepared, choice)
            claim.end(Copy.State.DONE, into=project, message=told)
            _note(copy, project, told, is_new=copy.into is None)
    except Changed as changed:
        _show(claim, changed.prepared, CHANGED)


def _note(copy: Copy, project: Project, told: str, *, is_new: bool) -> None:
    message = f"{told} From {copy.remote_name or copy.remote_id}, by the connection {copy.connection}."
    flag = ADDITION if is_new else CHANGE
    LogEntry.objects.log_actions(copy.asked_by_id, [project], flag, change_message=message, single_object=True)


def wish_of(copy: Copy) -> Wish:
    remote = RemoteProject(copy.remote_id, copy.remote_slug, copy.remote_name)
    return Wish(copy.connection, remote, tuple(copy.environments), copy.into, copy.name, copy.slug)


def plan_of(copy: Copy) -> Plan | None:
    return Plan.of_json(copy.plan) if copy.plan is not None else None


def old_copies() -> QuerySet[Copy]:
    return Copy.objects.filter(updated_at__lt=clock.now() - KEPT_FOR)
