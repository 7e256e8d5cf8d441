"""The end of a rotation: what came of it, in the row and the log, and no key in the row any more."""

from django.db import transaction

from common import clock
from connections.models import Connection
from connections.rotation.claiming import Claim
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.switching import tell

LONGEST = 1024


@transaction.atomic
def end(claim: Claim, outcome: Outcome, message: str) -> None:
    claim.save(
        step=Step.ENDED,
        outcome=outcome,
        message=message[:LONGEST],
        ended_at=clock.now(),
        sealed_old_key="",
        sealed_new_key="",
    )
    rotation = claim.rotation
    tell(rotation, rotation.connection, f"{outcome.label}: {message.removesuffix('.')}")


@transaction.atomic
def refuse(connection: Connection, problem: str) -> None:
    """One that the schedule would ask for and that cannot begin: kept as one that failed, so that people are told."""
    rotation = KeyRotation(connection=connection, trigger=Trigger.SCHEDULE, step=Step.ENDED, outcome=Outcome.FAILED)
    rotation.message, rotation.ended_at = problem[:LONGEST], clock.now()
    rotation.save(force_insert=True)
    tell(rotation, connection, f"{Outcome.FAILED.label}: {problem.removesuffix('.')}")
