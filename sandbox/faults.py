"""Scripted faults: what goes wrong (`Fault`), when (`Rule`), and the script that the server asks about each request.

faults.add("cut", method="POST", key="DB_URL", moment="after")     # carried out, then reset: once
faults.add("status", status=503, request=4)                        # the fourth request since the last reset
faults.add("null_cursor", times=None)                              # every listing
faults.at_random(AMBIGUOUS, rate=0.3, seed=7)
"""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from enum import StrEnum
from typing import Any, NamedTuple

from sandbox.checking import allow, check


class Kind(StrEnum):
    # At `moment`, before or after the request is carried out:
    STATUS = "status"  # answer `status`, `headers` and `body` instead
    RATE_LIMITED = (
        "rate_limited"  # answer 429 with `retry_after`: seconds, any text, or a date that far ahead (`as_date`)
    )
    REDIRECT = "redirect"  # answer `status` (307 unless given) to `location`
    DELAY = "delay"  # go on after `seconds`
    HOLD = "hold"  # go on when the rule is released, even if the client has left by then
    CUT = "cut"  # reset the connection
    WITHHOLD = "withhold"  # stay silent until the client leaves
    SIGNAL = "signal"  # send `signal` to `pid`, or to the process at the other end; also at the moment "answered"
    # Carried out once the client has given up, `seconds` after that:
    LATE_COMMIT = "late_commit"
    # Carried out, but the answer is spoilt:
    TRUNCATE = "truncate"  # half a body under its full Content-Length, then an orderly end
    DRIP = "drip"  # `part` (head or body) a byte every `seconds`
    NOT_JSON = "not_json"
    HTML = "html"
    DEEP_JSON = "deep_json"
    INVALID_UTF8 = "invalid_utf8"
    HUGE = "huge"  # padded to `size` bytes
    OTHER_KEY = "other_key"
    NO_ID = "no_id"
    # A whole listing lies, from its first page on:
    REPEATED_PAGE = "repeated_page"
    CURSOR_LOOP = "cursor_loop"
    NULL_CURSOR = "null_cursor"  # with has_next_page
    WRONG_TOTAL = "wrong_total"
    SAME_ID_TWICE = "same_id_twice"
    SHUFFLE = "shuffle"  # items change places between pages
    ITEM_REMOVED = "item_removed"  # between pages, so that another one is skipped
    ITEM_ADDED = "item_added"  # between pages, so that another one is repeated


LIES = frozenset(list(Kind)[list(Kind).index(Kind.REPEATED_PAGE) :])
ITEM_KINDS = frozenset({Kind.OTHER_KEY, Kind.NO_ID})


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True)
class Fault:
    kind: Kind
    moment: Moment = Moment.BEFORE
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0
    retry_after: int | str = 1
    as_date: bool = False
    location: str = ""
    part: str = "body"
    size: int = 16 * 1024 * 1024
    pid: int | None = None
    signal: str = "SIGKILL"
    carry_out: bool = True  # False: a request that a signal met before it was carried out is dropped

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "moment", Moment(self.moment))
        if self.moment is Moment.ANSWERED and self.kind is not Kind.SIGNAL:
            raise ValueError("Once answered, only a signal can happen.")
        if self.moment is Moment.AFTER and self.kind is Kind.LATE_COMMIT:
            raise ValueError("A late commit has no moment of its own.")
        if self.part not in ("head", "body"):
            raise ValueError("A part is the head or the body.")
        if self.signal not in signal.Signals.__members__:
            raise ValueError(f"There is no signal {self.signal}.")
        if self.as_date and not str(self.retry_after).isdecimal():
            raise ValueError("A date that far ahead needs a whole number of seconds.")

    def suits(self, method: str, *, is_first_page: bool) -> bool:
        if self.kind in LIES:
            return is_first_page
        return self.kind not in ITEM_KINDS or method in ("POST", "DELETE")

    @property
    def retry_after_header(self) -> str:
        return formatdate(time.time() + int(self.retry_after), usegmt=True) if self.as_date else str(self.retry_after)


# The outcomes that leave a caller in doubt whether its write has happened.
AMBIGUOUS = (
    Fault(kind=Kind.CUT, moment=Moment.BEFORE),
    Fault(kind=Kind.CUT, moment=Moment.AFTER),
    Fault(kind=Kind.STATUS, moment=Moment.AFTER, status=502),
    Fault(kind=Kind.WITHHOLD, moment=Moment.AFTER),
    Fault(kind=Kind.TRUNCATE),
    Fault(kind=Kind.NOT_JSON),
)


