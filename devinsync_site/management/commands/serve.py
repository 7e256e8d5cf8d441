"""`manage.py serve`: the web process.

Waitress reads requests and writes answers in one loop and gives a thread only to a request that is there whole, so
people with slow lines, and those who send half a request on purpose, hold up nobody. Bodies and answers stay in memory:
its overflow files would hold values in clear.
"""

import gc
import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from waitress import create_server

from common import observing
from common.companions import companions
from common.compatibility import require_known_database
from common.life_sign import LifeSign
from common.threads import take_short_turns
from encryption.checks import require_known_keys

# Below the usual limit of 1,024 open files, so that files and database connections have room.
CONNECTIONS = 800
SECONDS_SILENT = 30
LARGEST_HEAD = 64 * 1024
# What Django refuses by itself, with an answer that says so, and a little more for the form around it.
LARGEST_BODY = 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
IN_MEMORY = 1 << 30


class Command(BaseCommand):
    help = "Serves the admin and the API on HOST:PORT. Start several, on ports of their own, behind a proxy."

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_database()
        require_known_keys()
        observing.start("web")
        # Only now: it builds the whole application.
        from devinsync_site.wsgi import application

        take_short_turns()
        # What is loaded now stays: no request waits while it is looked through for garbage.
        gc.freeze()
        signal.signal(signal.SIGTERM, _stop)
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        server = create_server(
            application,
            listen=f"{host}:{settings.PORT}",
            threads=settings.WEB_THREADS,
            ident=None,
            connection_limit=CONNECTIONS,
            channel_timeout=SECONDS_SILENT,
            cleanup_interval=5,
            asyncore_use_poll=True,
            max_request_header_size=LARGEST_HEAD,
            max_request_body_size=LARGEST_BODY,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            # The site decides by TRUSTED_PROXIES and HTTPS which of these headers count.
            clear_untrusted_proxy_headers=False,
        )
        _run(server)


def _run(server: Any) -> None:
    LifeSign("serve").give()
    with companions("web"):
        server.run()
    observing.stop()


def _stop(number: int, frame: FrameType | None) -> None:
    """Waitress then lets requests that are being answered end, for five seconds."""
    raise SystemExit(0)
