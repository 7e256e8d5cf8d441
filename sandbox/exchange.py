"""One request to the API from its arrival to its answer: log, rate limit, latency, fault, the route, the answer."""

import time
from dataclasses import dataclass

from sandbox.api import Call, carry_out, problem, understand
from sandbox.faults import LIES, Case, Fault, Hit, Kind, Moment
from sandbox.log import LoggedRequest
from sandbox.peer import send_signal
from sandbox.spoil import spoil
from sandbox.wire import Answer, Request, Stream
from sandbox.world import World


class Dropped(Exception):
    """This request gets no answer."""


@dataclass
class Exchange:
    world: World
    stream: Stream
    call: Call
    entry: LoggedRequest

    def run(self) -> None:
        refusal = self.refuse_by_rate()
        hit = None if refusal else self.pick_fault()
        self.wait(self.entry.arrived + self.world.settings.latency - time.monotonic())
        try:
            if hit is None:
                self.send(refusal or self.carry_out())
            else:
                self.run_into(hit)
        except Dropped:
            self.stream.cut()

    def run_into(self, hit: Hit) -> None:
        """The same with a fault in it."""
        fault = hit.fault
        hit.rule.reached.set()
        answer = self.meet(hit, Moment.BEFORE) or self.carry_out(fault)
        answer = self.meet(hit, Moment.AFTER) or answer
        self.deliver(spoil(answer, fault), fault)
        self.meet(hit, Moment.ANSWERED)

    def meet(self, hit: Hit, moment: Moment) -> Answer | None:
        """Let the fault happen if this is its moment; the answer it gives instead of the route's, if any."""
        fault = hit.fault
        if fault.moment is not moment:
            return None
        match fault.kind:
            case Kind.STATUS | Kind.RATE_LIMITED | Kind.REDIRECT:
                return answer_instead(fault)
            case Kind.DELAY:
                self.wait(fault.seconds)
            case Kind.HOLD:
                hit.rule.released.wait()
            case Kind.CUT:
                raise Dropped
            case Kind.WITHHOLD:
                self.stream.client_leaves_within(None)
                raise Dropped
            case Kind.LATE_COMMIT:
                self.commit_late(fault)
            case Kind.SIGNAL:
                self.send_signal(fault)
        return None

    def commit_late(self, fault: Fault) -> None:
        self.stream.client_leaves_within(None)
        self.wait(fault.seconds)
        self.carry_out()
        raise Dropped

    def send_signal(self, fault: Fault) -> None:
        send_signal(self.stream.sock, fault.pid, fault.signal)
        if fault.moment is Moment.BEFORE and not fault.carry_out:
            raise Dropped

    def carry_out(self, fault: Fault | None = None) -> Answer:
        if not self.world.settings.lets_in(self.stream.peer):
            return problem(403, "Forbidden")
        lie = fault.kind if fault and fault.kind in LIES else None
        answer = carry_out(self.world.directory, self.world.settings, self.call, lie)
        if answer.has_committed:
            self.entry.committed = time.monotonic()
            self.entry.secret_id = answer.content.get("secret_id")
        return answer

    def refuse_by_rate(self) -> Answer | None:
        settings = self.world.settings
        if settings.rate_per_minute is None or self.entry.caller is None:
            return None
        seconds = self.world.rate_limit.seconds_to_wait(
            self.entry.caller, self.entry.arrived, limit=settings.rate_per_minute, window=settings.rate_window
        )
        return None if seconds is None else problem(429, "Rate limit exceeded", {"Retry-After": str(seconds)})

    def pick_fault(self) -> Hit | None:
        entry = self.entry
        hit = self.world.faults.pick(Case(entry.seq, entry.method, entry.org, entry.key, self.call.is_first_page))
        if hit is not None:
            entry.fault = hit.fault.kind
        return hit

    def send(self, answer: Answer) -> None:
        self.note_answer(answer)
        self.stream.answer(answer)

    def deliver(self, answer: Answer, fault: Fault) -> None:
        match fault.kind:
            case Kind.TRUNCATE:
                self.note_answer(answer)
                head, body = answer.encode()
                self.stream.send(head + body[: len(body) // 2])
                self.stream.close()
            case Kind.DRIP:
                self.note_answer(answer)
                self.drip(answer, fault)
            case _:
                self.send(answer)

    def drip(self, answer: Answer, fault: Fault) -> None:
        head, body = answer.encode()
        if fault.part == "body":
            self.stream.send(head)
        for byte in body if fault.part == "body" else head + body:
            if self.stream.client_leaves_within(fault.seconds):
                raise Dropped
            self.stream.send(bytes([byte]))

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


def answer_instead(fault: Fault) -> Answer:
    match fault.kind:
        case Kind.RATE_LIMITED:
            return problem(429, "Rate limit exceeded", {"Retry-After": fault.retry_after_header})
        case Kind.REDIRECT:
            return Answer(fault.status or 307, headers={"Location": fault.location}, body=b"")
    status = fault.status or 500
    if fault.body:
        return Answer(status, headers=fault.headers, body=fault.body.encode())
    return problem(status, "Something went wrong", fault.headers)


def begin(world: World, stream: Stream, request: Request, connection: int) -> Exchange:
    """Take a request down in the log and prepare its exchange."""
    now = time.monotonic()
    call = understand(world.directory, request)
    caller = call.caller.principal_id if call.caller else None
    entry = LoggedRequest(
        seq=world.log.next_seq(),
        connection=connection,
        peer=stream.peer,
        caller=caller,
        api_key=call.caller.key_id if call.caller else None,
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
