"""The audit log, sent elsewhere: to real files and listeners, in order, at least once."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.chain import link_some
from audit.models import Action, Entry
from audit.writing import note
from forwarding import sending
from forwarding.models import Progress
from forwarding.sending import Sender, waiting
from forwarding.targets import BadTarget, NotSent, ToFile, parse
from sandbox.certificates import self_signed_certificate
from tests.connections.servers import Received, serving
from tests.patience import PATIENCE

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
TOKEN = "canary-collector-token"
GOING_ON = threading.Event()


def write(*names: str) -> None:
    for name in names:
        note("alice", Action.CHANGED, kind="secret", name=name, detail="Changed “it”.\nTwice.")
    while link_some():
        pass


def go_round(sender: Sender | None = None) -> None:
    (sender or Sender()).send_due(GOING_ON)


@pytest.fixture
def file(tmp_path: Path, settings: LazySettings) -> Path:
    path = tmp_path / "audit.jsonl"
    settings.AUDIT_STREAM = [f"file://{path}"]
    return path


def lines_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# A file


def test_each_line_arrives_once_in_order_with_its_digest(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "AT_ONCE", 2)
    write("A", "B", "C")
    go_round()
    note("alice", Action.ADDED, name="not linked yet")
    go_round()
    write("D")
    go_round()

    found = lines_in(file)

    assert [line["name"] for line in found] == ["A", "B", "C", "not linked yet", "D"]
    assert [line["position"] for line in found] == [1, 2, 3, 4, 5]
    assert [line["digest"] for line in found] == list(Entry.objects.order_by("id").values_list("digest", flat=True))
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_is_written_where_no_line_waits(file: Path) -> None:
    write("A")
    go_round()

    with CaptureQueriesContext(connection) as queries:
        go_round()

    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_a_rotated_file_is_begun_anew(file: Path) -> None:
    write("A")
    go_round()
    file.rename(file.with_suffix(".1"))
    write("B")
    go_round()

    assert [line["name"] for line in lines_in(file)] == ["B"]


class Killed(BaseException):
    """As a process ends that is killed: nothing after it happens."""


@pytest.mark.parametrize("written", [0, 1, 2])
def test_who_is_killed_in_the_middle_loses_nothing(file: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    write("A", "B")
    whole = ToFile.send

    def send_a_part(self: ToFile, lines: Any) -> None:
        whole(self, lines[:written])
        file.open("a").write(lines[0].text[:10])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ToFile, "send", send_a_part)
        with pytest.raises(Killed):
            go_round()
    # Nobody else begins with it while the one before may still be at it.
    go_round()
    assert Progress.objects.get().position == 0
    Progress.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    go_round()

    kept = [json.loads(line)["name"] for line in file.read_text().splitlines() if line.endswith("}")]
    assert kept == [*["A", "B"][:written], "A", "B"]
    assert Progress.objects.get().position == 2


def test_a_target_that_fails_is_left_alone_for_longer_and_longer(tmp_path: Path, settings: LazySettings) -> None:
    path = tmp_path / "later" / "audit.jsonl"
    settings.AUDIT_STREAM = [f"file://{path}"]
    sender = Sender()
    write("A")

    go_round(sender)
    path.parent.mkdir()
    # It waits for its time, although it would succeed.
    go_round(sender)

    progress = Progress.objects.get()
    assert progress.problem == "the file could not be written: No such file or directory"
    assert progress.failing_since is not None
    assert waiting(timezone.now() + timedelta(hours=1))[str(path)] > timedelta(minutes=59)
    go_round()
    progress.refresh_from_db()
    assert (progress.position, progress.problem) == (1, "")
    assert Progress.objects.get().failing_since is None
    assert waiting(timezone.now()) == {str(path): timedelta(0)}


# A collector


@pytest.fixture
def answers() -> list[int]:
    return []


def test_a_collector_gets_lines_and_says_that_it_has_them(settings: LazySettings, answers: list[int]) -> None:
    def answer(request: Received, _: socket.socket) -> bytes:
        status = answers.pop(0) if answers else 202
        location = "Location: https://elsewhere.example/\r\n" if status == 307 else ""
        return f"HTTP/1.1 {status} Said\r\n{location}Content-Length: 0\r\n\r\n".encode()

    with serving(answer) as server:
        settings.AUDIT_STREAM = [f"{server.url}/audit"]
        settings.AUDIT_STREAM_TOKEN = TOKEN
        write("A", "B")
        answers += [500, 307]
        for _ in range(3):
            go_round()

    bodies = [request.body.decode().splitlines() for request in server.requests]
    assert [[json.loads(line)["name"] for line in body] for body in bodies] == [["A", "B"]] * 3
    first = server.requests[0]
    assert (first.method, first.path) == ("POST", "/audit")
    headers = {name.lower(): value for name, value in first.headers.items()}
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["content-type"] == "application/x-ndjson"
    assert Progress.objects.get().position == 2


def test_why_a_collector_fails_holds_no_token(
    settings: LazySettings, answers: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(lambda *_: b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nwords") as server:
        settings.AUDIT_STREAM = [f"{server.url}/audit"]
        settings.AUDIT_STREAM_TOKEN = TOKEN
        write("A")
        go_round()

    assert Progress.objects.get().problem == "the collector answered 403"
    assert "the collector answered 403" in caplog.text
    assert TOKEN not in caplog.text + repr(list(Progress.objects.values()))


# Syslog


@dataclass
class Listener:
    """Takes one stream after the other whole."""

    tls: ssl.SSLContext | None = None
    streams: list[bytes] = field(default_factory=list)
    taken: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    door: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                plain, _ = self.door.accept()
            except OSError:
                return
            with plain:
                self._take(plain)

    def _take(self, plain: socket.socket) -> None:
        try:
            stream = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with stream:
                data = b"".join(iter(lambda: stream.recv(65536), b""))
        except OSError:
            return
        self.streams.append(data)
        self.taken.release()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def start(tls: ssl.SSLContext | None = None) -> Listener:
        listener = Listener(tls)
        made.append(listener)
        threading.Thread(target=listener.listen, daemon=True).start()
        return listener

    yield start
    for each in made:
        each.door.close()


def messages_in(stream: bytes) -> list[str]:
    found = []
    while stream:
        count, _, rest = stream.partition(b" ")
        found.append(rest[: int(count)].decode())
        stream = rest[int(count) :]
    return found


@pytest.mark.parametrize("transport", ["syslog+tcp", "syslog+tls"])
def test_syslog_gets_messages_of_counted_octets(
    settings: LazySettings, tmp_path: Path, listen: Callable[..., Listener], transport: str
) -> None:
    certificate = self_signed_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    settings.OUTBOUND_CA_BUNDLE = str(certificate)
    listener = listen(context if transport == "syslog+tls" else None)
    settings.AUDIT_STREAM = [f"{transport}://localhost:{listener.port}"]
    write("Ä", "B")

    go_round()

    assert listener.taken.acquire(timeout=PATIENCE)
    first, second = messages_in(listener.streams[0])
    head, _, text = first.partition("\ufeff")
    assert head.startswith("<110>1 ")
    assert head.endswith(" devinsync - audit - ")
    assert (json.loads(text)["name"], json.loads(second.partition("\ufeff")[2])["position"]) == ("Ä", 2)
    assert Progress.objects.get().position == 2


def test_a_syslog_whose_certificate_nobody_knows_gets_nothing(
    settings: LazySettings, tmp_path: Path, listen: Callable[..., Listener]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed_certificate(tmp_path))
    listener = listen(context)
    settings.AUDIT_STREAM = [f"syslog+tls://localhost:{listener.port}"]
    write("A")

    go_round()

    assert "certificate" in Progress.objects.get().problem
    assert listener.streams == []


def test_a_syslog_in_datagrams(settings: LazySettings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(PATIENCE)
        settings.AUDIT_STREAM = [f"syslog://127.0.0.1:{listener.getsockname()[1]}"]
        write("A")
        go_round()

        assert b'"name": "A"' in listener.recv(65536)

        # More than any datagram holds must not stand in the way of what comes after it.
        note("alice", Action.CHANGED, name="B", detail="x" * 70_000)
        write("C")
        go_round()
        assert b'"name": "B"' in listener.recv(65536)
        assert b'"name": "C"' in listener.recv(65536)


def test_one_that_cannot_be_reached_keeps_no_other_waiting(file: Path, settings: LazySettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.AUDIT_STREAM = [f"syslog+tcp://127.0.0.1:{port}", *settings.AUDIT_STREAM]
    write("A")

    go_round()

    assert [line["name"] for line in lines_in(file)] == ["A"]
    assert Progress.objects.exclude(problem="").get().problem.startswith("syslog could not be reached")


# What is set


@pytest.mark.parametrize(
    "address",
    [
        "",
        "audit.jsonl",
        "file://audit.jsonl",
        "file:///",
        "http://collector.example/audit",
        "https://user:canary@collector.example/audit",
        "https://collector.example/audit?token=canary",
        "syslog://",
        "syslog+tls://user:canary@logs.example",
        "syslog+tcp://logs.example:canary",
        "ftp://logs.example/canary",
    ],
)
def test_what_is_no_target_is_told_before_anything_starts(settings: LazySettings, address: str) -> None:
    settings.AUDIT_STREAM = [address]

    errors = [error for error in run_checks() if error.id == "forwarding.E001"]

    assert len(errors) == 1
    assert errors[0].msg.startswith("Address 1 of AUDIT_STREAM cannot be used: ")
    assert "canary" not in errors[0].msg
    with pytest.raises(BadTarget):
        parse(address)


def test_nothing_set_is_nothing_sent(settings: LazySettings) -> None:
    settings.AUDIT_STREAM = []
    write("A")

    go_round()

    assert not Progress.objects.exists()


def test_not_sent_says_why() -> None:
    with pytest.raises(NotSent, match="No such file"):
        ToFile(Path("/nowhere/audit.jsonl")).send([])
