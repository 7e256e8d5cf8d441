"""Who changed it in Devin: named where the key may read the audit log, once a run, and never a reason to fail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from connections.audit_logs import AFTER_A_REFUSAL
from connections.devin.audit import AuditEvent
from connections.models import Connection
from sandbox.audit import Actor
from sandbox.directory import MANAGE_ENTERPRISE, MANAGE_SECRETS
from sandbox.faults import Kind
from sandbox.log import LoggedRequest
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.authors import Author
from syncs.choices import Operation, Status, Strangers
from syncs.engine.authors import Subject, match
from syncs.engine.preview import preview
from syncs.models import SyncRun, SyncRunChange
from tests.syncs.conftest import API_KEY, Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]
ANA, BO = (Actor(user_id=f"user-{name}", user_email=f"{name}@example.com") for name in ("ana", "bo"))
MAY = [MANAGE_SECRETS, MANAGE_ENTERPRISE]
Deed = Callable[[SandboxOrganization], None]


@pytest.fixture
def synced(bench: Bench, sandbox: Sandbox) -> Bench:
    sandbox.directory.declare_key(API_KEY, permissions=MAY)
    bench.source(A="1", B="2")
    bench.run()
    sandbox.clear_traffic()
    return bench


def asked(sandbox: Sandbox) -> list[LoggedRequest]:
    """What was sent beside the list and the writes."""
    return [entry for entry in sandbox.log.requests("GET") if not entry.path.endswith("/secrets")]


def id_of(organization: SandboxOrganization, key: str) -> str:
    return organization.with_key(key)[0].secret_id


def deleted(organization: SandboxOrganization) -> None:
    organization.delete(id_of(organization, "A"), actor=ANA)


def edited(organization: SandboxOrganization) -> None:
    organization.change(id_of(organization, "A"), note="mine", actor=BO)
    organization.change(id_of(organization, "A"), note="mine too", actor=ANA)


def replaced(organization: SandboxOrganization) -> None:
    organization.delete(id_of(organization, "A"), actor=BO)
    organization.put(key="A", value="theirs", actor=ANA)


def foreign(organization: SandboxOrganization) -> None:
    organization.put(key="STRANGER", value="s", actor=ANA)


def second(organization: SandboxOrganization) -> None:
    organization.put(key="A", value="second", actor=ANA)


DEEDS: list[tuple[Deed, str]] = [
    (deleted, "deleted"),
    (edited, "updated"),
    (replaced, "created"),
    (foreign, "created"),
    (second, "created"),
]


def row_of(run: SyncRun) -> SyncRunChange:
    return run.changes.get()


def test_a_run_and_its_plan_name_who_did_it(synced: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    # Nobody's business: another key that came and went.
    organization.delete(organization.put(key="OLD", actor=BO).secret_id, actor=BO)
    for deed, did in DEEDS:
        deed(organization)
        foreseen = preview(synced.sync, names_authors=True)
        before = len(sandbox.log.requests())

        run = synced.run()

        author = row_of(run).author
        assert author is not None
        assert (run.status, author.did, author.name) == (Status.SUCCEEDED, did, "ana@example.com"), deed
        assert author.when is not None
        assert foreseen.authors is not None
        assert list(foreseen.authors.found.values()) == [author]
        assert run.requests_sent == len(sandbox.log.requests()) - before


def test_an_unchanged_run_asks_nothing_more(synced: Bench, sandbox: Sandbox) -> None:
    run = synced.run()

    assert (run.requests_sent, len(sandbox.log.requests()), asked(sandbox)) == (1, 1, [])
    assert run.authors is None


def test_a_changed_source_asks_nothing_more(synced: Bench, sandbox: Sandbox) -> None:
    synced.source(A="3")

    synced.run()

    assert asked(sandbox) == []


def test_all_of_a_run_are_looked_up_at_once(synced: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    deleted(organization)
    organization.change(id_of(organization, "B"), note="mine", actor=BO)
    for number in range(20):
        organization.put(key=f"FOREIGN_{number}", actor=ANA)
    # An answer that leaves open what happened, so that the run lists and plans once more.
    sandbox.faults.add(Kind.CUT, method="POST", key="A", moment="after")

    run = synced.run()

    authors = [row.author for row in run.changes.all()]
    assert sorted({author.name for author in authors if author}) == ["ana@example.com", "bo@example.com"]
    assert None not in authors
    assert sorted(entry.query.rpartition("=")[2] for entry in asked(sandbox)) == [
        "", "create_secret", "delete_secret", "update_secret",
    ]  # fmt: skip


def test_a_removal_asks_nothing(synced: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    foreign(organization)
    edited(organization)

    synced.run(operation=Operation.REMOVE)

    assert asked(sandbox) == []


def test_our_own_service_user_is_no_stranger(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    own = sandbox.directory.key_for(API_KEY)
    assert own is not None
    organization.delete(id_of(organization, "A"), actor=own.actor)

    author = row_of(synced.run()).author

    assert author == Author()
    assert str(author) == "changed in Devin by somebody"


def test_a_key_of_the_enterprise_reads_its_log_where_it_may_not_read_the_organizations(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.directory.declare_organization("org-other").put(key="A", actor=BO)
    sandbox.directory.declare_key(API_KEY, org_id=None, permissions=MAY)
    sandbox.faults.add(Kind.STATUS, status=403, method="GET", org="org-sandbox", skip=1)
    foreign(organization)

    author = row_of(synced.run()).author

    assert author is not None
    assert author.name == "ana@example.com"
    assert "/v3/enterprise/audit-logs" in [entry.path for entry in asked(sandbox)]


# What comes instead of an answer; None: the key may not.
FAULTS: list[dict[str, Any] | None] = [
    None,
    {"kind": Kind.STATUS, "status": 404},
    {"kind": Kind.STATUS, "status": 422},
    {"kind": Kind.STATUS, "status": 503},
    {"kind": Kind.STATUS, "status": 204},
    {"kind": Kind.STATUS, "status": 200, "body": "<html>"},
    {"kind": Kind.STATUS, "status": 200, "body": '{"items": 5}'},
    {"kind": Kind.RATE_LIMITED, "retry_after": 3600},
    {"kind": Kind.CUT},
]


def test_a_log_that_cannot_be_read_is_no_fault_and_left_alone(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    for fault in FAULTS:
        sandbox.clear_traffic()
        sandbox.directory.declare_key(API_KEY, permissions=MAY if fault else [MANAGE_SECRETS])
        Connection.objects.update(audit_logs_due_at=timezone.now())
        if fault:
            sandbox.faults.add(method="GET", org="org-sandbox", skip=1, times=50, **fault)
        deleted(organization)
        run = synced.run()
        tried = len(asked(sandbox))
        sandbox.faults.clear()
        foreign(organization)

        again = synced.run()

        assert [(each.status, each.authors) for each in (run, again)] == [(Status.SUCCEEDED, None)] * 2, fault
        assert 1 <= tried <= 2
        assert len(asked(sandbox)) == tried
        assert organization.values() == {"A": "1", "B": "2"}
        assert Connection.objects.get().is_valid is not False


def test_it_is_asked_again_after_a_day_or_with_another_key(
    synced: Bench, sandbox: Sandbox, organization: SandboxOrganization, connection: Connection
) -> None:
    sandbox.directory.declare_key(API_KEY)
    deleted(organization)
    begun = timezone.now()
    synced.run()
    connection.refresh_from_db()
    assert connection.audit_logs_due_at >= begun + AFTER_A_REFUSAL
    sandbox.directory.declare_key(API_KEY, permissions=MAY)
    connection.verify()

    deleted(organization)
    synced.sync.refresh_from_db()

    author = row_of(synced.run()).author
    assert author is not None
    assert author.name == "ana@example.com"


def test_those_who_are_asked_about_are_named(synced: Bench, organization: SandboxOrganization) -> None:
    synced.options(strangers=Strangers.ASK)
    foreign(organization)

    author = row_of(synced.run()).author

    assert author is not None
    assert author.deed == "created in Devin by ana@example.com"


def event(action: str, at: int | None = 100, **data: object) -> AuditEvent:
    return AuditEvent.parse({"action": action, "created_at": at, "user_email": f"at-{at}", "data": data})


def test_the_newest_that_can_be_meant_is_taken() -> None:
    asked_of = {"key:A": Subject(frozenset({"secret-1"}), "A", since=1000, actions=frozenset({"delete_secret"}))}
    cases = [
        ([event("delete_secret", 1100, key="A"), event("delete_secret", 1050, key="A")], "at-1100"),
        # Of the key's earlier life, or another deed, or another secret of that key.
        ([event("delete_secret", 900, key="A")], None),
        ([event("update_secret", 1100, key="A")], None),
        ([event("delete_secret", 1100, key="A", secret_id="secret-2")], None),
        ([event("delete_secret", None, secret_id="secret-1")], "at-None"),
    ]

    found = [match(events, asked_of).get("key:A", Author()).name or None for events, _ in cases]

    assert found == [name for _, name in cases]
