"""A person with a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

PASSWORD = "correct-horse-7"


@pytest.fixture
def alice(db: None) -> User:
    user = User.objects.create_user("alice", password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name="Administrator"))
    return user


@pytest.fixture
def log_in() -> Callable[..., Client]:
    """By the form, as a browser does; the same client again is the same browser."""

    def make(name: str = "alice", password: str = PASSWORD, *, client: Client | None = None, **headers: Any) -> Client:
        client = client or Client()
        client.post("/admin/login/", {"username": name, "password": password}, **headers)
        return client

    return make


@pytest.fixture
def is_in() -> Callable[[Client], bool]:
    return lambda client: client.get("/admin/password_change/").status_code == 200
