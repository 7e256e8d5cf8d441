"""What an ID token must be before a word of it counts (OpenID Connect Core 1.0, section 3.1.3.7; RFC 9207 aside).

The token comes straight from the provider by TLS, so the specification would let its signature go. Here it is checked
in any case.
"""

import time
from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.crypto import constant_time_compare

# By a key of the provider's alone: none by a shared secret, none unsigned.
ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)] + ["EdDSA"]
# Clocks of two machines differ a little.
SKEW = 60


class Refused(OAuth2Error):
    """Nobody is let in by this. Says why, in words that may be shown."""


def verified(token: str, *, keys: Any, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims. `keys` is the provider's JWK set."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key_of(token, keys),
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=client_id,
            leeway=SKEW,
            options={"require": ["iss", "aud", "sub", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        raise Refused(f"its ID token was refused ({_fault(error)})") from None
    if claims.get("azp", client_id) != client_id:
        raise Refused("its ID token was refused (made out to another client)")
    if not nonce or not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise Refused("its ID token was refused (not made for this log-in)")
    if not claims["sub"]:
        raise Refused("its ID token was refused (it names nobody)")
    return claims


def proved_at(claims: dict[str, Any]) -> float:
    """When the person proved to the provider who they are, in seconds since the epoch; 0 if it does not say."""
    said = claims.get("auth_time")
    is_time = isinstance(said, int | float) and not isinstance(said, bool) and 0 < said <= time.time() + SKEW
    return min(float(said), time.time()) if is_time and said else 0


def _key_of(token: str, keys: Any) -> jwt.PyJWK:
    kid = jwt.get_unverified_header(token).get("kid")
    usable = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.public_key_use in (None, "sig")]
    found = [key for key in usable if key.key_id == kid] if kid else usable
    if len(found) != 1:
        raise jwt.InvalidKeyError("no key")
    return found[0]


def _fault(error: jwt.PyJWTError) -> str:
    """Words for the kinds that an operator can do something about. PyJWT's own may quote the token."""
    faults: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
        (jwt.ExpiredSignatureError, "out of date: compare the clocks"),
        (jwt.ImmatureSignatureError, "from the future: compare the clocks"),
        (jwt.InvalidIssuerError, "of another issuer: compare SSO_…_ISSUER"),
        (jwt.InvalidAudienceError, "made out to another client"),
        (jwt.InvalidAlgorithmError, "signed in a way that does not count here"),
        (jwt.InvalidSignatureError, "its signature is none of the provider's"),
        (jwt.MissingRequiredClaimError, "incomplete"),
    )
    return next((words for kind, words in faults if isinstance(error, kind)), "it can't be read")
