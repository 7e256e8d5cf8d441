"""Whose account it is that a provider vouches for.

    the subject is known here                 that person
    a mail address that the provider has      the one person with that address whom no provider has named yet,
    verified, with SSO_…_TRUSTS_EMAIL         but never the break-glass account
    nobody                                    a new account that may log in and nothing else, unless it is forbidden

A name in a token says nothing: people choose theirs.
"""

import re
from typing import Any

from django.conf import settings
from django.contrib.admin.models import ADDITION
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.machines import is_reserved
from accounts.record import write_down
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.groups import give, named_by
from single_sign_on.models import Identity
from single_sign_on.tokens import Refused

NO_NAME = re.compile(r"[^A-Za-z0-9_.@+-]+")
LONGEST_NAME = 120
LONGEST_SUBJECT = 255


class NotLetIn(Refused):
    """The provider is right, and the person may still not come in. `user` is whose account it is, if it is one's."""

    def __init__(self, why: str, user: User | None = None) -> None:
        super().__init__(why)
        self.user = user


@transaction.atomic
def let_in(one: ProviderSettings, claims: dict[str, Any]) -> Identity:
    """Raises NotLetIn; then nothing was changed."""
    require_claims(one, claims)
    identity = find(one, claims) or link(one, claims) or make(one, claims)
    user = identity.user
    if not (user.is_active and user.is_staff):
        raise NotLetIn("this account may not log in", user)
    told = give(identity, named_by(one, claims))
    identity.logged_in_at = timezone.now()
    identity.save(update_fields=["logged_in_at"])
    if told:
        write_down(user, user, f"At the log-in by {one.label}: {' '.join(told)}")
    return identity


def require_claims(one: ProviderSettings, claims: dict[str, Any]) -> None:
    for name, wanted in one.required:
        said = claims.get(name)
        if wanted not in ([str(part) for part in said] if isinstance(said, list) else [str(said)]):
            raise NotLetIn(f"DevinSync lets in only people whose “{name}” there is another")


def find(one: ProviderSettings, claims: dict[str, Any]) -> Identity | None:
    subject = str(claims["sub"])
    if len(subject) > LONGEST_SUBJECT:
        raise NotLetIn("the subject that it names is too long")
    return known(one, subject)


def known(one: ProviderSettings, subject: str) -> Identity | None:
    rows = Identity.objects.select_related("user")
    return rows.filter(protocol=one.protocol, issuer=one.issuer, subject=subject).first()


def link(one: ProviderSettings, claims: dict[str, Any]) -> Identity | None:
    address = verified_address(claims)
    if not one.trusts_email or not address:
        return None
    found = list(User.objects.filter(email__iexact=address, identities__isnull=True)[:2])
    if len(found) > 1:
        raise NotLetIn("several accounts here have your mail address")
    if not found or found[0].get_username() == settings.SSO_BREAK_GLASS or not found[0].is_active:
        return None
    what = f"Linked to the account at {one.label} by its mail address, which is verified there."
    write_down(found[0], found[0], what)
    return new_identity(found[0], one, claims)


def make(one: ProviderSettings, claims: dict[str, Any]) -> Identity:
    if not one.creates_people:
        raise NotLetIn("nobody here is linked to your account there")
    user = User.objects.create(
        username=free_name(one, claims),
        email=verified_address(claims),
        first_name=str(claims.get("given_name") or "")[:150],
        last_name=str(claims.get("family_name") or "")[:150],
        is_staff=True,
        password=make_password(None),
    )
    write_down(user, user, f"Made at the first log-in by {one.label}, without a right.", flag=ADDITION)
    return new_identity(user, one, claims)


def new_identity(user: User, one: ProviderSettings, claims: dict[str, Any]) -> Identity:
    return Identity.objects.create(user=user, protocol=one.protocol, issuer=one.issuer, subject=str(claims["sub"]))


def verified_address(claims: dict[str, Any]) -> str:
    """ "" for one that the provider has not verified: it could be anybody's."""
    address = str(claims.get("email") or "")
    if claims.get("email_verified") not in (True, "true"):
        return ""
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def free_name(one: ProviderSettings, claims: dict[str, Any]) -> str:
    """One that nobody has, in whatever case: a name that is taken is somebody else's."""
    said = claims.get("preferred_username") or verified_address(claims) or claims["sub"]
    name = NO_NAME.sub("-", str(said))[:LONGEST_NAME].strip("-") or one.name
    name = f"person-{name}" if is_reserved(name) else name
    numbers = range(2, 10_000)
    names = (name, f"{name}-{one.name}", *(f"{name}-{one.name}-{number}" for number in numbers))
    for candidate in names:
        if candidate != settings.SSO_BREAK_GLASS and not User.objects.filter(username__iexact=candidate).exists():
            return candidate
    raise NotLetIn("your name there is taken too often here")
