"""Faults that a person has to mend: the run ends at once, says what to do, and deletes nothing."""

from typing import Any

import pytest

from connections.devin.errors import Forbidden
from connections.models import Connection
from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Outcome, Status
from syncs.models import SyncRun, WriteIntent
from tests.actors import ANYBODY
from tests.syncs.conftest import ORG, Bench, changes
from vault.editing import delete_folder, set_secret
from vault.models import Secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]


@pytest.fixture
def changed(bench: Bench, sandbox: Sandbox) -> Bench:
    """A sync whose next run has something to create, to replace and to delete."""
    bench.source(A="1", B="1", GONE="gone")
    bench.run()
    bench.source(A="1", B="2", NEW="1")
    sandbox.clear_traffic()
    return bench


def ended_at_once(run: SyncRun) -> bool:
    return (run.status, run.attempt, run.not_before) == (Status.FAILED, 1, None)


# The connection and the organization


def test_an_api_key_that_devin_does_not_accept(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")

    run = changed.run()

    assert ended_at_once(run)
    assert run.message == (
        "Could not list the secrets of org-sandbox: Devin does not accept the API key of connection “acme” (401). "
        "Enter a valid key there and sync again."
    )
    assert sandbox.log.counts() == {"GET": 1}


def test_the_connection_shows_a_refused_key_until_it_is_accepted(changed: Bench, sandbox: Sandbox) -> None:
    connection = changed.sync.connection
    sandbox.directory.revoke_key("cog_sandbox")
    changed.run()
    connection.refresh_from_db()
    assert connection.is_valid is False
    assert "(401)" in connection.validation_message

    sandbox.directory.declare_key("cog_sandbox", org_id="org-sandbox")
    changed.run()

    connection.refresh_from_db()
    assert (connection.is_valid, connection.validation_message) == (True, "")


def test_an_organization_that_the_key_may_not_see(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.declare_organization("org-closed")
    changed.options(org_id="org-closed")

    run = changed.run()

    assert ended_at_once(run)
    assert run.message == (
        "Could not list the secrets of org-closed: the API key of connection “acme” is of the organization org-sandbox "
        "alone (403). Choose a connection with a key of this one, or correct the organization ID."
    )
    assert [entry.path for entry in sandbox.log.requests()][1:] == ["/v3/self"]
    changed.sync.connection.refresh_from_db()
    assert changed.sync.connection.is_valid is not False


@pytest.mark.parametrize(
    ("rights", "advice"),
    [
        ({}, "is of this organization and lacks a permission (403). Give its service user the permission ManageOrgS"),
        ({"org_id": None}, "Devin refuses it (403). Give the service user of connection “acme” the ManageOrgSecrets"),
        (
            {"expires_at": 1},
            "The API key of connection “acme” has expired. Make a new one in Devin, and enter it there",
        ),
    ],
)
def test_a_refusal_says_what_the_key_lacks(
    changed: Bench, sandbox: Sandbox, rights: dict[str, Any], advice: str
) -> None:
    sandbox.directory.declare_key("cog_sandbox", **{"permissions": ["ViewOrgSecrets"]} | rights)

    run = changed.run()

    assert ended_at_once(run)
    assert run.message.startswith("Could not list the secrets of org-sandbox: ")
    assert advice in run.message


def test_an_address_that_is_not_on_the_access_list(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.ip_ranges = ["192.0.2.0/24"]

    run = changed.run()

    assert ended_at_once(run)
    assert "every address that is not on the enterprise's IP access list" in run.message
    with pytest.raises(Forbidden, match="IP access list"):
        changed.sync.connection.verify()
    sandbox.settings.ip_ranges.append("127.0.0.0/8")
    assert changed.run().status == Status.SUCCEEDED


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_in_our_words_alone(changed: Bench, sandbox: Sandbox, status: int) -> None:
    body = '{"detail": "canary: key cog_canary expired on Tuesday"}'
    sandbox.faults.add(Kind.STATUS, method="GET", status=status, body=body)

    message = changed.run().message

    assert f"Devin answered {status}. The API key of connection “acme” has expired." in message
    assert "canary" not in message


def test_who_the_key_is_is_asked_once_for_all_that_was_refused(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**{f"KEY_{number:02}": "1" for number in range(12)})
    sandbox.faults.add(Kind.STATUS, method="POST", status=403, times=None)

    run = bench.run()

    assert ended_at_once(run)
    assert len([entry for entry in sandbox.log.requests("GET") if entry.path == "/v3/self"]) == 1


def test_an_organization_that_does_not_exist(changed: Bench, sandbox: Sandbox) -> None:
    changed.options(org_id="org-misspelt")

    run = changed.run()

    assert ended_at_once(run)
    assert run.message == (
        "Could not list the secrets of org-misspelt: Devin knows no such organization (404). Correct the organization "
        "ID of this sync."
    )


@pytest.mark.parametrize(("status", "advice"), [(401, "Enter a valid key there"), (403, "permission ManageOrgSecrets")])
def test_a_create_that_is_not_allowed_ends_the_run(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int, advice: str
) -> None:
    sandbox.faults.add(Kind.STATUS, method="POST", status=status, times=None)

    run = changed.run()

    assert ended_at_once(run)
    assert "Could not create NEW in org-sandbox" in run.message or "Could not replace B in org-sandbox" in run.message
    assert advice in run.message
    assert not sandbox.log.requests("DELETE")
    assert organization.values() == {"A": "1", "B": "1", "GONE": "gone"}


def test_an_api_key_revoked_in_the_middle_ends_the_run(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(**{f"KEY_{number:02}": "1" for number in range(40)})
    sandbox.faults.add(Kind.STATUS, method="POST", status=401, skip=10, times=None)

    run = bench.run()

    assert ended_at_once(run)
    assert run.created_count == len(organization.values()) == 10
    assert len(sandbox.log.requests("POST")) <= 10 + 3 * 4
    sandbox.faults.clear()
    assert bench.run().status == Status.SUCCEEDED
    assert len(organization.values()) == 40
    assert not WriteIntent.objects.open().exists()


def test_a_delete_that_stays_forbidden(changed: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="GONE", status=403, times=None)

    run = changed.run()

    assert ended_at_once(run)
    assert run.message == (
        "Devin refuses to delete GONE in org-sandbox (403), and it is still there. Give the service user of connection "
        "“acme” the ManageOrgSecrets permission there, then sync again."
    )
    assert organization.values() == {"A": "1", "B": "2", "NEW": "1", "GONE": "gone"}
    assert not WriteIntent.objects.open().exists()


def test_a_replacement_whose_old_secret_may_not_be_deleted(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="B", status=403, times=None)

    run = changed.run()

    assert ended_at_once(run)
    assert "Devin refuses to delete B in org-sandbox (403)" in run.message
    assert organization.values()["B"] == "1"
    assert not WriteIntent.objects.open().exists()
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


@pytest.mark.parametrize("mode", [Duplicates.REJECT_409, Duplicates.ALLOW])
def test_a_delete_of_what_is_gone_already_is_done(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, mode: Duplicates
) -> None:
    sandbox.settings.duplicates = mode
    # Devin answers 403, and not 404, for a secret that is gone.
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="GONE", status=403, moment="after")

    run = changed.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == {"A": "1", "B": "2", "NEW": "1"}
    assert run.deleted_count == 1


def test_an_api_key_that_does_not_open(changed: Bench, sandbox: Sandbox) -> None:
    Connection.objects.update(base_url="http://127.0.0.1:1")

    run = changed.run()

    assert ended_at_once(run)
    assert "Could not read the API key of connection “acme”" in run.message
    assert not sandbox.log.requests()


def test_a_removal_with_a_dead_api_key_forgets_nothing(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")

    run = changed.run(operation=Operation.REMOVE)

    assert ended_at_once(run)
    assert "Enter a valid key there" in run.message
    assert changed.sync.managed_secrets.count() == 3
    assert (changed.sync.remove_status, changed.sync.last_remove_message) == (Status.FAILED, run.message)


# The source


def test_a_folder_that_vanished_after_the_run_was_asked_for(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = SyncRun.objects.pending().get()
    delete_folder(changed.folder, by=ANYBODY)

    changed.carry_out(run)

    assert ended_at_once(run)
    assert run.message == (
        "The source folder dev:/my-secrets no longer exists. Choose another source for this sync; until then nothing "
        "is written to Devin and nothing deleted."
    )
    assert not sandbox.log.writes()
    assert organization.values() == {"A": "1", "B": "1", "GONE": "gone"}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("${NOT_THERE}", "NOT_THERE"),
        ("${prod.A}", "prod.A"),
        ("${BROKEN}", "BROKEN"),
    ],
    ids=["missing", "in a missing environment", "of itself"],
)
def test_a_reference_that_leads_nowhere(changed: Bench, sandbox: Sandbox, value: str, named: str) -> None:
    set_secret(changed.folder, "BROKEN", f"canary-1f {value}", by=ANYBODY)

    run = changed.run()

    assert ended_at_once(run)
    assert run.message.startswith("Could not read dev:/my-secrets: ")
    assert "BROKEN" in run.message
    assert named in run.message
    assert "canary-1f" not in run.message
    assert not sandbox.log.writes()


def test_a_value_that_does_not_decrypt(changed: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    one, other = Secret.objects.get(key="A"), Secret.objects.get(key="B")
    Secret.objects.filter(pk=one.pk).update(sealed_value=other.sealed_value)

    run = changed.run()

    assert ended_at_once(run)
    assert run.message.startswith("Could not read dev:/my-secrets: ")
    assert "A" in run.message
    assert not sandbox.log.writes()
    assert organization.values() == {"A": "1", "B": "1", "GONE": "gone"}


def test_a_key_in_two_folders(changed: Bench, sandbox: Sandbox) -> None:
    from vault.editing import create_folder

    below = create_folder(changed.folder.environment, "/my-secrets/below", by=ANYBODY)
    set_secret(below, "A", "2", by=ANYBODY)
    changed.options(recursive=True)

    run = changed.run()

    assert ended_at_once(run)
    assert "/my-secrets/below" in run.message
    assert not sandbox.log.writes()


# One key


def test_refused_values_fail_their_keys_and_the_rest_goes_on(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.refuse_value("B")

    run = changed.run()

    assert ended_at_once(run)
    (failed,) = run.changes.filter(outcome=Outcome.FAILED)
    assert failed.detail == "Could not create `B` in org-sandbox: Devin answered 422. Check its key and value."
    assert run.message == f"1 key could not be written: B. {failed.detail} The rest is up to date."
    assert organization.values() == {"A": "1", "B": "1", "NEW": "1"}
    assert changes(run) == ["create NEW", "delete GONE"]
    assert not WriteIntent.objects.open().exists()


def test_many_refused_keys_are_named_up_to_ten(bench: Bench, sandbox: Sandbox) -> None:
    keys = [f"KEY_{number:02}" for number in range(12)]
    bench.source(**dict.fromkeys(keys, "1"))
    for key in keys:
        sandbox.refuse_value(key)

    run = bench.run()

    first = run.changes.get(destination_key="KEY_00").detail
    assert run.message == (
        f"12 keys could not be written: {', '.join(keys[:10])} and 2 more. KEY_00: {first} "
        "The run lists the reasons of the others. The rest is up to date."
    )
    assert run.failed_count == 12


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_status_about_the_item_refuses_the_item(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int
) -> None:
    sandbox.faults.add(Kind.STATUS, method="POST", key="B", status=status)

    run = changed.run()

    assert ended_at_once(run)
    assert organization.values() == {"A": "1", "B": "1", "NEW": "1"}
    assert changes(run) == ["create NEW", "delete GONE"]


def test_a_refused_key_is_tried_again_by_the_next_run(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.refuse_value("B")
    changed.run()
    organization.accept_value("B")

    run = changed.run()

    assert run.status == Status.SUCCEEDED
    assert organization.values() == {"A": "1", "B": "2", "NEW": "1"}


@pytest.mark.parametrize("status", [409, 422])
def test_a_key_taken_by_a_secret_that_we_cannot_see(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int
) -> None:
    organization.put(key="NEW", access_type="personal")
    body = '{"detail": "A secret with this key already exists"}'
    sandbox.faults.add(Kind.STATUS, method="POST", key="NEW", status=status, body=body, times=None)

    run = changed.run()

    assert ended_at_once(run)
    assert "1 key could not be written: NEW." in run.message
    (failed,) = run.changes.filter(outcome=Outcome.FAILED)
    assert failed.detail == (
        "Devin says that NEW is taken, but lists no such secret of the organization. Perhaps it is somebody's personal "
        "secret. Rename one of the two."
    )
    assert len(sandbox.log.requests("POST", key="NEW")) == 2
    assert organization.values() == {"A": "1", "B": "2"}
    assert [secret.access_type for secret in organization.with_key("NEW")] == ["personal"]
    assert not WriteIntent.objects.open().exists()


def test_a_422_that_repeats_the_value_is_no_taken_key(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    changed.source(A="1", B="it already exists", NEW="1")
    body = '{"detail": "Value error: it already exists"}'
    sandbox.faults.add(Kind.STATUS, method="POST", key="B", status=422, body=body)

    run = changed.run()

    assert ended_at_once(run)
    assert organization.values()["B"] == "1"
    assert not sandbox.log.requests("DELETE", key="B")
    assert "already exists" not in run.message + "".join(run.changes.values_list("detail", flat=True))


def test_a_permanent_fault_is_shown_on_the_sync(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.directory.revoke_key("cog_sandbox")

    run = changed.run()

    assert changed.sync.sync_status == Status.FAILED
    assert changed.sync.last_sync_run_id == run.pk
    assert changed.sync.last_sync_message == run.message
    assert changed.sync.org_id == ORG