@dataclass(kw_only=True)
class Rule:
    """Fits requests by method, key, organization or number; the first `skip` that fit pass, then `times` are met."""

    faults: Sequence[Fault]
    method: str | None = None
    key: str | None = None
    org: str | None = None
    request: int | None = None
    skip: int = 0
    times: int | None = 1
    rate: float | None = None
    seed: int = 0
    met: int = 0
    reached: threading.Event = field(default_factory=threading.Event, repr=False)
    released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        """Let go on what this rule holds, and hold nothing more."""
        self.released.set()

    def fits(self, case: "Case") -> bool:
        return (
            self.times != self.met
            and self.method in (None, case.method)
            and self.key in (None, case.key)
            and self.org in (None, case.org)
            and self.request in (None, case.seq)
        )


class Case(NamedTuple):
    """A request as rules see it."""

    seq: int
    method: str
    org: str | None
    key: str | None
    is_first_page: bool


class Hit(NamedTuple):
    rule: Rule
    fault: Fault


class Faults:
    """The script; thread-safe. Of several rules that fit a request, the first one added is carried out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._seen: Counter[tuple[str, str | None, str | None]] = Counter()

    def add(self, kind: str, **options: Any) -> Rule:
        """A fault with its rule: fields of either, by name."""
        return self.add_rule(build_rule({"kind": kind, **options}))

    def at_random(self, faults: Sequence[Fault], *, rate: float, seed: int, **options: Any) -> Rule:
        """One of the faults for a share of the requests; the same seed meets the same requests in any order."""
        return self.add_rule(Rule(faults=faults, rate=rate, seed=seed, **{"times": None, **options}))

    def add_rule(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def rules(self) -> list[Rule]:
        with self._lock:
            return list(self._rules)

    def release(self) -> None:
        for rule in self.rules():
            rule.release()

    def clear(self) -> None:
        self.release()
        with self._lock:
            self._rules.clear()
            self._seen.clear()

    def pick(self, case: Case) -> Hit | None:
        """What is to happen to this request; counts it."""
        with self._lock:
            if not self._rules:
                return None
            self._seen[case.method, case.org, case.key] += 1
            for rule in self._rules:
                fault = self._fault_of(rule, case)
                if fault is not None:
                    rule.met += 1
                    return Hit(rule, fault)
            return None

    def _fault_of(self, rule: Rule, case: Case) -> Fault | None:
        if not rule.fits(case):
            return None
        chance = self._chance(rule, case)
        if rule.rate is not None and chance.random() >= rule.rate:
            return None
        suitable = [fault for fault in rule.faults if fault.suits(case.method, is_first_page=case.is_first_page)]
        if suitable and rule.skip > 0:
            rule.skip -= 1
            return None
        return chance.choice(suitable) if suitable else None

    def _chance(self, rule: Rule, case: Case) -> random.Random:
        # By what a request is about and not by when it comes, so that threads do not change the draw.
        turn = self._seen[case.method, case.org, case.key]
        return random.Random(f"{rule.seed}/{case.method}/{case.org}/{case.key}/{turn}")  # noqa: S311


RULE_OPTIONS = {one.name for one in fields(Rule)} - {"faults", "met", "reached", "released"}
FAULT_OPTIONS = {one.name for one in fields(Fault)}


def build_fault(options: Any) -> Fault:
    if "kind" not in allow(options, FAULT_OPTIONS):
        raise ValueError(f"A fault needs its kind: one of {', '.join(Kind)}.")
    return Fault(**check(options, Fault))


def build_rule(options: dict[str, Any]) -> Rule:
    """From plain words: fields of a rule with those of its one fault, or with a list of `faults` to draw from."""
    allow(options, RULE_OPTIONS | FAULT_OPTIONS | {"faults"})
    when = check({name: options[name] for name in options.keys() & RULE_OPTIONS}, Rule)
    what = {name: options[name] for name in options.keys() & FAULT_OPTIONS}
    faults = [build_fault(what)] if what else [build_fault(one) for one in options.get("faults", [])]
    if not faults:
        raise ValueError("A rule needs a fault: give its kind, or a list of faults.")
    if "rate" in when:
        when.setdefault("times", None)
    return Rule(faults=faults, **when)
