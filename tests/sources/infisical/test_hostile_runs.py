"""Whatever a server answers, or becomes while it is read: a sync writes nothing and deletes nothing on the strength of
it, and says what to do."""

from collections.abc import Callable
from functools import partial

import pytest

from connections.infisical.client import InfisicalClient
from connections.models import Connection, RequestBudget
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Fault, Folder, Project, Secret
from sandbox.server import Sandbox
from sandbox.wire import Stream
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.choices import BlockedReason, Status
from syncs.engine.preview import preview
from syncs.errors import SourceProblem
from syncs.models import DevinSync
from tests.sources.hostile import CANARY
from tests.sources.infisical.hostile import ANSWERS, KEYS, SPOILED, error, put, says
from tests.sources.infisical.test_hostile import IMPORTS, MANY, SECRETS, spoiled
from tests.sources.test_hostile import HELPS
from tests.syncs.conftest import ORG, Bench
from vault import models as vault

Send = Callable[[Stream], None]


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture
def shop(shop: Project, infisical: InfisicalSandbox) -> Project:
    """`/app` has A and B, and imports C."""
    infisical.world.put(shop, "dev", "/common", C=f"{CANARY}-c")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))
    return shop


@pytest.fixture
def bench(linked: vault.Project, connection: Connection, rung: list[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """It has written A, B and C. Nobody waits for a server."""
    hurried = partial(InfisicalClient, wait=lambda seconds: None)
    monkeypatch.setattr("connections.infisical.opening.InfisicalClient", hurried)
    sync = DevinSync(name="hostile", project=linked, connection=connection, org_id=ORG, guard_max_percent=100)
    sync.source = Found(Place("dev", "/app"), EnvironmentEntry("dev", "dev"))
    sync.save()
    bench = Bench(sync, vault.Folder())
    assert bench.run().status == Status.SUCCEEDED
    return bench


def test_nothing_is_written_or_deleted_whatever_is_answered(
    bench: Bench, infisical: InfisicalSandbox, shop: Project, sandbox: Sandbox
) -> None:
    held = sandbox.organization(ORG).values()
    assert set(held) == {"A", "B", "C"}
    sandbox.clear_traffic()
    table = {**ANSWERS, **{what: spoiled(infisical, shop, spoil) for what, spoil in SPOILED.items()}}
    table |= {what: spoiled(infisical, shop, put("secretKey", key)) for what, key in KEYS.items()}
    # It takes as long as the deadline, and has a test of its own.
    del table["silence"]

    for what, answer in table.items():
        refuse_all(infisical, answer)
        with pytest.raises(SourceProblem) as caught:
            preview(bench.sync)
        run = bench.run()
        assert run.status in (Status.FAILED, Status.PENDING), what
        for said in (str(caught.value), run.message):
            assert said.startswith("Could not read dev:/app: "), what
            assert HELPS.search(said), said
            assert CANARY not in said, what
        RequestBudget.objects.all().delete()

    assert len(table) > 100
    assert (sandbox.log.writes(), sandbox.organization(ORG).values()) == ([], held)


def refuse_all(infisical: InfisicalSandbox, answer: Send) -> None:
    infisical.world.faults[:] = [Fault(path, answer, MANY) for path in (SECRETS, "/api/v3/secrets/raw")]


# What becomes of a place while it is read


def test_a_token_that_expires_in_the_middle_is_replaced_once(
    bench: Bench, infisical: InfisicalSandbox, sandbox: Sandbox
) -> None:
    """Between the secrets and their imports."""
    infisical.world.seen.clear()
    infisical.world.faults.append(Fault(IMPORTS, error(403, "TokenError")))

    assert bench.run().status == Status.SUCCEEDED

    assert sum(seen.path.endswith("/login") for seen in infisical.world.seen) == 1


def test_a_token_that_expires_again_and_again_is_no_reason_to_log_in_again_and_again(
    bench: Bench, infisical: InfisicalSandbox, sandbox: Sandbox
) -> None:
    infisical.world.seen.clear()
    infisical.world.faults.append(Fault(IMPORTS, error(403, "TokenError"), MANY))
    sandbox.clear_traffic()

    run = bench.run()

    assert (run.status, sandbox.log.writes()) == (Status.FAILED, [])
    assert "The access token is not accepted, not even a fresh one" in run.message
    assert sum(seen.path.endswith("/login") for seen in infisical.world.seen) == 1


@pytest.mark.parametrize("recursive", [False, True])
def test_an_environment_that_is_renamed_under_way_is_an_error(
    bench: Bench, infisical: InfisicalSandbox, shop: Project, sandbox: Sandbox, recursive: bool
) -> None:
    bench.options(recursive=recursive)
    sandbox.clear_traffic()

    def rename(stream: Stream) -> None:
        shop.environments["development"] = shop.environments.pop("dev")
        error(404, "NotFound")(stream)

    infisical.world.faults.append(Fault(IMPORTS, rename))

    first = bench.run()
    then = bench.run()

    assert (first.status, then.status) == (Status.FAILED, Status.FAILED)
    assert "Check that it is still there" in then.message
    assert sandbox.log.writes() == []


def test_a_folder_that_was_replaced_by_an_empty_one_deletes_nothing_unasked(
    bench: Bench, shop: Project, sandbox: Sandbox
) -> None:
    shop.environments["dev"].folders["/app"] = Folder("/app")
    sandbox.clear_traffic()

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.EMPTY_SOURCE)
    assert sandbox.log.writes() == []


def test_an_import_of_an_environment_that_may_not_be_read_any_more_is_an_error(
    bench: Bench, infisical: InfisicalSandbox, shop: Project, sandbox: Sandbox
) -> None:
    shop.closed.add(("dev", "/common"))
    sandbox.clear_traffic()

    run = bench.run()

    assert (run.status, sandbox.log.writes()) == (Status.FAILED, [])
    assert "Could not read dev:/common in Infisical: Infisical answered 403." in run.message
    assert run.message.endswith("dev:/app imports it.")


def test_the_answer_of_another_project_is_an_error(bench: Bench, infisical: InfisicalSandbox, sandbox: Sandbox) -> None:
    """It has been asked for by its id, and a cache in between mixes two answers up."""
    other = infisical.world.add_project("other")
    sandbox.clear_traffic()
    row = {"secretKey": "A", "secretValue": "x", "type": "shared", "environment": "dev", "workspace": other.id}
    infisical.world.faults.append(Fault(SECRETS, says({"secrets": [row], "imports": []}), MANY))

    run = bench.run()

    assert (run.status, sandbox.log.writes()) == (Status.FAILED, [])
    assert "the secret A is of another project than was asked for" in run.message


def test_keys_that_differ_by_case_or_look_alike_are_two(bench: Bench, shop: Project, sandbox: Sandbox) -> None:
    """As in Infisical and in Devin; whoever reads the plan is warned of what no shell takes."""
    shop.environments["dev"].folders["/app"].secrets += [Secret("a", "1"), Secret("\u0410", "2")]

    run = bench.run()

    assert run.status == Status.SUCCEEDED
    assert {"a", "A", "\u0410"} <= set(sandbox.organization(ORG).values())
    assert run.warnings
