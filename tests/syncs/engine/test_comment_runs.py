"""A source's comments as the notes in Devin."""

import pytest

from sandbox.organization import Organization
from syncs.choices import Action, Status, Trigger
from syncs.engine.notes import Tag
from syncs.models import SyncRun, SyncRunChange
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, pytest.mark.usefixtures("never_idle")]


def notes(organization: Organization) -> dict[str, str]:
    """The words of each note; all of them end in a tag of ours."""
    found = {str(secret.key): secret.note or "" for secret in organization.secrets()}
    assert all(Tag.read(note) for note in found.values())
    return {key: note.rpartition(" [ds1 ")[0] for key, note in found.items()}


def say(bench: Bench, comment: str) -> None:
    set_secret(bench.folder, "A", "1", comment=comment, by=ANYBODY)


def reasons(run: SyncRun) -> list[tuple[str, str, str]]:
    return list(SyncRunChange.objects.filter(run=run).values_list("action", "destination_key", "reason"))


def test_is_off_unless_asked_for(bench: Bench, organization: Organization) -> None:
    say(bench, "only for staging")

    bench.run()

    assert notes(organization) == {"A": f"Synced by DevinSync from {bench.folder}"}


def test_the_note_follows_the_comment(bench: Bench, organization: Organization) -> None:
    bench.source(A="1", B="2")
    bench.run()
    say(bench, "only for\nstaging")
    bench.options(send_comments=True)

    first = bench.run()
    assert reasons(first) == [(Action.REPLACE, "A", "its comment becomes its note in Devin")]
    assert notes(organization) == {"A": "only for staging", "B": f"Synced by DevinSync from {bench.folder}"}

    say(bench, "expires monthly")
    assert reasons(bench.run()) == [(Action.REPLACE, "A", "its comment changed in the source")]
    assert notes(organization)["A"] == "expires monthly"
    assert organization.values() == {"A": "1", "B": "2"}

    last = bench.run()
    assert (last.status, reasons(last)) == (Status.SUCCEEDED, [])


@pytest.mark.parametrize("how", ["comment", "option"])
def test_a_comment_that_is_no_longer_sent_leaves_devin(bench: Bench, organization: Organization, how: str) -> None:
    bench.options(send_comments=True)
    say(bench, "only for staging")
    bench.run()
    if how == "comment":
        say(bench, "")
    else:
        bench.options(send_comments=False)

    assert reasons(bench.run()) == [(Action.REPLACE, "A", "its note in Devin no longer holds a comment")]
    assert notes(organization) == {"A": f"Synced by DevinSync from {bench.folder}"}


def test_another_comment_starts_the_syncs_that_send_it_and_no_other(bench: Bench, other: Bench) -> None:
    bench.options(send_comments=True)
    set_secret(other.folder, "A", "1", by=ANYBODY)
    say(bench, "old")
    SyncRun.objects.all().delete()

    say(bench, "new")
    set_secret(other.folder, "A", "1", comment="new", by=ANYBODY)

    assert list(SyncRun.objects.values_list("sync", "trigger")) == [(bench.sync.pk, Trigger.CHANGE)]
