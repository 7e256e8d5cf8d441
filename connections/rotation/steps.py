"""One rotation, step by step. Killed between any two requests or commits, either key still works, and the next attempt
goes on from the row:

ASKED      which key is it, and may it make others?       nothing is made yet
MAKING     revoke what an attempt before may have made    its name is committed before Devin is asked, so that what was
           under our names, commit a name, make a key      made and never kept is found by it, and is surely ours
MADE       the new key tells who it is; it takes the       both keys are sealed in the row
           old one's place in one transaction
SWITCHED   one list of each organization that is used      what the old key can't list either is no failure of the new
PROVEN     once nothing of before the switch is under      only the old key, where it is certain which it is
           way: revoke the old key
RETURNING  the old key takes its place again               where the new key does not do, in one transaction
RETURNED   revoke the new key

A key that a person gives, made by hand in Devin, is proved before it takes the old one's place; nothing is revoked.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from common import clock
from connections.devin.errors import RateLimited, Unauthorized
from connections.devin.keys import MayNotAsk, own_key
from connections.errors import ConnectionFailed
from connections.kinds import Identity
from connections.models import Connection
from connections.rotation import switching
from connections.rotation.claiming import Claim, ClaimLost
from connections.rotation.ending import end
from connections.rotation.keys import Used, client_with, expiry_like, key_in_use, others_with, revoke_left_over
from connections.rotation.models import KeyRotation, Outcome, Step
from connections.rotation.proving import prove
from connections.rotation.uses import is_under_way_since_before
from connections.rotation.verdicts import GiveUp, GoBack, Wait
from encryption import DecryptionError

# What a person waits for, and what a run reads at its start, holds the key of then for less than this.
GRACE = timedelta(seconds=60)
LOOK_AGAIN = timedelta(seconds=10)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
# A new key may take a moment until all of Devin knows it.
REFUSALS_OF_A_NEW_KEY = 3
MOST_KEYS = 20
CHANGED = "Somebody gave the connection another key or address meanwhile"


def carry_on(rotation_id: UUID) -> None:
    """As far as it goes now. Never inside a transaction."""
    claim = Claim.take(rotation_id)
    if claim is None:
        return
    try:
        _go_on(claim)
    except ClaimLost:
        return
    finally:
        claim.release()


def _go_on(claim: Claim) -> None:
    try:
        while not claim.rotation.is_over:
            _advance(claim)
    except Wait as wait:
        claim.save(message=wait.message[:1024], due_at=wait.until)


def _advance(claim: Claim) -> None:
    rotation, before = claim.rotation, claim.rotation.step
    try:
        rotation.connection.refresh_from_db()
        STEPS[Step(before)](claim)
    except Connection.DoesNotExist:
        raise ClaimLost from None
    except GiveUp as verdict:
        end(claim, Outcome.FAILED, verdict.message)
    except GoBack as verdict:
        _go_back(claim, verdict.message)
    except (ConnectionFailed, DecryptionError) as error:
        _after_a_failure(claim, error)
    if not rotation.is_over and rotation.step != before and rotation.failures:
        claim.save(failures=0)


def _go_back(claim: Claim, reason: str) -> None:
    was_switched = claim.rotation.step in (Step.SWITCHED, Step.PROVEN)
    claim.save(step=Step.RETURNING if was_switched else Step.RETURNED, reason=reason[:1024].removesuffix("."))


def _after_a_failure(claim: Claim, error: ConnectionFailed | DecryptionError) -> None:
    rotation = claim.rotation
    is_new = rotation.step == Step.MADE and isinstance(error, Unauthorized) and not rotation.is_by_hand
    if getattr(error, "retryable", False) or (is_new and rotation.failures < REFUSALS_OF_A_NEW_KEY):
        claim.save(failures=rotation.failures + 1)
        raise Wait(str(error), _next_try(rotation, error))
    match rotation.step:
        case Step.ASKED | Step.MAKING:
            end(claim, Outcome.FAILED, str(error))
        case Step.MADE | Step.SWITCHED:
            _go_back(claim, str(error))
        case Step.PROVEN:
            end(claim, Outcome.OLD_KEPT, f"The new key is in use; the old one could not be revoked. {error}")
        case _:
            end(claim, Outcome.FAILED, f"{rotation.reason}. {_left_in_devin(rotation)} {error}")


def _next_try(rotation: KeyRotation, error: Exception) -> datetime:
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(rotation.failures - 1, 10), LONGEST_PAUSE)
    if isinstance(error, RateLimited):
        pause = max(pause, error.retry_after)
    return clock.now() + pause


def _left_in_devin(rotation: KeyRotation) -> str:
    """What is to be done about a new key that nobody uses."""
    return f"Revoke the key {rotation.key_name()} in Devin: nobody uses it."


def begin(claim: Claim) -> None:
    rotation, connection = claim.rotation, claim.rotation.connection
    key = connection.credentials()["apiKey"]
    with client_with(claim, key) as client:
        own = own_key(client, known_id=connection.api_key_id)
    if isinstance(own, MayNotAsk):
        raise GiveUp(f"The key cannot make another: {own.reason}. Replace it by hand.")
    if not own.active_keys:
        raise GiveUp("The key lacks the permission ManageAccountServiceUsers. Give it that, or replace it by hand.")
    rotation.where = connection.where
    rotation.keep_old_key(key)
    claim.save(
        step=Step.MAKING,
        where=rotation.where,
        sealed_old_key=rotation.sealed_old_key,
        service_user_id=own.service_user_id,
        old_key_id=own.key_id,
    )


def make(claim: Claim) -> None:
    rotation = claim.rotation
    if key_in_use(rotation) is not Used.OLD:
        raise GiveUp(f"{CHANGED}.")
    with client_with(claim, rotation.old_key()) as client:
        keys = client.list_api_keys(rotation.service_user_id)
        revoke_left_over(claim, client, keys)
        if rotation.keys_asked_for >= MOST_KEYS:
            raise GiveUp(f"Devin was asked for {MOST_KEYS} keys, and none could be kept.")
        claim.save(keys_asked_for=rotation.keys_asked_for + 1)
        ends_at = expiry_like(keys, rotation.old_key_id)
        made = client.create_api_key(rotation.service_user_id, name=rotation.key_name(), expires_at=ends_at)
    rotation.keep_new_key(made.token)
    claim.save(step=Step.MADE, sealed_new_key=rotation.sealed_new_key, new_key_id=made.key_id)


def check(claim: Claim) -> None:
    rotation = claim.rotation
    with client_with(claim, rotation.new_key()) as client:
        principal = client.get_self()
    if rotation.is_by_hand:
        prove(claim)
    elif principal.id != rotation.service_user_id:
        raise GoBack("Devin says that the new key is of another service user")
    identity = Identity(principal.principal_type, principal.name, principal.org_id)
    if not switching.to_new_key(claim, identity, step=Step.PROVEN if rotation.is_by_hand else Step.SWITCHED):
        raise GoBack(CHANGED)


def prove_new(claim: Claim) -> None:
    _require_new(claim)
    prove(claim)
    claim.save(step=Step.PROVEN)


def revoke_old(claim: Claim) -> None:
    rotation = claim.rotation
    _require_new(claim)
    if rotation.is_by_hand:
        end(claim, Outcome.OLD_KEPT, "The new key is proved and in use. Revoke the old one in Devin.")
        return
    _wait_for_what_began_before(rotation)
    if names := others_with(rotation.old_key(), than=rotation.connection):
        told = f"The old one is in use by {', '.join(names)}: give them another, then revoke it in Devin."
        end(claim, Outcome.OLD_KEPT, f"The new key is proved and in use. {told}")
        return
    with client_with(claim, rotation.new_key()) as client:
        keys = client.list_api_keys(rotation.service_user_id)
        revoke_left_over(claim, client, keys)
        if any(key.key_id == rotation.old_key_id and key.is_active for key in keys):
            client.revoke_api_key(rotation.service_user_id, rotation.old_key_id)
    if rotation.old_key_id:
        end(claim, Outcome.DONE, "The new key is proved and in use, the old one revoked.")
        return
    others = ", ".join(key.name or key.key_id for key in keys if key.is_active and key.key_id != rotation.new_key_id)
    said = f"Devin does not tell which of its service user's other keys was the old one ({others}): revoke it there."
    end(claim, Outcome.OLD_KEPT, f"The new key is proved and in use. {said}")


def return_to_old(claim: Claim) -> None:
    switching.back_to_old_key(claim)


def revoke_new(claim: Claim) -> None:
    rotation = claim.rotation
    if rotation.is_by_hand:
        end(claim, Outcome.FAILED, f"{rotation.reason}. The connection goes on with the old key.")
        return
    if rotation.switched_at is not None:
        _wait_for_what_began_before(rotation)
    used = key_in_use(rotation)
    if rotation.connection.where != rotation.where:
        end(claim, Outcome.FAILED, f"{rotation.reason}. {_left_in_devin(rotation)}")
        return
    with client_with(claim, rotation.old_key() if used is Used.OLD else rotation.new_key()) as client:
        keys = client.list_api_keys(rotation.service_user_id)
        revoke_left_over(claim, client, keys)
        if any(key.key_id == rotation.new_key_id and key.is_active for key in keys):
            client.revoke_api_key(rotation.service_user_id, rotation.new_key_id)
    end(claim, Outcome.FAILED, f"{rotation.reason}. The connection's key is as it was, the new one revoked.")


def _require_new(claim: Claim) -> None:
    if key_in_use(claim.rotation) is not Used.NEW:
        raise GoBack(CHANGED)


def _wait_for_what_began_before(rotation: KeyRotation) -> None:
    """Raises Wait as long as something may hold the key that the connection had before it was changed last."""
    assert rotation.switched_at is not None  # noqa: S101 -- these steps follow a switch
    ready_at = rotation.switched_at + GRACE
    if clock.now() < ready_at:
        raise Wait("Whatever began before the keys were changed comes to its end first.", ready_at)
    if is_under_way_since_before(rotation.connection, ready_at):
        raise Wait("A run that began before the keys were changed comes to its end first.", clock.now() + LOOK_AGAIN)


STEPS: dict[Step, Callable[[Claim], None]] = {
    Step.ASKED: begin,
    Step.MAKING: make,
    Step.MADE: check,
    Step.SWITCHED: prove_new,
    Step.PROVEN: revoke_old,
    Step.RETURNING: return_to_old,
    Step.RETURNED: revoke_new,
}
