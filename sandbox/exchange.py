"""One request to the API from its arrival to its answer: log, latency, rate limit, then the route itself."""

import time
from dataclasses import dataclass

from sandbox.api import Call, carry_out, problem, understand
from sandbox.log import LoggedRequest
from sandbox.wire import Answer, Request, Stream
from sandbox.world import World


@dataclass
class Exchange:
    world: World
    stream: Stream
    call: Call
    entry: LoggedRequest

    def run(self) -> None:
        self.wait(self.entry.arrived + self.world.settings.latency - time.monotonic())
        answer = self.refuse_by_rate() or self.carry_out()
        self.send(answer)

    def carry_out(self) -> Answer:
        answer = carry_out(self.world.directory, self.world.settings, self.call)
        if answer.has_committed:
            self.entry.committed = time.monotonic()
            self.entry.secret_id = answer.content["secret_id"]
        return answer

    def refuse_by_rate(self) -> Answer | None:
        limit, window = self.world.settings.rate_per_minute, self.world.settings.rate_window
        if limit is None or self.entry.caller is None:
            return None
        seconds = self.world.rate_limit.seconds_to_wait(self.entry.caller, time.monotonic(), limit=limit, window=window)
        return None if seconds is None else problem(429, "Rate limit exceeded", {"Retry-After": str(seconds)})

    def send(self, answer: Answer) -> None:
        self.note_answer(answer)
        self.stream.answer(answer)

    def note_answer(self, answer: Answer) -> None:
        """Written down before it is sent, so that whoever has read the answer finds it in the log."""
        self.entry.status = answer.status
        self.entry.answered = time.monotonic()
        if answer.status == 429 and self.entry.caller is not None:
            header = answer.headers.get("Retry-After", "")
            self.world.windows.announce(self.entry.caller, header, self.entry.answered, time.time())

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.world.stopping.wait(seconds)


def begin(world: World, stream: Stream, request: Request, connection: int) -> Exchange:
    now = time.monotonic()
    call = understand(world.directory, request)
    caller = call.caller.principal_id if call.caller else None
    entry = LoggedRequest(
        seq=world.log.next_seq(),
        connection=connection,
        caller=caller,
        method=call.method,
        path=call.path,
        query=call.query,
        org=call.org_id,
        key=call.key,
        note=call.note,
        secret_id=call.secret_id,
        bytes=request.size,
        arrived=now,
        wall=time.time(),
        inside_retry_after=caller is not None and world.windows.contain(caller, now, world.settings.retry_after_grace),
    )
    world.log.add(entry)
    return Exchange(world, stream, call, entry)
