"""Every route of the syncs' admin, by every role: who gets in, and who is turned away before anything happens."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs.ask import request_run
from tests.syncs.people import ROLES, log_in

VIEWERS = ("viewer", "operator", "editor", "administrator", "superuser")
OPERATORS = ("operator", "editor", "administrator", "superuser")
EDITORS = ("editor", "administrator", "superuser")
ADMINISTRATORS = ("administrator", "superuser")


@dataclass(frozen=True)
class Route:
    name: str
    allowed: tuple[str, ...]
    of: str = ""
    args: tuple[str, ...] = ()
    method: str = "post"
    data: dict[str, str] = field(default_factory=dict)


ROUTES = (
    Route("syncs_devinsync_changelist", VIEWERS, method="get"),
    Route("syncs_devinsync_change", VIEWERS, "sync", method="get"),
    Route("syncs_devinsync_change", EDITORS, "sync"),
    Route("syncs_devinsync_history", VIEWERS, "sync", method="get"),
    Route("syncs_devinsync_settings", VIEWERS, "sync", method="get"),
    Route("syncs_devinsync_settings", EDITORS, "sync"),
    Route("syncs_devinsync_keys", VIEWERS, "sync", method="get"),
    Route("syncs_devinsync_runs", VIEWERS, "sync", method="get"),
    Route("syncs_devinsync_add", EDITORS, method="get"),
    Route("syncs_devinsync_run", OPERATORS, "sync"),
    Route("syncs_devinsync_run", EDITORS, "sync", data={"plan": "no plan"}),
    Route("syncs_devinsync_plan", OPERATORS, "sync", method="get"),
    Route("syncs_devinsync_names", VIEWERS, method="get"),
    Route("syncs_devinsync_places", EDITORS, "sync", method="get"),
    Route("syncs_devinsync_switch", EDITORS, "sync", data={"field": "is_enabled", "on": "0"}),
    Route("syncs_devinsync_confirm", EDITORS, "sync", ("remove",), method="get"),
    Route("syncs_devinsync_confirm", OPERATORS, "sync", ("repush",), method="get"),
    Route("syncs_devinsync_confirmed", EDITORS, "", ("remove",)),
    Route("syncs_devinsync_confirmed", OPERATORS, "", ("repush",)),
    Route("syncs_devinsync_confirmed", EDITORS, "", ("enable",)),
    Route("syncs_devinsync_delete", EDITORS, "sync", method="get"),
    Route("syncs_devinsync_delete", EDITORS, "sync", data={"secrets": "leave"}),
    Route("syncs_syncrun_changelist", VIEWERS, method="get"),
    Route("syncs_syncrun_export", VIEWERS, "", ("csv",), method="get"),
    Route("syncs_syncrun_changes", VIEWERS, "run", ("json",), method="get"),
    Route("syncs_syncrunchange_export", VIEWERS, "", ("json",), method="get"),
    Route("syncs_syncrun_change", VIEWERS, "run", method="get"),
    Route("syncs_syncrun_progress", VIEWERS, "run", method="get"),
    Route("syncs_syncrun_cancel", OPERATORS, "run"),
    Route("syncs_syncrun_confirm", EDITORS, "run"),
    Route("syncs_syncrun_trust", EDITORS, "run"),
    Route("syncs_syncrun_approve", VIEWERS, "run", method="get"),
    Route("syncs_syncrun_approve", EDITORS, "run", data={"answer": "refused"}),
    Route("syncs_syncrunchange_changelist", VIEWERS, method="get"),
    Route("syncs_managedsecret_changelist", VIEWERS, method="get"),
    Route("syncs_synccontrol_changelist", VIEWERS, method="get"),
    Route("syncs_synccontrol_switch", ADMINISTRATORS, data={"pause": "1"}),
)
NEVER = ("syncs_syncrun_add", "syncs_syncrunchange_add", "syncs_managedsecret_add")


@pytest.fixture
def address(sync: DevinSync) -> Callable[[Route], str]:
    run = request_run(sync, trigger=Trigger.MANUAL)
    pks = {"sync": [sync.pk], "run": [run.pk], "": []}
    return lambda route: reverse(f"admin:{route.name}", args=[*pks[route.of], *route.args])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.name} {' '.join(route.args)}")
def test_lets_in_whom_it_should(client: Client, address: Callable[[Route], str], route: Route, role: str) -> None:
    log_in(client, role)

    response = getattr(client, route.method)(address(route), route.data)

    is_turned_away = response.status_code == 403 or "/login/" in response.headers.get("Location", "")
    assert is_turned_away == (role not in route.allowed)
    assert response.status_code in (200, 302, 403)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "post"], ids=lambda route: route.name)
def test_who_is_turned_away_changes_nothing(client: Client, address: Callable[[Route], str], route: Route) -> None:
    log_in(client, "viewer")

    client.post(address(route), route.data)

    assert DevinSync.objects.filter(is_enabled=True, version=1).count() == 1
    assert list(SyncRun.objects.values_list("status", "operation")) == [(Status.PENDING, "sync")]
    assert not SyncControl.get().is_paused


# These have a page at the same address.
WITH_PAGE = ("syncs_syncrun_approve", "syncs_devinsync_change", "syncs_devinsync_settings", "syncs_devinsync_delete")
ONLY_POST = [route for route in ROUTES if route.method == "post" and route.name not in WITH_PAGE]


@pytest.mark.parametrize("route", ONLY_POST, ids=lambda route: route.name)
def test_a_link_changes_nothing(client: Client, address: Callable[[Route], str], route: Route) -> None:
    log_in(client, "superuser")

    assert client.get(address(route), route.data).status_code == 405


@pytest.mark.parametrize("name", NEVER)
def test_nobody_writes_history_by_hand(client: Client, db: None, name: str) -> None:
    log_in(client, "superuser")

    assert client.post(reverse(f"admin:{name}")).status_code == 403


ACTIONS = {
    "sync_now": OPERATORS,
    "plan": OPERATORS,
    "repush": OPERATORS,
    "trust": OPERATORS,
    "enable_auto": EDITORS,
    "disable_auto": EDITORS,
    "enable": EDITORS,
    "disable": EDITORS,
    "remove_secrets": EDITORS,
}


@pytest.mark.parametrize("role", VIEWERS)
def test_offers_only_the_actions_of_the_role(client: Client, sync: DevinSync, role: str) -> None:
    log_in(client, role)

    page = client.get(reverse("admin:syncs_devinsync_changelist"))

    form = page.context["action_form"]
    offered = {name for name, _ in form.fields["action"].choices if name} if form else set()
    assert offered == {name for name, allowed in ACTIONS.items() if role in allowed}


def test_an_editor_without_the_vault_adds_nothing(client: Client, sync: DevinSync) -> None:
    """A sync carries values out of the vault, so it takes the right to see its secrets and to use a connection."""
    user = log_in(client, "nobody")
    assert user is not None
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="syncs"))

    assert client.get(reverse("admin:syncs_devinsync_add")).status_code == 403
    page = client.get(reverse("admin:syncs_devinsync_change", args=[sync.pk]))
    assert {"folder", "connection", "org_id"}.isdisjoint(page.context["adminform"].form.fields)


def test_who_may_not_read_values_sends_them_nowhere_else(client: Client, sync: DevinSync) -> None:
    user = log_in(client, "nobody")
    assert user is not None
    wanted = ["view_devinsync", "change_devinsync", "use_connection"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))

    page = client.get(reverse("admin:syncs_devinsync_change", args=[sync.pk]))

    assert {"folder", "connection", "org_id"}.isdisjoint(page.context["adminform"].form.fields)
