"""Hosts of the benchmark's own on one machine: Linux namespaces of networks and processes, joined by a bridge.

The bridge stands in a namespace too, the hub, with the services. All addresses are of 127.0.0.0/8 and nothing leads out
of these namespaces, so no packet can reach another machine. Whatever was started ends with its host, and every
namespace with this process.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from common.processes import die_with_parent
from common.waiting import wait_for

CLONE_NEWNET = 0x40000000
PREFIX = "127.77.0."
SECONDS_TO_START = 60.0
NEIGHBOUR = ("ip", "neighbour")
NOBODY = "02:00:00:00:00:00"


class NotPossible(Exception):
    """This machine, or who runs here, may not make namespaces. Says why."""


@cache
def reason_against() -> str:
    """Why there can be no hosts here, or ""."""
    if sys.platform != "linux":
        return "There are no network namespaces but on Linux."
    if os.geteuid() != 0:
        return "Only root may make network namespaces."
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"{missing[0]} is not installed (packages iproute2 and util-linux)."
    try:
        with Network() as network:
            network.host(1)
    except (NotPossible, OSError, subprocess.CalledProcessError) as error:
        return f"The kernel makes no network namespaces here ({error})."
    return ""


@dataclass
class Namespace:
    """Kept alive by its first process. `enter` is what a command is preceded by to run inside."""

    holder: "subprocess.Popen[bytes]"
    first: int

    @classmethod
    def create(cls) -> Self:
        command = ("unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", "sleep", "infinity")
        holder = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # It waits for what it started whatever milder signal it gets.
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one call of the system
        )
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")

        def first() -> int | None:
            """The process inside, once it is `sleep`: then all has been set up."""
            if holder.poll() is not None:
                raise NotPossible((holder.stderr.read() if holder.stderr else b"").decode().strip() or "unshare failed")
            found = children.read_text().split()
            is_set_up = bool(found) and Path(f"/proc/{found[0]}/comm").read_text().strip() == "sleep"
            return int(found[0]) if is_set_up else None

        if not wait_for(lambda: first() is not None, seconds=SECONDS_TO_START):
            raise NotPossible("unshare did not start anything")
        namespace = cls(holder, first() or 0)
        namespace.set_up_loopback()
        return namespace

    @property
    def enter(self) -> tuple[str, ...]:
        return ("nsenter", "--target", str(self.first), "--net", "--pid", "--mount", "--")

    @property
    def enter_network(self) -> tuple[str, ...]:
        """The same for a command that stays among the processes of the outside, with the number it was started as."""
        return ("nsenter", "--target", str(self.first), "--net", "--")

    def run(self, *command: str) -> None:
        subprocess.run((*self.enter, *command), check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def set_up_loopback(self) -> None:
        """127.0.0.1 alone stays here; the rest of its network may be routed, which needs a word to the kernel."""
        self.run("sh", "-c", "echo 1 | tee /proc/sys/net/ipv4/conf/all/route_localnet")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo")
        self.run("ip", "address", "add", "127.0.0.1/32", "dev", "lo")

    @contextmanager
    def sockets(self) -> Iterator[None]:
        """Sockets that this thread makes within it are of this namespace, and stay so."""
        with Path("/proc/thread-self/ns/net").open() as own, Path(f"/proc/{self.first}/ns/net").open() as inside:
            _set_namespace(inside.fileno())
            try:
                yield
            finally:
                _set_namespace(own.fileno())

    def destroy(self) -> None:
        """As when the power goes: every process in it is gone at once."""
        for process in (self.first, self.holder.pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.holder.wait()
        if self.holder.stderr:
            self.holder.stderr.close()


@dataclass
class Host:
    number: int
    namespace: Namespace
    hub: Namespace
    programs: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{PREFIX}{10 + self.number}"

    @property
    def cable(self) -> str:
        """The end in the hub."""
        return f"host{self.number}"

    def start(self, *command: str, log: Path, environment: Mapping[str, str], **options: Any) -> None:
        with log.open("ab") as output:
            program = subprocess.Popen(
                (*self.namespace.enter, *command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
                **options,
            )
        self.programs.append(program)

    def unplug(self) -> None:
        """Nothing comes or goes any more, and neither end is told."""
        self.hub.run("ip", "link", "set", self.cable, "nomaster")

    def plug_in(self) -> None:
        self.hub.run("ip", "link", "set", self.cable, "master", "bridge")

    def mislead(self, address: str) -> None:
        """What it sends there arrives nowhere; what it is sent still comes. So it goes on to its next request."""
        self.namespace.run(*NEIGHBOUR, "replace", address, "lladdr", NOBODY, "nud", "permanent", "dev", "cable")

    def set_right(self, address: str) -> None:
        self.namespace.run(*NEIGHBOUR, "delete", address, "dev", "cable")

    def lose(self) -> None:
        """The power fails: nobody is told of the end of any connection."""
        self.unplug()
        self.namespace.destroy()
        for program in self.programs:
            program.wait()
        self.hub.run("sh", "-c", f"! ip link show {self.cable} || ip link delete {self.cable}")


class Network:
    """Use it as a context manager. `hub` is where services are started, at `address` and `second_address`."""

    address, second_address = f"{PREFIX}1", f"{PREFIX}2"

    def __init__(self) -> None:
        self.hub = Namespace.create()
        self.hosts: dict[int, Host] = {}
        self.hub.run("ip", "link", "add", "bridge", "type", "bridge")
        for address in (self.address, self.second_address):
            self.hub.run("ip", "address", "add", f"{address}/24", "dev", "bridge")
        self.hub.run("ip", "link", "set", "bridge", "up")

    def host(self, number: int) -> Host:
        """A new one, also in the place of one that was lost."""
        namespace = Namespace.create()
        host = self.hosts[number] = Host(number, namespace, self.hub)
        # Made from the outside: the number of a process in another namespace would mean nothing inside.
        ends = ("netns", str(self.hub.first), "type", "veth", "peer", "name", "cable", "netns", str(namespace.first))
        subprocess.run(("ip", "link", "add", host.cable, *ends), check=True, capture_output=True)
        self.hub.run("ip", "link", "set", host.cable, "up")
        namespace.run("ip", "address", "add", f"{host.address}/24", "dev", "cable")
        namespace.run("ip", "link", "set", "cable", "up")
        host.plug_in()
        return host

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for namespace in (*(host.namespace for host in self.hosts.values()), self.hub):
            namespace.destroy()


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
