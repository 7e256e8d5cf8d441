"""What a reader asks of the stand-in, in one line each."""

from typing import Any
from urllib.parse import urlencode

from sandbox.infisical.world import Project
from tests.sandbox.caller import Caller, Reply

CLIENT_ID, CLIENT_SECRET = "reader", "client-secret-of-the-reader"
LOGIN = "/api/v1/auth/universal-auth/login"
V4, V3 = "/api/v4/secrets", "/api/v3/secrets/raw"


def log_in(caller: Caller, client_id: object = CLIENT_ID, secret: object = CLIENT_SECRET) -> Reply:
    return caller.send("POST", LOGIN, {"clientId": client_id, "clientSecret": secret})


def get(caller: Caller, route: str, **query: str) -> Reply:
    return caller.send("GET", f"{route}?{urlencode(query)}")


def read(caller: Caller, project: Project, *, route: str = V4, **query: str) -> Reply:
    """The secrets of `dev:/app` unless another place is named."""
    named = {"projectId" if route == V4 else "workspaceId": project.id, "environment": "dev", "secretPath": "/app"}
    return get(caller, route, **(named | query))


def values_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["secretKey"]: row["secretValue"] for row in rows}


def errors_of(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]
