"""Whatever a server answers while it is copied, a copy is whole or there is none."""

import copy
from datetime import timedelta

import pytest

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Fault, Project
from sources.copying.copying import Choice, prepare, write
from sources.errors import SourceError
from tests.actors import ANYBODY
from tests.sources.copying.conftest import prepared_for, wish_for
from tests.sources.hostile import CANARY
from tests.sources.infisical.hostile import ANSWERS, SPOILED
from tests.sources.infisical.test_hostile import FOLDERS, IMPORTS, MANY, PROJECT, SECRETS, spoiled
from vault import models as vault

# Right for a list of secrets that was asked for without imports.
RIGHT = "no imports"
SAMPLE = {
    "id": "1",
    "workspace": "2",
    "environment": "dev",
    "type": "shared",
    "secretKey": "A",
    "secretValue": "v",
    "secretPath": "/app",
    "secretValueHidden": False,
}
ROUTES = {SECRETS: ("/api/v3/secrets/raw",), IMPORTS: (), FOLDERS: (), PROJECT: ("/api/v1/projects",)}


def spoils_own(what: str) -> bool:
    """Whether it is about a folder's own secrets: a copy asks for no others."""
    rows = [copy.deepcopy(SAMPLE), copy.deepcopy(SAMPLE) | {"secretKey": "B"}]
    before = copy.deepcopy(rows)
    SPOILED[what](rows, [{"secrets": [copy.deepcopy(SAMPLE)]}])
    return rows != before


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture(autouse=True)
def never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked twice, and nothing waited for."""
    monkeypatch.setattr("connections.infisical.client.TRIES", 1)
    monkeypatch.setattr("connections.infisical.client.LONGEST_WAIT", timedelta())
    monkeypatch.setattr("sources.infisical.stored.pause", lambda seconds: None)


def assert_refused(connection: Connection, shop: Project) -> None:
    with pytest.raises(SourceError) as refusal:
        write(prepared_for(connection, shop), Choice(leaves_out=False), by=ANYBODY)

    assert CANARY not in refusal.value.message
    assert refusal.value.message.endswith(".")
    assert not vault.Project.objects.exists()
    assert not vault.Secret.objects.exists()


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("what", [what for what in ANSWERS if what != "silence"])
def test_a_hostile_answer_to_any_question_copies_nothing(
    what: str, path: str, infisical: InfisicalSandbox, connection_to_it: Connection, filled: Project
) -> None:
    for route in (path, path.replace("/v2/", "/v1/"), *ROUTES[path]):
        infisical.world.faults.append(Fault(route, ANSWERS[what], MANY))

    if (path, what) == (SECRETS, RIGHT):
        # An empty folder, as far as anybody can tell.
        assert prepared_for(connection_to_it, filled).drafted.plan.counts["new"] == 0
        return
    assert_refused(connection_to_it, filled)


def test_a_server_that_falls_silent_copies_nothing(
    infisical: InfisicalSandbox, connection_to_it: Connection, filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.infisical.opening.DEADLINE", timedelta(seconds=0.3))
    infisical.world.faults.append(Fault(SECRETS, ANSWERS["silence"], MANY))

    assert_refused(connection_to_it, filled)


@pytest.mark.parametrize("what", [what for what in SPOILED if spoils_own(what)])
def test_a_list_that_is_right_but_for_one_thing_copies_nothing(
    what: str, infisical: InfisicalSandbox, connection_to_it: Connection, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", C=f"{CANARY}-c")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))
    infisical.world.faults.append(Fault(SECRETS, spoiled(infisical, shop, SPOILED[what]), MANY))

    assert_refused(connection_to_it, shop)


@pytest.mark.parametrize("comment", [7, ["x"], {"a": 1}, True])
def test_a_comment_that_is_no_text_copies_nothing(
    comment: object, infisical: InfisicalSandbox, connection_to_it: Connection, shop: Project
) -> None:
    def spoil(rows: list[dict[str, object]], _: object) -> None:
        rows[0]["secretComment"] = comment

    infisical.world.put(shop, "dev", "/common", C="1")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))
    infisical.world.faults.append(Fault(SECRETS, spoiled(infisical, shop, spoil), MANY))

    assert_refused(connection_to_it, shop)


@pytest.mark.parametrize("gone_by", [1, 2, 3, 4])
def test_rights_that_are_lost_in_the_middle_copy_nothing(
    gone_by: int, infisical: InfisicalSandbox, connection_to_it: Connection, filled: Project
) -> None:
    """The first folders were read well."""
    told: list[str] = []

    def tell(step: str, count: int, total: int) -> None:
        told.append(step)
        if count == gone_by and "secrets" in step:
            filled.members.clear()

    with pytest.raises(SourceError):
        prepare(wish_for(connection_to_it, filled), tell)
    assert told
    assert not vault.Project.objects.exists()
