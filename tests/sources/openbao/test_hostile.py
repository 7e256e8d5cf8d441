"""No answer of a server that has lost its mind, or of something in between, is taken for a smaller set of secrets."""

import traceback
from datetime import timedelta

import pytest

from connections.openbao.client import OpenBaoClient
from connections.openbao.tokens import Server
from sources.errors import SourceError
from sources.openbao.source import OpenBaoSource
from sources.protocol import Place
from tests.patience import PATIENCE
from tests.sources.openbao.conftest import Handed
from tests.sources.openbao.hostile import CANARY, TABLE, VALUE_AT, Hostile, server_that_says

PLACE = Place("kv", "/shop")


def opened(url: str, *, deadline: float = PATIENCE) -> OpenBaoSource:
    client = OpenBaoClient(
        server=Server(url, "", "team-vault"),
        tokens=Handed([f"hvs.{CANARY}"]),
        deadline=timedelta(seconds=deadline),
        wait=lambda seconds: None,
    )
    return OpenBaoSource(client)


def deadline_for(hostile: Hostile) -> float:
    return 0.3 if hostile.what == "silence" else PATIENCE


def test_the_stand_in_is_read_when_it_is_well() -> None:
    with server_that_says(None) as url, opened(url) as source:
        assert [secret.key for secret in source.read(PLACE, recursive=True)] == ["A", "B", "C"]


def test_there_are_enough_of_them() -> None:
    assert len({hostile.what for hostile in TABLE}) > 60


@pytest.mark.parametrize("hostile", TABLE, ids=lambda hostile: f"{hostile.what} at {' and '.join(hostile.at)}")
def test_a_hostile_answer_is_an_error(hostile: Hostile) -> None:
    with (
        server_that_says(hostile) as url,
        opened(url, deadline=deadline_for(hostile)) as source,
        pytest.raises(SourceError) as caught,
    ):
        source.read(PLACE, recursive=True)

    assert_tells_what_to_do(caught.value)


@pytest.mark.parametrize(
    "hostile", [hostile for hostile in TABLE if VALUE_AT in hostile.at], ids=lambda hostile: hostile.what
)
def test_a_hostile_answer_is_an_error_of_a_single_folder_too(hostile: Hostile) -> None:
    with (
        server_that_says(hostile) as url,
        opened(url, deadline=deadline_for(hostile)) as source,
        pytest.raises(SourceError) as caught,
    ):
        source.read(PLACE)

    assert_tells_what_to_do(caught.value)


def assert_tells_what_to_do(error: SourceError) -> None:
    tried, _, advice = error.message.partition(": ")
    assert tried.startswith("Could not ")
    assert advice.endswith(".")
    assert advice.count(". ") >= 1
    assert CANARY not in "".join(traceback.format_exception(error)) + repr(error.__cause__)
