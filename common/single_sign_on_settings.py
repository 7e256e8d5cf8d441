"""The providers that people log in with, as the environment names them, and whether that is whole.

    SSO_PROVIDERS=okta,staff-google        names of one's own; each has variables of its own:
    SSO_OKTA_ISSUER=https://…              SSO_STAFF_GOOGLE_ISSUER=https://…
    SSO_ADFS_METADATA_FILE=/etc/adfs.xml   one that speaks SAML instead of OpenID Connect

What cannot be used stops the start: half of it would let in somebody else, or nobody. No message holds a value.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from common.environment import Environment
from common.saml_metadata import SamlProvider, read_metadata

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 32
SCOPES = ("openid", "profile", "email")
OPENID_CONNECT, SAML = "openid_connect", "saml"
# In the place of a group: may do everything.
SUPERUSER = "superuser"


@dataclass(frozen=True)
class ProviderSettings:
    """`groups` has pairs of what the claim holds and the group here; `required` has claims and what each must be.

    Of one with `saml`, the issuer is its entity ID, the client ID is ours, and there is no secret.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = SCOPES
    groups_claim: str = "groups"
    groups: tuple[tuple[str, str], ...] = ()
    required: tuple[tuple[str, str], ...] = ()
    creates_people: bool = True
    trusts_email: bool = False
    offers_log_out: bool = False
    saml: SamlProvider | None = None

    @property
    def protocol(self) -> str:
        return SAML if self.saml is not None else OPENID_CONNECT


def read_providers(env: Environment) -> dict[str, ProviderSettings]:
    """By name, in the order of the log-in page. Raises ImproperlyConfigured."""
    names = env.list("SSO_PROVIDERS", default=[])
    for name in names:
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or names.count(name) > 1:
            raise ImproperlyConfigured(
                "SSO_PROVIDERS holds names of your own such as okta or staff-google: small letters, digits and “-”, "
                f"{LONGEST_NAME} characters at most, each once."
            )
    providers = {name: _read(env, name) for name in names}
    _require_distinct(providers.values())
    return providers


def _require_distinct(providers: Collection[ProviderSettings]) -> None:
    """People are linked by issuer, on a page that names no protocol: so no issuer speaks both. Raises
    ImproperlyConfigured."""
    for one in providers:
        if one.saml is not None and [other.issuer for other in providers].count(one.issuer) > 1:
            raise ImproperlyConfigured(
                f"SSO_PROVIDERS names two providers that are the same issuer, and “{one.name}”, one of them, speaks "
                "SAML: their people could not be told apart. Keep one of them."
            )


def require_way_in(providers: dict[str, ProviderSettings], *, only: bool, break_glass: str) -> None:
    """Raises ImproperlyConfigured."""
    if (only or break_glass) and not providers:
        raise ImproperlyConfigured(
            "SSO_ONLY or SSO_BREAK_GLASS is set, but SSO_PROVIDERS is not: nobody could log in. Name a provider, or "
            "leave them out."
        )
    if break_glass and not only:
        raise ImproperlyConfigured(
            "SSO_BREAK_GLASS is set, but SSO_ONLY is not: every password counts. Set SSO_ONLY=1."
        )


def _read(env: Environment, name: str) -> ProviderSettings:
    prefix = f"SSO_{name.upper().replace('-', '_')}"
    metadata = env.str(f"{prefix}_METADATA_FILE", default="")
    return ProviderSettings(
        name=name,
        label=env.str(f"{prefix}_LABEL", default=name.capitalize()),
        client_id=_given(env, f"{prefix}_CLIENT_ID"),
        groups_claim=env.str(f"{prefix}_GROUPS_CLAIM", default="groups"),
        groups=_pairs(env, f"{prefix}_GROUPS"),
        required=_pairs(env, f"{prefix}_REQUIRED_CLAIMS"),
        creates_people=env.bool(f"{prefix}_CREATES_PEOPLE", default=True),
        trusts_email=env.bool(f"{prefix}_TRUSTS_EMAIL", default=False),
        **(_of_saml(env, prefix, metadata) if metadata else _of_openid_connect(env, prefix)),
    )


def _of_openid_connect(env: Environment, prefix: str) -> dict[str, Any]:
    scopes = tuple(env.str(f"{prefix}_SCOPES", default=" ".join(SCOPES)).split())
    if "openid" not in scopes:
        raise ImproperlyConfigured(f"{prefix}_SCOPES lacks openid, without which there is no log-in. Add it.")
    return {
        "issuer": _issuer(env, f"{prefix}_ISSUER"),
        "client_secret": _given(env, f"{prefix}_CLIENT_SECRET"),
        "scopes": scopes,
        "offers_log_out": env.bool(f"{prefix}_OFFERS_LOG_OUT", default=False),
    }


def _of_saml(env: Environment, prefix: str, metadata: str) -> dict[str, Any]:
    for name in ("ISSUER", "CLIENT_SECRET", "SCOPES", "OFFERS_LOG_OUT"):
        if env.str(f"{prefix}_{name}", default=""):
            raise ImproperlyConfigured(
                f"{prefix}_METADATA_FILE is set, so this provider speaks SAML, which has no {prefix}_{name}. Keep one."
            )
    saml = read_metadata(metadata, f"{prefix}_METADATA_FILE")
    return {"issuer": saml.entity_id, "client_secret": "", "saml": saml}


def _given(env: Environment, variable: str) -> str:
    text = env.str(variable, default="").strip()
    if not text:
        raise ImproperlyConfigured(f"{variable} is not set. Copy it from where DevinSync is registered as a client.")
    return text


def _issuer(env: Environment, variable: str) -> str:
    """As the provider writes it into its tokens, to the letter: a slash at its end is a part of it."""
    text = _given(env, variable)
    parts = urlsplit(text)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_here)
    if not is_safe or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ImproperlyConfigured(f"{variable} is no https address such as https://example.okta.com. Correct it.")
    return text


def _pairs(env: Environment, variable: str) -> tuple[tuple[str, str], ...]:
    """`there=here, there=here`. What is there may have “=” in it, as names of directories have."""
    pairs = []
    for part in env.list(variable, default=[]):
        there, equals, here = (text.strip() for text in part.rpartition("="))
        if not (there and equals and here):
            raise ImproperlyConfigured(
                f"{variable} is no list such as “platform-team=Editor,sre=Operator”. Correct it."
            )
        pairs.append((there, here))
    return tuple(pairs)
