"""What no provider said, or not to us, or not for this log-in, lets nobody in."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User

from single_sign_on import protocol
from single_sign_on.asked import COOKIE
from single_sign_on.tokens import Refused, verified
from tests.single_sign_on.conftest import BEGIN, CALLBACK, Person

ISSUER = "https://acme.example"
OURS = {"issuer": ISSUER, "client_id": "devinsync", "nonce": "n" * 32}
NO = object()


def key_pair(kid: str) -> tuple[rsa.RSAPrivateKey, dict[str, Any]]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return private, {**public, "kid": kid, "alg": "RS256", "use": "sig"}


def claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": "devinsync", "sub": "ada", "exp": now + 600, "iat": now, "nonce": OURS["nonce"]}
    return {name: value for name, value in (whole | other).items() if value is not NO}


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_each_forged_token_is_refused() -> None:
    private, public = key_pair("k1")
    other, other_public = key_pair("k1")
    keys = {"keys": [public]}

    def signed(with_key: Any = private, algorithm: str = "RS256", kid: str = "k1", **said: Any) -> str:
        return jwt.encode(claims(**said), with_key, algorithm=algorithm, headers={"kid": kid})

    def refusal(token: str) -> str:
        with pytest.raises(Refused) as caught:
            verified(token, keys=keys, **OURS)
        assert token not in str(caught.value)
        return str(caught.value)

    assert verified(signed(), keys=keys, **OURS)["sub"] == "ada"
    assert verified(signed(aud=["devinsync", "b"], azp="devinsync"), keys=keys, **OURS)["sub"] == "ada"
    head, body, signature = signed().split(".")
    swapped = unpadded(json.dumps(claims(sub="root")).encode())
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs_head = jwt.encode({}, "k" * 32, algorithm="HS256", headers={"kid": "k1"}).split(".")[0]
    by_public = hmac.digest(pem, f"{hs_head}.{body}".encode(), "sha256")
    forged = {
        "its signature is none": [signed(other), f"{head}.{swapped}.{signature}"],
        "in a way that does not count": [signed(None, "none"), f"{hs_head}.{body}.{unpadded(by_public)}"],
        "another issuer": [signed(iss=f"{ISSUER}/"), signed(iss="https://evil.example")],
        "another client": [signed(aud="else"), signed(aud=["devinsync", "b"], azp="b")],
        "out of date": [signed(exp=int(time.time()) - 3600)],
        "from the future": [signed(iat=int(time.time()) + 3600), signed(nbf=int(time.time()) + 3600)],
        "incomplete": [signed(sub=NO), signed(exp=NO), signed(iss=NO), signed(aud=NO), signed(iat=NO)],
        "not made for this log-in": [signed(nonce="m" * 32), signed(nonce=NO), signed(nonce="")],
        "it names nobody": [signed(sub="")],
        "it can't be read": [signed(kid="k2"), "x.y.z", f"{head}.{body}"],
    }
    for why, tokens in forged.items():
        for token in tokens:
            assert why in refusal(token)
    with pytest.raises(Refused):
        verified(signed(nonce=""), keys=keys, **(OURS | {"nonce": ""}))
    with pytest.raises(Refused):
        verified(signed(), keys={"keys": [other_public]}, **OURS)


@pytest.mark.django_db
def test_an_answer_to_another_question_is_refused(person: Person) -> None:
    address = person.goes()
    stranger = Person(person.issuer, "stranger")

    def told(who: Person, address: str) -> str:
        who.client.get(address)
        assert not who.is_in()
        return who.told()

    elsewhere = "began in another browser, or too long ago"
    assert elsewhere in told(stranger, address)
    assert elsewhere in told(person, address.replace("state=", "state=x"))
    kept = person.client.cookies[COOKIE].value
    person.client.cookies[COOKIE] = f"x{kept}"
    assert elsewhere in told(person, address)
    person.client.cookies[COOKIE] = kept
    assert elsewhere in told(person, CALLBACK)
    assert "another issuer answered" in told(person, f"{address.partition('&iss=')[0]}&iss=https://evil.example")
    # The state counted once; the code went nowhere.
    assert elsewhere in told(person, address)
    cancelled = person.client.get(BEGIN).headers["Location"].partition("state=")[2].partition("&")[0]
    back = f"{CALLBACK}?state={cancelled}&error=access_denied&error_description=Call+0900+now"
    assert "you cancelled, or it gives you no access" in (said := told(person, back))
    assert "0900" not in said
    assert not User.objects.exists()


@pytest.mark.django_db
def test_codes_nonces_and_verifiers_are_of_one_log_in(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    def spoilt(address: str, **changes: Any) -> str:
        with person.remembering() as states:
            for state in states.values():
                state[0].update({name: value for name, value in changes.items() if name != "nonce"})
                state[0]["data"].update({name: value for name, value in changes.items() if name == "nonce"})
        person.client.get(address)
        assert not person.is_in()
        return person.told()

    address = person.goes()
    code = address.partition("code=")[2].partition("&")[0]
    assert "not made for this log-in" in spoilt(address, nonce="another")
    assert "did not take DevinSync for the client" in spoilt(person.goes(), pkce_code_verifier="x" * 43)
    assert "did not take DevinSync for the client" in spoilt(person.goes().replace("code=", "code=x"))
    assert code not in caplog.text
    assert "invalid_grant" not in caplog.text


@pytest.mark.django_db
def test_a_provider_that_is_not_what_was_configured(person: Person, acme: Any, settings: Any) -> None:
    def told(**options: Any) -> str:
        acme(**options)
        answer = person.client.get(BEGIN)
        assert answer.headers["Location"] == "/admin/login/"
        return person.told()

    assert "could not be reached" in told(issuer="http://127.0.0.1:9")
    assert "could not be reached" in told(issuer="https://[fe80::1]")
    assert "it answered 404" in told(issuer=f"{person.issuer}/realms/other")
    assert "by another issuer" in told(issuer=f"{person.issuer}/")
    acme(client_secret="another")
    person.logs_in()
    assert "did not take DevinSync for the client" in person.told()
    assert not person.is_in()


@pytest.mark.django_db
def test_people_of_userinfo_are_those_of_the_token(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = protocol.fetched

    def lying(one: Any, url: str, headers: Any = None) -> Any:
        said = kept(one, url, headers)
        return said | {"sub": "root"} if headers else said

    monkeypatch.setattr(protocol, "fetched", lying)
    person.logs_in()

    assert "about somebody else" in person.told()
    assert not person.is_in()
    joined = protocol.joined({"sub": "a", "email": "a@b.c"}, {"email": "x@b.c", "email_verified": True, "auth_time": 9})
    assert joined == {"sub": "a", "email": "a@b.c"}
