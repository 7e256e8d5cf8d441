"""Logging in at a provider of SAML: at a real one, by what it says; and by nothing that is forged, bent or used."""

import base64
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from playwright.sync_api import expect

from accounts.models import Session
from accounts.presence import CONFIRMED
from audit import floods
from audit.models import Action, Entry, FailedLogIns
from common.environment import Environment
from common.saml_metadata import SamlProvider
from common.single_sign_on_settings import ProviderSettings, read_providers
from single_sign_on.models import Answer, Identity
from tests.browser import new_context, open_browser
from tests.environments import node_with
from tests.patience import PATIENCE

pytest.importorskip("onelogin.saml2")

HERE = Path(__file__).parent
BEGIN = "/admin/log-in/at/adfs/"
ANSWER = f"{BEGIN}answer/"
ENTITY, OURS = "urn:acme:saml", "https://devinsync.example/saml"
MAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"


class Keys(NamedTuple):
    key: str
    certificate: str

    @property
    def bare(self) -> str:
        return "".join(self.certificate.strip().splitlines()[1:-1])


def new_keys() -> Keys:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 1, now - timedelta(1), now + timedelta(999))
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Keys(key.decode(), builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM).decode())


@pytest.fixture(scope="module")
def keys() -> Keys:
    return new_keys()


