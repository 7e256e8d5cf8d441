"""Something between a source and the real server, which does or says what the server would not, at its time."""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from tests.connections.servers import Received, serving
from tests.openbao import OpenBao
from tests.patience import PATIENCE

READ_ALL = {"data/*": ["read"], "metadata/*": ["read", "list"]}


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
