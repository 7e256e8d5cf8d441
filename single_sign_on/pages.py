"""The way to a provider and back, to log in or to prove again who one is.

purpose     asked of the provider                  what comes of it
log in      a proof no older than a session lives  a session; the proof counts for what is grave while it is fresh
confirm     a proof now                            the same person's session goes on, confirmed
"""

from functools import partial

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.returning import way_on, with_query
from common.single_sign_on_settings import ProviderSettings
from single_sign_on import saml, saml_pages
from single_sign_on.asked import LONGEST_WAY, in_a_cookie
from single_sign_on.concluding import CONFIRM, LOG_IN, UNREADABLE, conclude, refuse
from single_sign_on.flooding import unless_flooding
from single_sign_on.protocol import Adapter, Callback, Provider, discover


def provider_named(name: str) -> ProviderSettings:
    one: ProviderSettings | None = settings.SSO_PROVIDERS.get(name)
    if one is None:
        raise Http404
    return one


def provider_of_openid_connect(name: str) -> ProviderSettings:
    one = provider_named(name)
    if one.saml is not None:
        raise Http404
    return one


@require_safe
@unless_flooding
@in_a_cookie
def begin(request: HttpRequest, name: str) -> HttpResponse:
    """Only reading, and only asking: whoever makes a browser open it has it log in its own person."""
    one = provider_named(name)
    next_url = way_on(request) if len(way_on(request)) <= LONGEST_WAY else ""
    asks_again = bool(request.GET.get(CONFIRM)) and request.user.is_authenticated
    seconds = int(settings.SESSION_LONGEST.total_seconds())
    more = {"prompt": "login", "max_age": "0"} if asks_again else {"max_age": str(seconds)}
    purpose = CONFIRM if asks_again else LOG_IN
    if one.saml is not None:
        return saml.ask(request, one, next_url=next_url, purpose=purpose, again=asks_again)
    try:
        return Provider(request, one).ask(request, next_url=next_url, purpose=purpose, **more)
    except UNREADABLE as error:
        return refuse(request, one, error)


@require_safe
@unless_flooding
@in_a_cookie
def callback(request: HttpRequest, name: str) -> HttpResponse:
    one = provider_of_openid_connect(name)
    try:
        answer: HttpResponse = Callback.adapter_view(Adapter(request, one, partial(conclude, request, one)))(request)
    except UNREADABLE as error:
        return refuse(request, one, error)
    return answer


@require_safe
@unless_flooding
def end(request: HttpRequest, name: str) -> HttpResponse:
    """To where the provider ends its own session, for whoever has ended the one here (RP-Initiated Logout 1.0)."""
    one = provider_of_openid_connect(name)
    try:
        address = discover(one).get("end_session_endpoint")
    except UNREADABLE as error:
        return refuse(request, one, error)
    if not one.offers_log_out or not isinstance(address, str):
        raise Http404
    back = request.build_absolute_uri(reverse("admin:login"))
    return HttpResponseRedirect(with_query(address, client_id=one.client_id, post_logout_redirect_uri=back))


ROUTES = {
    "sso_begin": ("log-in/at/<slug:name>/", begin),
    "sso_callback": ("log-in/at/<slug:name>/callback/", callback),
    "sso_end": ("log-in/at/<slug:name>/log-out/", end),
    **saml_pages.ROUTES,
}
