"""The history of a row: what the audit log says of it, by whomever and however it was done."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from audit.about import lines_about
from audit.models import Action, Entry
from audit.writing import note
from syncs.choices import Status
from syncs.models import DevinSync
from tests.api.conftest import make_caller
from vault.access.models import Membership

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


def test_a_run_that_was_asked_for_is_told_so(sync: DevinSync, somebody: People, signed_in: Browsers) -> None:
    olga = somebody("Operator", name="olga")
    signed_in(olga).post(reverse("admin:syncs_devinsync_run", args=[sync.pk]))
    run = sync.runs.order_by("-queued_at")[0]

    [line] = lines_about(sync)

    assert (line.actor, line.action, line.detail, line.run) == ("olga", Action.ASKED, "Asked for a run.", str(run.pk))
    [switched] = lines_after(signed_in(olga), reverse("admin:syncs_syncrun_cancel", args=[run.pk]))
    assert switched.endswith("/cancel/ was answered 302.")


def lines_after(client: Client, address: str) -> list[str]:
    last = Entry.objects.latest("pk").pk
    client.post(address)
    return list(Entry.objects.filter(pk__gt=last).values_list("detail", flat=True))


def test_environments_and_members_lead_to_their_lines(sync: DevinSync, somebody: People, signed_in: Browsers) -> None:
    project, environment = sync.project, sync.project.environments.get()
    member = Membership.objects.create(project=project, user=somebody("Viewer", name="vera"), role="viewer")
    pages = {
        reverse("admin:vault_project_page", args=[project.pk]): environment,
        reverse("admin:vault_members", args=[project.pk]): member,
    }
    administrator, editor = (signed_in(somebody(role)) for role in ("Administrator", "Editor"))
    editor.post(reverse("admin:vault_environment_edit", args=[environment.pk]), {"name": "Renamed", "slug": "dev"})

    for address, row in pages.items():
        link = f"/admin/audit/entry/?object_id={row.pk}"
        assert link in administrator.get(address).text
        assert link not in editor.get(address).text
    told = administrator.get(f"/admin/audit/entry/?object_id={environment.pk}").text
    assert "environment Renamed" in told


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
