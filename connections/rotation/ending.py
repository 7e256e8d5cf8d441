"""The end of a rotation: what came of it, in the row and the log, and no key in the row any more."""

from django.db import transaction

from common import clock
from connections.rotation.claiming import Claim
from connections.rotation.models import Outcome, Step
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
