"""One table of what happens when a sync is made, changed or deleted, whoever does it by whatever way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from sandbox.server import Sandbox
from syncs.choices import Operation, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncRun
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.api.conftest import make_caller
from tests.syncs.conftest import API_KEY, ORG
from tests.syncs.editing.faces import FACES, Admin, Apply, Face, Rest, Wizard, plain
from vault.editing import create_folder, set_secrets
from vault.models import Folder

OTHER = "org-other"
Given = Callable[[DevinSync], object]


def nothing(sync: DevinSync) -> None:
    pass


def a_queued_run(sync: DevinSync) -> None:
    request_run(sync, trigger=Trigger.MANUAL)


def a_running_run(sync: DevinSync) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)


def a_queued_removal(sync: DevinSync) -> None:
    request_run(sync, trigger=Trigger.MANUAL, operation=Operation.REMOVE)


def no_auto_sync(sync: DevinSync) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(auto_sync_enabled=False)


def disabled(sync: DevinSync) -> None:
    DevinSync.objects.filter(pk=sync.pk).update(is_enabled=False)


def a_clash_below(sync: DevinSync) -> None:
    assert sync.folder is not None
    set_secrets(create_folder(sync.folder.environment, "/my-secrets/api", by=ANYBODY), {"A": "2"}, by=ANYBODY)
    SyncRun.objects.all().delete()


def another_sync(sync: DevinSync) -> None:
    DevinSync.objects.create(
        name="taken", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-x"
    )


@dataclass(frozen=True)
class Case:
    """`runs` are those that wait afterwards, as "operation trigger org"; `log` begins what is noted, "" for nothing."""

    name: str
    deed: str
    with_: dict[str, Any]
    given: Given = nothing
    refused: str = ""
    runs: tuple[str, ...] = ()
    cancelled: int = 0
    forgets: bool = False
    log: str = ""
    is_gone: bool = False
    becomes: dict[str, Any] = field(default_factory=dict)
    takes: str = ""

    @property
    def needs(self) -> str:
        """What a face must be able to do to be asked."""
        return self.takes or self.deed


MADE = {"name": "made"}
CASES = (
    # Made
    Case("runs at once", "create", MADE, runs=("sync {asked} org-sandbox",), log="Added"),
    Case("runs not if disabled", "create", MADE | {"is_enabled": False}, log="Added"),
    Case("keeps its options", "create", MADE | {"key_schema": "P_{{secretKey}}", "guard_max_deletions": 3},
         runs=("sync {asked} org-sandbox",), log="Added", becomes={"key_schema": "P_{{secretKey}}"}),
    Case("not with folders that cannot be joined", "create", MADE | {"recursive": True}, given=a_clash_below,
         refused="/my-secrets/api"),
    Case("not for what is no organization", "create", MADE | {"org_id": "acme"}, refused="starts with|pattern"),
    Case("not with a key schema without a key", "create", MADE | {"key_schema": "NONE"}, refused="exactly once"),
    # Changed
    Case("syncs an option", "change", {"key_schema": "P_{{secretKey}}"}, runs=("sync edit org-sandbox",),
         log="Changed key_schema from '' to 'P_{{secretKey}}'",
         becomes={"key_schema": "P_{{secretKey}}", "version": 2}),
    Case("joins a run that waits", "change", {"description": "x"}, given=a_queued_run,
         runs=("sync manual org-sandbox",), log="Changed description"),
    Case("is allowed under a run", "change", {"description": "x"}, given=a_running_run,
         runs=("sync edit org-sandbox",), log="Changed description"),
    Case("waits without auto-sync", "change", {"description": "x"}, given=no_auto_sync, log="Changed description"),
    Case("waits while disabled", "change", {"description": "x"}, given=disabled, log="Changed description"),
    Case("runs when enabled", "change", {"is_enabled": True}, given=disabled, runs=("sync edit org-sandbox",),
         log="Changed is_enabled from False to True", becomes={"is_enabled": True}),
    Case("stops when disabled", "change", {"is_enabled": False}, log="Changed is_enabled",
         becomes={"is_enabled": False, "version": 2}),
    Case("not to folders that cannot be joined", "change", {"recursive": True}, given=a_clash_below,
         refused="/my-secrets/api"),
    Case("not to a name that is taken", "change", {"name": "taken"}, given=another_sync, takes="rename",
         refused="already has a sync named taken"),
    Case("not to what is no organization", "change", {"org_id": "acme"}, refused="starts with|pattern"),
    # Moved to another organization
    Case("forgets what it leaves", "change", {"org_id": OTHER}, runs=("sync edit org-other",), forgets=True,
         log="Changed org_id from 'org-sandbox' to 'org-other'", becomes={"org_id": OTHER}),
    Case("removes what it leaves", "change", {"org_id": OTHER, "removes_old": True},
         runs=("remove edit org-sandbox", "sync edit org-other"), log="Changed org_id", becomes={"org_id": OTHER}),
    Case("takes no run along", "change", {"org_id": OTHER}, given=a_queued_run, cancelled=1, forgets=True,
         runs=("sync edit org-other",), log="Changed org_id"),
    Case("forgets without auto-sync too", "change", {"org_id": OTHER}, given=no_auto_sync, forgets=True,
         log="Changed org_id"),
    Case("stays under a run", "change", {"org_id": OTHER}, given=a_running_run, refused="under way"),
    Case("stays under a run, also to remove", "change", {"org_id": OTHER, "removes_old": True}, given=a_running_run,
         refused="under way"),
    Case("stays while a removal waits", "change", {"org_id": OTHER}, given=a_queued_removal,
         refused="removal of this sync's secrets is queued", runs=("remove manual org-sandbox",)),
    # Deleted
    Case("leaves its secrets", "delete", {"removes_secrets": False}, is_gone=True, log="Deleted"),
    Case("ends what waits", "delete", {"removes_secrets": False}, given=a_queued_run, is_gone=True, cancelled=1,
         log="Deleted"),
    Case("ends a removal that waits", "delete", {"removes_secrets": False}, given=a_queued_removal, is_gone=True,
         cancelled=1, log="Deleted"),
    Case("not under a run", "delete", {"removes_secrets": False}, given=a_running_run, refused="under way"),
    Case("removes its secrets first", "delete", {"removes_secrets": True}, runs=("remove {asked} org-sandbox",),
         log="Asked to delete it with its secrets"),
    Case("not with its secrets under a run", "delete", {"removes_secrets": True}, given=a_running_run,
         refused="under way"),
)  # fmt: skip
# A face that cannot delete, or rename, is not asked to.
ASKED = [
    pytest.param(name, case, id=f"{case.deed} by {name}: {case.name}")
    for case in CASES
    for name, kind in FACES.items()
    if case.needs in kind.can  # type: ignore[attr-defined]
]
# The trigger of what a person asks for by each way.
ASKED_BY = {"wizard": "wizard", "admin": "manual", "api": "api", "apply": "command"}


@pytest.fixture
def face(request: pytest.FixtureRequest, client: Client, admin_user: User, tmp_path: Path) -> Face:
    client.force_login(admin_user)
    made: dict[str, Face] = {
        "wizard": Wizard(client),
        "admin": Admin(client),
        "api": Rest(make_caller(admin_user)),
        "apply": Apply(tmp_path / "syncs.yaml", admin_user),
    }
    return made[request.param]


@pytest.fixture
def written(sync: DevinSync, folder: Folder, sandbox: Sandbox) -> DevinSync:
    """A sync that has written one secret, by a key that may write elsewhere too; no run of it is left."""
    sandbox.directory.declare_organization(OTHER)
    sandbox.directory.declare_key(API_KEY, org_id=None)
    set_secrets(folder, {"A": "1"}, by=ANYBODY)
    SyncRun.objects.all().delete()
    ManagedSecret.objects.create(
        sync=sync, destination=sync.destination(), destination_key="A", source_key="A", secret_id="secret-1"
    )
    return sync


def waiting() -> list[str]:
    runs = SyncRun.objects.pending().order_by("operation", "queued_at")
    return [f"{run.operation} {run.trigger} {run.org_id}" for run in runs]


@pytest.mark.parametrize(("face", "case"), ASKED, indirect=["face"])
@pytest.mark.usefixtures("_quick")
def test_every_face_keeps_the_same_rules(face: Face, case: Case, written: DevinSync, admin_user: User) -> None:
    case.given(written)
    before = DevinSync.objects.get(pk=written.pk)

    said = plain(getattr(face, case.deed)(written, **case.with_))

    check_what_was_said(said, case)
    asked = ASKED_BY[type(face).__name__.lower().replace("rest", "api")]
    assert waiting() == [run.format(asked=asked) for run in case.runs]
    assert SyncRun.objects.filter(status=Status.CANCELLED).count() == case.cancelled
    check_the_rows(case, before)
    check_the_log(case, face, admin_user)


def check_what_was_said(said: str, case: Case) -> None:
    assert bool(said) == bool(case.refused), said
    assert any(words in said for words in case.refused.split("|")), said


def check_the_rows(case: Case, before: DevinSync) -> None:
    now = DevinSync.objects.filter(pk=before.pk).first()
    assert (now is None) == case.is_gone
    ledger = ManagedSecret.objects.filter(sync_id=before.pk, destination__org_id=ORG)
    assert ledger.exists() != (case.forgets or case.is_gone)
    found = DevinSync.objects.get(name=case.with_["name"]) if case.deed == "create" and not case.refused else now
    assert {name: getattr(found, name) for name in case.becomes} == case.becomes
    if case.refused:
        assert now is not None
        assert (now.version, now.org_id, now.name) == (before.version, before.org_id, before.name)
        assert not DevinSync.objects.filter(name="made").exists()


def check_the_log(case: Case, face: Face, user: User) -> None:
    entries = LogEntry.objects.filter(content_type__model="devinsync")
    if not case.log:
        assert not entries.exists()
        return
    entry = entries.get()
    assert entry.user == user
    assert entry.change_message.startswith(case.log)
    assert entry.change_message.endswith(f"{face.way}.")
