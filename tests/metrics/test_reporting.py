"""What Sentry is told of an error, and what not."""

import gzip
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.conf import LazySettings, settings

from common import reporting
from tests.metrics.failing import CANARY


class Sentry(BaseHTTPRequestHandler):
    received: list[bytes] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def told() -> list[bytes]:
    """Each envelope that a failing site sent, before it ended."""
    Sentry.received.clear()
    with HTTPServer(("127.0.0.1", 0), Sentry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        environment = os.environ | {"SENTRY_DSN": f"http://public@127.0.0.1:{server.server_port}/1"}
        command = [sys.executable, "-m", "tests.metrics.failing"]
        subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True)
        server.shutdown()
    return list(Sentry.received)


def events(told: list[bytes]) -> list[dict[str, Any]]:
    """An envelope is lines of JSON: its header, then each item's header and the item."""
    lines = [json.loads(line) for envelope in told for line in envelope.splitlines() if line]
    return [line for line in lines if "level" in line]


def test_tells_which_error_arose_and_where(told: list[bytes]) -> None:
    errors = [error for event in events(told) for error in event.get("exception", {}).get("values", ())]

    assert "ValueError" in {error["type"] for error in errors}
    assert "fail" in {frame["function"] for error in errors for frame in error["stacktrace"]["frames"]}
    assert {event["tags"]["role"] for event in events(told)} == {"web"}


def test_tells_our_own_lines_of_the_log(told: list[bytes]) -> None:
    entries = [event["logentry"] for event in events(told) if event.get("logger") == "syncs.runs.jobs"]

    assert entries == [{"message": "run %s ended by %s", "params": ["5a1c", "KeyError"]}]


def test_no_value_leaves(told: list[bytes]) -> None:
    """It stood in the body, a header, a cookie, the address, a local variable and the error's text."""
    assert told
    assert [envelope for envelope in told if CANARY.encode() in envelope] == []


def test_without_a_setting_nobody_is_told(settings: LazySettings) -> None:
    settings.SENTRY_DSN = ""

    reporting.start("web")

    import sentry_sdk

    assert not sentry_sdk.is_initialized()
