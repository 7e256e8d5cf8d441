"""What a provider of SAML says of itself, in the file of metadata that it offers: its name, where people log in, and
the certificates that it signs with."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LARGEST = 1024 * 1024
LONGEST_ID = 255


@dataclass(frozen=True)
class SamlProvider:
    """`entity_id` is its name, to the letter; `certificates` are base64 of DER, several while one takes over."""

    entity_id: str
    address: str
    certificates: tuple[str, ...] = field(repr=False)


def read_metadata(path: str, variable: str) -> SamlProvider:
    """Of the one provider in the file. Raises ImproperlyConfigured, which names the variable and not what it holds."""
    try:
        from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
    except ImportError:
        raise ImproperlyConfigured(
            f"{variable} is set, and SAML needs packages that are not installed here: "
            "pip install --require-hashes -r requirements-optional.txt"
        ) from None
    try:
        with Path(path).open("rb") as file:
            text = file.read(LARGEST)
    except OSError as error:
        raise ImproperlyConfigured(f"{variable} names a file that can't be read ({error.strerror}).") from None
    try:
        said = OneLogin_Saml2_IdPMetadataParser.parse(text).get("idp", {})
    except Exception:
        # lxml and the library raise their own, whose words may quote the file.
        said = {}
    address = str(said.get("singleSignOnService", {}).get("url", ""))
    certificates = said.get("x509certMulti", {}).get("signing") or [said.get("x509cert")]
    # People are kept by the entity ID, in a column of this length.
    is_named = 0 < len(str(said.get("entityId") or "")) <= LONGEST_ID
    if not (is_named and _is_safe(address) and all(certificates)):
        raise ImproperlyConfigured(
            f"{variable} names a file that is no metadata of a provider of SAML 2.0 with an entity ID, a certificate "
            "to sign with and an https address for HTTP-Redirect. Download it there once more."
        )
    return SamlProvider(str(said["entityId"]), address, tuple(map(str, certificates)))


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))
