"""Security keys and passkeys, by WebAuthn (https://www.w3.org/TR/webauthn-3/), checked by Yubico's `fido2`.

A key belongs to the host that the browser shows, whatever the port and the path below it. The challenge waits in the
session, and is taken out by the first answer, right or wrong.
"""

import json
import re
from ipaddress import ip_address
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.models import Factor

CHALLENGE = "key_challenge"
PORT = re.compile(r":[0-9]+$")
LONGEST_ANSWER = 20_000
# What `fido2` raises at an answer that is wrong, or no answer at all.
WRONG = (ValueError, TypeError, KeyError, AttributeError, IndexError)


def host_of(request: HttpRequest) -> str:
    """Without the port. Settings say which hosts there are."""
    return PORT.sub("", request.get_host().lower())


def can_be_used(request: HttpRequest) -> bool:
    """Browsers lend keys to sites with a name, over TLS; `localhost` needs none."""
    host = host_of(request)
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False


def begin_adding(request: HttpRequest, user: User) -> str:
    """What the browser is asked to make, as JSON."""
    entity = PublicKeyCredentialUserEntity(id=f"user-{user.pk}".encode(), name=user.username, display_name=str(user))
    options, state = _server(request).register_begin(
        entity,
        [_credential(factor) for factor in keys_of(request, user)],
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    request.session[CHALLENGE] = state
    return json.dumps(dict(options.public_key))


def end_adding(request: HttpRequest, answer: str) -> Factor | None:
    """The key that the browser made, not saved yet; None if the answer is wrong."""
    state = request.session.pop(CHALLENGE, None)
    try:
        made = _server(request).register_complete(state, _parse(answer))
    except WRONG:
        return None
    credential = websafe_encode(bytes(made.credential_data or b""))
    return Factor(kind=Factor.Kind.KEY, credential=credential, host=host_of(request), counter=made.counter)


def begin_asking(request: HttpRequest, user: User) -> str:
    """What the browser is asked to sign, as JSON; "" if the person has no key for this host."""
    credentials = [_credential(factor) for factor in keys_of(request, user)]
    if not credentials:
        return ""
    options, state = _server(request).authenticate_begin(
        credentials, user_verification=UserVerificationRequirement.PREFERRED
    )
    request.session[CHALLENGE] = state
    return json.dumps(dict(options.public_key))


def end_asking(request: HttpRequest, user: User, answer: str) -> tuple[Factor, int] | None:
    """The key that signed, and its counter; None if the answer is wrong."""
    state = request.session.pop(CHALLENGE, None)
    factors = {factor.credential: factor for factor in keys_of(request, user)}
    try:
        parsed = AuthenticationResponse.from_dict(_parse(answer))
        signed = _server(request).authenticate_complete(state, [_credential(f) for f in factors.values()], parsed)
    except WRONG:
        return None
    return factors[websafe_encode(bytes(signed))], parsed.response.authenticator_data.counter


def keys_of(request: HttpRequest, user: User) -> list[Factor]:
    """Those that a browser lends to this host."""
    return list(Factor.objects.filter(user=user, kind=Factor.Kind.KEY, host=host_of(request)).order_by("added_at"))


def _credential(factor: Factor) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(factor.credential))


def _parse(answer: str) -> dict[str, Any]:
    parsed = json.loads(answer[:LONGEST_ANSWER])
    if not isinstance(parsed, dict):
        raise TypeError
    return parsed


def _server(request: HttpRequest) -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(id=host_of(request), name="DevinSync"))
