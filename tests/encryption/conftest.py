"""Keys by name, so that a test can say which are in ENCRYPTION_KEYS."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from pytest_django import Settings

from encryption import current_key_id


def key_named(name: str) -> str:
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


@pytest.fixture
def use_keys(settings: Settings) -> Callable[..., str]:
    """Sets ENCRYPTION_KEYS, newest first; returns the id of the newest."""

    def use(*names: str) -> str:
        settings.ENCRYPTION_KEYS = [key_named(name) for name in names]
        return current_key_id()

    return use
