"""The stand-in as an HTTP server: one thread a connection.

with InfisicalSandbox() as infisical:
    project = infisical.world.add_project("shop")
    infisical.world.put(project, "dev", "/", KEY="value")
"""

import contextlib
import socketserver
import threading
from types import TracebackType

from sandbox.infisical.api import carry_out, problem, sort_of
from sandbox.infisical.control import answer_control
from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import Fault, Project, Seen, World
from sandbox.wire import BadRequest, Request, Stream


class Handler(socketserver.BaseRequestHandler):
    server: "Server"

    def handle(self) -> None:
        stream = Stream(self.request)
        # A client that leaves at any moment is its own business.
        with contextlib.suppress(OSError):
            try:
                self._converse(stream)
            except BadRequest as error:
                stream.answer(problem(error.status, "BadRequest", str(error)))

    def _converse(self, stream: Stream) -> None:
        while (request := stream.read()) is not None:
            self._answer(stream, request)
            if not request.keeps_alive or stream.is_closed:
                return

    def _answer(self, stream: Stream, request: Request) -> None:
        sandbox = self.server.sandbox
        if not request.path.startswith("/api/"):
            stream.answer(answer_control(sandbox, request))
            return
        world = sandbox.world
        with world.lock:
            inside = world.is_spent(sort_of(request))
            fault = _pick(world, request)
        if fault is not None:
            world.seen.append(Seen(request.method, request.path, 0, inside))
            fault.answer(stream)
            return
        answer = carry_out(world, request)
        world.seen.append(Seen(request.method, request.path, answer.status, inside))
        stream.answer(answer)


def _pick(world: World, request: Request) -> Fault | None:
    for fault in world.faults:
        if fault.times and request.path.startswith(fault.path):
            fault.times -= 1
            return fault
    return None


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512
    sandbox: "InfisicalSandbox"


class InfisicalSandbox:
    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, world: World | None = None) -> None:
        self.world = world or World()
        self.webhooks: list[Webhook] = []
        self._host, self._port = host, port
        self._server: Server | None = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("The stand-in is not started.")
        return f"http://{self._host}:{self._server.server_address[1]}"

    def tell(self, project: Project, environment: str, path: str) -> None:
        """Lets the webhooks know of a change, in their own time."""
        for webhook in self.webhooks:
            threading.Thread(target=webhook.tell, args=(project, environment, path), daemon=True).start()

    def start(self) -> None:
        """Listen and serve from a thread of its own; OSError where the port is taken."""
        self._server = Server((self._host, self._port), Handler)
        self._server.sandbox = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="infisical", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> "InfisicalSandbox":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
