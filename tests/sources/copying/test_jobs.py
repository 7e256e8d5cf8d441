"""The life of a copy that a person asked for: planned and written by a worker, whatever happens to the worker."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User

from audit.models import Entry
from common import clock
from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Project
from sources.copying import jobs
from sources.copying.copying import RIGHT_TO_PROJECTS, RIGHTS, Choice, write
from sources.models import Copy
from syncs.runs.jobs import run_sync
from tests.sources.copying.conftest import asked_for
from tests.sources.hostile import CANARY
from vault import models as vault


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture
def copy(filled: Project, connection_to_it: Connection, root: User) -> Copy:
    return asked_for(connection_to_it, filled, root)


@pytest.fixture
def planned(copy: Copy) -> Copy:
    return carry(copy)


@pytest.fixture
def confirmed(planned: Copy, root: User) -> Copy:
    assert jobs.confirm(planned, planned.digest, Choice(), by=root)
    planned.refresh_from_db()
    return planned


def carry(copy: Copy) -> Copy:
    """As a worker does that hears its bell."""
    run_sync(str(copy.pk))
    copy.refresh_from_db()
    return copy


def test_a_copy_is_planned_agreed_to_and_made(copy: Copy, root: User) -> None:
    assert carry(copy).state == Copy.State.PLANNED
    assert not vault.Project.objects.exists()
    assert jobs.confirm(copy, copy.digest, Choice(), by=root)

    assert carry(copy).state == Copy.State.DONE

    assert copy.into == vault.Project.objects.get(slug="moved-in")
    assert copy.message.startswith("Copied. Environments: 3, folders: 7, secrets: 9 new, 0 as before")
    line = Entry.objects.get(object_id=str(copy.into_id))
    assert (line.actor, line.action) == ("root", "added")
    assert "secrets: 9 new" in line.detail


def test_no_value_is_in_the_row(confirmed: Copy) -> None:
    assert CANARY not in str(Copy.objects.values().get(pk=confirmed.pk))
    assert CANARY not in str(Copy.objects.values().get(pk=carry(confirmed).pk))


def test_a_source_that_changed_meanwhile_is_planned_anew(confirmed: Copy, filled: Project) -> None:
    old = confirmed.digest
    filled.environments["dev"].folders["/shared"].secrets[0].value = "another"

    assert carry(confirmed).state == Copy.State.PLANNED

    assert confirmed.message == jobs.CHANGED
    assert confirmed.digest != old
    assert not vault.Project.objects.exists()


def test_a_decision_is_on_the_plan_that_was_shown(planned: Copy, root: User) -> None:
    assert not jobs.confirm(planned, "another", Choice(), by=root)
    assert jobs.confirm(planned, planned.digest, Choice(), by=root)
    assert not jobs.confirm(planned, planned.digest, Choice(replaces=True), by=root)


def test_what_nobody_agreed_to_is_not_written(planned: Copy) -> None:
    assert carry(planned).state == Copy.State.PLANNED
    assert not vault.Project.objects.exists()


def test_a_worker_that_died_leaves_nothing_and_the_next_completes_it(
    confirmed: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("vault.editing.contents._set_imports", die)
        with pytest.raises(SystemExit):
            run_sync(str(confirmed.pk))
    assert not vault.Project.objects.exists()
    # Nobody takes it while it may be under way yet.
    assert carry(confirmed).state == Copy.State.CONFIRMED

    Copy.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    assert carry(confirmed).state == Copy.State.DONE
    assert vault.Secret.objects.count() == 9


def test_who_lost_the_claim_writes_nothing(confirmed: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker took over while the first one was about to write."""

    def overtaken(*args: object, **by: object) -> object:
        Copy.objects.update(claim=uuid4())
        return write(*args, **by)  # type: ignore[arg-type]

    monkeypatch.setattr("sources.copying.jobs.write", overtaken)

    assert carry(confirmed).state == Copy.State.CONFIRMED
    assert not vault.Project.objects.exists()
    assert not Entry.objects.filter(kind="project").exists()


