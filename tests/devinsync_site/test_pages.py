"""The pages around the work: sign-in, errors, lock-out; and that no template breaks the Content-Security-Policy."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from audit.models import Action, Entry
from tests.pages import PASSWORD

TEMPLATES = sorted(Path(settings.BASE_DIR).glob("templates/**/*.html"))
INLINE = re.compile(
    r"<style|\sstyle=|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son[a-z]+=|javascript:", re.IGNORECASE
)
ELSEWHERE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""", re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_a_template_has_nothing_inline_and_loads_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()

    assert not INLINE.search(text)
    assert not (path.parts[-2] in ("admin", "devinsync") and ELSEWHERE.search(text))


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_an_error_page_needs_no_context(name: str) -> None:
    page = get_template(name).render()

    assert "DevinSync" in page
    assert "Go to the overview" in page


@pytest.mark.django_db
def test_an_address_that_leads_nowhere_gets_the_products_page(client: Client) -> None:
    response = client.get("/nothing/here")

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


ADDRESSES = ("/%00", "/admin/login/?next=%00", "/admin/vault/secret/?q=%00", "/admin/syncs/syncrun/?status__exact=%00")


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ADDRESSES)
def test_nul_in_an_address_is_refused_before_anything_is_asked(address: str, admin_client: Client) -> None:
    response = admin_client.get(address)

    assert response.status_code == 400
    assert "could not be understood" in response.content.decode()


@pytest.mark.django_db
def test_a_form_without_token_is_told_what_to_do(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {})

    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


@pytest.mark.django_db
def test_a_page_without_permission_says_whom_to_ask(
    somebody: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    response = signed_in(somebody("Viewer")).get("/admin/auth/user/")

    assert response.status_code == 403
    assert "Ask an administrator" in response.content.decode()


@pytest.mark.django_db
def test_too_many_wrong_passwords_lock_the_user_out_for_a_while(client: Client, somebody: Callable[..., User]) -> None:
    somebody(name="alice")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = client.post("/admin/login/", {"username": "alice", "password": "wrong"})

    assert response.status_code == 429
    assert "in 15 minutes" in response.content.decode()


@pytest.mark.django_db
def test_nobody_locks_out_who_was_here_before(
    client: Client, somebody: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy of our own, all requests come from its address."""
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", 1)
    somebody(name="alice")
    form = {"username": "alice", "password": PASSWORD}
    own = Client()
    own.post("/admin/login/", form, headers={"X-Forwarded-For": "203.0.113.9"})
    own.post("/admin/logout/")
    for number in range(settings.AXES_FAILURE_LIMIT):
        headers = {"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7"}
        attempt = client.post("/admin/login/", {"username": "alice", "password": "wrong"}, headers=headers)

    assert attempt.status_code == 429
    assert own.post("/admin/login/", form, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 302


@pytest.mark.django_db
def test_believes_no_forwarded_address_without_a_proxy(client: Client, somebody: Callable[..., User]) -> None:
    somebody(name="alice")
    for number in range(settings.AXES_FAILURE_LIMIT):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        attempt = client.post("/admin/login/", {"username": "alice", "password": "wrong"}, headers=headers)

    assert attempt.status_code == 429


@pytest.mark.django_db
def test_the_login_page_repeats_no_password(client: Client) -> None:
    page = client.post("/admin/login/", {"username": "alice", "password": "canary-4711"}).content.decode()

    assert "Please enter the correct" in page
    assert "canary-4711" not in page


def test_an_empty_list_says_what_will_stand_in_it(
    signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    client = signed_in(somebody("Administrator"))
    syncs = ("syncs/syncrun", "syncs/syncrunchange", "syncs/managedsecret")

    for path in (*syncs, "connections/connection", "api/hook", "api/apitoken", "api/machineidentity"):
        page = client.get(f"/admin/{path}/")
        assert page.context["cl"].model_admin.empty_text in page.content.decode().replace("&#x27;", "'"), path
    assert "Wrong passwords are counted here" in client.get("/admin/axes/accessattempt/").content.decode()


def test_a_list_counts_its_rows_in_words_of_their_own(
    signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    client = signed_in(somebody("Administrator"))
    Entry.objects.create(actor="alice", action=Action.ADDED)
    one = client.get("/admin/audit/entry/", {"q": "alice"}).content.decode()
    Entry.objects.create(actor="alice", action=Action.ADDED)

    assert re.search(r"\b1\s+entry\s", one)
    assert re.search(r"\b2\s+entries\s", client.get("/admin/audit/entry/", {"q": "alice"}).content.decode())


def test_whoever_deletes_a_person_is_told_what_else_they_could_do(
    signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    client, leaver = signed_in(somebody("Administrator")), somebody("Viewer", name="leaver")

    page = client.get(f"/admin/auth/user/{leaver.pk}/delete/").content.decode()

    assert "Take <em>Active</em> away instead" in page
    assert "<li>1 user</li>" in page


def test_where_no_project_waits_for_a_webhook_one_can_be_linked(
    signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    page = signed_in(somebody("Administrator")).get("/admin/api/hook/add/").content.decode()

    assert f'<a href="{reverse("admin:sources_link")}">Link one</a>' in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "right", "groups"),
    [
        ("/admin/connections/connection/add/", "Can add connection", "group Administrator"),
        ("/admin/syncs/devinsync/add/", "Can add sync", "groups Editor, Administrator"),
        ("/admin/vault/project/{}/environments/add/", "Can add environment", "groups Editor, Administrator"),
        ("/admin/auth/user/", "Can view user", "group Administrator"),
    ],
)
def test_a_refusal_keeps_the_sidebar_and_names_what_is_lacking(
    address: str, right: str, groups: str, somebody: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    response = signed_in(somebody("Viewer")).get(address.format(uuid4()))

    text = " ".join(response.content.decode().split())
    assert response.status_code == 403
    assert f"lacks the right “{right}”. It comes with the {groups}." in text
    assert 'id="ds-sidebar"' in text
