"""Organizations by name: what an enterprise's key tells, and where the names are seen."""

from functools import partial

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.devin.errors import DevinError
from connections.models import Connection, Organization
from connections.organizations import EVERY, due, refresh, refresh_due
from sandbox.directory import MANAGE_ORGANIZATIONS, MANAGE_SECRETS
from sandbox.server import Sandbox
from syncs.choices import Strangers
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.syncs.conftest import API_KEY, Bench
from tests.syncs.wizard_walk import Walk, step_url
from vault import editing
from vault.effects import foresee
from vault.models import Folder

pytestmark = pytest.mark.django_db


@pytest.fixture
def enterprise(sandbox: Sandbox, connection: Connection) -> Connection:
    """Its key lists three organizations, the usual one among them."""
    sandbox.directory.declare_organization("org-pay", "Payments")
    sandbox.directory.declare_organization("org-shop", "Shop <b>")
    sandbox.directory.declare_key(API_KEY, org_id=None, permissions=[MANAGE_SECRETS, MANAGE_ORGANIZATIONS])
    connection.verify()
    return connection


def known(connection: Connection) -> dict[str, tuple[str, bool]]:
    """Names by id, and whether each is there."""
    return {row.org_id: (row.name, row.gone_at is None) for row in connection.organizations.all()}


# Asking


def test_all_pages_are_taken_over(enterprise: Connection, sandbox: Sandbox) -> None:
    sandbox.settings.page_size = 2

    found = refresh(enterprise)

    assert (found.is_listed, found.count, found.new, found.gone) == (True, 3, 3, 0)
    assert known(enterprise) == {
        "org-sandbox": ("Sandbox", True),
        "org-pay": ("Payments", True),
        "org-shop": ("Shop <b>", True),
    }


def test_one_that_goes_is_kept_as_gone_and_may_come_back(enterprise: Connection, sandbox: Sandbox) -> None:
    refresh(enterprise)
    Organization.objects.create(connection=enterprise, org_id="org-late", name="Late")

    assert refresh(enterprise).gone == 1
    assert known(enterprise)["org-late"] == ("Late", False)

    sandbox.directory.declare_organization("org-late", "Late again")
    refresh(enterprise)
    assert known(enterprise)["org-late"] == ("Late again", True)


@pytest.mark.parametrize("rights", [{"org_id": "org-sandbox"}, {"org_id": None, "permissions": [MANAGE_SECRETS]}])
def test_a_key_that_may_not_list_breaks_nothing(
    connection: Connection, sandbox: Sandbox, rights: dict[str, object]
) -> None:
    sandbox.directory.declare_key(API_KEY, **rights)  # type: ignore[arg-type]
    connection.verify()
    Organization.objects.create(connection=connection, org_id="org-known", name="Known")

    assert not refresh(connection).is_listed

    connection.refresh_from_db()
    assert connection.is_valid
    assert known(connection) == {"org-known": ("Known", True)}


