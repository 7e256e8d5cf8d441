"""`/api/v1/app-connections/devin/{id}/rotate-key`: another API key in place of a connection's, and what came of it."""

from typing import Self
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from pydantic import Field

from api.auth.callers import Bearer, caller_of
from api.http.errors import BadRequest, NotFoundError
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import EXAMPLE_ID, Answer, Timestamp, with_errors
from api.resources.reach import connection_for
from connections.rotation.asking import NotAsked, ask, latest
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.troubles import stands_still

router = resource("App connections")


class KeyRotationOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    step: str = Field(examples=["switched"], description=f"One of {', '.join(Step.values)}.")
    outcome: str | None = Field(description=f"One of {', '.join(Outcome.values)}; null as long as it goes on.")
    message: str = Field(description="What came of it, or what it waits for.")
    is_standing_still: bool = Field(description="It goes on for half an hour and has come to no end.")
    trigger: str = Field(examples=["api"], description=f"One of {', '.join(Trigger.values)}.")
    is_by_hand: bool = Field(description="Whether a person made the new key in Devin.")
    proved_organizations: int = Field(description="Those that the new key has listed.")
    organizations_to_prove: int
    created_at: Timestamp
    ended_at: Timestamp | None

    @classmethod
    def of(cls, rotation: KeyRotation) -> Self:
        return cls(
            id=rotation.id,
            step=rotation.step,
            outcome=rotation.outcome or None,
            message=rotation.message,
            is_standing_still=stands_still(rotation),
            trigger=rotation.trigger,
            is_by_hand=rotation.is_by_hand,
            proved_organizations=rotation.proved_count,
            organizations_to_prove=rotation.to_prove_count,
            created_at=rotation.created_at,
            ended_at=rotation.ended_at,
        )


class OneKeyRotation(Answer):
    key_rotation: KeyRotationOut


@router.post(
    "/{connection_id}/rotate-key", auth=Bearer("connections.change_connection"), response=with_errors(OneKeyRotation)
)
@idempotent
def rotate_connection_key(request: HttpRequest, connection_id: UUID) -> OneKeyRotation:
    """Asks for another API key in place of the one that a connection uses. It is carried out within seconds, in steps;
    GET tells how far it is. It takes an enterprise key with the permission ManageAccountServiceUsers."""
    caller = caller_of(request)
    connection = connection_for(caller, connection_id)
    try:
        with transaction.atomic():
            rotation = ask(connection, trigger=Trigger.API, by=caller.user.get_username())
            note_changed(caller, connection, detail="Asked for another API key")
    except NotAsked as problem:
        raise BadRequest(problem.message) from None
    return OneKeyRotation(key_rotation=KeyRotationOut.of(rotation))


@router.get(
    "/{connection_id}/rotate-key", auth=Bearer("connections.view_connection"), response=with_errors(OneKeyRotation)
)
def get_key_rotation(request: HttpRequest, connection_id: UUID) -> OneKeyRotation:
    """The latest rotation of a connection's key: how far it is, or what came of it."""
    rotation = latest(connection_for(caller_of(request), connection_id))
    if rotation is None:
        raise NotFoundError("The key of this connection has not been rotated yet.")
    return OneKeyRotation(key_rotation=KeyRotationOut.of(rotation))
