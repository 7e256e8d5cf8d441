"""The way back from a provider of SAML: its answer, posted by its page, and then the browser with what it has asked."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from common.returning import with_query
from common.single_sign_on_settings import ProviderSettings
from single_sign_on import answers, saml
from single_sign_on.asked import in_a_cookie
from single_sign_on.concluding import UNREADABLE, conclude, refuse
from single_sign_on.flooding import unless_flooding


def provider_of_saml(name: str) -> ProviderSettings:
    one: ProviderSettings | None = settings.SSO_PROVIDERS.get(name)
    if one is None or one.saml is None:
        raise Http404
    return one


# What stands in for the token is the provider's signature, and that the browser which asked must come for the answer.
# No browser sends a cookie along, so who comes from where a flood does is told only then, or by a refusal.
@csrf_exempt
@require_POST
def answer(request: HttpRequest, name: str) -> HttpResponse:
    one = provider_of_saml(name)
    try:
        asked, claims = saml.read(request, one)
        answers.keep(one, asked, claims)
    except UNREADABLE as error:
        return refuse(request, one, error)
    response = HttpResponseRedirect(with_query(reverse("admin:sso_finish", args=[name]), asked=asked))
    # The browser is to come with a GET, whatever it came with.
    response.status_code = 303
    return response


@require_safe
@unless_flooding
@in_a_cookie
def finish(request: HttpRequest, name: str) -> HttpResponse:
    one, asked = provider_of_saml(name), request.GET.get("asked", "")
    try:
        stashed = saml.take_asked(request, one, asked)
        return conclude(request, one, answers.take(one, asked), stashed)
    except UNREADABLE as error:
        return refuse(request, one, error)


@require_safe
def metadata(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(saml.metadata(request, provider_of_saml(name)), content_type="application/samlmetadata+xml")


ROUTES = {
    "sso_answer": ("log-in/at/<slug:name>/answer/", answer),
    "sso_finish": ("log-in/at/<slug:name>/finish/", finish),
    "sso_metadata": ("log-in/at/<slug:name>/metadata/", metadata),
}
