"""What a provider and DevinSync tell each other in confidence is kept nowhere once somebody is in."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.apps import apps
from django.db import connection

from accounts.models import Session
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.outgoing import ProviderSession
from tests.single_sign_on.conftest import Person

PAGES = ("/admin/", "/admin/single_sign_on/identity/", "/admin/audit/entry/", "/admin/password_change/")

pytestmark = pytest.mark.django_db


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the provider gives for a code, by its names, once it has."""
    given: dict[str, str] = {}
    send = ProviderSession.send

    def listen(self: ProviderSession, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = send(self, request, **options)
        if "access_token" in answer.text and request.method == "POST":
            given.update({name: answer.json()[name] for name in ("access_token", "id_token")})
        return answer

    monkeypatch.setattr(ProviderSession, "send", listen)
    return given


def kept() -> Iterator[tuple[str, str]]:
    tables = set(connection.introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table not in tables:
            continue
        for row in model._default_manager.values():
            yield model._meta.label, str(row)
    for session in Session.objects.all():
        yield "a session", json.dumps(session.get_decoded())


def test_no_secret_code_or_token_is_kept_shown_or_logged(
    person: Person,
    acme: Callable[..., ProviderSettings],
    tokens: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = acme(groups=(("roots", "superuser"),))
    person.says(groups=["roots"])

    with caplog.at_level(logging.INFO):
        back = person.goes()
        answers = [person.client.get(back), *(person.client.get(page) for page in PAGES)]

    assert [answer.status_code for answer in answers] == [302, 200, 200, 200, 200]
    places = [("the log", caplog.text), *kept()]
    places += [("a page", f"{answer.headers}{answer.cookies}{answer.content.decode()}") for answer in answers]
    code = back.partition("code=")[2].partition("&")[0]
    confided = {"secret": one.client_secret, "code": code, **tokens}
    assert set(confided) == {"secret", "code", "access_token", "id_token"}
    assert all(confided.values())
    assert [(name, where) for where, text in places for name, one in confided.items() if one in text] == []
    assert "a session" in dict(places)
