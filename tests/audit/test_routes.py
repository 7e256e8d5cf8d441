"""Each route of the site, as the URL resolver knows them: a request that may change something leaves one line.

Asked for rows that exist, by somebody who may do all and by somebody who may do nothing.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Session
from api.models import ApiToken
from audit.models import Action, Entry
from common.single_sign_on_settings import ProviderSettings
from syncs.choices import Status
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import make_caller
from tests.api.test_authorization import routes as operations
from vault.editing import set_secrets
from vault.models import Environment, Folder, Project

pytestmark = pytest.mark.django_db
NOBODYS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
# Who asks there has no account yet, or is known by what is sent alone.
OF_NOBODY = re.compile(r"^/api/v1/auth/(universal-auth/login|token/renew|token/revoke)$")
Name = Callable[[str, str], str]


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


@pytest.fixture
def named(add_sync: Callable[..., DevinSync]) -> Name:
    """What stands in the place of an argument: the row that a route is about, where there is one."""
    sync = add_sync("orders", Status.SUCCEEDED)
    assert sync.folder is not None
    set_secrets(sync.folder, {"API_KEY": "value"}, by=ANYBODY)
    user = User.objects.create_user("target", is_staff=True)
    token = ApiToken.issue(user, "ci")[0]
    run = sync.runs.all()[0]
    rows: dict[str, Any] = {
        "auth/user": user,
        "auth/group": Group.objects.all()[0],
        "connections/connection": sync.connection,
        "vault/project": Project.objects.get(),
        "vault/secret": sync.folder.secrets.get(),
        "syncs/devinsync": sync,
        "syncs/syncrun": run,
        "api/apitoken": token,
        "user_id": user,
        "project_id": Project.objects.get(),
        "environment_id": Environment.objects.get(),
        "folder_id": Folder.objects.get(pk=sync.folder.pk),
        "secret_id": sync.folder.secrets.get(),
        "sync_id": sync,
        "run_id": run,
        "connection_id": sync.connection,
    }
    words = {"to": "csv", "step": "source", "what": "run", "slug": "shop", "app_label": "auth", "environment": "dev"}

    def name(route: str, argument: str) -> str:
        model = "/".join(route.split("/")[1:3])
        row = rows.get(argument) or (rows.get(model) if argument in ("object_id", "pk", "id") else None)
        return str(row.pk) if row is not None else words.get(argument, NOBODYS)

    return name


def addresses(name: Name) -> list[str]:
    return [f"/{address_of(route, name)}" for route in dict.fromkeys(routes(get_resolver()))]


def address_of(route: str, name: Name) -> str:
    plain = re.sub(r"[\^$]|\\Z", "", route)
    return ARGUMENT.sub(lambda match: name(route, match[1] or match[2]), plain)


def lines_of(send: Callable[[], Any]) -> tuple[int, list[str]]:
    """The answer's status and the lines it left; then all is as before."""
    last = max(Entry.objects.values_list("pk", flat=True), default=0)
    with transaction.atomic():
        status = int(send().status_code)
        details = list(Entry.objects.filter(pk__gt=last).values_list("detail", flat=True))
        transaction.set_rollback(True)
    return status, details


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[list[tuple[str, int, list[str]]]], None]:
    """Says how many were asked and how many lines there are, once each left its one."""

    def count(answers: list[tuple[str, int, list[str]]]) -> None:
        assert len(answers) > 100
        assert [answer for answer in answers if answer[1] >= 500 or len(answer[2]) != 1] == []
        record_property("requests", len(answers))
        record_property("entries", sum(len(lines) for _, _, lines in answers))

    return count


def test_each_page_that_is_posted_to_leaves_one_line(named: Name, counted: Callable[..., None]) -> None:
    answers = []
    for user in (User.objects.create_superuser("root"), User.objects.create_user("eve", is_staff=True)):
        client = Client(raise_request_exception=False)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookies = deepcopy(client.cookies)
        for address in addresses(named):
            if not address.startswith("/api/"):
                # As before the last request, which may have logged out.
                client.cookies = deepcopy(cookies)
                answers.append((f"{user} {address}", *lines_of(partial(client.post, address, {"post": "yes"}))))
    counted(answers)


def test_a_stranger_leaves_nothing_but_the_line_of_a_failed_log_in(named: Name, settings: LazySettings) -> None:
    one = ProviderSettings("acme", "Acme", "http://127.0.0.1:9", "devinsync", "a-secret")
    settings.SSO_PROVIDERS = {"acme": one}
    sessions, lines = Session.objects.count(), Entry.objects.exclude(action=Action.FAILED_LOG_IN).count()

    asked = [address.replace(f"/at/{NOBODYS}/", "/at/acme/") for address in addresses(named)]
    for address in asked:
        client = Client(raise_request_exception=False)
        assert client.get(address).status_code < 600
        client.post(address, {"username": "root", "password": "guess"})

    assert "/admin/log-in/at/acme/callback/" in asked
    assert Session.objects.count() == sessions
    assert Entry.objects.exclude(action=Action.FAILED_LOG_IN).count() == lines
    assert Entry.objects.filter(lacking__contains="could not be reached").exists()


def changing_calls() -> Iterator[tuple[str, str, Any]]:
    """Method, path and declaration."""
    for name, operation in operations():
        method, path = name.split(" ", 1)
        if method in CHANGING and not OF_NOBODY.match(path):
            yield method, path, operation


def test_each_changing_call_of_the_api_leaves_one_line(named: Name, counted: Callable[..., None]) -> None:
    answers = []
    for user in (User.objects.create_superuser("root"), User.objects.create_user("eve")):
        caller = make_caller(user)
        for method, path, operation in changing_calls():
            address = re.sub(r"{(\w+)}", lambda match: named("", match[1]), path)
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            answers.append((f"{user} {method} {path}", *lines_of(partial(caller.send, method, address, body))))
    counted(answers)
