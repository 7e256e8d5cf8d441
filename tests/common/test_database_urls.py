"""DATABASE_URL: one server, or several of which one writes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.database_urls import OF_SEVERAL, read_database_url

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("places", "host", "port"),
    [
        ("db1:5432,db2:5433", "db1,db2", "5432,5433"),
        ("db1,db2", "db1,db2", "5432,5432"),
        ("db1,db2:6000", "db1,db2", "5432,6000"),
        ("db1:6000,db2", "db1,db2", "6000,5432"),
        ("10.0.0.1:6000,db2.internal,db3", "10.0.0.1,db2.internal,db3", "6000,5432,5432"),
        ("[fd00::1]:6000,[fd00::2]", "fd00::1,fd00::2", "6000,5432"),
        ("[fd00::1],db2:6000", "fd00::1,db2", "5432,6000"),
    ],
)
def test_each_of_several_hosts_has_its_own_port(places: str, host: str, port: str) -> None:
    found = read_database_url(f"postgresql://devinsync:p%40ss@{places}/secrets?sslmode=require")

    assert (found["HOST"], found["PORT"]) == (host, port)
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("devinsync", "p@ss", "secrets")
    assert found["OPTIONS"] == {**OF_SEVERAL, "sslmode": "require"}


def test_several_hosts_may_stand_behind_the_question_mark() -> None:
    """As sockets must: each is a folder."""
    found = read_database_url("postgresql://devinsync@/secrets?host=/run/one,/run/two&port=5432,5433")

    assert found["OPTIONS"] == {**OF_SEVERAL, "host": "/run/one,/run/two", "port": "5432,5433"}


def test_the_address_has_the_last_word_on_which_server_will_do() -> None:
    found = read_database_url("postgresql://devinsync@db1,db2/secrets?target_session_attrs=any&connect_timeout=7")

    assert found["OPTIONS"] == {"target_session_attrs": "any", "connect_timeout": 7}


@pytest.mark.parametrize("url", ["postgresql://u:a,b@db1:6000/secrets", "postgresql://u@[fd00::1]:6000/secrets"])
def test_one_host_is_one_host(url: str) -> None:
    found = read_database_url(url)

    assert found["HOST"] in ("db1", "fd00::1")
    assert (found["PORT"], found.get("OPTIONS")) == (6000, None)


@pytest.mark.parametrize("places", ["db1,", ",db1", "db1,,db2", "db1,db2:x", "db1:,db2", "db1,a:b:1", "[fd00::1,db2"])
def test_hosts_that_are_none_are_refused(places: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose text is not shown
        read_database_url(f"postgresql://u:canary@{places}/secrets")


@pytest.mark.parametrize(("places", "patience"), [("db1", 10), ("db1,db2", 3), ("db1,db2/x?connect_timeout=5", 5)])
def test_one_of_several_is_given_up_sooner_than_the_only_one(places: str, patience: int) -> None:
    """With the settings as a program reads them."""
    code = "from devinsync_site import settings; print(settings.DATABASES['default']['OPTIONS'])"
    url = f"postgresql://u@{places}" if "/" in places else f"postgresql://u@{places}/x"
    given: dict[str, Any] = {"DATABASE_URL": url, "SECRET_KEY": "x" * 50, "ENCRYPTION_KEYS": "x"}

    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=True
    )

    assert f"'connect_timeout': {patience}" in ended.stdout
    assert ("'target_session_attrs': 'read-write'" in ended.stdout) == ("," in places)
