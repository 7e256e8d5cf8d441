"""No answer of a server that has lost its mind, or of something in between, is taken for a smaller set of secrets."""

import traceback
from datetime import timedelta
from functools import partial

import pytest

from connections.budgets import NoBudget
from connections.models import Connection, RequestBudget
from connections.openbao.client import OpenBaoClient
from connections.openbao.tokens import Server
from sandbox.server import Sandbox
from sources.errors import SourceError
from sources.openbao.source import OpenBaoSource
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.errors import SourceProblem
from syncs.models import DevinSync
from tests.openbao import OpenBao
from tests.patience import PATIENCE
from tests.sources.openbao.conftest import Handed
from tests.sources.openbao.hostile import ANY, CANARY, TABLE, VALUE_AT, VALUES, Hostile, server_that_says
from tests.sources.openbao.scene import scene_on
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder

PLACE = Place("kv", "/shop")


def opened(url: str, *, deadline: float = PATIENCE) -> OpenBaoSource:
    client = OpenBaoClient(
        server=Server(url, "", "team-vault"),
        tokens=Handed([f"hvs.{CANARY}"]),
        deadline=timedelta(seconds=deadline),
        budget=NoBudget(),
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


@pytest.fixture
def _hurried(rung: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = partial(OpenBaoClient, wait=lambda seconds: None)
    monkeypatch.setattr("connections.openbao.opening.OpenBaoClient", hurried)


@pytest.mark.usefixtures("_hurried")
def test_a_sync_writes_and_deletes_nothing_whatever_is_answered(
    openbao: OpenBao, sandbox: Sandbox, connection: Connection
) -> None:
    with scene_on(openbao, {"A": CANARY, "B": "2"}) as scene:
        sync = DevinSync(name="hostile", project=scene.project, connection=connection, org_id=ORG)
        sync.source = Found(scene.place, EnvironmentEntry("dev", "dev"))
        sync.save()
        assert Bench(sync, Folder()).run().status == Status.SUCCEEDED
        held, sent = sandbox.organization(ORG).values(), len(sandbox.log.requests("POST"))
        assert set(held) == {"A", "B"}

        answers = {**ANY, **VALUES}
        answers.pop("silence")
        for what, answer in answers.items():
            scene.server.says(answer, f"/{scene.mount}/data/")
            with pytest.raises(SourceProblem) as caught:
                preview(sync)
            assert CANARY not in str(caught.value), what
            run = Bench(sync, Folder()).run()
            assert run.status in (Status.FAILED, Status.PENDING), what
            assert CANARY not in run.message
            RequestBudget.objects.all().delete()

    assert len(answers) > 60
    assert sandbox.organization(ORG).values() == held
    assert (len(sandbox.log.requests("POST")), sandbox.log.requests("DELETE")) == (sent, [])
