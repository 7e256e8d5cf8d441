"""Killed before or after any request or write of the row: a key that works, and the next attempt comes to the end.

What a kill leaves is what the database and Devin hold then: transactions that were open are undone, claims stay.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.http import Transport
from connections.rotation import steps
from connections.rotation.asking import ask
from connections.rotation.claiming import Claim
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from connections.rotation.verdicts import GoBack
from tests.connections.rotation.conftest import OLD, Bench

pytestmark = pytest.mark.django_db
MOST_POINTS = 200


class Killed(BaseException):
    """Nothing catches it."""


@dataclass
class Points:
    """Counts the points at which it may be killed, and kills at one of them."""

    at: int
    passed: int = 0
    is_armed: bool = True

    def reach(self) -> None:
        self.passed += 1
        if self.is_armed and self.passed == self.at:
            self.is_armed = False
            raise Killed


@contextmanager
def killing(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[Points]:
    points = Points(at)

    def around(method: Callable[..., Any]) -> Callable[..., Any]:
        def reaching(*args: Any, **kwargs: Any) -> Any:
            points.reach()
            found = method(*args, **kwargs)
            points.reach()
            return found

        return reaching

    with monkeypatch.context() as patch:
        patch.setattr(Transport, "send", around(Transport.send))
        patch.setattr(Claim, "_write", around(Claim._write))
        patch.setattr(Claim, "release", lambda self: None)
        yield points


def killed_at(bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int) -> KeyRotation | None:
    """As a kill at that point leaves it; None if there are not so many points."""
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    with killing(monkeypatch, at) as points:
        try:
            steps.carry_on(rotation.pk)
        except Killed:
            KeyRotation.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
            rotation.refresh_from_db()
            return rotation
    assert points.passed < at
    return None


def each_kill(make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, KeyRotation]]:
    for at in range(1, MOST_POINTS):
        bench = make_bench(f"{OLD}-{at}", f"acme-{at}")
        rotation = killed_at(bench, monkeypatch, at)
        if rotation is None:
            return
        yield bench, rotation
    raise AssertionError("it has more points than that")


def test_killed_anywhere_a_key_works_and_the_next_attempt_ends_it(
    make_bench: Callable[..., Bench],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    seen: list[Step] = []

    for bench, rotation in each_kill(make_bench, monkeypatch):
        assert bench.used() is not None, f"no key works after a kill at point {len(seen) + 1}"
        seen.append(Step(rotation.step))
        bench.finish(rotation)

        used = bench.used()
        assert used is not None
        assert (rotation.outcome, bench.live()) == (Outcome.DONE, [used.key_name]), len(seen)
        assert used.key_id == rotation.new_key_id

    assert {Step.ASKED, Step.MAKING, Step.MADE, Step.SWITCHED, Step.PROVEN} <= set(seen)
    record_property("kills of rotations", len(seen))


def test_killed_on_the_way_back_the_old_key_works_and_the_new_one_is_revoked(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(claim: Claim) -> None:
        raise GoBack("the new key does not reach org-b")

    monkeypatch.setattr(steps, "prove", refuse)
    seen: list[Step] = []

    for bench, rotation in each_kill(make_bench, monkeypatch):
        assert bench.used() is not None, f"no key works after a kill at point {len(seen) + 1}"
        seen.append(Step(rotation.step))
        bench.finish(rotation)

        used = bench.used()
        assert used is not None
        assert (rotation.outcome, bench.live()) == (Outcome.FAILED, ["Sandbox"]), len(seen)

    assert {Step.RETURNING, Step.RETURNED} <= set(seen)
