"""A client that gives up on a silent sandbox because it is silent, not because a time has passed.

A deadline short enough for a test would now and then also end a request that a busy machine was slow with.
"""

import select
from typing import Any

import pytest

from connections.sockets import BoundedSocket
from sandbox.wire import Stream

LOOK_AGAIN = 0.01  # seconds


def give_up_on_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sandbox withholds, commits late or lets drip ends like a request whose deadline has passed."""
    silent: set[int] = set()
    leaves_within, recv_into = Stream.client_leaves_within, BoundedSocket.recv_into

    def fall_silent(stream: Stream, seconds: float | None) -> bool:
        try:
            port = stream.sock.getpeername()[1]
        except OSError:
            return True
        silent.add(port)
        has_left = leaves_within(stream, seconds)
        if has_left:
            silent.discard(port)
        return has_left

    def receive(sock: BoundedSocket, *how: Any) -> int:
        while not select.select([sock], [], [], LOOK_AGAIN)[0]:
            if sock.getsockname()[1] in silent:
                raise TimeoutError("timed out")
            sock.exchange.remaining()
        return recv_into(sock, *how)

    monkeypatch.setattr(Stream, "client_leaves_within", fall_silent)
    monkeypatch.setattr(BoundedSocket, "recv_into", receive)
