import socket
from pathlib import Path

import pytest

from launcher.config import ROOT, Config, check_port, choose_port, read_config
from launcher.errors import LaunchError

NAMES = ("DATA_DIR", "HOST", "PORT", "WORKERS", "REDIS_URL")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("launcher.config.ENV_FILE", tmp_path / ".env")
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def config(*, host: str = "127.0.0.1", port: int = 8000) -> Config:
    return Config(data_dir=Path("var"), host=host, port=port, workers=2, redis_url="")


def test_defaults() -> None:
    assert read_config() == Config(data_dir=ROOT / "var", host="127.0.0.1", port=8000, workers=2, redis_url="")


def test_reads_a_file_as_the_site_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:  # what the file sets goes when the test ends
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    text = "\ufeffDATA_DIR = var # data\r\nexport PORT=8001 # of ours\r\nHOST='::1'\r\nREDIS_URL=unix:///a#b\r\n"
    (tmp_path / ".env").write_bytes(text.encode())

    config = read_config()

    assert config == Config(data_dir=ROOT / "var", host="::1", port=8001, workers=2, redis_url="unix:///a#b")


def test_a_file_that_cannot_be_read_stops_the_start_without_its_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8001\nSECRET_KEY canary\n")

    with pytest.raises(LaunchError, match=r"\.env can't be read\. Line 2: Expected KEY=value\.") as caught:
        read_config()

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"), [("PORT", "http"), ("PORT", "0"), ("PORT", "65536"), ("PORT", "-1"), ("WORKERS", "²")]
)
def test_refuses_a_number_that_is_none(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)

    with pytest.raises(LaunchError, match=f"{name} is '{text}'; it must be a number from 1 to"):
        read_config()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("devinsync.example.com", "http://devinsync.example.com:8000"),
    ],
)
def test_shows_an_address_that_a_browser_can_open(host: str, url: str) -> None:
    assert config(host=host).url == url


def test_finds_a_busy_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(LaunchError, match=rf"Port {port} on 127\.0\.0\.1 can't be used: Address already in use"):
            check_port(config(port=port))


def test_finds_an_address_that_is_not_here() -> None:
    with pytest.raises(LaunchError, match=r"Port 8000 on 192\.0\.2\.1 can't be used"):
        check_port(config(host="192.0.2.1"))


def test_takes_another_port_for_the_sandbox_where_the_next_one_is_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert choose_port(config(port=port - 1)) not in (port - 1, port)


def test_takes_another_port_for_the_sandbox_where_there_is_no_next_one() -> None:
    assert 0 < choose_port(config(port=65535)) <= 65535
