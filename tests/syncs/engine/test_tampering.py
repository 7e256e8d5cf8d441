"""Nothing reaches Devin from a folder that somebody changed in the database behind DevinSync."""

import pytest

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from tests.tampering import ATTACKS, CANARIES, Rows, attack, furnish, put_back
from vault.editing import create_environment, create_folder
from vault.models import Project, SecretVersion

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]


@pytest.fixture
def seen(bench: Bench, project: Project) -> Rows:
    """Of dev:/app with all below it, synced once as it should be."""
    folder = create_folder(bench.folder.environment, "/app", by=ANYBODY)
    prod = create_environment(project, name="Production", slug="prod", by=ANYBODY)
    rows = furnish(folder, prod)
    bench.options(folder=folder, recursive=True)
    assert bench.run().status == Status.SUCCEEDED
    return rows


def sent_nothing(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> bool:
    before, writes = organization.values(), len(sandbox.log.writes())

    run = bench.run()

    assert run.status == Status.FAILED
    assert run.message.startswith("Could not read ")
    assert not [canary for canary in CANARIES if canary in run.message]
    return len(sandbox.log.writes()) == writes and organization.values() == before


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.usefixtures("seen")
def test_sends_and_deletes_nothing(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, name: str
) -> None:
    attack(name)

    assert sent_nothing(bench, sandbox, organization)
    assert ATTACKS[name][1] in bench.sync.last_sync_message


def test_sends_no_row_that_was_put_back(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, seen: Rows
) -> None:
    put_back(seen.secret)
    SecretVersion.objects.filter(version=2).delete()

    assert sent_nothing(bench, sandbox, organization)
