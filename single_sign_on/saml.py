"""SAML 2.0 by python3-saml, made stricter: what the library lets pass where an answer leaves it out is demanded here.

The way back is a form that the provider's page posts, with which no browser sends our cookies. So an answer is judged
first (`read`), kept for a moment, and counts once the browser that had asked comes to a page of ours.
"""

import logging
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from common.places import places
from common.returning import with_query
from common.single_sign_on_settings import ProviderSettings
from single_sign_on import saml_signatures
from single_sign_on.asked import remembering
from single_sign_on.saml_words import BEARER, claims_of, fault_told
from single_sign_on.tokens import SKEW, Refused

log = logging.getLogger(__name__)

ASKED = "saml_asked"
# How long somebody may take there, in seconds, and in how many tabs at once.
PATIENCE_THERE, TABS = 600, 5
LARGEST = 256 * 1024
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"


def ask(request: HttpRequest, one: ProviderSettings, *, next_url: str, purpose: str, again: bool) -> HttpResponse:
    """Leads to the provider; `again` has it ask the person anew. The browser remembers what was asked."""
    from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request

    asked = OneLogin_Saml2_Authn_Request(_library(request, one), force_authn=again)
    data = {"purpose": purpose, "at": time.time()}
    with remembering(request, more=True) as cookie:
        remembered = dict(list(cookie.get(ASKED, {}).items())[1 - TABS :])
        cookie[ASKED] = remembered | {asked.get_id(): {"next": next_url, "data": data, "name": one.name}}
    assert one.saml is not None  # noqa: S101 - the caller has looked
    return HttpResponseRedirect(with_query(one.saml.address, SAMLRequest=asked.get_request()))


def take_asked(request: HttpRequest, one: ProviderSettings, asked: str) -> dict[str, Any]:
    """What this browser had asked, once. Raises Refused."""
    with remembering(request) as cookie:
        remembered = dict(cookie.get(ASKED, {}))
        found: dict[str, Any] | None = remembered.pop(asked, None)
        if found is not None:
            cookie[ASKED] = remembered
    if found is None or found["name"] != one.name or found["data"]["at"] < time.time() - PATIENCE_THERE:
        raise Refused("this log-in began in another browser, or too long ago")
    return found


def read(request: HttpRequest, one: ProviderSettings) -> tuple[str, dict[str, Any]]:
    """Which question the posted answer is to, and what it says of the person. Raises Refused."""
    from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
    from onelogin.saml2.response import OneLogin_Saml2_Response

    text = request.POST.get("SAMLResponse", "")
    if not text or len(text) > LARGEST:
        raise Refused("its answer can't be read")
    try:
        response = OneLogin_Saml2_Response(_library(request, one), text)
        saml_signatures.check(response.document)
        response.is_valid(_received_at(request, one), raise_exceptions=True)
        assertion = _only_assertion(response)
        asked = _asked(response, assertion, _address(request, one))
        return asked, claims_of(response, assertion)
    except Refused:
        raise
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError) as error:
        raise Refused(f"its answer was refused ({fault_told(error)})") from None
    except Exception as error:
        # Of any kind, a bare one among them, where it is no answer at all; and their words may quote it.
        log.warning("an answer to %s can't be read (%s at %s)", one.name, type(error).__name__, places(error))
        raise Refused("its answer can't be read") from None


def metadata(request: HttpRequest, one: ProviderSettings) -> bytes:
    """What a provider has to know of us, as an XML document."""
    said: bytes | str = _library(request, one).get_sp_metadata()
    return said.encode() if isinstance(said, str) else said


def _library(request: HttpRequest, one: ProviderSettings) -> Any:
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    assert one.saml is not None  # noqa: S101 - the callers have looked
    ours = {
        "entityId": one.client_id,
        "assertionConsumerService": {"url": _address(request, one), "binding": POST},
        "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    }
    theirs = {
        "entityId": one.issuer,
        "singleSignOnService": {"url": one.saml.address},
        "x509certMulti": {"signing": list(one.saml.certificates)},
    }
    security = {
        "wantAssertionsSigned": True,
        "wantAttributeStatement": False,
        "allowRepeatAttributeName": True,
        "rejectDeprecatedAlgorithm": True,
        "requestedAuthnContext": False,
        "allowSingleLabelDomains": True,
        # Else each document says that it is out of date in two days, and providers take it at its word.
        "metadataValidUntil": "",
        "metadataCacheDuration": "",
    }
    return OneLogin_Saml2_Settings({"strict": True, "debug": False, "sp": ours, "idp": theirs, "security": security})


def _address(request: HttpRequest, one: ProviderSettings) -> str:
    return request.build_absolute_uri(reverse("admin:sso_answer", args=[one.name]))


def _received_at(request: HttpRequest, one: ProviderSettings) -> dict[str, Any]:
    """As the library is told of a request."""
    return {
        "https": "on" if request.is_secure() else "off",
        "http_host": request.get_host(),
        "script_name": reverse("admin:sso_answer", args=[one.name]),
        "get_data": {},
        "post_data": {},
    }


def _only_assertion(response: Any) -> Any:
    """The one that is signed: the library has seen that there is one alone, where its signature says that it is.

    One that is sealed to us cannot be, as nobody has a key of ours.
    """
    found = response.document.findall("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
    if response.document.tag != f"{PROTOCOL}Response" or len(found) != 1:
        raise Refused("its answer can't be read")
    return found[0]


def _asked(response: Any, assertion: Any, address: str) -> str:
    """To what it is the answer, by the signed part: not the envelope, which anybody may put around it."""
    asked = response.get_in_response_to()
    confirmations = assertion.findall("{*}Subject/{*}SubjectConfirmation")
    if not asked or not confirmations:
        raise Refused("nothing was asked of it: begin here, not at its page")
    for each in confirmations:
        data = each.find("{*}SubjectConfirmationData")
        is_ours = data is not None and (data.get("InResponseTo"), data.get("Recipient")) == (asked, address)
        if each.get("Method") != BEARER or not is_ours or not data.get("NotOnOrAfter"):
            raise Refused("its answer was refused (not made for this log-in)")
    audiences = [node.text for node in assertion.findall("{*}Conditions/{*}AudienceRestriction/{*}Audience")]
    if not audiences:
        raise Refused("its answer was refused (made out to nobody)")
    issued = assertion.find("{*}Conditions")
    if not issued.get("NotOnOrAfter") or abs(_instant(assertion) - time.time()) > PATIENCE_THERE + SKEW:
        raise Refused("its answer was refused (out of date: compare the clocks)")
    return str(asked)


def _instant(assertion: Any) -> float:
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    return float(OneLogin_Saml2_Utils.parse_SAML_to_time(assertion.get("IssueInstant")))
