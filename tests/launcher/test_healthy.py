"""The health check of a container: whether its one process works, whichever it is."""

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launcher.config import Config
from launcher.errors import LaunchError
from launcher.healthy import LONGEST_SILENCE, look
from tests.launcher.conftest import ROOT
from tests.patience import PATIENCE


@pytest.fixture
def config(tmp_path: Path, port: int) -> Config:
    return Config(data_dir=tmp_path, host="0.0.0.0", port=port, workers=1, redis_url="")


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    return tmp_path / "alive"


@contextmanager
def web_that_answers(port: int, status: int) -> Iterator[list[str]]:
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield asked
        server.shutdown()


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_a_loop_that_turned_a_short_time_ago_is_well(command: str, config: Config, sign: Path) -> None:
    sign.write_text(f"{command} {time.monotonic()}\n")

    assert look(config, str(sign)).startswith(f"The {command} gave a sign of life ")


@pytest.mark.parametrize("seconds", [LONGEST_SILENCE + 1, -PATIENCE])
def test_a_loop_that_stands_still_is_not_nor_a_sign_from_before_the_machine_started(
    seconds: float, config: Config, sign: Path
) -> None:
    sign.write_text(f"worker {time.monotonic() - seconds}\n")

    with pytest.raises(LaunchError, match=r"The worker gave its last sign of life .* s ago\. Start it anew\."):
        look(config, str(sign))


def test_a_web_process_is_asked(config: Config, sign: Path) -> None:
    sign.write_text("serve 0.0\n")

    with web_that_answers(config.port, 200) as asked:
        assert look(config, str(sign)) == f"The web process answers on port {config.port}."

    assert asked == ["/healthz"]


def test_a_web_process_that_answers_otherwise_or_not_at_all_is_not_well(config: Config, sign: Path) -> None:
    sign.write_text("serve 0.0\n")

    with web_that_answers(config.port, 500), pytest.raises(LaunchError, match="does not answer"):
        look(config, str(sign))
    with pytest.raises(LaunchError, match="does not answer"):
        look(config, str(sign))


@pytest.mark.parametrize("text", ["", "worker", "worker soon", "worker 1.0 2.0"])
def test_a_file_that_holds_something_else_is_no_sign(text: str, config: Config, sign: Path) -> None:
    sign.write_text(text)

    with pytest.raises(LaunchError, match="holds no sign of life"):
        look(config, str(sign))


@pytest.mark.parametrize(
    ("variables", "told"), [({}, "LIFE_SIGN is not set"), ({"LIFE_SIGN": "absent"}, "Can't read the sign of life")]
)
def test_says_why_in_a_line_and_by_its_status(
    variables: dict[str, str], told: str, environment: dict[str, str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "launcher.healthy"],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith(told)
    assert len(ended.stdout.splitlines()) == 1


def test_costs_no_site(environment: dict[str, str]) -> None:
    """It runs twice a minute in each container."""
    told = subprocess.run(
        [sys.executable, "-c", "import launcher.healthy, sys; print('django.apps' in sys.modules)"],
        cwd=ROOT,
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert told.stdout == "False\n"