@pytest.mark.parametrize("lacking", [*RIGHTS, RIGHT_TO_PROJECTS])
def test_whoever_lost_a_right_meanwhile_copies_nothing(lacking: str, confirmed: Copy, root: User) -> None:
    root.is_superuser = False
    root.save()
    names = [name.partition(".")[2] for name in (*RIGHTS, RIGHT_TO_PROJECTS) if name != lacking]
    root.user_permissions.set(Permission.objects.filter(codename__in=names))

    assert carry(confirmed).state == Copy.State.FAILED

    assert confirmed.message == f"Nothing was copied: it takes {lacking}, which root lacks."
    assert not vault.Project.objects.exists()


def test_what_is_written_is_written_with_the_rights_of_whoever_decided(planned: Copy) -> None:
    other = User.objects.create_user("other", is_staff=True)
    assert jobs.confirm(planned, planned.digest, Choice(), by=other)

    assert carry(planned).state == Copy.State.FAILED
    assert planned.message.endswith("which other lacks.")


def test_whoever_was_locked_out_copies_nothing(confirmed: Copy, root: User) -> None:
    root.is_active = False
    root.save()

    assert carry(confirmed).state == Copy.State.FAILED
    assert not vault.Project.objects.exists()


def test_an_error_of_the_source_ends_it_and_it_can_be_asked_for_again(copy: Copy, filled: Project, root: User) -> None:
    members = set(filled.members)
    filled.members.clear()
    assert carry(copy).state == Copy.State.FAILED
    assert "role in this project" in copy.message

    filled.members |= members
    assert jobs.ask_again(copy, by=root)
    assert carry(copy).state == Copy.State.PLANNED
    assert copy.message == ""


def test_a_bug_of_ours_tells_its_type_alone(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(jobs, "prepare", fail)

    assert carry(copy).state == Copy.State.FAILED
    assert "RuntimeError" in copy.message
    assert CANARY not in copy.message


def test_a_slug_that_was_taken_meanwhile_refuses_the_copy(confirmed: Copy) -> None:
    vault.Project.objects.create(name="Another", slug="moved-in")

    assert carry(confirmed).state == Copy.State.FAILED
    assert "Choose another slug" in confirmed.message


def test_the_scheduler_rings_for_what_waits_for_a_worker(copy: Copy) -> None:
    rung: list[UUID] = []

    def ring(copy_id: UUID) -> bool:
        rung.append(copy_id)
        return True

    jobs.ring_due(ring)
    jobs.ring_due(ring)
    assert rung == [copy.pk]

    Copy.objects.update(rung_at=clock.now() - jobs.RING_AGAIN)
    jobs.ring_due(ring)
    assert rung == [copy.pk] * 2

    carry(copy)
    Copy.objects.update(rung_at=None)
    jobs.ring_due(ring)
    assert rung == [copy.pk] * 2


def test_it_waits_within_the_limit_and_says_so(
    copy: Copy, infisical: InfisicalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven folders with three secret reads a minute: each time the limit is reached, the minute passes."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        told.append(Copy.objects.get(pk=copy.pk).step)
        # The server rounds to whole seconds.
        infisical.world.pass_time(seconds + 1)
        later.append(timedelta(seconds=seconds + 1))

    told: list[str] = []
    later: list[timedelta] = []
    now = clock.now
    monkeypatch.setattr("connections.budgets.clock.now", lambda: now() + sum(later, timedelta()))
    monkeypatch.setattr("sources.infisical.stored.pause", wait)
    monkeypatch.setattr("connections.infisical.client.LONGEST_WAIT", timedelta())
    infisical.world.limits["secrets"] = 3

    assert carry(copy).state == Copy.State.PLANNED

    assert len(waited) >= 2
    assert "waits for the source's limit" in told[0]
    assert not any(seen.inside_retry_after for seen in infisical.world.seen)


def test_old_copies_are_forgotten(copy: Copy) -> None:
    assert not jobs.old_copies().exists()
    Copy.objects.update(updated_at=clock.now() - jobs.KEPT_FOR - timedelta(seconds=1))
    assert jobs.old_copies().count() == 1
