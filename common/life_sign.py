"""The sign that a process gives of itself while its loop turns, for whoever may start it anew.

A container's health check (`launcher.healthy`) reads the file LIFE_SIGN: the process's command and CLOCK_MONOTONIC, in
seconds, which is one for all processes of a machine and which nobody sets. systemd gets a message at NOTIFY_SOCKET, see
sd_notify(3). A process has neither unless it was told to.

The sign says nothing of the database or the queue: starting a process anew does not bring these back.
"""

import logging
import os
import socket
import time
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

EVERY = 5.0


class LifeSign:
    """`command` is the one of `manage.py` that this process carries out."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._given_at = float("-inf")
        self._has_failed = False

    def give(self) -> None:
        """As often as one likes: it is given once in a few seconds. One that can't be given ends nothing."""
        now = time.monotonic()
        if now < self._given_at + EVERY:
            return
        self._given_at = now
        try:
            _write(f"{self._command} {now}\n")
            _notify("READY=1\nWATCHDOG=1")
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                log.warning("could not give a sign of life (%s)", error.strerror)
            self._has_failed = True


def _write(text: str) -> None:
    if not settings.LIFE_SIGN:
        return
    path = Path(settings.LIFE_SIGN)
    # Whoever reads it meanwhile finds the sign before.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def _notify(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as messenger:
        # An @ stands for a socket without a file.
        messenger.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        messenger.send(state.encode())