def test_a_list_that_breaks_off_changes_nothing_and_is_tried_soon(
    enterprise: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(enterprise)
    monkeypatch.setattr("connections.devin.client.MOST_PAGES", 1)
    sandbox.settings.page_size = 1

    with pytest.raises(DevinError, match="list the organizations"):
        refresh(enterprise)

    assert {is_there for _, is_there in known(enterprise).values()} == {True}
    enterprise.refresh_from_db()
    assert enterprise.organizations_due_at < timezone.now() + EVERY / 2


def test_is_asked_after_a_test_and_once_a_day(enterprise: Connection, sandbox: Sandbox) -> None:
    assert list(due()) == [enterprise]

    refresh_due()

    assert list(due()) == []
    assert len(known(enterprise)) == 3
    Connection.objects.update(organizations_due_at=timezone.now())
    assert list(due()) == [enterprise]


def test_a_connection_that_fails_keeps_no_other_waiting(
    enterprise: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Connection.objects.create(name="broken", base_url=enterprise.base_url, is_valid=True)
    Connection.objects.filter(pk=broken.pk).update(organizations_due_at=timezone.now() - EVERY)

    refresh_due()

    assert len(known(enterprise)) == 3


# The pages


@pytest.fixture
def told(enterprise: Connection, client: Client, admin_user: User) -> Connection:
    refresh(enterprise)
    client.force_login(admin_user)
    return enterprise


def ask(client: Client, connection: Connection) -> str:
    url = reverse("admin:connections_connection_organizations", args=[connection.pk])
    return client.post(url, follow=True).content.decode()


def test_the_button_asks_and_says_what_came_of_it(
    client: Client, admin_user: User, enterprise: Connection, sandbox: Sandbox
) -> None:
    client.force_login(admin_user)

    assert "reaches 3 organizations: 3 new, 0 gone." in ask(client, enterprise)
    listed = client.get(reverse("admin:connections_organization_changelist")).content.decode()
    assert "Payments" in listed
    assert "Shop &lt;b&gt;" in listed

    sandbox.directory.declare_key(API_KEY, org_id=None)
    assert "is no enterprise key with the permission ManageOrganizations" in ask(client, enterprise)
    sandbox.directory.revoke_key(API_KEY)
    refused = ask(client, enterprise)
    assert "are as they were" in refused
    assert API_KEY not in refused


@pytest.mark.parametrize(("role", "status"), [("nobody", 404), ("viewer", 404), ("user of connections", 302)])
def test_asking_takes_the_right_to_use_it(enterprise: Connection, role: str, status: int, client: Client) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    names = {"nobody": [], "viewer": ["view_connection"], "user of connections": ["view_connection", "use_connection"]}
    user.user_permissions.set(Permission.objects.filter(codename__in=names[role]))
    client.force_login(user)
    url = reverse("admin:connections_connection_organizations", args=[enterprise.pk])

    assert client.post(url).status_code == status
    assert client.get(url).status_code == 405
    assert Organization.objects.exists() == (status == 302)


def test_the_wizard_suggests_names_and_takes_one(told: Connection, client: Client, folder: Folder) -> None:
    walk = Walk(client, folder, told, org_id="Payments")
    walk.begin()
    walk.answer("source")

    page = client.get(step_url("destination")).content.decode()
    assert '<option value="org-pay">Payments</option>' in page
    assert '<option value="org-shop">Shop &lt;b&gt;</option>' in page
    assert "Where the connection knows its organizations, the name does too." in page

    checked = walk.post("destination", button="check").content.decode()
    assert "Access to org-pay works." in checked
    walk.answer("destination", "options", "details")
    review = client.get(step_url("review"))
    assert review.context["sync"].org_id == "org-pay"
    assert "Payments <code>org-pay</code>" in " ".join(review.content.decode().split())


def test_a_name_that_two_have_is_no_choice(told: Connection, client: Client, folder: Folder) -> None:
    Organization.objects.create(connection=told, org_id="org-pay-2", name="Payments")
    walk = Walk(client, folder, told, org_id="Payments")
    walk.begin()
    walk.answer("source")

    assert "org_id" in walk.post("destination").context["form"].errors


def test_pages_tell_the_name_with_the_id_beside_it(told: Connection, client: Client, bench: Bench) -> None:
    bench.source(A="1")
    run = bench.run()
    pages = [
        bench.sync.get_absolute_url(),
        run.get_absolute_url(),
        reverse("admin:syncs_devinsync_changelist"),
    ]

    texts = [" ".join(client.get(url).content.decode().split()) for url in pages]

    assert all("Sandbox" in text for text in texts)
    assert all("Sandbox <code>org-sandbox</code>" in text for text in texts[:2])


def test_what_waits_for_a_decision_tells_the_name(
    told: Connection, client: Client, bench: Bench, sandbox: Sandbox
) -> None:
    sandbox.organization("org-sandbox").put(key="NOT_OURS", value="by hand")
    bench.options(strangers=Strangers.ASK)
    bench.source(A="1")
    bench.run()

    assert "1 secret in Sandbox that DevinSync did not write" in client.get("/admin/").content.decode()


def test_an_effect_tells_the_name(told: Connection, bench: Bench) -> None:
    bench.source(A="1")
    bench.run()

    (effect,) = foresee(partial(editing.delete_secret, bench.folder.secrets.get(), by=ANYBODY), compares_values=True)

    assert effect.where == "Sandbox"


def test_an_edited_row_tells_of_where_it_is_now(told: Connection, sync: DevinSync) -> None:
    assert sync.organization == "Sandbox"

    sync.org_id = "org-pay"
    assert sync.organization == "Payments"
    sync.org_id = "org-unknown"
    assert sync.organization == "org-unknown"


def test_a_list_takes_no_statement_more_for_more_syncs(told: Connection, client: Client, sync: DevinSync) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as queries:
            client.get(reverse("admin:syncs_devinsync_changelist"))
        return len(queries)

    few = count()
    for number in range(5):
        DevinSync.objects.create(
            name=f"another-{number}", project=sync.project, folder=sync.folder, connection=told, org_id="org-pay"
        )

    assert count() == few
