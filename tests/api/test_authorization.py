"""Who may call what: every route, declared by hand, tried by callers of every kind.

A route that is not in the table fails the test, and so does one that answers otherwise than the table says. What is
asked for does not exist, so that a caller who is let in changes nothing: it gets anything but 401 and 403.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts.roles import ADMINISTRATOR, EDITOR, OPERATOR, VIEWER
from api.models import ApiToken
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from tests.api.document import operations
from vault import editing
from vault.access.models import Membership
from vault.access.roles import Role

ANYONE, NOBODY = "anyone", "nobody"
UUID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
# Each route's least role; the roles above it may too.
LEAST_ROLE = {
    "POST /api/v1/auth/universal-auth/login": ANYONE,
    "POST /api/v1/auth/token/renew": ANYONE,
    "POST /api/v1/auth/token/revoke": ANYONE,
    "GET /api/status": ANYONE,
    "POST /api/v1/auth/checkAuth": VIEWER,
    "GET /api/v1/secret-syncs/options": VIEWER,
    "GET /api/v1/secret-syncs": VIEWER,
    "GET /api/v1/secret-syncs/devin": VIEWER,
    "POST /api/v1/secret-syncs/devin": EDITOR,
    "POST /api/v1/secret-syncs/devin/check-destination": VIEWER,
    "POST /api/v1/secret-syncs/devin/check-conflicts": VIEWER,
    "GET /api/v1/secret-syncs/devin/sync-name/{sync_name}": VIEWER,
    "GET /api/v1/secret-syncs/devin/{sync_id}": VIEWER,
    "PATCH /api/v1/secret-syncs/devin/{sync_id}": EDITOR,
    "DELETE /api/v1/secret-syncs/devin/{sync_id}": EDITOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/sync-secrets": OPERATOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/push-secrets": OPERATOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/agree-to-address": EDITOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/import-secrets": OPERATOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/remove-secrets": EDITOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/strangers": EDITOR,
    "POST /api/v1/secret-syncs/devin/{sync_id}/plan": OPERATOR,
    "GET /api/v1/secret-syncs/devin/{sync_id}/runs": VIEWER,
    "GET /api/v1/secret-syncs/devin-sets": VIEWER,
    "POST /api/v1/secret-syncs/devin-sets": EDITOR,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}": VIEWER,
    "PATCH /api/v1/secret-syncs/devin-sets/{set_id}": EDITOR,
    "DELETE /api/v1/secret-syncs/devin-sets/{set_id}": EDITOR,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/sync-secrets": OPERATOR,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}/plan": VIEWER,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/plan": OPERATOR,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}/organizations": VIEWER,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/organizations/approve": EDITOR,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}/organizations/{org_id}": VIEWER,
    "PATCH /api/v1/secret-syncs/devin-sets/{set_id}/organizations/{org_id}": EDITOR,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/organizations/{org_id}/remove-secrets": EDITOR,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}/rollouts": VIEWER,
    "GET /api/v1/secret-syncs/devin-sets/{set_id}/rollouts/{rollout_id}/organizations": VIEWER,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/rollouts/{rollout_id}/go-on": OPERATOR,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/rollouts/{rollout_id}/stop": OPERATOR,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/rollouts/{rollout_id}/end": OPERATOR,
    "POST /api/v1/secret-syncs/devin-sets/{set_id}/all-now": OPERATOR,
    "GET /api/v1/sync-declaration": VIEWER,
    "POST /api/v1/sync-declaration/plan": VIEWER,
    "POST /api/v1/sync-declaration/apply": EDITOR,
    "GET /api/v1/sync-runs/{run_id}": VIEWER,
    "POST /api/v1/sync-runs/{run_id}/cancel": OPERATOR,
    "POST /api/v1/sync-runs/{run_id}/confirm": EDITOR,
    "POST /api/v1/sync-runs/{run_id}/trust-database": EDITOR,
    "GET /api/v1/audit": ADMINISTRATOR,
    "GET /api/v1/notifications/channels": ADMINISTRATOR,
    "GET /api/v1/notifications/channels/{channel_id}": ADMINISTRATOR,
    "POST /api/v1/notifications/channels": ADMINISTRATOR,
    "PATCH /api/v1/notifications/channels/{channel_id}": ADMINISTRATOR,
    "DELETE /api/v1/notifications/channels/{channel_id}": ADMINISTRATOR,
    "POST /api/v1/notifications/channels/{channel_id}/test": ADMINISTRATOR,
    "POST /api/v1/notifications/channels/{channel_id}/mute": ADMINISTRATOR,
    "POST /api/v1/notifications/channels/{channel_id}/unmute": ADMINISTRATOR,
    "POST /api/v1/notifications/channels/{channel_id}/renew-secret": ADMINISTRATOR,
    "GET /api/v1/notifications/rules": ADMINISTRATOR,
    "GET /api/v1/notifications/rules/{rule_id}": ADMINISTRATOR,
    "POST /api/v1/notifications/rules": ADMINISTRATOR,
    "PATCH /api/v1/notifications/rules/{rule_id}": ADMINISTRATOR,
    "DELETE /api/v1/notifications/rules/{rule_id}": ADMINISTRATOR,
    "GET /api/v1/notifications/incidents": ADMINISTRATOR,
    "GET /api/v1/notifications/incidents/{incident_id}": ADMINISTRATOR,
    "GET /api/v1/notifications/deliveries": ADMINISTRATOR,
    "GET /api/v1/notifications/deliveries/{delivery_id}": ADMINISTRATOR,
    "POST /api/v1/notifications/deliveries/{delivery_id}/retry": ADMINISTRATOR,
    "POST /api/v1/sync-runs/{run_id}/approve": EDITOR,
    "POST /api/v1/sync-runs/{run_id}/refuse": EDITOR,
    "GET /api/v1/sync-control": VIEWER,
    "PATCH /api/v1/sync-control": ADMINISTRATOR,
    "GET /api/v1/app-connections/options": VIEWER,
    "GET /api/v1/app-connections": VIEWER,
    "GET /api/v1/app-connections/devin": VIEWER,
    "POST /api/v1/app-connections/devin": ADMINISTRATOR,
    "GET /api/v1/app-connections/devin/available": EDITOR,
    "GET /api/v1/app-connections/devin/connection-name/{connection_name}": VIEWER,
    "GET /api/v1/app-connections/devin/{connection_id}": VIEWER,
    "GET /api/v1/app-connections/devin/{connection_id}/usage": VIEWER,
    "POST /api/v1/app-connections/devin/{connection_id}/rotate-key": ADMINISTRATOR,
    "GET /api/v1/app-connections/devin/{connection_id}/rotate-key": VIEWER,
    "POST /api/v1/app-connections/devin/{connection_id}/give-up-rotation": ADMINISTRATOR,
    "GET /api/v1/app-connections/devin/{connection_id}/rotation-schedule": VIEWER,
    "PUT /api/v1/app-connections/devin/{connection_id}/rotation-schedule": ADMINISTRATOR,
    "PATCH /api/v1/app-connections/devin/{connection_id}": ADMINISTRATOR,
    "DELETE /api/v1/app-connections/devin/{connection_id}": ADMINISTRATOR,
    "PUT /api/v1/app-connections/{connection_id}/projects": ADMINISTRATOR,
    "GET /api/v1/app-connections/infisical": VIEWER,
    "POST /api/v1/app-connections/infisical": ADMINISTRATOR,
    "GET /api/v1/app-connections/infisical/available": EDITOR,
    "GET /api/v1/app-connections/infisical/connection-name/{connection_name}": VIEWER,
    "GET /api/v1/app-connections/infisical/{connection_id}": VIEWER,
    "PATCH /api/v1/app-connections/infisical/{connection_id}": ADMINISTRATOR,
    "DELETE /api/v1/app-connections/infisical/{connection_id}": ADMINISTRATOR,
    "GET /api/v1/app-connections/hashicorp-vault": VIEWER,
    "POST /api/v1/app-connections/hashicorp-vault": ADMINISTRATOR,
    "GET /api/v1/app-connections/hashicorp-vault/available": EDITOR,
    "GET /api/v1/app-connections/hashicorp-vault/connection-name/{connection_name}": VIEWER,
    "GET /api/v1/app-connections/hashicorp-vault/{connection_id}": VIEWER,
    "PATCH /api/v1/app-connections/hashicorp-vault/{connection_id}": ADMINISTRATOR,
    "DELETE /api/v1/app-connections/hashicorp-vault/{connection_id}": ADMINISTRATOR,
    "GET /api/v1/projects": VIEWER,
    "POST /api/v1/projects": EDITOR,
    "GET /api/v1/projects/slug/{slug}": VIEWER,
    "GET /api/v1/projects/{project_id}": VIEWER,
    "PATCH /api/v1/projects/{project_id}": EDITOR,
    "DELETE /api/v1/projects/{project_id}": EDITOR,
    "GET /api/v1/projects/{project_id}/environments/slug/{slug}": VIEWER,
    "GET /api/v1/workspace": VIEWER,
    "GET /api/v1/workspace/environments/{environment_id}": VIEWER,
    "GET /api/v1/workspace/{project_id}": VIEWER,
    "PATCH /api/v1/workspace/{project_id}": EDITOR,
    "DELETE /api/v1/workspace/{project_id}": EDITOR,
    "PUT /api/v1/workspace/{slug}/audit-logs-retention": EDITOR,
    "POST /api/v1/transfers/secrets/copy": EDITOR,
    "POST /api/v1/transfers/secrets/move": EDITOR,
    "POST /api/v1/transfers/folders/copy": EDITOR,
    "POST /api/v1/transfers/folders/move": EDITOR,
    "GET /api/v1/transfers/export": EDITOR,
    "POST /api/v2/workspace": EDITOR,
    "GET /api/v2/workspace/{slug}": VIEWER,
    "PATCH /api/v2/workspace/{slug}": EDITOR,
    "DELETE /api/v2/workspace/{slug}": EDITOR,
} | {
    f"{method} {base}{rest}": role
    for bases, routes in (
        (
            ("/api/v1/projects", "/api/v1/workspace"),
            (
                ("GET", "/{project_id}/environments", VIEWER),
                ("GET", "/{project_id}/environments/{environment_id}", VIEWER),
                ("GET", "/{project_id}/tags", VIEWER),
                ("POST", "/{project_id}/tags", EDITOR),
                ("GET", "/{project_id}/tags/slug/{slug}", VIEWER),
                ("GET", "/{project_id}/tags/{tag_id}", VIEWER),
                ("PATCH", "/{project_id}/tags/{tag_id}", EDITOR),
                ("DELETE", "/{project_id}/tags/{tag_id}", EDITOR),
                ("POST", "/{project_id}/environments", EDITOR),
                ("PATCH", "/{project_id}/environments/{environment_id}", EDITOR),
                ("DELETE", "/{project_id}/environments/{environment_id}", EDITOR),
            ),
        ),
        (
            ("/api/v1/projects/{project_id}/memberships",),
            (
                ("GET", "", VIEWER),
                ("POST", "", ADMINISTRATOR),
                ("GET", "/{membership_id}", VIEWER),
                ("PATCH", "/{membership_id}", ADMINISTRATOR),
                ("DELETE", "/{membership_id}", ADMINISTRATOR),
            ),
        ),
        *(
            (
                (base,),
                (
                    ("GET", "", VIEWER),
                    ("GET", one, VIEWER),
                    *((method, one, ADMINISTRATOR) for method in ("POST", "PATCH", "DELETE")),
                ),
            )
            for base, one in (
                ("/api/v1/projects/{project_id}/memberships/groups", "/{group}"),
                ("/api/v1/projects/{project_id}/memberships/identities", "/{identity_id}"),
                ("/api/v2/workspace/{project_id}/identity-memberships", "/{identity_id}"),
            )
        ),
        (
            ("/api/v1/folders", "/api/v2/folders"),
            (
                ("GET", "", VIEWER),
                ("POST", "", EDITOR),
                ("GET", "/{folder_id}", VIEWER),
                ("GET", "/{project_id}/{environment}", VIEWER),
                ("GET", "/{project_id}/{environment}/{folder_path}", VIEWER),
                ("PATCH", "/{folder_id}", EDITOR),
                ("DELETE", "/{folder_id}", EDITOR),
            ),
        ),
        (
            ("/api/v1/secret-imports", "/api/v2/secret-imports"),
            (
                ("GET", "", VIEWER),
                ("POST", "", EDITOR),
                ("GET", "/{import_id}", VIEWER),
                ("PATCH", "/{import_id}", EDITOR),
                ("DELETE", "/{import_id}", EDITOR),
            ),
        ),
        (
            ("/api/v3/secrets/raw", "/api/v4/secrets"),
            (
                ("GET", "", VIEWER),
                ("GET", "/id/{secret_id}", VIEWER),
                ("GET", "/{secret_name}", VIEWER),
                ("POST", "/{secret_name}", EDITOR),
                ("PATCH", "/{secret_name}", EDITOR),
                ("DELETE", "/{secret_name}", EDITOR),
            ),
        ),
        (
            ("/api/v3/secrets/batch/raw", "/api/v4/secrets/batch"),
            (("POST", "", EDITOR), ("PATCH", "", EDITOR), ("DELETE", "", EDITOR)),
        ),
    )
    for base in bases
    for method, rest, role in routes
}  # fmt: skip
ROLES = (VIEWER, OPERATOR, EDITOR, ADMINISTRATOR)
# What the role of a member in a project opens too, by a route's least role.
ALL_MEMBERS = {Role.VIEWER, Role.OPERATOR, Role.EDITOR, Role.READER, Role.MANAGER}
MEMBERS_OF = {
    VIEWER: ALL_MEMBERS,
    OPERATOR: ALL_MEMBERS - {Role.VIEWER, Role.READER},
    EDITOR: {Role.EDITOR, Role.MANAGER},
    ADMINISTRATOR: set[Role](),
}
# Of these others; a copy takes what an editor may and what a reader may, an approval has to be named.
MEMBERS = {
    "GET /api/v1/sync-control": set[Role](),
    "GET /api/v1/app-connections/devin/{connection_id}/rotate-key": set[Role](),
    "GET /api/v1/app-connections/devin/{connection_id}/rotation-schedule": set[Role](),
    "POST /api/v1/transfers/secrets/copy": set[Role](),
    "POST /api/v1/transfers/folders/copy": set[Role](),
    "GET /api/v1/transfers/export": {Role.READER},
    "POST /api/v1/sync-runs/{run_id}/approve": set[Role](),
    "POST /api/v1/sync-runs/{run_id}/refuse": set[Role](),
    "POST /api/v1/projects": set[Role](),
    "POST /api/v2/workspace": set[Role](),
    "PUT /api/v1/workspace/{slug}/audit-logs-retention": {Role.MANAGER},
    "PATCH /api/v2/workspace/{slug}": {Role.MANAGER},
    "DELETE /api/v2/workspace/{slug}": set[Role](),
} | {
    f"{method} {base}/{{project_id}}{rest}": roles
    for base in ("/api/v1/projects", "/api/v1/workspace")
    for method, rest, roles in (
        ("PATCH", "", {Role.MANAGER}),
        ("DELETE", "", set[Role]()),
        ("POST", "/environments", {Role.MANAGER}),
        ("PATCH", "/environments/{environment_id}", {Role.MANAGER}),
        ("DELETE", "/environments/{environment_id}", {Role.MANAGER}),
    )
} | {route: {Role.MANAGER} for route in LEAST_ROLE if "memberships" in route}  # fmt: skip
# Values are for editors; whoever may only see keys asks without them.
QUERY = f"?projectId={UUID}&environment=dev&viewSecretValue=false&importBehavior=prioritize-source"


# A token without scopes may not: what it takes has to be named.
TO_BE_NAMED = ("{run_id}/approve", "{run_id}/refuse")


def routes() -> Iterator[tuple[str, dict[str, Any]]]:
    for method, path, operation in operations():
        yield f"{method} {path}", operation


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    """An example of what each route takes; None where it takes nothing."""
    found = {}
    for name, operation in routes():
        content = operation.get("requestBody", {}).get("content", {})
        found[name] = content.get("application/json", {}).get("example")
    return found


def call(caller: Caller, route: str, bodies: dict[str, Any]) -> int:
    method, path = route.split(" ", 1)
    address = re.sub(r"\{\w+\}", UUID, path) + QUERY
    return int(caller.send(method, address, bodies[route]).status_code)


def test_the_table_names_every_route(bodies: dict[str, Any]) -> None:
    assert set(bodies) == set(LEAST_ROLE)


def test_anonymous_callers_can_only_log_in(anonymous: Caller, bodies: dict[str, Any]) -> None:
    for route, role in LEAST_ROLE.items():
        status = call(anonymous, route, bodies)
        assert (status == 401) or role == ANYONE, (route, status)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.django_db
def test_each_role_may_do_what_the_table_says(
    role: str, bodies: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    caller = make_caller(user := make_user("somebody", role))
    approver = make_caller(user, scopes=["syncs:approve-runs"])
    declared = {route: least for route, least in LEAST_ROLE.items() if least != ANYONE}
    record_property("asked", len(declared))
    agreed = 0

    for route, least in declared.items():
        is_named = route.endswith(TO_BE_NAMED)
        assert not is_named or call(caller, route, bodies) == 403
        status = call(approver if is_named else caller, route, bodies)
        is_allowed = ROLES.index(role) >= ROLES.index(least)
        assert (status not in (401, 403)) == is_allowed, (route, status)
        assert status < 500, (route, status)
        agreed += 1
    record_property("agreed", agreed)


@pytest.mark.django_db
def test_each_role_of_a_member_may_do_what_the_table_says(
    bodies: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    project, asked = editing.create_project(name="Shop", by=ANYBODY), 0

    for role in Role:
        user = User.objects.create_user(f"a-{role}")
        Membership.objects.create(project=project, user=user, role=role)
        caller = make_caller(user)
        for route, least in LEAST_ROLE.items():
            if least != ANYONE:
                status = call(caller, route, bodies)
                assert (status not in (401, 403)) == (role in MEMBERS.get(route, MEMBERS_OF[least])), (
                    role,
                    route,
                    status,
                )
                asked += 1
    record_property("asked", asked)
    record_property("agreed", asked)


@pytest.mark.parametrize("state", ["expired", "revoked", "of a disabled user", "from elsewhere"])
@pytest.mark.django_db
def test_dead_tokens_open_nothing(state: str, bodies: dict[str, Any]) -> None:
    user = make_user("somebody", ADMINISTRATOR)
    caller = make_caller(user, allowed_networks=["10.0.0.0/8"] if state == "from elsewhere" else [])
    token = ApiToken.objects.get()
    if state == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif state == "revoked":
        token.revoke()
    elif state == "of a disabled user":
        user.is_active = False
        user.save()

    for route, least in LEAST_ROLE.items():
        if least != ANYONE:
            status = call(caller, route, bodies)
            assert status == (403 if state == "expired" else 401), (route, status)


@pytest.mark.django_db
def test_a_narrowed_token_may_do_only_what_its_scopes_say(bodies: dict[str, Any]) -> None:
    caller = make_caller(make_user("somebody", ADMINISTRATOR), scopes=["connections:read"])
    allowed = {
        route
        for route in LEAST_ROLE
        if route.endswith(("/options", "/checkAuth"))
        or (route.startswith("GET /api/v1/app-connections") and not route.endswith(("available", "usage")))
    }

    for route, least in LEAST_ROLE.items():
        if least != ANYONE:
            status = call(caller, route, bodies)
            assert (status != 403) == (route in allowed), (route, status)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/app-connections/?x=/api/v1/auth/universal-auth/login",
        "/api/v1/app-connections/devin/..%2f..%2fauth/universal-auth/login",
        "//api/v1/app-connections",
        "/api//v1/app-connections",
        "/api/v1/auth/../app-connections",
        "/api/v1/app-connections;/api/v1/auth/universal-auth/login",
        "/api/v1/app-connections%2f",
        "/api/v1/app-connections/devin%00",
        "/API/v1/app-connections",
    ],
)
def test_no_spelling_of_a_path_gets_around(anonymous: Caller, path: str) -> None:
    assert anonymous.send("GET", path).status_code in (400, 401, 404, 405)
