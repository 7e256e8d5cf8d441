"""The history of a row: what the audit log says of it, by whomever and however it was done."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from audit.about import lines_about
from audit.models import Action
from audit.writing import note
from syncs.choices import Status
from syncs.models import DevinSync
from tests.api.conftest import make_caller

pytestmark = pytest.mark.django_db
People = Callable[..., User]
Browsers = Callable[[User], Client]


@pytest.fixture
def sync(add_sync: Callable[..., DevinSync]) -> DevinSync:
    return add_sync("orders", Status.SUCCEEDED)


def test_shows_what_pages_and_api_did_and_what_was_refused(
    sync: DevinSync, somebody: People, signed_in: Browsers
) -> None:
    ghost, vera = somebody("Editor", name="ghost"), somebody("Viewer", name="vera")
    make_caller(ghost).ask("PATCH", f"/api/v1/secret-syncs/devin/{sync.pk}", {"description": "Of the shop."})
    signed_in(vera).post(reverse("admin:syncs_devinsync_delete", args=[sync.pk]))
    ghost.delete()
    note("alice", Action.CHANGED, kind="Devin sync", object_id="another", detail="Done to another.")

    page = signed_in(vera).get(reverse("admin:syncs_devinsync_history", args=[sync.pk])).content.decode()

    assert ">ghost<" in page
    assert "with API token tests" in page
    assert "was answered 403" in page
    assert "2 entries" in page
    assert "Done to another." not in page
    assert "127.0.0.1" not in page


def test_rows_of_two_kinds_with_one_number_have_each_their_own() -> None:
    user = User.objects.create_user("target")
    group = Group.objects.create(pk=user.pk + 1000, name="target")
    for kind in ("user", "group", "auth_user_password_change", "auth_group_delete"):
        for row in (user, group):
            note("alice", Action.CHANGED, kind=kind, object_id=row.pk)

    assert [line.kind for line in lines_about(user)] == ["auth_user_password_change", "user"]
    assert [line.kind for line in lines_about(group)] == ["auth_group_delete", "group"]


def test_long_histories_come_a_page_at_a_time(sync: DevinSync, somebody: People, signed_in: Browsers) -> None:
    for number in range(101):
        note("alice", Action.CHANGED, object_id=sync.pk, detail=f"Change <{number:03}>.")
    address = reverse("admin:syncs_devinsync_history", args=[sync.pk])
    client = signed_in(somebody("Viewer"))

    first, second = (client.get(f"{address}?p={page}").content.decode() for page in (1, 2))

    assert "Change &lt;100&gt;." in first
    assert "Change &lt;000&gt;." not in first
    assert "Change &lt;000&gt;." in second
    assert 'href="?p=2"' in first


def test_a_row_without_lines_says_what_will_come(sync: DevinSync, somebody: People, signed_in: Browsers) -> None:
    page = signed_in(somebody("Viewer")).get(reverse("admin:syncs_devinsync_history", args=[sync.pk]))

    assert "No history yet" in page.content.decode()
