"""A linked mount of the real server, and how it comes to answer wrongly, for the table that every kind suffers."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from connections.models import Connection
from sources.linking import link_project
from sources.protocol import Place
from tests.actors import ANYBODY
from tests.connections.servers import Received, serving
from tests.openbao import OpenBao
from tests.sources.hostile import CANARY, Scene
from tests.sources.openbao.hostile import ANY, VALUES, Answer, says, values
from tests.sources.openbao.servers import passed_on, rights_on


@dataclass
class Between:
    """Passes on what is asked, until an answer is given to it that it gives in the server's stead."""

    openbao: OpenBao
    url: str = ""
    at: str = ""
    answer: Answer | None = None
    asked: list[str] = field(default_factory=list)

    def reply(self, request: Received, sock: socket.socket) -> bytes | None:
        self.asked.append(request.path)
        if self.answer is not None and self.at in request.path:
            return self.answer(sock)
        return passed_on(self.openbao, request)

    def says(self, answer: Answer, at: str = "/") -> None:
        self.answer, self.at = answer, at


@contextmanager
def between(openbao: OpenBao) -> Iterator[Between]:
    made = Between(openbao)
    with serving(made.reply) as server:
        made.url = server.url
        yield made


def connection_with(token: str, url: str, **parameters: str) -> Connection:
    connection = Connection(name="team-vault", app="hashicorp-vault", method="access-token", base_url=url)
    connection.parameters = parameters
    connection.set_credentials({"accessToken": token})
    connection.save()
    return connection


@dataclass(frozen=True)
class OpenBaoScene(Scene):
    """`mount` is read through `server`, which can be told what to answer."""

    mount: str = ""
    server: Between = field(default_factory=lambda: Between(OpenBao("", "", "")))


@contextmanager
def scene_on(openbao: OpenBao, kept: dict[str, Any]) -> Iterator[OpenBaoScene]:
    """The place is the secret dev/app of a mount of its own."""
    mount = openbao.mount()
    openbao.put(mount, "dev/app", kept)
    token = openbao.token(openbao.policy(rights_on(mount)))
    with between(openbao) as server:
        project = link_project(connection_with(token, server.url, mount=mount), "", by=ANYBODY)
        ways = ways_to_misbehave(openbao, server, mount, token)
        yield OpenBaoScene(project, Place("dev", "/app"), ways, mount, server)


def ways_to_misbehave(openbao: OpenBao, server: Between, mount: str, token: str) -> dict[str, Callable[[], None]]:
    at = f"{mount}/data/dev/app"

    def call(method: str, path: str, body: Any = None) -> Callable[[], None]:
        return lambda: openbao.call(method, path, body)

    def tells(answer: Answer) -> Callable[[], None]:
        return lambda: server.says(answer, at)

    return {
        "the folder is gone": call("DELETE", f"{mount}/metadata/dev/app"),
        "the environment is gone": call("DELETE", f"sys/mounts/{mount}"),
        "we are refused": call("POST", "auth/token/revoke", {"token": token}),
        "no answer": openbao.seal,
        "half an answer": tells(ANY["half of the JSON"]),
        "not what was asked for": tells(ANY["a portal's page"]),
        "a key twice": tells(VALUES["a key twice"]),
        "a value that is no text": tells(values({"A": None, "B": f"{CANARY}-b"})),
        "a key that cannot be": tells(values({"": f"{CANARY}-c", "B": f"{CANARY}-b"})),
        "the latest version is deleted": call("DELETE", at),
        "the latest version is destroyed": call("PUT", f"{mount}/destroy/dev/app", {"versions": [1]}),
        "a policy that hides it": tells(says(403, {"errors": ["permission denied"]})),
        "a standby": tells(ANY["a redirect of a standby"]),
        "too many requests": tells(ANY["too many requests"]),
    }
