"""A source opened on the real server, as a token that an administrator made."""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests

from connections.openbao.client import OpenBaoClient
from connections.openbao.tokens import Server
from sources.openbao.source import OpenBaoSource
from tests.connections.servers import Received, serving
from tests.openbao import OpenBao
from tests.patience import PATIENCE

READ_ALL = {"data/*": ["read"], "metadata/*": ["read", "list"]}
Open = Callable[..., OpenBaoSource]


@dataclass
class Handed:
    """Tokens in the order in which they are handed out, each for as long as it is not refused."""

    texts: list[str]
    refused: list[str] = field(default_factory=list)

    def current(self) -> str:
        return self.texts[0]

    def renewed(self, refused: str) -> str | None:
        self.refused.append(refused)
        self.texts.pop(0)
        return self.texts[0] if self.texts else None


def open_client(url: str, *tokens: str, namespace: str = "", **options: Any) -> OpenBaoClient:
    return OpenBaoClient(
        server=Server(url, namespace, "team-vault"),
        tokens=Handed(list(tokens)),
        deadline=timedelta(seconds=PATIENCE),
        wait=lambda seconds: None,
        **options,
    )


@pytest.fixture
def opened(openbao: OpenBao) -> Iterator[Open]:
    """`opened(token, mount="kv")`; the administrator's token if none is given."""
    with ExitStack() as stack:

        def open_source(
            *tokens: str, mount: str = "", version: int = 0, url: str = "", **options: Any
        ) -> OpenBaoSource:
            client = open_client(url or openbao.url, *(tokens or (openbao.root_token,)), **options)
            return stack.enter_context(OpenBaoSource(client, mount=mount, version=version))

        yield open_source


@contextmanager
def between(openbao: OpenBao, meddle: Callable[[str, int], bytes | None]) -> Iterator[str]:
    """The address of something that passes requests on to the server, but for those that `meddle` answers.

    `meddle` is given the path of each request and how many there were before it; it may also do something first.
    """
    counter = itertools.count()

    def answer(request: Received, sock: socket.socket) -> bytes:
        return meddle(request.path, next(counter)) or passed_on(openbao, request)

    with serving(answer) as server:
        yield server.url


def passed_on(openbao: OpenBao, request: Received) -> bytes:
    named = {name: text for name, text in request.headers.items() if name.startswith("x-vault")}
    with requests.Session() as session:
        session.trust_env = False
        url = openbao.url + request.path
        answer = session.request(request.method, url, headers=named, data=request.body, timeout=PATIENCE)
    head = f"HTTP/1.1 {answer.status_code} Passed on\r\nContent-Length: {len(answer.content)}\r\n\r\n"
    return head.encode() + answer.content


def rights_on(mount: str, rules: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    return {f"{mount}/{path}": able for path, able in (rules or READ_ALL).items()}
