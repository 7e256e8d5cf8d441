"""A set over some organizations of the sandbox, with the means to let its runs be carried out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from connections.devin.types import RemoteOrganization
from connections.models import Connection
from connections.organizations import take_over
from fleets.editing import create_set
from fleets.generating import generate
from fleets.models import Rollout, SyncSet
from sandbox.__main__ import OF_AN_ENTERPRISE
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.engine.lease import Lease
from syncs.models import Destination, DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.claim import claim
from tests.actors import ANYBODY
from tests.fleets.conftest import CONSOLE
from tests.syncs.conftest import no_pause, sandbox
from tests.syncs.torture.theatre import MOST_FURTHER_RUNS
from vault.editing import delete_secret, set_secrets
from vault.models import Folder

__all__ = ["no_pause", "sandbox"]
NAMES = ("alpha", "beta", "gamma", "delta", "omega")
MOST_ROUNDS = 60
MakeFleet = Callable[..., "Fleet"]


@dataclass
class Fleet:
    """Beta is the canary; then alpha and delta, then gamma and omega."""

    set: SyncSet
    folder: Folder
    sandbox: Sandbox
    begun: list[str] = field(default_factory=list)

    def source(self, **values: str) -> None:
        """Makes the folder hold exactly these."""
        for secret in self.folder.secrets.exclude(key__in=values):
            delete_secret(secret, by=ANYBODY)
        set_secrets(self.folder, values, by=ANYBODY)

    def carry_out(self) -> list[str]:
        """All runs that wait, one after the other, until none does; the organizations in their order."""
        carried: list[str] = []
        while run := SyncRun.objects.pending().order_by("queued_at", "org_id").first():
            assert len(carried) < MOST_ROUNDS, "it never ends"
            carried.append(run.org_id.removeprefix("org-"))
            self.carry_out_one(run)
        return carried

    def claim(self, run: SyncRun) -> tuple[SyncRun, Lease]:
        """As a worker does that is under way from then on."""
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        claimed = claim(run.pk)
        assert claimed is not None
        return claimed

    def carry_out_one(self, run: SyncRun) -> None:
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        jobs.run_sync(str(run.pk))

    def carry_out_after_a_crash(self) -> None:
        """As other workers do, once the leases of dead ones have expired. A dead one's last renewal may still be on its
        way in the database's server when its process is gone, so they come back."""
        for _ in range(MOST_FURTHER_RUNS + 1):
            self._expire_leases()
            for run in SyncRun.objects.filter(status=Status.RUNNING).order_by("queued_at"):
                self.carry_out_one(run)
            self.carry_out()
            if not SyncRun.objects.filter(status=Status.RUNNING).exists():
                return

    def _expire_leases(self) -> None:
        Destination.objects.filter(lease_expires_at__isnull=False).update(lease_expires_at=Now() - timedelta(seconds=1))

    def values(self, key: str) -> dict[str, str | None]:
        """By the organizations that have it."""
        held = {name: self.sandbox.organization(f"org-{name}").values() for name in NAMES}
        return {name: values[key] for name, values in held.items() if key in values}

    def sync(self, name: str) -> DevinSync:
        return DevinSync.objects.get(org_id=f"org-{name}")

    @property
    def last(self) -> Rollout:
        return Rollout.objects.order_by("-started_at")[0]

    def waves(self) -> list[str]:
        """The names in each wave of the last rollout."""
        rows = self.last.steps.order_by("wave", "member__slug").values_list("wave", "member__slug")
        return [" ".join(slug for wave, slug in rows if wave == number) for number in range(self.last.waves)]

    def steps(self) -> dict[str, str]:
        return dict(self.last.steps.values_list("member__slug", "state"))


@pytest.fixture
def connection(transactional_db: None, sandbox: Sandbox) -> Connection:
    connection = Connection(name="enterprise", base_url=sandbox.url, concurrency=2)
    connection.set_api_key("cog_enterprise")
    connection.save()
    sandbox.directory.declare_key("cog_enterprise", org_id=None, permissions=OF_AN_ENTERPRISE)
    for name in NAMES:
        sandbox.directory.declare_organization(f"org-{name}", name)
    take_over(connection, [RemoteOrganization(f"org-{name}", name) for name in NAMES])
    return connection


@pytest.fixture
def make_fleet(
    connection: Connection,
    folder: Folder,
    sandbox: Sandbox,
    rung: list[str],
    no_pause: None,
) -> MakeFleet:
    def make(**fields: object) -> Fleet:
        given = {"name": "core", "connection": connection, "folder": folder, "canaries": "org-beta", "wave_size": 2}
        each = create_set(SyncSet(project=folder.environment.project, **(given | fields)), by=CONSOLE)
        fleet = Fleet(each, folder, sandbox)
        fleet.source(KEPT="1")
        generate(each.pk)
        return fleet

    return make


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    """All of it in step."""
    from fleets.waves.companion import tend_all

    fleet = make_fleet()
    tend_all()
    fleet.carry_out()
    assert fleet.values("KEPT") == dict.fromkeys(NAMES, "1")
    fleet.sandbox.clear_traffic()
    return fleet
