"""The sandbox as an HTTP server: one thread a connection, so that a slow or broken answer holds up nobody else.

with Sandbox() as sandbox:
    client = DevinClient(base_url=sandbox.url, api_key="cog_sandbox", …)
    sandbox.organization().values()
    sandbox.log.requests("POST")
"""

import contextlib
import itertools
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from sandbox.api import problem
from sandbox.control import answer_control, is_allowed
from sandbox.exchange import begin
from sandbox.page import answer_page
from sandbox.settings import Settings
from sandbox.wire import Answer, BadRequest, Request, Stream, TLSStream
from sandbox.world import World


class Sandbox(World):
    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: Settings | None = None,
        data: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(settings=settings, data=data)
        self.handshakes = 0
        self._tls = tls
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._lock = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._connections = itertools.count(1)

    @property
    def port(self) -> int:
        if self._listener is None:
            raise RuntimeError("The sandbox is not started.")
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        host = self._address[0]
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Listen and serve from a thread of its own; OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=512)
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener,), name="sandbox", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        self.stopping.set()
        self.faults.release()
        if self._listener is not None and self._acceptor is not None:
            # A closed listener does not wake accept() everywhere, a last visitor does.
            with contextlib.suppress(OSError):
                socket.create_connection(self._listener.getsockname()[:2], timeout=1).close()
            self._acceptor.join(timeout=5)
            self._listener.close()
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.hang_up()
        if self.journal:
            self.journal.close()

    def is_quiet(self) -> bool:
        """Whether nothing is under way: what has come from each client is answered, and those that left are gone."""
        with self._lock:
            streams = list(self._streams.values())
        return all(stream.is_quiet() for stream in streams)

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                sock, peer = listener.accept()
            except OSError:
                # Such as too many open files: the clients that are there may go on.
                self.stopping.wait(0.05)
                continue
            if self.stopping.is_set():
                sock.close()
                return
            with contextlib.suppress(OSError):
                self._welcome(self._stream(sock, str(peer[0])))

    def _welcome(self, stream: Stream) -> None:
        number = next(self._connections)
        with self._lock:
            self._streams[number] = stream
        threading.Thread(target=self._serve, args=(stream, number), name="sandbox client", daemon=True).start()

    def _serve(self, stream: Stream, number: int) -> None:
        # A client that leaves at any moment is its own business.
        with stream.sock, contextlib.suppress(OSError):
            try:
                self._greet(stream)
                self._converse(stream, number)
            except BadRequest as error:
                stream.answer(problem(error.status, str(error), {"Connection": "close"}))
            finally:
                with self._lock:
                    del self._streams[number]

    def _stream(self, sock: socket.socket, peer: str) -> Stream:
        return TLSStream(sock, self._tls, peer) if self._tls else Stream(sock, peer)

    def _greet(self, stream: Stream) -> None:
        stream.greet()
        if self._tls:
            with self._lock:
                self.handshakes += 1

    def _converse(self, stream: Stream, number: int) -> None:
        while (request := self._next(stream)) is not None:
            if request.path.startswith(("/v3/", "/v3beta1/")):
                begin(self, stream, request, number).run()
            else:
                stream.answer(self._answer_locally(request, stream.peer))
            if not request.keeps_alive or stream.is_closed:
                return

    def _next(self, stream: Stream) -> Request | None:
        stream.is_busy = False
        stream.wait()
        return stream.read()

    def _answer_locally(self, request: Request, peer: str) -> Answer:
        if not request.path.startswith("/_sandbox/"):
            return answer_page(self, request, peer)
        if not is_allowed(request, peer):
            return problem(403, "The control routes are for this machine alone.")
        return answer_control(self, request)