@pytest.fixture(scope="module")
def address(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, packages = tmp_path_factory.mktemp("saml"), node_with(HERE / "saml_provider")
    files = [folder / "key.pem", folder / "certificate.pem"]
    for file, text in zip(files, keys, strict=True):
        file.write_text(text)
    command = ["node", str(HERE / "saml_provider.mjs"), str(packages), *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http"), "the provider did not start"
        yield line
        process.kill()


@pytest.fixture
def configure(keys: Keys, settings: LazySettings) -> Callable[..., ProviderSettings]:
    def configure(address: str = "https://acme.example/log-in", **options: Any) -> ProviderSettings:
        saml = SamlProvider(ENTITY, address, (keys.bare,))
        one = ProviderSettings("adfs", "AD FS", ENTITY, OURS, "", saml=saml, **options)
        settings.SSO_PROVIDERS = {"adfs": one}
        return one

    configure()
    return configure


def logs_in(client: Client, name: str, address: str = BEGIN) -> Any:
    """By the real provider, with a browser that posts as a page of another site does: without the session."""
    asked = client.get(address).headers["Location"]
    page = requests.post(asked, data={"login": name}, timeout=PATIENCE).text
    [action], [answer] = re.findall(r'action="([^"]+)"', page), re.findall(r'value="([^"]{100,})"', page)
    assert action == f"http://testserver{ANSWER}"
    back = Client().post(ANSWER, {"SAMLResponse": answer.replace("&#43;", "+"), "RelayState": ""})
    return client.get(back.headers["Location"]) if back.status_code == 303 else back


def says(address: str, name: str, **said: Any) -> None:
    assert requests.post(f"{address}/test/people", json={name: said}, timeout=PATIENCE).status_code == 200


def is_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


def told(client: Client) -> str:
    return " ".join(str(message) for message in client.get("/admin/login/", follow=True).context["messages"])


# At a real provider


@pytest.mark.django_db
def test_a_person_is_let_in_by_what_the_provider_says(
    address: str, configure: Callable[..., ProviderSettings], client: Client
) -> None:
    configure(address, groups=(("platform", "Editor"),), required=(("company", "acme"),))
    said = {MAIL: "ada@acme.example", "firstName": "Ada", "lastName": "Lovelace", "groups": ["sre", "platform"]}
    says(address, "S-1-5-21", attributes={**said, "company": ["acme", "acme-labs"], "auth_time": "1", "sub": "root"})

    arrived = logs_in(client, "S-1-5-21", f"{BEGIN}?next=/admin/sessions/")

    assert arrived.headers["Location"] == "/admin/sessions/"
    assert is_in(client)
    user = User.objects.get()
    assert (user.email, user.first_name, user.last_name) == ("ada@acme.example", "Ada", "Lovelace")
    assert [group.name for group in user.groups.all()] == ["Editor"]
    assert (Identity.objects.get().issuer, Identity.objects.get().subject) == (ENTITY, "S-1-5-21")
    assert Entry.objects.filter(action=Action.LOGGED_IN, actor=user.username).exists()
    # The claims are gone with the log-in, and the sign that the answer was used is not.
    assert [answer.said for answer in Answer.objects.all()] == [""]
    again = logs_in(Client(), "S-1-5-21")
    assert again.status_code == 302
    assert User.objects.count() == 1
    says(address, "S-1-5-22", attributes={**said, "company": "other"})
    assert not is_in_after(Client(), "S-1-5-22")


def is_in_after(client: Client, name: str) -> bool:
    logs_in(client, name)
    return is_in(client)


@pytest.mark.django_db
def test_who_it_names_anew_each_time_is_nobody(
    address: str, configure: Callable[..., ProviderSettings], client: Client
) -> None:
    configure(address)
    says(address, "passing", format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")

    assert not is_in_after(client, "passing")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_proof_now_is_asked_for_and_is_the_same_persons(
    address: str, configure: Callable[..., ProviderSettings], client: Client
) -> None:
    configure(address)
    logs_in(client, "ada")
    assert is_in(client)
    asked = client.get(f"{BEGIN}?confirm=1").headers["Location"]
    [request] = parse_qs(urlsplit(asked).query)["SAMLRequest"]
    assert 'ForceAuthn="true"' in inflated(request)

    assert logs_in(client, "ada", f"{BEGIN}?confirm=1&next=/admin/sessions/").headers["Location"] == "/admin/sessions/"
    confirmed = client.session[CONFIRMED]
    logs_in(client, "bob", f"{BEGIN}?confirm=1")

    assert "somebody else logged in there" in told(client)
    assert is_in(client)
    assert User.objects.count() == 1
    assert client.session[CONFIRMED] == confirmed


def inflated(request: str) -> str:
    return zlib.decompress(base64.b64decode(request), -15).decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_browser_comes_back_with_its_session(
    address: str, configure: Callable[..., ProviderSettings], live_server: Any
) -> None:
    """Its provider is another site, so that the form it posts comes without our cookies."""
    configure(address.replace("127.0.0.1", "localhost"))
    with open_browser() as browser:
        page = new_context(browser, base_url=live_server.url.replace("localhost", "127.0.0.1")).new_page()
        page.goto("/admin/sessions/")
        page.get_by_role("link", name="Log in with AD FS").click()
        page.locator("input[name=login]").fill("browser-person")
        page.get_by_role("button", name="Log in").click()

        expect(page.get_by_role("heading", name="Where you are logged in")).to_be_visible()
    assert User.objects.get().username == "browser-person"


# What is forged


def instant(seconds: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(to: str, **other: Any) -> str:
    said = {
        "issuer": ENTITY, "subject": "ada", "asked": to, "recipient": f"http://testserver{ANSWER}", "audience": OURS,
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer", "until": instant(300), "since": instant(-5),
        "confirmed_until": instant(300), "issued": instant(), "id": "_a1",
    } | other  # fmt: skip
    told = {name: escape(str(text)) for name, text in said.items()}

    def attribute(name: str, text: Any) -> str:
        return "" if text is None else f' {name}="{escape(str(text))}"'

    audience = "" if said["audience"] is None else (
        f"<saml:AudienceRestriction><saml:Audience>{told['audience']}</saml:Audience></saml:AudienceRestriction>"
    )  # fmt: skip
    subject = said.get("raw_subject") or told["subject"]
    return (
        f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{told["id"]}" Version="2.0" '
        f'IssueInstant="{told["issued"]}"><saml:Issuer>{told["issuer"]}</saml:Issuer><saml:Subject><saml:NameID>{subject}'
        f'</saml:NameID><saml:SubjectConfirmation Method="{told["method"]}"><saml:SubjectConfirmationData'
        f"{attribute('InResponseTo', said['asked'])}{attribute('Recipient', said['recipient'])}"
        f"{attribute('NotOnOrAfter', said['confirmed_until'])}/></saml:SubjectConfirmation></saml:Subject>"
        f"<saml:Conditions{attribute('NotBefore', said['since'])}{attribute('NotOnOrAfter', said['until'])}>{audience}"
        f'</saml:Conditions><saml:AuthnStatement AuthnInstant="{instant()}"><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>"
        "</saml:AuthnStatement></saml:Assertion>"
    )


def response(assertions: str, asked: str | None, *, status: str = "Success", issuer: str = ENTITY, **other: Any) -> str:
    to = "" if asked is None else f' InResponseTo="{asked}"'
    destination = other.get("destination", f"http://testserver{ANSWER}")
    return (
        f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0" '
        f'IssueInstant="{instant()}" Destination="{destination}"{to}><saml:Issuer '
        f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode '
        f'Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{assertions}</samlp:Response>'
    )


def signed(text: str, keys: Keys, **options: Any) -> str:
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    done: Any = OneLogin_Saml2_Utils.add_sign(text, keys.key, keys.certificate, **options)
    whole = done.decode() if isinstance(done, bytes) else str(done)
    return re.sub(r"^<\?xml[^>]*\?>\s*", "", whole)


def begun(client: Client) -> str:
    """What is asked of the provider, by its id."""
    [request] = parse_qs(urlsplit(client.get(BEGIN).headers["Location"]).query)["SAMLRequest"]
    return str(re.findall(r'ID="([^"]+)"', inflated(request))[0])


def sends(client: Client, text: str) -> Any:
    """An answer from another site, and then the browser with what it has asked."""
    posting = Client()
    back = posting.post(ANSWER, {"SAMLResponse": base64.b64encode(text.encode()).decode()})
    if back.status_code == 303:
        client.get(back.headers["Location"])
        return told(client)
    return told(posting)


@pytest.mark.django_db
def test_a_subject_of_openid_connect_is_nobodys_here(
    configure: Callable[..., ProviderSettings], keys: Keys, client: Client
) -> None:
    """The provider was exchanged for one of another protocol, under the same issuer: what people chose as a name there
    is no sign of who they are here."""
    root = User.objects.create_superuser("root")
    Identity.objects.create(user=root, issuer=ENTITY, subject="ada")

    for _ in range(2):
        asked = begun(client)
        sends(client, response(signed(assertion(asked), keys), asked))
        assert is_in(client)
        client.post("/admin/logout/")

    [old, new] = Identity.objects.order_by("pk")
    assert (old.user, old.get_protocol_display()) == (root, "OpenID Connect")
    assert (new.user != root, new.user.is_superuser, new.get_protocol_display()) == (True, False, "SAML")
    page = client_of_root(root).get("/admin/single_sign_on/identity/").text
    assert f"{ENTITY} (OpenID Connect)" in page
    form = {"user": root.pk, "issuer": ENTITY, "subject": "ada"}
    assert "linked to somebody already" in client_of_root(root).post("/admin/single_sign_on/identity/add/", form).text


def client_of_root(root: User) -> Client:
    client = Client()
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.django_db
def test_a_flood_of_answers_is_told_in_one_line_and_is_no_session(configure: Callable[..., ProviderSettings]) -> None:
    answers = [Client().post(ANSWER, {"SAMLResponse": "bm8geG1s"}).status_code for _ in range(floods.TOLD + 3)]

    assert answers == [302] * floods.TOLD + [429] * 3
    assert Entry.objects.count() == floods.TOLD + 1
    assert not Session.objects.exists()
    assert [Client().get(address).status_code for address in (BEGIN, f"{BEGIN}finish/")] == [429] * 2


@pytest.mark.django_db
def test_each_forged_answer_is_refused(configure: Callable[..., ProviderSettings], keys: Keys, client: Client) -> None:
    others, sha1 = new_keys(), "http://www.w3.org/2000/09/xmldsig#rsa-sha1"

    def by(bent: dict[str, Any], **around: Any) -> Callable[[str], str]:
        return lambda asked: response(signed(assertion(asked, **bent), keys), asked, **around)

    def wrapped(asked: str) -> str:
        """The signed one moved aside, and another in its place that is not signed."""
        true = signed(assertion(asked), keys)
        false = assertion(asked, subject="root", id="_a2")
        aside = f"<samlp:Extensions>{true}</samlp:Extensions>"
        return response(false, asked).replace("<samlp:Status>", f"{aside}<samlp:Status>")

    forged: dict[str, list[Callable[[str], str]]] = {
        "is not signed": [
            lambda asked: response(assertion(asked), asked),
            lambda asked: signed(response(assertion(asked), asked), keys),
        ],
        "its signature is none of": [
            lambda asked: response(signed(assertion(asked), others), asked),
            lambda asked: response(signed(assertion(asked), keys).replace(">ada<", ">root<"), asked),
        ],
        "signed in a way that does not count": [
            lambda asked: response(signed(assertion(asked), keys, sign_algorithm=sha1), asked),
        ],
        "of another provider": [by({"issuer": "urn:evil"}), by({}, issuer="urn:evil")],
        "made out to another": [by({"audience": "https://other.example"})],
        "made out to nobody": [by({"audience": None})],
        "sent to another address": [by({}, destination="http://testserver/admin/")],
        "not made for this log-in": [
            by({"asked": "_other"}), by({"asked": None}), by({"recipient": None}),
            by({"recipient": f"http://testserver{ANSWER}x"}), by({"recipient": "https://evil.example/"}),
            by({"confirmed_until": None}), by({"confirmed_until": instant(-300)}),
            by({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}),
        ],
        "out of date": [by({"until": instant(-3600)}), by({"until": None}), by({"issued": instant(-7200)})],
        "from the future": [by({"since": instant(3600)})],
        "it let nobody in": [by({}, status="Requester")],
        "begin here": [lambda asked: response(signed(assertion(asked), keys), None)],
        "began in another browser": [
            lambda _: response(signed(assertion("_unasked"), keys), "_unasked"),
        ],
        "can't be read": [
            lambda asked: response(signed(assertion(asked), keys) + signed(assertion(asked, id="_a2"), keys), asked),
            lambda _: "no xml", lambda _: "", lambda _: "<a/>", lambda asked: signed(assertion(asked), keys),
            by({"until": "9999999-01-01T00:00:00Z"}), by({"issued": "soon"}),
            lambda asked: "<!DOCTYPE a [<!ENTITY e 'ada'>]>" + response(signed(assertion(asked), keys), asked),
        ],
        "refused": [wrapped],
        "names nobody": [by({"subject": ""})],
    }  # fmt: skip
    for why, makers in forged.items():
        FailedLogIns.objects.all().delete()
        for number, make in enumerate(makers):
            text = make(begun(client))
            said = sends(client, text)
            assert why in said, f"{why} {number}: {said}"
            assert not is_in(client), f"{why} {number}"
            assert "root" not in said
    assert not User.objects.exists()
    # What was refused so often is let in where nothing is bent, and as nobody else by a comment in the name.
    assert sends(client, response(signed(assertion(asked := begun(client)), keys), asked)) == ""
    assert is_in(client)
    mallory = Client()
    named = "ada<!-- -->.evil"
    sends(mallory, response(signed(assertion(asked := begun(mallory), raw_subject=named), keys), asked))
    assert set(Identity.objects.values_list("subject", flat=True)) == {"ada", "ada.evil"}


@pytest.mark.django_db
def test_nothing_that_a_signature_names_is_run_or_opened(
    configure: Callable[..., ProviderSettings], keys: Keys, client: Client
) -> None:
    """All of it would be done before it is looked whose signature it is: so these are anybody's."""
    kinds, end = "http://www.w3.org/TR/1999/REC-", "</ds:Transforms>"
    empty = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    reference = '<ds:Reference URI="{to}"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    reference += "<ds:DigestValue>AA==</ds:DigestValue></ds:Reference>"
    bent: list[Callable[[str], str]] = [
        lambda text: text.replace(end, f'<ds:Transform Algorithm="{kinds}xslt-19991116">{empty}</ds:Transform>{end}'),
        lambda text: text.replace(
            end, f'<ds:Transform Algorithm="{kinds}xpath-19991116"><ds:XPath>//.</ds:XPath></ds:Transform>{end}'
        ),
        lambda text: text.replace("</ds:SignedInfo>", f"{reference.format(to=HERE.as_uri())}</ds:SignedInfo>"),
        lambda text: text.replace(
            "</ds:Signature>",
            f"<ds:Object><ds:Manifest>{reference.format(to='#_a1')}</ds:Manifest></ds:Object></ds:Signature>",
        ),
        lambda text: text.replace('URI="#_a1"', 'URI="x_a1"'),
        lambda text: text.replace('URI="#_a1"', 'URI=""'),
    ]
    for number, bend in enumerate(bent):
        asked = begun(client)
        plain = response(signed(assertion(asked), keys), asked)
        assert (text := bend(plain)) != plain, number
        assert "signed in a way that does not count" in sends(client, text), number
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_answer_counts_once_and_for_who_had_asked(
    configure: Callable[..., ProviderSettings], keys: Keys, client: Client
) -> None:
    asked = begun(client)
    text = base64.b64encode(response(signed(assertion(asked), keys), asked).encode()).decode()
    finish = Client().post(ANSWER, {"SAMLResponse": text}).headers["Location"]

    # Somebody else's browser is not let in by it, and neither is the same answer once more.
    thief = Client()
    thief.get(finish)
    assert not is_in(thief)
    poster = Client()
    assert poster.post(ANSWER, {"SAMLResponse": text}).status_code == 302
    assert "answered before" in told(poster)
    client.get(finish)
    assert is_in(client)
    client.logout()
    client.get(finish)
    assert not is_in(client)


@pytest.mark.django_db
def test_what_took_too_long_lets_nobody_in(
    configure: Callable[..., ProviderSettings], keys: Keys, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = begun(client)
    with monkeypatch.context() as patched:
        patched.setattr("single_sign_on.saml.PATIENCE_THERE", -1)
        assert "too long ago" in sends(client, response(signed(assertion(asked), keys), asked))
    asked = begun(client)
    with monkeypatch.context() as patched:
        patched.setattr("single_sign_on.answers.FETCHED_WITHIN", timedelta(seconds=-1))
        assert "took too long" in sends(client, response(signed(assertion(asked), keys), asked))
    assert not is_in(client)


@pytest.mark.django_db
def test_one_provider_answers_no_question_to_another(
    configure: Callable[..., ProviderSettings], settings: LazySettings, keys: Keys, client: Client
) -> None:
    other = "/admin/log-in/at/labs/"
    saml = SamlProvider("urn:labs:saml", "https://labs.example/log-in", (keys.bare,))
    labs = ProviderSettings("labs", "Labs", "urn:labs:saml", OURS, "", saml=saml)
    settings.SSO_PROVIDERS = {**settings.SSO_PROVIDERS, "labs": labs}
    asked = begun(client)
    said = assertion(asked, issuer="urn:labs:saml", recipient=f"http://testserver{other}answer/")
    around = {"issuer": "urn:labs:saml", "destination": f"http://testserver{other}answer/"}
    text = base64.b64encode(response(signed(said, keys), asked, **around).encode()).decode()

    back = Client().post(f"{other}answer/", {"SAMLResponse": text})
    client.get(back.headers["Location"])

    assert back.status_code == 303
    assert "began in another browser" in told(client)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_who_writes_into_the_database_answers_for_nobody(
    configure: Callable[..., ProviderSettings], keys: Keys, client: Client
) -> None:
    first, second = begun(client), begun(client)
    for asked, subject in ((first, "ada"), (second, "root")):
        text = response(signed(assertion(asked, subject=subject), keys), asked)
        Client().post(ANSWER, {"SAMLResponse": base64.b64encode(text.encode()).decode()})
    rows = list(Answer.objects.order_by("pk"))
    said = [row.said for row in rows]
    for row, other in zip(rows, reversed(said), strict=True):
        Answer.objects.filter(pk=row.pk).update(said=other)

    client.get(f"{BEGIN}finish/?asked={first}")

    assert not is_in(client)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_routes_of_one_protocol_are_none_of_the_other(
    configure: Callable[..., ProviderSettings], settings: LazySettings, client: Client
) -> None:
    document = client.get(f"{BEGIN}metadata/")
    assert document.headers["Content-Type"] == "application/samlmetadata+xml"
    assert all(part in document.text for part in (OURS, f"http://testserver{ANSWER}", 'WantAssertionsSigned="true"'))
    assert "validUntil" not in document.text
    assert [client.get(f"{BEGIN}{page}/").status_code for page in ("callback", "log-out", "answer")] == [404, 404, 405]
    assert [client.post(f"{BEGIN}{page}/").status_code for page in ("finish", "metadata")] == [405, 405]
    settings.SSO_PROVIDERS = {"adfs": ProviderSettings("adfs", "AD FS", "https://acme.example", "one", "two")}
    pages = (client.post(ANSWER), client.get(f"{BEGIN}finish/"), client.get(f"{BEGIN}metadata/"))
    assert [page.status_code for page in pages] == [404] * 3


# What the environment names

METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:acme:saml"><IDPSSODescriptor
protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo
xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{one}</X509Certificate></X509Data></KeyInfo>
</KeyDescriptor><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
<X509Certificate>{two}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService
Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{address}"/></IDPSSODescriptor>
</EntityDescriptor>"""


def test_metadata_is_read_whole_or_stops_the_start(tmp_path: Path, keys: Keys) -> None:
    file, second = tmp_path / "adfs.xml", new_keys()
    whole = METADATA.format(one=keys.bare, two=second.bare, address="https://acme.example/saml?tenant=1")
    given = {"SSO_PROVIDERS": "adfs", "SSO_ADFS_METADATA_FILE": str(file), "SSO_ADFS_CLIENT_ID": OURS}
    file.write_text(whole)

    [one] = read_providers(Environment(given)).values()

    assert one.saml == SamlProvider(ENTITY, "https://acme.example/saml?tenant=1", (keys.bare, second.bare))
    assert (one.issuer, one.client_id, one.client_secret) == (ENTITY, OURS, "")
    faults = (
        (given | {"SSO_ADFS_CLIENT_ID": ""}, whole, "SSO_ADFS_CLIENT_ID"),
        (given | {"SSO_ADFS_ISSUER": "https://acme.example"}, whole, "SSO_ADFS_ISSUER"),
        (given | {"SSO_ADFS_METADATA_FILE": str(tmp_path / "none")}, whole, "can't be read"),
        (given, whole.replace("https://acme", "http://acme"), "https address"),
        (given, whole.replace("entityID=", "name="), "entity ID"),
        (given, whole.replace(ENTITY, "urn:" + "a" * 252), "entity ID"),
        (given, re.sub("<X509Certificate>.*?</X509Certificate>", "", whole), "certificate"),
        (given, "hidden words", "METADATA_FILE"),
        (given, "", "METADATA_FILE"),
    )
    for variables, text, named in faults:
        file.write_text(text)
        with pytest.raises(ImproperlyConfigured, match=named) as caught:
            read_providers(Environment(variables))
        assert "hidden" not in str(caught.value)


def test_no_issuer_speaks_two_protocols(tmp_path: Path, keys: Keys) -> None:
    """Its people choose what one of them calls the subject: they would be whoever has it for a subject in the other."""
    file, issuer = tmp_path / "realm.xml", "https://login.acme.example/realms/acme"
    whole = METADATA.format(one=keys.bare, two=keys.bare, address="https://acme.example/saml")
    file.write_text(whole.replace(ENTITY, issuer))
    given = {
        "SSO_OLD_ISSUER": issuer, "SSO_OLD_CLIENT_ID": "one", "SSO_OLD_CLIENT_SECRET": "two",
        "SSO_NEW_METADATA_FILE": str(file), "SSO_NEW_CLIENT_ID": OURS, "SSO_PROVIDERS": "old,new",
    }  # fmt: skip

    for names in ("old,new", "new,old"):
        with pytest.raises(ImproperlyConfigured, match="the same issuer, and “new”"):
            read_providers(Environment(given | {"SSO_PROVIDERS": names}))
    assert set(read_providers(Environment(given | {"SSO_OLD_ISSUER": f"{issuer}/"}))) == {"old", "new"}
