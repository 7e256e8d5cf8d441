"""A second pair of eyes: a plan waits until somebody else has approved exactly it."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from overview.attention import collect_attention
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Approval, BlockedReason, Operation, Outcome, Status, Trigger
from syncs.editing import Actor, Need, change_sync, delete_sync, switch_sync, syncs_needing_a_person
from syncs.errors import EditRefused, NotRunnable
from syncs.models import Destination, DevinSync, PlanApproval, SyncRun
from syncs.runs import approving, jobs
from syncs.runs.ask import request_run
from syncs.runs.due import waiting_for
from syncs.runs.wishes import Wishes
from tests.syncs.conftest import ORG, Bench, changes
from vault.editing import set_secret
from vault.editing.actor import Actor as Writer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", is_superuser=True)


@pytest.fixture
def kim(db: None) -> User:
    return User.objects.create_user("kim", is_staff=True, is_superuser=True)


@pytest.fixture
def guarded(bench: Bench) -> Bench:
    """Two secrets are in Devin; from now on every run that writes waits."""
    bench.source(A="a", B="b")
    bench.run()
    bench.options(approval=Approval.WRITES)
    return bench


def digest(run: SyncRun) -> str:
    return PlanApproval.objects.get(pk=run.pk).digest


def approve(run: SyncRun, user: User, *, confirms: bool = False) -> SyncRun:
    return approving.approve(run, digest(run), user=user, confirms=confirms)


def test_nothing_is_written_before_somebody_else_has_approved_it(
    guarded: Bench, organization: SandboxOrganization, sandbox: Sandbox, ada: User, kim: User
) -> None:
    guarded.source(A="other", C="c")
    sandbox.clear_traffic()

    run = guarded.run(user=ada)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.APPROVAL)
    assert "another person has to approve the plan first (1 to create, 1 to replace, 1 to delete" in run.message
    assert sandbox.log.counts() == {"GET": 1}
    assert not Destination.objects.exclude(lease_holder="").exists(), "who waits holds no lease"
    assert waiting_for(run) == []
    assert [sync.need for sync in syncs_needing_a_person()] == [Need.APPROVAL]  # type: ignore[attr-defined]
    assert [row.url for row in collect_attention(ada).rows] == [reverse("admin:syncs_syncrun_approve", args=[run.pk])]

    with pytest.raises(NotRunnable, match="your own"):
        approve(run, ada)
    follows = guarded.carry_out(approve(run, kim))

    assert (follows.status, follows.trigger, follows.requested_by) == (Status.SUCCEEDED, Trigger.APPROVAL, ada)
    assert sorted(changes(follows)) == ["create C", "delete B", "replace A"]
    assert organization.values() == {"A": "other", "C": "c"}
    assert guarded.run(trigger=Trigger.SCHEDULE).status == Status.SUCCEEDED, "one that only keeps does not wait"


def test_the_plan_is_told_without_its_values_and_their_fingerprints(guarded: Bench, ada: User) -> None:
    guarded.source(A="canary-5f3", B="b")
    run = guarded.run(user=ada)

    plan = PlanApproval.objects.get(pk=run.pk)

    kept = f"{plan.lines} {plan.digest} {run.message}"
    known = guarded.sync.managed_secrets.get(destination_key="A")
    assert [row[:2] for row in plan.lines] == [["replace", "A"]]
    assert "canary" not in kept
    assert known.fingerprint not in kept


def test_a_plan_that_changes_after_its_approval_waits_again(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    guarded.source(A="other", B="b")
    run = guarded.run(user=ada)
    follows = approve(run, kim)
    guarded.source(A="yet another", B="b", NEW="n")

    guarded.carry_out(follows)

    assert (follows.status, follows.blocked_reason) == (Status.BLOCKED, BlockedReason.APPROVAL)
    assert "What kim approved was another plan: now create NEW, replace A" in follows.message
    assert organization.values() == {"A": "a", "B": "b"}
    # Whoever approved the first may approve the second.
    assert guarded.carry_out(approve(follows, kim)).status == Status.SUCCEEDED
    assert organization.values() == {"A": "yet another", "B": "b", "NEW": "n"}


def test_a_change_in_devin_after_the_approval_makes_another_plan(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    guarded.source(A="other", B="b")
    follows = approve(guarded.run(user=ada), kim)
    organization.put(key="STRANGER", value="s")

    assert guarded.carry_out(follows).blocked_reason == BlockedReason.APPROVAL
    assert organization.values() == {"A": "a", "B": "b", "STRANGER": "s"}


def test_an_approval_is_given_once_to_the_plan_that_was_seen(guarded: Bench, ada: User, kim: User) -> None:
    guarded.source(A="other", B="b")
    run = guarded.run(user=ada)
    with pytest.raises(NotRunnable, match="has changed since you looked"):
        approving.approve(run, "0" * 64, user=kim, confirms=False)
    approve(run, kim)

    with pytest.raises(NotRunnable, match="Nothing waits"):
        approve(run, kim)
    with pytest.raises(NotRunnable, match="Nothing waits"):
        approving.refuse(run, digest(run), user=kim)


def test_an_approval_lapses_unless_its_run_has_begun(
    guarded: Bench, organization: SandboxOrganization, settings: LazySettings, ada: User, kim: User
) -> None:
    settings.APPROVAL_LASTS = timedelta()
    guarded.source(A="other", B="b")

    follows = guarded.carry_out(approve(guarded.run(user=ada), kim))

    assert follows.blocked_reason == BlockedReason.APPROVAL
    assert "The approval of kim came too long before this run could start." in follows.message
    assert organization.values() == {"A": "a", "B": "b"}


def test_a_later_trigger_takes_the_place_of_the_plan_that_waits(guarded: Bench, ada: User, kim: User) -> None:
    guarded.source(A="other", B="b")
    first = guarded.run(user=ada)
    same = guarded.run(trigger=Trigger.SCHEDULE)

    assert digest(first) == digest(same)
    with pytest.raises(NotRunnable, match="your own"):
        approve(same, ada)
    # Somebody who still looks at the first one sees the same plan.
    follows = approve(first, kim)
    assert follows.approved_run_id == same.pk

    guarded.source(A="a", B="b")
    assert guarded.carry_out(follows).status == Status.SUCCEEDED
    assert changes(follows) == []


def test_whoever_made_a_change_does_not_approve_it(guarded: Bench, ada: User, kim: User) -> None:
    """Whether it started a run or not, and by an edit of the sync as by one of the vault."""
    may_not: dict[str, bool] = {}
    guarded.options(auto_sync_enabled=False)
    set_secret(guarded.folder, "A", "by ada", by=Writer.by_person(ada))
    run = guarded.run(trigger=Trigger.API)
    for name, user in (("ada", ada), ("kim", kim)):
        may_not[name] = approving.is_own(PlanApproval.objects.get(pk=run.pk), user)
    assert may_not == {"ada": True, "kim": False}

    change_sync(guarded.sync.pk, {"key_schema": "X_{{secretKey}}"}, by=Actor.in_admin(kim))
    run = guarded.run(trigger=Trigger.SCHEDULE)

    with pytest.raises(NotRunnable, match="your own"):
        approve(run, kim)


def test_runs_that_delete_alone_may_wait(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    guarded.options(approval=Approval.DELETIONS)
    guarded.source(A="other", B="b", C="c")
    assert guarded.run(user=ada).status == Status.SUCCEEDED

    guarded.source(A="third", C="c")
    run = guarded.run(user=ada)

    assert run.blocked_reason == BlockedReason.APPROVAL
    assert organization.values() == {"A": "other", "B": "b", "C": "c"}
    assert guarded.carry_out(approve(run, kim)).status == Status.SUCCEEDED
    assert organization.values() == {"A": "third", "C": "c"}


def test_a_refused_plan_is_asked_about_again_only_by_hand_or_when_it_changes(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    guarded.source(A="other", B="b")
    run = approving.refuse(waiting := guarded.run(user=ada), digest(waiting), user=kim)
    guarded.sync.refresh_from_db()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.REFUSED)
    assert guarded.sync.last_sync_message == run.message
    assert "kim refused exactly this plan" in run.message
    assert guarded.run(trigger=Trigger.SCHEDULE).blocked_reason == BlockedReason.REFUSED
    assert guarded.run(user=ada).blocked_reason == BlockedReason.APPROVAL
    guarded.source(A="third", B="b")
    assert guarded.run(trigger=Trigger.SCHEDULE).blocked_reason == BlockedReason.APPROVAL
    assert organization.values() == {"A": "a", "B": "b"}


@pytest.mark.parametrize("confirms", [True, False])
def test_the_guard_counts_unless_whoever_approves_may_confirm(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User, confirms: bool
) -> None:
    guarded.source()
    run = guarded.run(user=ada)
    assert run.blocked_reason == BlockedReason.APPROVAL

    follows = guarded.carry_out(approve(run, kim, confirms=confirms))

    held = (Status.BLOCKED, BlockedReason.EMPTY_SOURCE)
    assert (follows.status, follows.blocked_reason) == ((Status.SUCCEEDED, "") if confirms else held)
    assert organization.values() == ({} if confirms else {"A": "a", "B": "b"})


def test_a_sync_goes_with_its_secrets_once_that_is_approved(
    guarded: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    guarded.options(approval=Approval.DELETIONS)
    run = delete_sync(guarded.sync.pk, by=Actor.in_admin(ada), removes_secrets=True)
    assert run is not None
    guarded.carry_out(run)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.APPROVAL)
    assert [sync.need for sync in syncs_needing_a_person()] == [Need.APPROVAL]  # type: ignore[attr-defined]
    follows = approve(run, kim)
    assert (follows.operation, follows.removes_sync) == (Operation.REMOVE, True)
    jobs.run_sync(str(follows.pk))
    assert not DevinSync.objects.exists()
    assert organization.values() == {}


def test_taking_over_is_approved_before_anything_is_taken(
    bench: Bench, other: Bench, organization: SandboxOrganization, ada: User, kim: User
) -> None:
    other.source(SHARED="theirs")
    other.run()
    other.options(is_enabled=False)
    bench.source(SHARED="ours")
    bench.options(approval=Approval.DELETIONS)

    run = bench.run(user=ada, takes_over=["SHARED"])

    assert run.blocked_reason == BlockedReason.APPROVAL
    assert "1 to take over" in run.message
    assert other.sync.managed_secrets.count() == 1
    assert bench.carry_out(approve(run, kim)).status == Status.SUCCEEDED
    assert organization.values() == {"SHARED": "ours"}
    assert other.sync.managed_secrets.count() == 0


def test_to_ask_for_less_approval_takes_a_right_of_its_own(guarded: Bench, ada: User) -> None:
    editor = User.objects.create_user("editor")
    editor.groups.add(Group.objects.get(name="Editor"))
    by = Actor.in_admin(editor)
    for less in (Approval.DELETIONS, Approval.NONE):
        with pytest.raises(EditRefused, match="loosen_approval"):
            change_sync(guarded.sync.pk, {"approval": less}, by=by)
    with pytest.raises(EditRefused, match="loosen_approval"):
        delete_sync(guarded.sync.pk, by=by, removes_secrets=False)

    change_sync(guarded.sync.pk, {"approval": Approval.NONE}, by=Actor.in_admin(ada))
    for more in (Approval.DELETIONS, Approval.WRITES):
        change_sync(guarded.sync.pk, {"approval": more}, by=by)
    assert DevinSync.objects.get().approval == Approval.WRITES


@pytest.fixture
def editor(db: None) -> User:
    user = User.objects.create_user("editor")
    user.groups.add(Group.objects.get(name="Editor"))
    return user


@pytest.mark.parametrize("less", [Approval.NONE, Approval.DELETIONS])
def test_what_it_holds_goes_by_no_takeover_to_a_sync_that_asks_for_less(
    guarded: Bench, other: Bench, editor: User, less: Approval
) -> None:
    other.source(A="theirs")
    other.options(approval=less)
    switch_sync(guarded.sync.pk, "is_enabled", on=False, by=Actor.in_admin(editor))

    run = other.run(user=editor, takes_over=["A"])
    kim = User.objects.create_user("kim", is_superuser=True)
    approved = [other.carry_out(approve(run, kim))] if less != Approval.NONE else []

    for each in (run, *approved):
        assert "loosen_approval" in str(list(each.changes.values_list("detail", flat=True)))
    assert guarded.sync.managed_secrets.count() == 2


@pytest.mark.parametrize("is_administrators_wish", [True, False])
def test_a_wish_to_take_over_stays_that_of_whoever_had_it(
    guarded: Bench, other: Bench, ada: User, editor: User, is_administrators_wish: bool
) -> None:
    other.source(A="theirs")
    guarded.options(is_enabled=False)
    wishes, users = Wishes(takes_over=["A"]), (ada, editor) if is_administrators_wish else (editor, ada)
    request_run(other.sync, trigger=Trigger.MANUAL, user=users[0], wishes=wishes)

    other.run(user=users[1], repushes_all=True)

    assert other.sync.managed_secrets.exists() == is_administrators_wish


@pytest.mark.parametrize("operation", [Operation.SYNC, Operation.REMOVE])
def test_handing_a_key_over_counts_as_deleting_it(
    guarded: Bench, other: Bench, ada: User, operation: Operation
) -> None:
    guarded.options(approval=Approval.DELETIONS)
    other.source(A="a", B="b")
    guarded.source(A="a")

    run = guarded.run(user=ada, operation=operation)

    assert run.blocked_reason == BlockedReason.APPROVAL
    assert guarded.sync.managed_secrets.count() == 2


def test_leaving_an_organization_and_its_secrets_takes_the_same_right(guarded: Bench, ada: User, editor: User) -> None:
    elsewhere: dict[str, object] = {"org_id": "org-elsewhere"}
    with pytest.raises(EditRefused, match="loosen_approval"):
        change_sync(guarded.sync.pk, elsewhere, by=Actor.in_admin(editor))
    assert guarded.sync.managed_secrets.count() == 2

    change_sync(guarded.sync.pk, elsewhere, by=Actor.in_admin(editor), removes_old=True)
    run = SyncRun.objects.get(operation=Operation.REMOVE)
    guarded.carry_out(run)
    assert (run.org_id, run.blocked_reason) == (ORG, BlockedReason.APPROVAL)
    change_sync(guarded.sync.pk, {"org_id": "org-third"}, by=Actor.in_admin(editor))
    DevinSync.objects.update(org_id=ORG)
    change_sync(guarded.sync.pk, elsewhere, by=Actor.in_admin(ada))
    assert not guarded.sync.managed_secrets.exists()


def test_whoever_wrote_a_secret_before_it_was_last_in_step_may_approve_another_change(
    guarded: Bench, ada: User, kim: User
) -> None:
    set_secret(guarded.folder, "B", "hers", by=Writer.by_person(ada))
    approve(guarded.run(user=ada), kim)
    guarded.carry_out(SyncRun.objects.latest("queued_at"))
    guarded.source(A="other", B="hers")

    run = guarded.run(user=kim, repushes_all=True)

    assert changes(run, Outcome.PLANNED) == ["replace A", "replace B"]
    assert not approving.is_own(PlanApproval.objects.get(pk=run.pk), ada)


@pytest.mark.parametrize("answer", ["approved", "refused"])
def test_the_page_lets_another_person_answer(guarded: Bench, ada: User, kim: User, client: Client, answer: str) -> None:
    guarded.source(A="other", B="b")
    run = guarded.run(user=ada)
    client.force_login(kim)
    url = reverse("admin:syncs_syncrun_approve", args=[run.pk])
    assert "Approve this plan" in client.get(url).content.decode()

    assert client.post(url, {"answer": answer, "digest": digest(run)}).status_code == 302

    assert PlanApproval.objects.get(pk=run.pk).answer == answer
    newest = SyncRun.objects.latest("queued_at")
    if answer == "refused":
        assert newest == run
    else:
        assert guarded.carry_out(newest).status == Status.SUCCEEDED
