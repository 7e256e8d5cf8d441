"""What a person has as a second factor: adding it, taking a proof by it, removing it.

Nothing is taken twice: a code of an app counts once, by the step it is of; a recovery code is deleted as it is taken;
a key's counter has to grow, where it has one. Each is one statement, so that of two requests at once one wins.
"""

import hmac
import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from accounts.models import Factor, RecoveryCode
from accounts.second_factor import totp
from encryption import seal, unseal

CODES = 10
# No letter or digit that looks like another one. 31 ** 10 are 49 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
PART = 5


def has_any(user: User) -> bool:
    return Factor.objects.filter(user=user).exists()


@transaction.atomic
def add(user: User, factor: Factor) -> list[str]:
    """Returns recovery codes, to be shown once, if it is the first."""
    is_first = not has_any(user)
    factor.user = user
    factor.save(force_insert=True)
    return new_codes(user) if is_first else []


def app_factor(user: User, name: str, secret: str, *, step: int) -> Factor:
    """An app that has proved itself by the code of that step. Not saved yet."""
    factor = Factor(user=user, kind=Factor.Kind.APP, name=name, counter=step)
    factor.sealed_secret = seal(secret, context=factor.sealing_context())
    return factor


@transaction.atomic
def new_codes(user: User) -> list[str]:
    """In the place of those before."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_new_code() for _ in range(CODES)]
    rows = [RecoveryCode(user=user) for _ in codes]
    for row, code in zip(rows, codes, strict=True):
        row.sealed_code = seal(code, context=row.sealing_context())
    RecoveryCode.objects.bulk_create(rows)
    return codes


def _new_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(2 * PART))
    return f"{letters[:PART]}-{letters[PART:]}"


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def take_app_code(user: User, typed: str) -> bool:
    code = "".join(typed.split())
    for factor in Factor.objects.filter(user=user, kind=Factor.Kind.APP):
        secret = unseal(factor.sealed_secret, context=factor.sealing_context())
        step = totp.matching_step(secret, code, after=factor.counter)
        if step is not None and _move_counter(factor, step):
            return True
    return False


def take_key(factor: Factor, counter: int) -> bool:
    """Passkeys that are on several devices always say 0. A key that counts, and did not go on, was copied."""
    if counter == factor.counter == 0:
        return bool(Factor.objects.filter(pk=factor.pk, counter=0).update(used_at=timezone.now()))
    return _move_counter(factor, counter)


def _move_counter(factor: Factor, counter: int) -> bool:
    rows = Factor.objects.filter(pk=factor.pk, counter__lt=counter)
    return bool(rows.update(counter=counter, used_at=timezone.now()))


def take_recovery_code(user: User, typed: str) -> bool:
    letters = "".join(typed.lower().replace("-", " ").split())
    for row in RecoveryCode.objects.filter(user=user):
        code = unseal(row.sealed_code, context=row.sealing_context()).replace("-", "")
        if hmac.compare_digest(code.encode(), letters.encode()):
            return bool(RecoveryCode.objects.filter(pk=row.pk).delete()[0])
    return False


@transaction.atomic
def remove(factor: Factor) -> None:
    """Recovery codes go with the last."""
    factor.delete()
    if not has_any(factor.user):
        RecoveryCode.objects.filter(user=factor.user).delete()


@transaction.atomic
def remove_all(user: User) -> int:
    """Returns how many factors there were, without recovery codes."""
    RecoveryCode.objects.filter(user=user).delete()
    return Factor.objects.filter(user=user).delete()[1].get("accounts.Factor", 0)


def names_of(user: User) -> list[str]:
    return [str(factor) for factor in Factor.objects.filter(user=user).order_by("added_at")]
