"""`/api/v1/app-connections/devin/{id}/rotate-key` and `…/rotation-schedule`: another API key in place of that of a
connection, now or every so many days, and what came of it."""

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
from api.resources.base import EXAMPLE_ID, Answer, StrictRequest, Timestamp, with_errors
from api.resources.reach import connection_for
from connections.models import Connection
from connections.rotation.asking import NotAsked, ask, latest, why_not
from connections.rotation.giving_up import NotGivenUp, give_up
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.scheduling import LONGEST_DAYS, SHORTEST_DAYS, in_words, rotate_every
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


class RotationSchedule(StrictRequest):
    days: int | None = Field(
        ge=SHORTEST_DAYS,
        le=LONGEST_DAYS,
        examples=[30],
        description="Every so many days from the last new key; the first time from now. null: no more by itself.",
    )


class RotationScheduleOut(Answer):
    days: int | None = Field(examples=[30], description="null: only when somebody asks for it.")
    next_at: Timestamp | None = Field(description="When it is rotated next; a day after one that failed.")


class OneRotationSchedule(Answer):
    rotation_schedule: RotationScheduleOut

    @classmethod
    def of(cls, connection: Connection) -> Self:
        told = RotationScheduleOut(days=connection.rotate_every_days, next_at=connection.rotation_due_at)
        return cls(rotation_schedule=told)


@router.post(
    "/{connection_id}/rotate-key", auth=Bearer("connections.rotate_connection"), response=with_errors(OneKeyRotation)
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


@router.post(
    "/{connection_id}/give-up-rotation",
    auth=Bearer("connections.rotate_connection"),
    response=with_errors(OneKeyRotation),
)
def give_up_rotation(request: HttpRequest, connection_id: UUID) -> OneKeyRotation:
    """Ends a rotation as it stands, without a word to Devin: the key in use by then stays, and `message` says which
    other ones a person is to revoke there. A connection is not deleted before its rotation has ended."""
    caller = caller_of(request)
    try:
        rotation = give_up(connection_for(caller, connection_id), by=caller.user.get_username())
    except NotGivenUp as problem:
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


@router.get(
    "/{connection_id}/rotation-schedule",
    auth=Bearer("connections.view_connection"),
    response=with_errors(OneRotationSchedule),
)
def get_rotation_schedule(request: HttpRequest, connection_id: UUID) -> OneRotationSchedule:
    """How often a connection's key is rotated by itself, and when next."""
    return OneRotationSchedule.of(connection_for(caller_of(request), connection_id))


@router.put(
    "/{connection_id}/rotation-schedule",
    auth=Bearer("connections.rotate_connection"),
    response=with_errors(OneRotationSchedule),
)
def set_rotation_schedule(request: HttpRequest, connection_id: UUID, body: RotationSchedule) -> OneRotationSchedule:
    """Rotates a connection's key every so many days, or no more by itself. The same days once more count anew."""
    caller = caller_of(request)
    connection = connection_for(caller, connection_id)
    if body.days is not None and (problem := why_not(connection)):
        raise BadRequest(problem)
    with transaction.atomic():
        rotate_every(connection, body.days)
        note_changed(caller, connection, detail=in_words(body.days).removesuffix("."))
    return OneRotationSchedule.of(connection)
