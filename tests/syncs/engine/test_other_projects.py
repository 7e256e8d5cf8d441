"""Two projects that write to one organization: what the runs of one tell of the other, and what is taken over."""

import pytest
from django.contrib.auth.models import User

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.models import DevinSync, ManagedSecret
from tests.actors import ANYBODY
from tests.syncs.conftest import ORG, Bench
from vault.access.models import Membership
from vault.access.roles import Role
from vault.editing import create_environment, create_folder, create_project
from vault.models import Project

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def foreign(connection: Connection, rung: list[str]) -> Bench:
    """A sync of another project, which holds A."""
    project = create_project(name="Far away", slug="far-away", environments=(), by=ANYBODY)
    environment = create_environment(project, name="Live", slug="live", by=ANYBODY)
    folder = create_folder(environment, "/theirs", by=ANYBODY)
    sync = DevinSync.objects.create(
        name="far-sync", project=project, folder=folder, connection=connection, org_id=ORG, strangers="leave"
    )
    bench = Bench(sync, folder)
    bench.source(A="theirs")
    bench.run()
    return bench


def member(*projects: Project) -> User:
    user = User.objects.create_user("member")
    for project in projects:
        Membership.objects.create(project=project, user=user, role=Role.EDITOR)
    return user


@pytest.mark.parametrize("has_members", [True, False])
def test_a_sync_of_another_project_is_named_only_where_all_may_see_it(
    bench: Bench, foreign: Bench, organization: SandboxOrganization, has_members: bool
) -> None:
    if has_members:
        member(bench.sync.project)
    bench.source(A="mine", B="2")

    (change,) = bench.run().changes.filter(destination_key="A")

    told = "a sync of another project" if has_members else "the sync “far-sync”"
    assert change.detail == f"{told} manages this key in the same organization"
    assert organization.values() == {"A": "theirs", "B": "2"}


def test_what_another_project_wants_is_handed_over_without_its_name(bench: Bench, foreign: Bench) -> None:
    member(bench.sync.project)
    bench.source(A="1", B="2")
    ManagedSecret.objects.update(sync=bench.sync)
    bench.source(B="2")

    (handed,) = preview(bench.sync).plan.hand_overs

    assert handed.reason == "not in this source, and a sync of another project wants it"


@pytest.mark.parametrize("is_member_there", [True, False])
def test_what_a_stopped_sync_of_another_project_holds_takes_the_right_there(
    bench: Bench, foreign: Bench, is_member_there: bool
) -> None:
    DevinSync.objects.filter(pk=foreign.sync.pk).update(is_enabled=False)
    bench.source(A="mine")
    user = member(bench.sync.project, *([foreign.sync.project] if is_member_there else []))

    run = bench.run(user=user, takes_over=True)

    holder = ManagedSecret.objects.get(destination_key="A").sync
    assert (holder == bench.sync) == is_member_there
    assert run.status == (Status.SUCCEEDED if is_member_there else Status.FAILED)
    assert "far-sync" not in f"{run.message} {list(run.changes.values_list('reason', 'detail'))}"
