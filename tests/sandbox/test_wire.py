"""HTTP as bytes: what the sandbox understands, what it refuses, and that one client's nonsense harms nobody else."""

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox
from sandbox.wire import LARGEST_BODY, LARGEST_HEAD, Answer, BadRequest, Request, Stream, body_length, parse_head
from tests.patience import PATIENCE
from tests.sandbox.caller import Caller

SELF = b"GET /v3/self HTTP/1.1\r\nAuthorization: Bearer cog_sandbox\r\n"


@pytest.fixture
def sock(sandbox: Sandbox) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as sock:
        yield sock


def read_answer(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer, and not a byte of what comes after it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, "the connection ended within a head"
        head += byte
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = b""
    while len(body) < int(headers.get("content-length", "0")):
        body += sock.recv(int(headers["content-length"]) - len(body))
    return int(first.split(" ")[1]), headers, body


def ends(sock: socket.socket) -> bool:
    return sock.recv(1) == b""


def test_answers_one_request_after_another_on_a_connection(sock: socket.socket) -> None:
    for _ in range(3):
        sock.sendall(SELF + b"\r\n")
        assert read_answer(sock)[0] == 200


def test_answers_requests_that_came_in_one_packet_in_their_order(sandbox: Sandbox, sock: socket.socket) -> None:
    sandbox.organization().put(key="A")
    sock.sendall(
        SELF + b"\r\n" + SELF.replace(b"/v3/self", b"/v3/organizations/org-sandbox/secrets") + b"\r\n" + SELF + b"\r\n"
    )

    bodies = [json.loads(read_answer(sock)[2]) for _ in range(3)]

    assert [sorted(body)[0] for body in bodies] == ["org_id", "end_cursor", "org_id"]


def test_puts_a_request_together_from_single_bytes(sandbox: Sandbox, sock: socket.socket) -> None:
    body = b'{"type":"key-value","key":"K","value":"v"}'
    head = SELF.replace(b"GET /v3/self", b"POST /v3/organizations/org-sandbox/secrets")
    for byte in head + b"Content-Length: %d\r\n\r\n" % len(body) + body:
        sock.sendall(bytes([byte]))

    assert read_answer(sock)[0] == 200
    assert [secret.key for secret in sandbox.organization().secrets()] == ["K"]


def test_closes_when_asked_to(sock: socket.socket) -> None:
    sock.sendall(SELF + b"Connection: Close\r\n\r\n")

    assert read_answer(sock)[0] == 200
    assert ends(sock)


def test_says_go_on_to_who_asks_before_sending_a_body(sock: socket.socket) -> None:
    head = SELF.replace(b"GET /v3/self", b"POST /v3/organizations/org-sandbox/secrets")
    sock.sendall(head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert read_answer(sock)[0] == 100

    sock.sendall(b"[]")

    assert read_answer(sock)[0] == 422


NONSENSE = [
    pytest.param(b"nonsense\r\n\r\n", 400, id="no request line"),
    pytest.param(b"GET  / HTTP/1.1\r\n\r\n", 400, id="two spaces"),
    pytest.param(b"GET / SPDY/3\r\n\r\n", 400, id="another protocol"),
    pytest.param(b"\r\n\r\n", 400, id="an empty line"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, id="a TLS hello"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="a negative length"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400, id="a length with an exponent"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", 400, id="a superscript for a digit"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400, id="an empty length"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413, id="a length of 5000 digits"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), 413, id="a body too large"),
    pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="chunks"),
    pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * (LARGEST_HEAD + 70_000), 431, id="a head without end"),
]


@pytest.mark.parametrize(("sent", "status"), NONSENSE)
def test_refuses_what_it_does_not_understand_and_hangs_up(
    sandbox: Sandbox, sock: socket.socket, caller: Caller, sent: bytes, status: int
) -> None:
    sock.sendall(sent)

    answered, headers, body = read_answer(sock)

    assert (answered, headers["connection"]) == (status, "close")
    assert set(json.loads(body)) == {"detail"}
    assert caller.page().status == 200, "others are served as before"


HALVES = {
    "nothing": b"",
    "a word": b"GET /v3/se",
    "a head": SELF,
    "half a body": SELF + b"Content-Length: 9\r\n\r\nhal",
}


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
def test_a_client_that_leaves_in_the_middle_leaves_no_trace(sandbox: Sandbox, caller: Caller, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port)) as sock:
        sock.sendall(sent)
        # A reset, so that the server learns of it even while it reads.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert caller.page().status == 200
    assert [entry.method for entry in sandbox.log.requests()] == ["GET"]


def test_a_head_is_read_without_regard_to_the_case_of_names() -> None:
    method, path, query, headers = parse_head(b"GET /a%20b?c=%41&d HTTP/1.1\r\nX-Name:  value : more \r\nHOST:h")

    assert (method, path, query) == ("GET", "/a b", "c=%41&d")
    assert headers == {"x-name": "value : more", "host": "h"}


def test_no_length_means_no_body() -> None:
    assert body_length({}) == 0
    with pytest.raises(BadRequest, match="Transfer-Encoding"):
        body_length({"transfer-encoding": "chunked", "content-length": "3"})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_a_body_that_is_no_json_is_none(body: bytes) -> None:
    assert Request("POST", "/", "", {}, body, 0).json() is None


def test_an_answer_says_its_length_in_bytes() -> None:
    head, body = Answer(404, {"detail": "nö"}, {"X-Why": "because"}).encode()

    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert b"X-Why: because\r\n\r\n" in head
    assert json.loads(body) == {"detail": "nö"}


def test_an_answer_may_have_any_status_and_the_very_bytes_it_was_given() -> None:
    head, body = Answer(599, {"not": "sent"}, {"Content-Type": "text/plain"}, b"\xff").encode()

    assert head.startswith(b"HTTP/1.1 599 Unknown\r\nContent-Type: text/plain\r\n")
    assert body == b"\xff"


def test_tells_whether_a_client_is_still_there() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        stream = object.__new__(Stream)  # TCP's options are no business of a socket pair
        stream.sock, stream.is_closed = one, False
        assert not stream.client_leaves_within(0)
        other.sendall(b"x")
        assert not stream.client_leaves_within(0), "what was sent waits to be read"
        one.recv(1)
        other.close()
        assert stream.client_leaves_within(None)
        stream.close()
        assert stream.client_leaves_within(0), "a closed one has left too"


def test_neither_requests_nor_answers_show_their_content_when_printed() -> None:
    request = Request("POST", "/v3", "", {"authorization": "Bearer canary"}, b"canary", 6)

    assert "canary" not in repr(request)
