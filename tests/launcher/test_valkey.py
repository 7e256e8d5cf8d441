from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from launcher import valkey
from launcher.errors import LaunchError
from launcher.processes import Program, kill_session, start
from launcher.valkey import EmbeddedValkey, prepare_valkey
from tests.launcher.conftest import processes_using
from tests.linux import needs_proc
from tests.patience import wait_until

Serve = Callable[[EmbeddedValkey], None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started = []

    def serve(server: EmbeddedValkey) -> None:
        log = server.folder / "valkey.log"
        started.append(start(Program("valkey", server.command, log, {}, pass_fds=(server.lock,))))
        wait_until(server.answers)

    yield serve
    for process in started:
        kill_session(process.pid)
        process.wait()


@needs_proc
def test_keeps_what_it_was_told_when_it_is_killed(data_dir: Path, serve: Serve) -> None:
    server = prepare_valkey(data_dir / "valkey")
    serve(server)
    redis.Redis.from_url(server.url).set("run", "7")
    [process] = processes_using(data_dir)

    kill_session(process)
    serve(server)

    assert redis.Redis.from_url(server.url).get("run") == b"7"


def test_opens_no_port_and_lets_no_other_user_in(data_dir: Path, serve: Serve) -> None:
    server = prepare_valkey(data_dir / "valkey")
    serve(server)

    assert redis.Redis.from_url(server.url).config_get("port") == {"port": "0"}
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert server.folder.stat().st_mode & 0o777 == 0o700


def test_refuses_a_second_server_on_the_same_folder(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "SECONDS_FOR_LOCK", 0)
    first = prepare_valkey(data_dir / "valkey")

    with pytest.raises(LaunchError, match="is running on"):
        prepare_valkey(data_dir / "valkey")

    first.release()
    prepare_valkey(data_dir / "valkey").release()


def test_the_lock_lives_as_long_as_the_server(data_dir: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "SECONDS_FOR_LOCK", 0)
    server = prepare_valkey(data_dir / "valkey")
    serve(server)

    server.release()  # as the end of a killed launcher does

    with pytest.raises(LaunchError, match="is running on"):
        prepare_valkey(data_dir / "valkey")


@pytest.mark.parametrize("name", ["x" * 120, "with space", "per%cent#?ünicode"])
def test_serves_from_a_folder_of_any_name(data_dir: Path, serve: Serve, name: str) -> None:
    server = prepare_valkey(data_dir / name / "valkey")

    serve(server)

    assert redis.Redis.from_url(server.url).ping()
    assert (server.folder / "appendonlydir").is_dir()


def test_takes_no_short_folder_of_somebody_else(data_dir: Path) -> None:
    long = data_dir / ("y" * 120)
    short = valkey.socket_path(long).parent
    short.chmod(0o777)

    with pytest.raises(LaunchError, match="not a folder of this user alone"):
        valkey.socket_path(long)

    short.rmdir()
