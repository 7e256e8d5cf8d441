"""A linked project of the stand-in, and how it comes to answer wrongly, for the table that every kind suffers."""

from collections.abc import Callable
from typing import Any

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Fault, Project, Secret
from sandbox.wire import Stream
from sources.protocol import Place
from tests.sources.hostile import CANARY, Scene
from tests.sources.infisical.hostile import ANSWERS
from vault import models as vault

CLIENT_ID, CLIENT_SECRET = "stand-in-client-id-000", "canary-of-a-stand-in-client-secret"
MANY = 1000


def connection_to(infisical: InfisicalSandbox) -> Connection:
    infisical.world.add_identity(CLIENT_ID, CLIENT_SECRET)
    connection = Connection(name="team-vault", app="infisical", method="universal-auth", base_url=infisical.url)
    connection.set_credentials({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET})
    connection.save()
    return connection


def scene_of(infisical: InfisicalSandbox, shop: Project, linked: vault.Project) -> Scene:
    app = shop.environments["dev"].folders["/app"]

    def answers(what: str) -> Callable[[], None]:
        return lambda: infisical.world.faults.append(Fault("/api/", ANSWERS[what], MANY))

    def add(key: str, value: Any) -> Callable[[], None]:
        return lambda: app.secrets.append(Secret(key, value))

    def put(name: str, value: Any) -> Callable[[], None]:
        return lambda: setattr(app.secrets[0], name, value)

    return Scene(
        linked,
        Place("dev", "/app"),
        {
            "the folder is gone": lambda: shop.environments["dev"].folders.__delitem__("/app"),
            "the environment is gone": lambda: shop.environments.__delitem__("dev"),
            "we are refused": shop.members.clear,
            "no answer": answers("a connection closed without an answer"),
            "half an answer": answers("half of the JSON"),
            "not what was asked for": lambda: infisical.world.faults.append(Fault("/api/", another_project, MANY)),
            "a reference that leads nowhere": put("value", f"{CANARY}-${{NOPE}}"),
            "a key twice": add("A", f"{CANARY}-twice"),
            "a value that is no text": put("value", 7),
            "a key that cannot be": add("", f"{CANARY}-c"),
            "a hidden value": put("is_hidden", True),
            "an import that may not be read": lambda: close(shop),
            "a login that is refused": lambda: lock_out(infisical),
        },
    )


def another_project(stream: Stream) -> None:
    row = b'{"secretKey":"A","secretValue":"x","type":"shared","environment":"dev","workspace":"another"}'
    body = b'{"secrets":[' + row + b'],"imports":[]}'
    stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def close(shop: Project) -> None:
    shop.environments["dev"].folders["/app"].imports.append(("prod", "/"))
    shop.closed.add(("prod", "/"))


def lock_out(infisical: InfisicalSandbox) -> None:
    infisical.world.tokens.clear()
    for identity in infisical.world.identities.values():
        identity.secret = "another"
