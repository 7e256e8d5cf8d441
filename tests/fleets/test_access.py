"""What a set uses is told to whoever may see the set, and counted for others."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMINISTRATOR
from connections.models import Connection
from connections.users import why_it_is_used
from fleets.editing import change_set
from tests.api.conftest import make_caller, make_user
from tests.fleets.conftest import CONSOLE, List, MakeSet


@pytest.fixture
def keeper(db: None) -> User:
    """May do all with connections, and sees no sync."""
    user = User.objects.create_user("keeper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="connections"))
    return user


def address_of(connection: Connection) -> str:
    return f"/api/v1/app-connections/devin/{connection.pk}"


def test_the_api_says_which_set_keeps_a_connection(
    make_set: MakeSet, connection: Connection, devin_lists: List
) -> None:
    administrator = make_caller(make_user("administrator", ADMINISTRATOR))
    make_set()

    answer = administrator.delete(address_of(connection), status=400)

    assert "The connection enterprise is used by the sync set core." in answer["message"]
    assert "give it another connection" in answer["message"]
    devin_lists("Acme")
    make_set(name="edge")
    told = administrator.delete(address_of(connection), status=400)["message"]
    assert "is used by the sync sets core and edge." in told


def test_whoever_may_not_see_a_set_is_told_how_many_there_are(
    keeper: User, client: Client, make_set: MakeSet, connection: Connection
) -> None:
    make_set(name="quarantine")
    caller = make_caller(keeper)
    client.force_login(keeper)

    told = caller.delete(address_of(connection), status=400)["message"]
    pages = [
        client.get(reverse(f"admin:connections_connection_{page}", args=[connection.pk])).content.decode()
        for page in ("change", "delete")
    ]

    assert "is used by 1 sync set that you may not see." in told
    for text in (told, *pages):
        assert "quarantine" not in text
    assert all("1 sync set" in page for page in pages)
    assert Connection.objects.exists()


def test_an_organization_that_left_keeps_the_old_connection_for_its_set(
    admin_user: User, make_set: MakeSet, connection: Connection, devin_lists: List
) -> None:
    devin_lists("Acme")
    each = make_set()
    other = Connection.objects.create(name="other", base_url=connection.base_url)

    change_set(each.pk, {"connection": other}, by=CONSOLE)

    assert "the sync set core" in why_it_is_used(connection, admin_user)
    assert "the sync set core" in why_it_is_used(other, admin_user)
