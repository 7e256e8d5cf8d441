"""Which passwords a person may choose."""

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaab",
        "devinsync1",
        "Summer2026",
        "Passw0rd!x",
        "qwertyuiop12",
        "Infisical2026!",
        "alice.smith1",
        "20261126x",
    ],
)
def test_refuses_what_is_easy_to_guess(password: str) -> None:
    user = User(username="alice", first_name="Alice", last_name="Smith", email="alice.smith@example.com")

    with pytest.raises(ValidationError, match=r"too easy to guess|too common|similar|numeric|too short"):
        validate_password(password, user)


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "gT7#pLq9w2", "x" * 10 + "-much longer Words 4 all " * 40]
)
def test_accepts_what_is_not(password: str) -> None:
    validate_password(password, User(username="alice"))
