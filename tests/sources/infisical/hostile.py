"""What no server should answer, and what real ones answer where they had better not: each must be an error.

Two tables: whole answers, given in place of a list of secrets, of imports, or of a project; and lists of secrets that
are right but for one thing.
"""

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any

from sandbox.wire import Stream
from tests.sources.hostile import CANARY

Send = Callable[[Stream], None]
Rows = list[dict[str, Any]]
Spoil = Callable[[Rows, Rows], object]

HTML = f"<html><body>Log in to the portal, {CANARY}</body></html>".encode()


def raw(body: bytes, status: int = 200, head: str = "") -> Send:
    lines = f"HTTP/1.1 {status} Something\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode()
    return lambda stream: stream.send(lines + body)


def says(content: object, status: int = 200, head: str = "") -> Send:
    return raw(json.dumps(content).encode(), status, head)


def cut(stream: Stream) -> None:
    stream.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"secrets": [')
    stream.cut()


def hang_up(stream: Stream) -> None:
    stream.hang_up()


def stay_silent(stream: Stream) -> None:
    """For ever: the deadline of the request ends it."""
    stream.client_leaves_within(None)


def break_off_a_chunk(stream: Stream) -> None:
    stream.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"secret\r\n')
    stream.sock.shutdown(socket.SHUT_RDWR)


def no_http(stream: Stream) -> None:
    stream.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    stream.cut()


def chunked(body: bytes, coding: str = "chunked") -> Send:
    return lambda stream: stream.send(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n".encode() + body)


def compressed_on_its_way(stream: Stream) -> None:
    """What lasts until the connection ends, as Python does not take `gzip, chunked` for chunks."""
    chunked(b"5\r\n\x1f\x8b\x08\x00\x00\r\n0\r\n\r\n", "gzip, chunked")(stream)
    stream.sock.shutdown(socket.SHUT_WR)


def shorter(body: bytes) -> Send:
    """Its length tells of less than there is."""
    return lambda stream: stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n" + body)


def error(status: int, name: str = "Anything", head: str = "") -> Send:
    return says({"statusCode": status, "message": CANARY, "error": name}, status, head)


ANSWERS: dict[str, Send] = {
    "nothing at all": raw(b""),
    "a portal's page": raw(HTML),
    "a portal's page as 404": raw(HTML, 404),
    "a portal's page as 403": raw(HTML, 403),
    "a portal's page as 502": raw(HTML, 502),
    "half of the JSON": raw(b'{"secrets": [{"secretKey": "A", "secretValue": "' + CANARY.encode()),
    "a cut connection": cut,
    "a connection closed without an answer": hang_up,
    "silence": stay_silent,
    "a chunk that breaks off": break_off_a_chunk,
    "more than 8 MiB": raw(b'{"secrets": "' + b"x" * (8 * 1024 * 1024) + b'"}'),
    "a compressed answer": raw(gzip.compress(b'{"secrets":[],"imports":[]}'), head="Content-Encoding: gzip\r\n"),
    "a bomb that is compressed on its way": compressed_on_its_way,
    "a chunk of a size that is none": chunked(b"five\r\n{}\r\n0\r\n\r\n"),
    "a chunk of less than nothing": chunked(b"-5\r\n{}\r\n0\r\n\r\n"),
    "a length that is too short": shorter(b'{"secrets": [], "imports": []}'),
    "no HTTP at all": no_http,
    "a thousand headers": raw(b'{"secrets": [], "imports": []}', head="X-More: 1\r\n" * 1000),
    "a header without an end": raw(b'{"secrets": [], "imports": []}', head=f"X-More: {'x' * 100_000}\r\n"),
    "a mark of byte order": raw(b'\xef\xbb\xbf{"secrets": [], "imports": []}'),
    "a redirect": raw(b"", 302, "Location: https://elsewhere.example/\r\n"),
    "a redirect for good": raw(b"", 301, "Location: /login\r\n"),
    "no content": raw(b"", 204),
    "not modified, unasked": raw(b"", 304),
    "created": says({"secrets": [], "imports": []}, 201),
    "a part of it": says({"secrets": [], "imports": []}, 206),
    "a bad request": error(400, "BadRequest"),
    "unauthorized": error(401, "UnauthorizedError"),
    "an expired token": error(403, "TokenError"),
    "a permission": error(403, "PermissionDenied"),
    "not there": error(404, "NotFound"),
    "a validation": error(422, "ValidationFailure"),
    "too many requests": error(429, "RateLimitExceeded", "Retry-After: 30\r\n"),
    "too many requests, without a word": error(429),
    "too many requests, until a day that was": error(429, head="Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n"),
    "too many requests, for ever": error(429, head=f"Retry-After: {'9' * 400}\r\n"),
    "an internal error": error(500),
    "unavailable": error(503),
    "a timeout of a gateway": error(504),
    "null": raw(b"null"),
    "a list": raw(b"[]"),
    "a text": raw(b'"secrets"'),
    "a number": raw(b"7"),
    "an empty object": raw(b"{}"),
    "an error with a 200": says({"statusCode": 500, "message": CANARY}),
    "not a number": raw(b'{"secrets": [{"secretKey": "A", "secretValue": NaN}], "imports": []}'),
    "JSON that never ends": raw(b'{"secrets":' + b"[" * 100_000),
    "another encoding": raw('{"secrets": [], "imports": [], "é": 1}'.encode("latin-1")),
    "a name twice": raw(b'{"secrets": [{"a": 1}], "secrets": [], "imports": []}'),
    "two answers in one": raw(b'{"secrets": [], "imports": []}{"secrets": []}'),
    "secrets that are null": says({"secrets": None, "imports": []}),
    "secrets that are an object": says({"secrets": {}, "imports": []}),
    "secrets that are a text": says({"secrets": CANARY, "imports": []}),
    "imports that are null": says({"secrets": [], "imports": None}),
    "imports that are an object": says({"secrets": [], "imports": {}}),
    "no imports": says({"secrets": []}),
    "a null among the secrets": says({"secrets": [None], "imports": []}),
    "a text among the secrets": says({"secrets": [CANARY], "imports": []}),
    "a list among the imports": says({"secrets": [], "imports": [[]]}),
}


def put(name: str, value: object) -> Spoil:
    return lambda rows, _: rows[0].__setitem__(name, value)


def drop(name: str) -> Spoil:
    return lambda rows, _: rows[0].pop(name)


def put_in_import(name: str, value: object) -> Spoil:
    return lambda _, blocks: blocks[0]["secrets"][0].__setitem__(name, value)


def put_in_block(name: str, value: object) -> Spoil:
    return lambda _, blocks: blocks[0].__setitem__(name, value)


# What every source is looked through for before anything is planned.
KEYS = {
    "a key with a line break": "A\nB",
    "a key that cannot be seen": "A\u200b",
    "a key that is written from the right": "A\u202eB",
    "a key that is too long": "A" * 256,
}
# Of a list with own secrets and one import that has one.
SPOILED: dict[str, Spoil] = {
    "another environment": put("environment", "prod"),
    "no environment": drop("environment"),
    "another project": put("workspace", "11111111-1111-1111-1111-111111111111"),
    "no project": put("workspace", ""),
    "a project that is null": put("workspace", None),
    "another folder": put("secretPath", "/other"),
    "a folder above": put("secretPath", "/"),
    "a folder below, unasked": put("secretPath", "/app/deep"),
    "an environment of another case": put("environment", "DEV"),
    "an environment that looks alike": put("environment", "d\u0435v"),
    "a folder of another case": put("secretPath", "/APP"),
    "a folder that looks alike": put("secretPath", "/\u0430pp"),
    "a way up": put("secretPath", "/app/../other"),
    "a value that is hidden by a number": put("secretValueHidden", 1),
    "an import that looks alike": put_in_block("secretPath", "/c\u043emmon"),
    "an import of an environment that looks alike": put_in_block("environment", "d\u0435v"),
    "a hidden value": put("secretValueHidden", True),
    "a value that may be hidden": put("secretValueHidden", None),
    "a hidden value by a text": put("secretValueHidden", "true"),
    "a mask as value": put("secretValue", "<hidden-by-infisical>"),
    "a value that is null": put("secretValue", None),
    "no value": drop("secretValue"),
    "a number as value": put("secretValue", 7),
    "a boolean as value": put("secretValue", False),
    "a list as value": put("secretValue", [CANARY]),
    "an object as value": put("secretValue", {"a": CANARY}),
    "half a character as value": put("secretValue", f"{CANARY}\ud83d"),
    "a reference that leads nowhere": put("secretValue", f"{CANARY}-${{NOPE}}"),
    "a circle of references": put("secretValue", "${A}"),
    "no key": drop("secretKey"),
    "an empty key": put("secretKey", ""),
    "a number as key": put("secretKey", 7),
    "half a character as key": put("secretKey", "A\udc00"),
    "a key twice": lambda rows, _: rows.append(dict(rows[0])),
    "no type": drop("type"),
    "another type": put("type", "rotated"),
    "an import of another environment": put_in_import("environment", "prod"),
    "an import of another project": put_in_import("workspace", "11111111-1111-1111-1111-111111111111"),
    "a hidden value in an import": put_in_import("secretValueHidden", True),
    "a mask in an import": put_in_import("secretValue", "<hidden-by-infisical>"),
    "a null in an import": put_in_import("secretValue", None),
    "a reference in an import": put_in_import("secretValue", "${ONLY2}"),
    "a key twice in an import": lambda _, blocks: blocks[0]["secrets"].append(dict(blocks[0]["secrets"][0])),
    "an import from nowhere": put_in_block("environment", None),
    "an import without a path": put_in_block("secretPath", None),
    "an import without secrets": put_in_block("secrets", None),
    "an import that is left out": lambda _, blocks: blocks.clear(),
}
