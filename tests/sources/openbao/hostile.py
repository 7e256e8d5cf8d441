"""What no server should answer, at each place where it may be answered, and a stand-in that answers it.

The real server says none of this. All else the stand-in answers as the real one does: a mount of KV version 2 with the
secrets shop, shop/api and shop/api/deep.
"""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.connections.servers import Received, reply, serving

CANARY = "canary-5b1e"
Answer = Callable[[socket.socket], bytes | None]

METADATA = {"created_time": "2026-01-02T03:04:05.6Z", "deletion_time": "", "destroyed": False, "version": 3}
MOUNT = {"path": "kv/", "type": "kv", "options": {"version": "2"}}
TREE = {"shop": ["api", "api/"], "shop/api": ["deep"]}
SECRETS = {"shop": {"A": CANARY}, "shop/api": {"B": CANARY}, "shop/api/deep": {"C": CANARY}}
# Where an answer can be hostile: what is asked for there, of a place that is read with its subfolders.
MOUNT_AT, LIST_AT, DEEP_LIST_AT = "sys/internal/ui/mounts/kv", "kv/metadata/shop/", "kv/metadata/shop/api/"
VALUE_AT, DEEP_VALUE_AT = "kv/data/shop", "kv/data/shop/api/deep"
EVERYWHERE = (MOUNT_AT, LIST_AT, DEEP_LIST_AT, VALUE_AT, DEEP_VALUE_AT)


@dataclass(frozen=True)
class Hostile:
    what: str
    at: tuple[str, ...]
    answer: Answer


def says(status: int, body: object = None, **headers: str) -> Answer:
    return lambda sock: reply(status, body, **headers)


def raw(body: bytes, status: int = 200, head: str = "") -> Answer:
    def answer(sock: socket.socket) -> bytes:
        return f"HTTP/1.1 {status} Something\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body

    return answer


