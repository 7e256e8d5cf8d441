"""Every kind of source answers wrongly, in every way of the table: 0 writes, 0 deletions, and a sentence that helps."""

import re

import pytest

from connections.models import Connection
from sandbox.server import Sandbox
from sources.protocol import EnvironmentEntry, Found
from sources.registry import KINDS as REGISTERED
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.errors import SourceProblem
from syncs.models import DevinSync
from tests.sources.hostile import CANARY, COMMON, KINDS, Scene
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder

CASES = [(kind, answer) for kind, each in KINDS.items() for answer in each.answers]
# What a sentence that helps ends in: what to do.
HELPS = re.compile(r"\b(Choose|Create|Correct|Enter|Rename|Look|Mend|Ask|Give|Try|again|Remove|Add|Check|must)\b", re.I)


@pytest.fixture
def scene(kind: str, request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.getfixturevalue(KINDS[kind].fixture)
    return made


@pytest.fixture
def sync(scene: Scene, connection: Connection, rung: list[str]) -> DevinSync:
    """One that reads the scene's place."""
    sync = DevinSync(name="hostile", project=scene.project, connection=connection, org_id=ORG, strangers="leave")
    slug = scene.place.environment_slug
    sync.source = Found(scene.place, EnvironmentEntry(slug, slug))
    sync.save()
    return sync


def run(sync: DevinSync) -> tuple[str, str]:
    run = Bench(sync, Folder()).run()
    return run.status, run.message


@pytest.mark.parametrize("kind", REGISTERED)
def test_every_kind_suffers_the_whole_table(kind: str) -> None:
    told = {*KINDS[kind].answers, *KINDS[kind].impossible}

    assert set(COMMON) - told == set()


@pytest.mark.parametrize(("kind", "answer"), CASES)
def test_a_hostile_answer_writes_and_deletes_nothing(
    kind: str, answer: str, sync: DevinSync, scene: Scene, sandbox: Sandbox
) -> None:
    organization = sandbox.organization(ORG)
    assert run(sync) == (Status.SUCCEEDED, "")
    held, sent = organization.values(), writes(sandbox)
    assert set(held) >= {"A", "B"}

    scene.misbehave[answer]()
    sync.refresh_from_db()
    problem = refused(sync)

    assert (organization.values(), writes(sandbox)) == (held, sent)
    assert CANARY not in problem
    assert HELPS.search(problem), problem


def writes(sandbox: Sandbox) -> int:
    return len(sandbox.log.requests("POST")) + len(sandbox.log.requests("DELETE"))


def refused(sync: DevinSync) -> str:
    """What a run or, once the vault has taken the folder away, the asking for one says; a preview says so, too."""
    with pytest.raises(SourceProblem) as said:
        preview(sync)
    if not sync.has_source:
        return said.value.message
    status, message = run(sync)
    assert status in (Status.FAILED, Status.PENDING)
    return message
