"""What an answer of a provider of SAML says of a person, in the words that OpenID Connect has for it; and what is wrong
with one, in words of ours."""

from typing import Any

from single_sign_on.tokens import Refused

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
MAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
SCHEMAS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
# By what names providers send it: plain ones, those of Entra and AD FS, and those of LDAP (RFC 4519, RFC 4524).
NAMES = {
    "email": ("email", "mail", f"{SCHEMAS}/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3"),
    "preferred_username": (
        "preferred_username",
        "username",
        "uid",
        f"{SCHEMAS}/name",
        "urn:oid:0.9.2342.19200300.100.1.1",
    ),
    "given_name": ("given_name", "firstName", "givenName", f"{SCHEMAS}/givenname", "urn:oid:2.5.4.42"),
    "family_name": ("family_name", "lastName", "sn", f"{SCHEMAS}/surname", "urn:oid:2.5.4.4"),
}


def claims_of(response: Any, assertion: Any) -> dict[str, Any]:
    """Each attribute as a list under the name that it has there, and the person in the words of OpenID Connect."""
    attributes: dict[str, list[str]] = {
        name: [text for text in texts if isinstance(text, str)] for name, texts in response.get_attributes().items()
    }
    subject, name_format = response.get_nameid(), response.get_nameid_format()
    if not subject or name_format == TRANSIENT:
        raise Refused("it gives people another name each time: have it send a NameID that lasts, such as persistent")
    mapped: dict[str, Any] = {}
    for claim, names in NAMES.items():
        found = next((attributes[name][0] for name in names if attributes.get(name)), "")
        mapped[claim] = found.strip()
    mapped["email"] = mapped["email"] or (subject if name_format == MAIL_FORMAT else "")
    # It speaks for its own people: there is no address in SAML that a provider has not verified.
    proved = {"sub": subject, "email_verified": True, "auth_time": _proved_at(assertion)}
    return {**attributes, **{claim: said for claim, said in mapped.items() if said}, **proved}


def _proved_at(assertion: Any) -> float:
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    said = assertion.find("{*}AuthnStatement").get("AuthnInstant")
    return float(OneLogin_Saml2_Utils.parse_SAML_to_time(said)) if said else 0


def fault_told(error: Any) -> str:
    """By the library's number: its own words may quote the answer."""
    from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as Fault

    faults = {
        Fault.ASSERTION_TOO_EARLY: "from the future: compare the clocks",
        Fault.ASSERTION_EXPIRED: "out of date: compare the clocks",
        Fault.SESSION_EXPIRED: "out of date: compare the clocks",
        Fault.WRONG_ISSUER: "of another provider than the metadata is of",
        Fault.WRONG_AUDIENCE: "made out to another than SSO_…_CLIENT_ID",
        Fault.WRONG_DESTINATION: "sent to another address than it is made out to",
        Fault.WRONG_SUBJECTCONFIRMATION: "not made for this log-in, or out of date",
        Fault.NO_SIGNED_ASSERTION: "its assertion is not signed",
        Fault.NO_SIGNATURE_FOUND: "it is not signed",
        Fault.INVALID_SIGNATURE: "its signature is none of the metadata's",
        Fault.DEPRECATED_SIGNATURE_METHOD: "signed in a way that does not count here",
        Fault.DEPRECATED_DIGEST_METHOD: "signed in a way that does not count here",
        Fault.STATUS_CODE_IS_NOT_SUCCESS: "it let nobody in",
        Fault.NO_ENCRYPTED_ASSERTION: "sealed to a key, and there is none: turn encryption off there",
        Fault.NO_NAMEID: "it names nobody",
        Fault.EMPTY_NAMEID: "it names nobody",
    }
    return faults.get(error.code, "it can't be read")
