"""Every route of the admin of sync sets, by every role: who gets in, and who is turned away before anything happens."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from fleets.companion import generate_due
from fleets.models import Member, Rollout, SyncSet
from fleets.waves import conductor
from syncs.models import DevinSync
from tests.fleets.conftest import List, MakeSet, member_of
from tests.syncs.admin.test_permissions import EDITORS, OPERATORS, VIEWERS, Route
from tests.syncs.people import ROLES, log_in

ROUTES = (
    Route("fleets_syncset_changelist", VIEWERS, method="get"),
    Route("fleets_syncset_add", EDITORS, method="get"),
    Route("fleets_syncset_add", EDITORS),
    Route("fleets_syncset_change", VIEWERS, "set", method="get"),
    Route("fleets_syncset_change", EDITORS, "set"),
    Route("fleets_syncset_history", VIEWERS, "set", method="get"),
    Route("fleets_syncset_settings", VIEWERS, "set", method="get"),
    Route("fleets_syncset_settings", EDITORS, "set"),
    Route("fleets_syncset_suggest", EDITORS, "project", method="get"),
    Route("fleets_syncset_run", OPERATORS, "set"),
    Route("fleets_syncset_plan", OPERATORS, "set"),
    Route("fleets_syncset_progress", VIEWERS, "set", method="get"),
    Route("fleets_syncset_rollout", OPERATORS, "rollout", ("stop",)),
    Route("fleets_syncset_approve", EDITORS, "set"),
    Route("fleets_syncset_pause", EDITORS, "member", data={"on": "0"}),
    Route("fleets_syncset_limits", EDITORS, "member", method="get"),
    Route("fleets_syncset_limits", EDITORS, "member", data={"guard_max_percent": "3"}),
    Route("fleets_syncset_remove", EDITORS, "member"),
    Route("fleets_syncset_delete", EDITORS, "set", method="get"),
    Route("fleets_syncset_delete", EDITORS, "set", data={"secrets": "leave"}),
)


@pytest.fixture
def address(make_set: MakeSet, devin_lists: List) -> Callable[[Route], str]:
    devin_lists("Acme")
    each = make_set(canaries="org-acme")
    conductor.tend(each.pk)
    rollout = each.rollouts.get()
    pks = {
        "set": [each.pk],
        "project": [each.project.pk],
        "rollout": [each.pk, rollout.pk],
        "member": [each.pk, member_of(each, "acme").pk],
        "": [],
    }
    return lambda route: reverse(f"admin:{route.name}", args=[*pks[route.of], *route.args])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.name}")
def test_lets_in_whom_it_should(client: Client, address: Callable[[Route], str], route: Route, role: str) -> None:
    log_in(client, role)

    response = getattr(client, route.method)(address(route), route.data)

    is_turned_away = response.status_code == 403 or "/login/" in response.headers.get("Location", "")
    assert is_turned_away == (role not in route.allowed)
    assert response.status_code in (200, 302, 403)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "post"], ids=lambda route: route.name)
def test_who_is_turned_away_changes_nothing(client: Client, address: Callable[[Route], str], route: Route) -> None:
    log_in(client, "viewer")
    before = stored()

    client.post(address(route), route.data)
    generate_due()

    assert stored() == before


def stored() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        dict(row) for each in (SyncSet, Member, Rollout, DevinSync) for row in each.objects.values()
    ]
    return [{name: value for name, value in row.items() if name != "generate_due_at"} for row in rows]


@pytest.mark.parametrize("name", ["run", "plan", "rollout", "approve", "pause", "remove"])
def test_a_link_changes_nothing(client: Client, address: Callable[[Route], str], name: str) -> None:
    log_in(client, "superuser")
    route = next(route for route in ROUTES if route.name == f"fleets_syncset_{name}")

    assert client.get(address(route), route.data).status_code == 405


def test_every_route_is_declared() -> None:
    names = {str(name) for name in names_below(get_resolver())}

    assert {name for name in names if name.startswith("fleets_")} == {route.name for route in ROUTES}


def names_below(resolver: Any) -> Iterator[str | None]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names_below(pattern)
        else:
            yield pattern.name
