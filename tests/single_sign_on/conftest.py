"""A real provider, one for all tests, and a person with a browser who logs in at it."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.conf import LazySettings
from django.test import Client

from common.single_sign_on_settings import ProviderSettings
from single_sign_on.asked import COOKIE, Asked
from tests.environments import node_with
from tests.patience import PATIENCE

HERE = Path(__file__).parent
BEGIN = "/admin/log-in/at/acme/"
CALLBACK = f"{BEGIN}callback/"


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    packages = node_with(HERE / "oidc_provider")
    command = ["node", str(HERE / "provider.mjs"), str(packages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http"), "the provider did not start"
        yield line
        process.kill()


@pytest.fixture
def acme(issuer: str, settings: LazySettings) -> Callable[..., ProviderSettings]:
    """Sets the one provider, with what a test wants of it."""

    def configure(**options: Any) -> ProviderSettings:
        one = ProviderSettings(
            **{
                "name": "acme",
                "label": "Acme",
                "issuer": issuer,
                "client_id": "devinsync",
                "client_secret": "a-secret-of-both",
                **options,
            }
        )
        settings.SSO_PROVIDERS = {"acme": one}
        return one

    configure()
    return configure


class Person:
    """Somebody at the provider, with a browser of their own for it and for DevinSync."""

    def __init__(self, issuer: str, name: str) -> None:
        self.issuer, self.name = issuer, name
        self.client, self.there = Client(), requests.Session()
        self.asked = ""

    def says(self, **claims: Any) -> None:
        """What the provider says of them from now on."""
        answer = requests.post(f"{self.issuer}/test/claims", json={self.name: claims}, timeout=PATIENCE)
        assert answer.status_code == 200

    def goes(self, address: str = BEGIN) -> str:
        """Begins here and logs in there. Returns the address that the provider leads back to."""
        self.asked = self.client.get(address).headers["Location"]
        answer = self._get(self.asked)
        while "Location" not in answer.headers or "/admin/" not in answer.headers["Location"]:
            if answer.is_redirect:
                answer = self._get(urljoin(answer.url, answer.headers["Location"]))
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            form = {"prompt": "login", "login": self.name, "password": "any"}
            answer = self.there.post(action[1], data=form, allow_redirects=False, timeout=PATIENCE)
        return answer.headers["Location"].removeprefix("http://testserver")

    def logs_in(self, address: str = BEGIN) -> Any:
        return self.client.get(self.goes(address))

    def is_in(self) -> bool:
        return self.client.get("/admin/password_change/").status_code == 200

    def told(self) -> str:
        page = self.client.get("/admin/login/", follow=True)
        return " ".join(str(message) for message in page.context["messages"])

    @contextmanager
    def remembering(self) -> Iterator[dict[str, Any]]:
        """What the browser remembers of what it asked, to be changed as only who signs it can."""
        asked = Asked(self.client.cookies[COOKIE].value)
        yield asked["socialaccount_states"]
        asked.save()
        self.client.cookies[COOKIE] = asked.session_key or ""

    def _get(self, address: str) -> requests.Response:
        return self.there.get(address, allow_redirects=False, timeout=PATIENCE)


@pytest.fixture
def person(issuer: str, acme: object, request: pytest.FixtureRequest) -> Person:
    """A new one for each test: the provider outlives them all."""
    return Person(issuer, re.sub(r"\W+", "-", request.node.name)[:60])