def cut(sock: socket.socket) -> None:
    sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"data": {')
    sock.shutdown(socket.SHUT_RDWR)


def hang_up(sock: socket.socket) -> None:
    sock.shutdown(socket.SHUT_RDWR)


def stay_silent(sock: socket.socket) -> None:
    """For ever: the deadline of the request ends it."""


def break_off_a_chunk(sock: socket.socket) -> None:
    sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"data":{\r\n')
    sock.shutdown(socket.SHUT_RDWR)


def values(data: object, **metadata: object) -> Answer:
    return says(200, {"data": {"data": data, "metadata": METADATA | metadata}})


def names(keys: object) -> Answer:
    return says(200, {"data": {"keys": keys}})


HTML = f"<html><body>Log in to the portal, {CANARY}</body></html>".encode()
ANY: dict[str, Answer] = {
    "nothing at all": raw(b""),
    "a portal's page": raw(HTML),
    "a portal's page as 404": raw(HTML, 404),
    "a portal's page as 403": raw(HTML, 403),
    "half of the JSON": raw(b'{"data": {"data": {"A": "' + CANARY.encode()),
    "a cut connection": cut,
    "a connection closed without an answer": hang_up,
    "silence": stay_silent,
    "a chunk that breaks off": break_off_a_chunk,
    "more than 8 MiB": raw(b'{"data": "' + b"x" * (8 * 1024 * 1024) + b'"}'),
    "a compressed answer": raw(gzip.compress(b"{}"), head="Content-Encoding: gzip\r\n"),
    "a redirect of a standby": says(307, None, Location="https://elsewhere.example/v1/kv"),
    "a redirect for good": says(301, None, Location="/login"),
    "no content": says(204),
    "a bad request": says(400, {"errors": [CANARY]}),
    "unauthorized": says(401, {"errors": [CANARY]}),
    "a policy": says(403, {"errors": [CANARY]}),
    "another method": says(405, {"errors": []}),
    "a state that is not there yet": says(412, {"errors": []}),
    "too many requests": says(429, {"errors": []}, Retry_After="300"),
    "too many requests, without a word": says(429),
    "a secondary for disaster": says(472, {}),
    "a read replica": says(473, {}),
    "an internal error": says(500, {"errors": [CANARY]}),
    "not initialized": says(501, {"errors": []}),
    "a bad gateway": raw(HTML, 502),
    "sealed": says(503, {"errors": ["Vault is sealed"]}),
    "no such mount": says(404, {"errors": [f"no handler for route {CANARY}"]}),
    "nothing there, with a warning": says(404, {"data": None, "warnings": ["Invalid path"]}),
    "nothing there, without errors": says(404, {}),
    "nothing there, in another form": says(404, {"errors": {}}),
    "null": raw(b"null"),
    "a list": raw(b"[]"),
    "a text": raw(b'"data"'),
    "a number": raw(b"7"),
    "an empty object": says(200, {}),
    "no data": says(200, {"data": None}),
    "a list as data": says(200, {"data": []}),
    "a text as data": says(200, {"data": CANARY}),
    "empty data": says(200, {"data": {}}),
    "errors with a 200": says(200, {"errors": [CANARY], "data": {"data": {}, "metadata": METADATA, "keys": ["a"]}}),
    "nothing there with a 200": says(200, {"errors": []}),
    "not a number": raw(b'{"data": {"keys": ["a"], "data": {"A": NaN}}}'),
    "JSON that never ends": raw(b'{"data":' + b"[" * 100_000),
    "another encoding": raw('{"data": {"data": {"A": "é"}}}'.encode("latin-1")),
    "data twice": raw(b'{"data": {}, "data": {"keys": ["a"]}}'),
    "an interim answer for ever": raw(b"", 102),
}
VALUES: dict[str, Answer] = {
    "no keys": values(None),
    "keys as a list": values([]),
    "keys as a text": values(CANARY),
    "keys as a number": values(0),
    "no metadata": says(200, {"data": {"data": {"A": CANARY}}}),
    "a wrapped answer": says(200, {"data": None, "wrap_info": {"token": CANARY, "ttl": 60, "accessor": "a"}}),
    "no version": values({"A": CANARY}, version=None),
    "version 0": values({"A": CANARY}, version=0),
    "a version that is a text": values({"A": CANARY}, version="3"),
    "a version that is true": values({"A": CANARY}, version=True),
    "destroyed, and yet there": values({"A": CANARY}, destroyed=True),
    "not said whether destroyed": values({"A": CANARY}, destroyed=None),
    "deleted": says(404, {"data": {"data": None, "metadata": METADATA | {"deletion_time": "2026-01-02T03:04:05Z"}}}),
    "destroyed": says(404, {"data": {"data": None, "metadata": METADATA | {"destroyed": True}}}),
    "not there, and yet there": says(404, {"data": {"data": {"A": CANARY}, "metadata": METADATA}}),
    "a value that is null": values({"A": None}),
    "an empty key": values({"": CANARY}),
    "a key with a line break": values({"A\nB": CANARY}),
    "a key twice": raw(b'{"data": {"data": {"A": "1", "A": "2"}, "metadata": ' + json.dumps(METADATA).encode() + b"}}"),
    "half a character": values({"A": "\ud800"}),
    "half a character in a key": values({"\udfff": CANARY}),
    "half a character within JSON": values({"A": ["\ud800"]}),
}
LISTS: dict[str, Answer] = {
    "no names": says(200, {"data": {"keys": None}}),
    "an empty list": names([]),
    "names as an object": names({"api": "api"}),
    "a name that is a number": names(["api", 7]),
    "a name that is null": names([None]),
    "a name twice": names(["api", "api"]),
    "an empty name": names(["api", ""]),
    "a slash": names(["/"]),
    "the way up": names(["api", "../"]),
    "the folder itself": names(["."]),
    "a name with a slash": names(["api/deep"]),
    "a name with a line break": names(["api\n"]),
    "a name with half a character": names(["\ud800"]),
    "a tree without an end": names(["more/"]),
}
MOUNTS: dict[str, Answer] = {
    "another mount": says(200, {"data": MOUNT | {"path": "other/"}}),
    "no path": says(200, {"data": {"type": "kv", "options": {"version": "2"}}}),
    "another engine": says(200, {"data": MOUNT | {"type": "pki"}}),
    "version 3": says(200, {"data": MOUNT | {"options": {"version": "3"}}}),
    "a version that is a number": says(200, {"data": MOUNT | {"options": {"version": 2}}}),
    "nothing there": says(404, {"errors": []}),
}
GONE = says(404, {"errors": []})
TABLE = (
    *(Hostile(what, (at,), answer) for what, answer in ANY.items() for at in EVERYWHERE),
    *(Hostile(what, (at,), answer) for what, answer in VALUES.items() for at in (VALUE_AT, DEEP_VALUE_AT)),
    *(Hostile(what, (at,), answer) for what, answer in LISTS.items() for at in (LIST_AT, DEEP_LIST_AT)),
    *(Hostile(what, (MOUNT_AT,), answer) for what, answer in MOUNTS.items()),
    Hostile("a folder that is listed and not there", (DEEP_LIST_AT,), GONE),
    Hostile("a secret that is listed and not there", (DEEP_VALUE_AT,), GONE),
    Hostile("nothing there at all", (LIST_AT, VALUE_AT), GONE),
)


@contextmanager
def server_that_says(hostile: Hostile | None) -> Iterator[str]:
    def answer(request: Received, sock: socket.socket) -> bytes | None:
        path = request.path.removeprefix("/v1/").partition("?")[0]
        if hostile and (path in hostile.at or ("without an end" in hostile.what and "/metadata/" in path)):
            return hostile.answer(sock)
        return reply(*as_it_should(path))

    with serving(answer) as server:
        yield server.url


def as_it_should(path: str) -> tuple[int, Any]:
    engine, _, rest = path.partition("/")
    part, _, of = rest.partition("/")
    if path == MOUNT_AT:
        return 200, {"data": MOUNT}
    if path == "auth/token/lookup-self":
        return 200, {"data": {"display_name": "token"}}
    if engine == "kv" and part == "data" and of in SECRETS:
        return 200, {"data": {"data": SECRETS[of], "metadata": METADATA}}
    if engine == "kv" and part == "metadata" and of.rstrip("/") in TREE:
        return 200, {"data": {"keys": TREE[of.rstrip("/")]}}
    return 404, {"errors": []}
