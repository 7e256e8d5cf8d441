"""On the way to a provider stands the proxy of all outgoing requests, where there is one."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.conf import LazySettings
from django.test import Client

from common.single_sign_on_settings import ProviderSettings
from sandbox.certificates import self_signed_certificate
from single_sign_on import protocol
from tests.connections.servers import Received, reply, serving
from tests.connections.test_proxies import HOST, leading_to, looked_up, proxying, saying
from tests.single_sign_on.conftest import BEGIN, CALLBACK
from tests.single_sign_on.test_refusals import claims, key_pair

__all__ = ["looked_up"]

ISSUER = f"https://{HOST}:8443"


class Provider:
    """As much of one as a log-in takes."""

    def __init__(self) -> None:
        self.private, self.public = key_pair("k1")
        self.nonce = ""

    def answer(self, request: Received, _: Any) -> bytes:
        if request.path == "/.well-known/openid-configuration":
            ends = {"authorization": "/authorize", "token": "/token"}
            said = {f"{name}_endpoint": f"{ISSUER}{path}" for name, path in ends.items()}
            return reply(200, {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **said})
        if request.path == "/keys":
            return reply(200, {"keys": [self.public]})
        said = claims(iss=ISSUER, nonce=self.nonce)
        token = jwt.encode(said, self.private, algorithm="RS256", headers={"kid": "k1"})
        given = {"access_token": "a", "token_type": "Bearer", "id_token": token}
        return reply(200, given, **{"Content-Type": "application/json"})


@pytest.fixture
def certificate(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the proxy of the environment leads nowhere: it is not looked at."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(protocol, "_discovered", {})
    path = self_signed_certificate(tmp_path, HOST)
    settings.OUTBOUND_CA_BUNDLE = str(path)
    settings.SSO_PROVIDERS = {"acme": ProviderSettings("acme", "Acme", ISSUER, "devinsync", "a-secret-of-both")}
    return path


@pytest.mark.django_db
def test_a_log_in_goes_through_the_proxy_from_beginning_to_end(
    certificate: Path, settings: LazySettings, client: Client, looked_up: list[str]
) -> None:
    provider, tls = Provider(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    with serving(provider.answer, tls) as server, proxying(leading_to(server)) as asked:
        settings.OUTBOUND_PROXY = asked.proxy().address
        there = parse_qs(urlsplit(client.get(BEGIN).headers["Location"]).query)
        provider.nonce = there["nonce"][0]
        client.get(f"{CALLBACK}?code=c&state={there['state'][0]}")

    assert client.get("/admin/password_change/").status_code == 200
    assert [request.path for request in server.requests] == ["/.well-known/openid-configuration", "/token", "/keys"]
    assert len(asked.heads) == 3
    assert {head.partition(b"\r\n")[0] for head in asked.heads} == {f"CONNECT {HOST}:8443 HTTP/1.1".encode()}
    assert HOST not in looked_up


@pytest.mark.django_db
def test_what_the_proxy_says_no_to_is_told_and_names_no_login(
    certificate: Path, settings: LazySettings, client: Client
) -> None:
    with proxying(saying(b"HTTP/1.1 407 Who are you\r\n\r\n")) as asked:
        settings.OUTBOUND_PROXY = f"http://alice:canary-9431@127.0.0.1:{asked.port}"
        page = client.get(f"{BEGIN}?next=/admin/", follow=True).text

    assert "could not be reached (the proxy answered 407)" in page
    assert "canary" not in page
