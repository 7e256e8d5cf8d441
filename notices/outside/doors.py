"""Where a whole process may connect to. Pure but for the process: over the standard library and two lists of rules.

A plugin of a library opens connections as it likes: by `requests`, `smtplib`, `asyncio`, a socket of its own. What they
all pass is Python itself, which tells its audit hooks of each connection before it is made (PEP 578), and a hook can be
neither gone round nor taken away. So names are looked up here alone, each address is judged as for every other outgoing
request, and a connection to any other address is not made.
"""

import ipaddress
import socket
import sys
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from connections.addresses import AddressRefused, require_allowed
from connections.listing import is_among

# Messages go by connections, so a datagram or a program is something else. Binding sends nothing, and urllib3 finds out
# by it whether there is IPv6.
OTHER_WAYS = frozenset(
    ("socket.sendto", "socket.sendmsg", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
)
NOT_BY_NAME = "a connection was tried that no name was looked up for"


class Doors:
    """`listed` are hosts, as in NOTIFY_HOSTS, that may be this machine or in a private network."""

    def __init__(self, listed: Collection[str], look_up: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._listed = listed
        self._look_up = look_up
        self._judged: set[str] = set()
        # Why the last one was refused or not found, for the person who reads what came of the message.
        self.problem = ""
        self.has_refused = False

    def guard(self) -> None:
        """From now on, for as long as the process lives."""
        socket.getaddrinfo = self.look_up
        sys.addaudithook(self.on_event)

    def is_listed(self, host: str, port: int) -> bool:
        return is_among(host.strip("[]").rstrip(".").lower(), port, self._listed)

    def look_up(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """As `socket.getaddrinfo`. Raises AddressRefused if the name leads to a single address that it may not."""
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        try:
            found = self._look_up(host, port, *args, **kwargs)
        except OSError:
            self.problem = "the host's name was not found"
            raise
        # A service's name instead of a number stands for no port that a list could name.
        private = self.is_listed(name, int(port) if str(port).isdecimal() else 0)
        for *_, address in found:
            self._judge(str(address[0]), private=private)
        self._judged.update(str(address[0]) for *_, address in found)
        return found

    def on_event(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            self._check(args[1])
        elif event in OTHER_WAYS:
            self._refuse("the service is told by another way than a connection, which is not offered")

    def _check(self, address: Any) -> None:
        host = str(address[0]) if isinstance(address, tuple) else ""
        if host in self._judged:
            return
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            self._refuse(NOT_BY_NAME)
        self._judge(host, private=False)

    def _judge(self, address: str, *, private: bool) -> None:
        try:
            require_allowed(address, private=private, loopback=False)
        except AddressRefused as error:
            self._refuse(str(error))

    def _refuse(self, why: str) -> NoReturn:
        self.problem, self.has_refused = why, True
        raise AddressRefused(why)
