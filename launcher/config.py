"""What the launcher needs to know of the environment; the site reads the rest itself, from the same places."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from launcher.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"


@dataclass(frozen=True)
class Config:
    data_dir: Path
    host: str
    port: int
    workers: int
    redis_url: str = field(repr=False)
    """Empty: start the embedded Valkey."""
    path_prefix: str = ""

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def url(self) -> str:
        """Where a person on this machine opens it."""
        return f"http://{in_url(self.reachable_host)}:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"{self.url}{self.path_prefix}/admin/"

    @property
    def reachable_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - listening is HOST's choice


def read_config() -> Config:
    """Reads the process environment, then `.env`, as the site's settings do."""
    # Django is there once what the site needs is installed.
    from common.environment import BadEnvironment, env, load_file

    try:
        load_file(ENV_FILE)
        redis_url = env.str("REDIS_URL", default="")
        path_prefix = env.path("PATH_PREFIX", default="")
    except BadEnvironment as error:
        raise LaunchError(str(error)) from None
    return Config(
        data_dir=(ROOT / (os.environ.get("DATA_DIR") or "var")).resolve(),
        host=os.environ.get("HOST") or "127.0.0.1",
        port=read_number("PORT", default=8000, lowest=1, highest=65535),
        workers=read_number("WORKERS", default=2, lowest=1, highest=64),
        redis_url=redis_url,
        path_prefix=path_prefix,
    )


def read_number(name: str, *, default: int, lowest: int, highest: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
        raise LaunchError(f"{name} is {text!r}; it must be a number from {lowest} to {highest}.")
    return int(text)


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def check_port(config: Config) -> None:
    """Finds a busy port before anything is started."""
    try:
        bind(config.host, config.port)
    except PermissionError:
        raise LaunchError(f"This user may not listen on port {config.port}. Set PORT to one above 1023.") from None
    except socket.gaierror:
        raise LaunchError(f"HOST is {config.host!r}, which is no address of this machine.") from None
    except OSError as error:
        raise LaunchError(
            f"Port {config.port} on {config.host} can't be used: {error.strerror}. Set PORT to a free one."
        ) from None


def choose_port(config: Config) -> int:
    """The port after the site's own, or any free one, on loopback."""
    try:
        return bind("127.0.0.1", config.port + 1)
    except (OSError, OverflowError):
        return bind("127.0.0.1", 0)


def bind(host: str, port: int) -> int:
    """Listens for a moment, as the server will, and returns the port."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
        return int(listener.getsockname()[1])
