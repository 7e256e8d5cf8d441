"""A person with an authenticator app, whose clock stands still until a test moves it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.second_factor import factors, totp

LONG_AGO = 1_700_000_000


@dataclass
class Clock:
    now: int = LONG_AGO

    def __call__(self) -> float:
        return self.now


@dataclass
class Phone:
    clock: Clock
    secret: str
    recovery: list[str]

    def code(self) -> str:
        """One that was not taken yet: half a minute goes by."""
        self.clock.now += totp.STEP_SECONDS
        return totp.code_at(self.secret, totp.current_step())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(totp, "clock", clock)
    return clock


@pytest.fixture
def give_phone(clock: Clock) -> Callable[[User], Phone]:
    def give(user: User) -> Phone:
        secret = totp.new_secret()
        factor = factors.app_factor(user, "Phone", secret, step=totp.current_step())
        return Phone(clock, secret, factors.add(user, factor))

    return give


@pytest.fixture
def phone(alice: User, give_phone: Callable[[User], Phone]) -> Phone:
    return give_phone(alice)


@pytest.fixture
def log_in_fully(log_in: Callable[..., Client], phone: Phone) -> Callable[[], Client]:
    def make() -> Client:
        client = log_in()
        client.post("/admin/log-in/second-step/", {"code": phone.code()})
        return client

    return make
