"""allauth's OpenID Connect, made stricter: PKCE and a nonce each time, nothing taken from the address of a request, the
ID token checked whole, and the answer handed to `people` before allauth would log anybody in by its own rules.

allauth keeps what was asked in what it takes for the session (`asked`), under a state that counts once and for ten
minutes.
"""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NoReturn

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from common.single_sign_on_settings import ProviderSettings
from single_sign_on.asked import remembering
from single_sign_on.outgoing import ProviderSession
from single_sign_on.tokens import Refused, verified

# What a provider says of itself is asked for again after so many seconds.
DISCOVERY_KEPT = 300
ERROR = re.compile(r"[a-z_]{1,40}")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_discovered: dict[str, tuple[float, dict[str, Any]]] = {}

Conclude = Callable[[dict[str, Any], dict[str, Any]], HttpResponse]


def nobody(claims: dict[str, Any], stashed: dict[str, Any]) -> NoReturn:
    """What becomes of an answer that nobody waits for."""
    raise Refused("nothing was asked of it")


class Library(DefaultSocialAccountAdapter):
    """What allauth asks about our ways. Providers stand in the environment alone: its table of them is not read."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        return []

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def get_requests_session(self) -> requests.Session:
        match = self.request.resolver_match
        return ProviderSession(settings.SSO_PROVIDERS[match.kwargs["name"]].issuer)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> NoReturn:
        if isinstance(exception, OAuth2Error | requests.RequestException):
            raise exception
        raise Refused(_told(request))


class Provider(OpenIDConnectProvider):
    pkce_enabled_default = True

    def __init__(self, request: HttpRequest, one: ProviderSettings) -> None:
        app = SocialApp(provider=self.id, provider_id=one.name, name=one.label, client_id=one.client_id)
        app.secret, app.settings = one.client_secret, {"server_url": one.issuer, "oauth_pkce_enabled": True}
        super().__init__(request, app=app)
        self.one = one

    def get_oauth2_adapter(self, request: HttpRequest) -> "Adapter":
        return Adapter(request, self.one)

    def ask(self, request: HttpRequest, *, next_url: str, purpose: str, **more: str) -> HttpResponse:
        """Leads to the provider. `more` goes into the address there."""
        nonce = secrets.token_urlsafe(32)
        data = {"nonce": nonce, "purpose": purpose, "at": time.time()}
        params = {"nonce": nonce, **more}
        scope = list(self.one.scopes)
        with remembering(request, more=True):
            answer: HttpResponse = self.redirect(
                request, "login", next_url=next_url, data=data, scope=scope, auth_params=params
            )
        return answer


class Adapter(OpenIDConnectOAuth2Adapter):
    """One log-in at one provider. `stashed` is what was remembered when it was asked."""

    def __init__(self, request: HttpRequest, one: ProviderSettings, conclude: Conclude = nobody) -> None:
        super().__init__(request, one.name)
        self.one, self.conclude = one, conclude
        self.stashed: dict[str, Any] = {}

    def get_provider(self) -> Provider:
        return Provider(self.request, self.one)

    @property
    def openid_config(self) -> dict[str, Any]:
        return discover(self.one)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("admin:sso_callback", args=[self.one.name]))

    def parse_token(self, data: Any) -> SocialToken:
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> NoReturn:
        """Ends allauth's part: what becomes of the person is ours."""
        data = self.stashed.get("data") or {}
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise Refused("it sent no ID token: see that the client may use the scope openid")
        claims = verified(
            id_token,
            keys=fetched(self.one, self.openid_config["jwks_uri"]),
            issuer=self.one.issuer,
            client_id=self.one.client_id,
            nonce=str(data.get("nonce", "")),
        )
        claims = joined(claims, self._more_about(claims["sub"], token.token))
        raise ImmediateHttpResponse(self.conclude(claims, self.stashed))

    def _more_about(self, subject: str, access_token: str) -> dict[str, Any]:
        """What the provider tells at its userinfo, where some put the groups."""
        endpoint = self.openid_config.get("userinfo_endpoint")
        if not endpoint:
            return {}
        told = fetched(self.one, endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if not isinstance(told, dict) or told.get("sub") != subject:
            raise Refused("what it tells about people is about somebody else")
        return told


class Callback(OAuth2CallbackView):
    """allauth's, which the adapter is told the remembered from."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        with remembering(request):
            state, response = super()._get_state(request, provider)
        self.adapter.stashed = state or {}
        if request.GET.get("iss", self.adapter.one.issuer) != self.adapter.one.issuer:
            raise Refused("another issuer answered")
        return state, response


def joined(claims: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The token's claims, and what it does not say. When somebody proved who they are, it says or nobody; that an
    address is verified counts for that address alone."""
    kept = {name: value for name, value in more.items() if name != "auth_time"}
    if more.get("email") != claims.get("email", more.get("email")):
        kept.pop("email_verified", None)
    return {**kept, **claims}


def _told(request: HttpRequest) -> str:
    """Why nothing came of it. A provider's own sentence is not repeated: anybody can write one into an address."""
    error = request.GET.get("error", "")
    if error == "access_denied":
        return "it let nobody in: you cancelled, or it gives you no access to DevinSync"
    if ERROR.fullmatch(error):
        return f"it answered “{error}”"
    return "this log-in began in another browser, or too long ago"


def discover(one: ProviderSettings) -> dict[str, Any]:
    """What the provider says of itself, which must be about the issuer that was configured."""
    kept = _discovered.get(one.issuer)
    if kept and time.monotonic() - kept[0] < DISCOVERY_KEPT:
        return kept[1]
    said = fetched(one, f"{one.issuer.rstrip('/')}/.well-known/openid-configuration")
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in ENDPOINTS):
        raise Refused("what it says of itself is incomplete: see that SSO_…_ISSUER is its issuer")
    if said.get("issuer") != one.issuer:
        raise Refused("it calls itself by another issuer than SSO_…_ISSUER: copy it to the letter")
    _discovered[one.issuer] = (time.monotonic(), said)
    return said


def fetched(one: ProviderSettings, url: str, headers: dict[str, str] | None = None) -> Any:
    with ProviderSession(one.issuer) as session:
        response = session.get(url, headers=headers)
    if response.status_code != 200:
        raise Refused(f"it answered {response.status_code} when asked about itself or its people")
    try:
        return response.json()
    except ValueError:
        raise Refused("its answer can't be read") from None
