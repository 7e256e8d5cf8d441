"""What is grave asks for the password again, once in ten minutes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.confirming import GRAVE
from connections.models import Connection
from tests.actors import ANYBODY
from vault.editing import Actor, create_environment, create_folder, create_project, set_secrets
from vault.models import Secret

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
MINUTES = 60
NOBODYS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def secret(alice: User) -> Secret:
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    folder = create_folder(create_environment(project, name="Dev", slug="dev", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"API_KEY": "canary-value"}, by=Actor.on_command_line(alice))
    return folder.secrets.get()


def grow_old(client: Client, minutes: float) -> None:
    session: Any = client.session
    session["confirmed_at"] -= minutes * MINUTES
    session.save()


def url_of_reveal(secret: Secret) -> str:
    return reverse("admin:vault_secret_reveal", args=[secret.pk])


def test_a_reveal_soon_after_the_log_in_shows_the_value(log_in: LogIn, secret: Secret) -> None:
    response = log_in().post(url_of_reveal(secret))

    assert response.status_code == 200
    assert "canary-value" in response.content.decode()


def test_a_reveal_later_asks_for_the_password_and_shows_nothing(log_in: LogIn, secret: Secret) -> None:
    client = log_in()
    grow_old(client, 11)

    response = client.post(url_of_reveal(secret), headers={"Referer": "http://testserver/admin/somewhere/"})

    assert response.status_code == 302
    assert response["Location"] == "/admin/confirm-identity/?next=%2Fadmin%2Fsomewhere%2F"


@pytest.mark.parametrize("way", ["secret_resolve", "secret_reveal_edit"])
def test_so_does_every_other_way_to_a_value(log_in: LogIn, secret: Secret, way: str) -> None:
    client, address = log_in(), reverse(f"admin:vault_{way}", args=[secret.pk])
    assert "canary-value" in client.post(address).content.decode()
    grow_old(client, 11)

    response = client.post(address)

    assert response["Location"].startswith("/admin/confirm-identity/")
    assert "canary-value" not in response.content.decode()


def test_the_right_password_opens_the_way_again(log_in: LogIn, secret: Secret) -> None:
    client = log_in()
    grow_old(client, 11)

    answer = client.post("/admin/confirm-identity/", {"password": "correct-horse-7", "next": "/admin/sessions/"})

    assert answer["Location"] == "/admin/sessions/"
    assert client.post(url_of_reveal(secret)).status_code == 200


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil"])
def test_it_leads_nowhere_else(alice: User, log_in: LogIn, address: str) -> None:
    answer = log_in().post("/admin/confirm-identity/", {"password": "correct-horse-7", "next": address})

    assert answer["Location"] == "/admin/"


def test_five_wrong_passwords_end_the_session(alice: User, log_in: LogIn) -> None:
    client = log_in()

    answers = [client.post("/admin/confirm-identity/", {"password": f"wrong-{count}"}) for count in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [302]
    assert client.get("/admin/sessions/").status_code == 302


def test_five_wrong_old_passwords_end_it_too(alice: User, log_in: LogIn) -> None:
    client = log_in()
    form = {"new_password1": "quite-Another-pony-4", "new_password2": "quite-Another-pony-4"}

    answers = [client.post("/admin/password_change/", {**form, "old_password": f"wrong-{n}"}) for n in range(5)]

    assert answers[-1].status_code == 302
    assert client.get("/admin/sessions/").status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("correct-horse-7")


def test_a_form_that_was_opened_in_time_may_be_sent_later(alice: User, log_in: LogIn) -> None:
    client = log_in()
    grow_old(client, 25)

    assert client.get("/admin/auth/group/add/").status_code == 302
    assert client.post("/admin/auth/group/add/", {"name": "Night watch"})["Location"] == "/admin/auth/group/"


@pytest.mark.parametrize("kind", ["auth/user", "auth/group", "connections/connection"])
def test_deleting_several_at_once_is_as_grave_as_one(alice: User, log_in: LogIn, kind: str) -> None:
    client = log_in()
    grow_old(client, 11)
    form = {"action": "delete_selected", "_selected_action": ["1"], "post": "yes"}

    answer = client.post(f"/admin/{kind}/", form)

    assert answer["Location"].startswith("/admin/confirm-identity/")
    assert client.get(f"/admin/{kind}/").status_code == 200


def test_removing_secrets_from_devin_is_grave_and_pushing_them_is_not(alice: User, log_in: LogIn) -> None:
    client = log_in()
    grow_old(client, 11)
    syncs = "/admin/syncs/devinsync/"

    answers = [
        client.post(syncs, {"action": "remove_secrets", "_selected_action": ["1"]}),
        client.post(reverse("admin:syncs_devinsync_confirmed", args=["remove"]), {"sync": []}),
        client.post(reverse("admin:syncs_devinsync_confirmed", args=["repush"]), {"sync": []}),
    ]

    assert [answer["Location"].startswith("/admin/confirm-identity/") for answer in answers] == [True, True, False]


def test_so_is_removing_what_a_sync_wrote_to_the_organization_that_it_leaves(alice: User, log_in: LogIn) -> None:
    """No form was opened that asked before, so none may be sent for longer."""
    client, minutes = log_in(), 0
    for later, answer, asks in ((9, "remove", False), (11, "leave", False), (11, "remove", True)):
        grow_old(client, later - minutes)
        minutes = later
        for page in ("change", "settings"):
            address = reverse(f"admin:syncs_devinsync_{page}", args=[NOBODYS])
            answered = client.post(address, {"old_secrets": answer}, headers={"Referer": f"http://testserver{address}"})
            asked = answered.get("Location", "").startswith("/admin/confirm-identity/")
            assert asked == asks, (page, answer, later)


def test_whoever_may_only_look_is_not_asked(log_in: LogIn) -> None:
    viewer = User.objects.create_user("vera", password="correct-horse-8", is_staff=True)
    viewer.groups.set(Group.objects.filter(name="Viewer"))
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.save()
    client = log_in("vera", "correct-horse-8")
    grow_old(client, 60)

    assert client.get(f"/admin/connections/connection/{connection.pk}/change/").status_code == 200


@pytest.mark.parametrize("name", sorted(GRAVE))
def test_each_grave_route_exists(name: str) -> None:
    anything = "00000000-0000-0000-0000-000000000000"
    for arguments in ([], [anything], ["1"], [anything, anything]):
        try:
            assert reverse(name, args=arguments)
        except NoReverseMatch:
            continue
        return
    pytest.fail(f"There is no view named {name}.")
