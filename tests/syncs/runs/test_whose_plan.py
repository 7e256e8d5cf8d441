"""Whoever made a change may not approve the plan that comes of it, whichever way it takes: the table of ways."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, User

from syncs.choices import Approval, BlockedReason, Status, Trigger
from syncs.editing import Actor, change_sync
from syncs.models import PlanApproval, SyncRun
from syncs.runs import approving
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import (
    add_import,
    change_tags,
    copy_folder,
    create_folder,
    delete_folder,
    delete_import,
    delete_secret,
    delete_tag,
    move_folder,
    move_secrets,
    point_import,
    rename_secret,
    restore,
    restore_version,
    set_secret,
    set_secrets,
    update_environment,
    update_tag,
)
from vault.editing.actor import Actor as Writer
from vault.models import Folder, Secret, SecretImport, Tag
from vault.trash import in_trash

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]
Do = Callable[[Bench, Writer], object]


def secret(bench: Bench, key: str) -> Secret:
    return Secret.objects.select_related("folder__environment__project").get(folder=bench.folder, key=key)


def folder(path: str) -> Folder:
    return Folder.objects.select_related("environment__project").get(path=path, environment__slug__in=("dev", "live"))


def the_import() -> SecretImport:
    return SecretImport.objects.select_related("folder__environment", "source__environment").get()


def tag(bench: Bench, by: Writer, *, on: str, add: str) -> None:
    change_tags(bench.sync.project, [secret(bench, on)], add=[add], remove=[], by=by)


# In this order, each on what the ones before have left.
WAYS: dict[str, Do] = {
    "a value": lambda bench, by: set_secret(bench.folder, "A", "a2", by=by),
    "a comment alone": lambda bench, by: set_secret(bench.folder, "A", "a2", comment="words", by=by),
    "an older version": lambda bench, by: restore_version(secret(bench, "A"), 1, by=by),
    "another key": lambda bench, by: rename_secret(secret(bench, "A"), "RENAMED", by=by),
    "a deletion": lambda bench, by: delete_secret(secret(bench, "B"), by=by),
    "back from the trash": lambda bench, by: restore(in_trash().get(name="B"), by=by),
    "a tag that takes a secret out": lambda bench, by: tag(bench, by, on="B", add="local"),
    "such a tag called otherwise": lambda bench, by: update_tag(
        Tag.objects.get(), slug="other", name=None, color=None, by=by
    ),
    "and called so again": lambda bench, by: update_tag(Tag.objects.get(), slug="local", name=None, color=None, by=by),
    "such a tag deleted": lambda bench, by: delete_tag(Tag.objects.get(), by=by),
    "an import": lambda bench, by: add_import(bench.folder, folder("/shared"), by=by),
    "what an import shows": lambda bench, by: set_secret(folder("/shared"), "S", "s2", by=by),
    "an import of another folder": lambda bench, by: point_import(the_import(), folder("/more"), by=by),
    "an import less": lambda bench, by: delete_import(the_import(), by=by),
    "a reference": lambda bench, by: set_secret(bench.folder, "B", "${dev.shared.S}", by=by),
    "what a reference leads to": lambda bench, by: set_secret(folder("/shared"), "S", "s3", by=by),
    "a value in the place of a reference": lambda bench, by: set_secret(bench.folder, "B", "b2", by=by),
    "a secret moved away": lambda bench, by: move_secrets(
        bench.folder, ["C"], bench.folder.environment, "/more", carries_references=False, by=by
    ),
    "a folder copied into it": lambda bench, by: copy_folder(
        folder("/more"), bench.folder.environment, bench.folder.path, by=by
    ),
    "a folder moved out of it": lambda bench, by: move_folder(
        folder("/my-secrets/more"), bench.folder.environment, "/shared", carries_references=False, by=by
    ),
    "and into it": lambda bench, by: move_folder(
        folder("/shared/more"), bench.folder.environment, bench.folder.path, carries_references=False, by=by
    ),
    "a folder deleted below it": lambda bench, by: delete_folder(folder("/my-secrets/more"), by=by),
    "another slug of its environment": lambda bench, by: update_environment(
        bench.folder.environment, slug="live", by=by
    ),
    "an option of the sync": lambda bench, by: change_sync(
        bench.sync.pk, {"key_schema": "X_{{secretKey}}"}, by=Actor.in_admin(by.user or AnonymousUser())
    ),
}


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", is_superuser=True)


@pytest.fixture
def kim(db: None) -> User:
    return User.objects.create_user("kim", is_superuser=True)


@pytest.fixture
def guarded(bench: Bench, ada: User) -> Bench:
    """A sync by hand of all that can be sent, whose every write waits; what was there before is ada's."""
    by = Writer.by_person(ada)
    for path, values in {"/shared": {"S": "s"}, "/more": {"M": "m"}}.items():
        set_secrets(create_folder(bench.folder.environment, path, by=by), values, by=by)
    set_secrets(bench.folder, {"A": "a", "B": "b", "C": "c", "D": "d"}, by=by)
    bench.options(
        auto_sync_enabled=False,
        send_comments=True,
        recursive=True,
        except_tags="local",
        key_schema="{{environment}}_{{secretKey}}",
    )
    run = bench.run()
    assert run.status == Status.SUCCEEDED, run.message
    bench.options(approval=Approval.WRITES)
    return bench


def plan_after(bench: Bench) -> PlanApproval:
    run = bench.run(trigger=Trigger.SCHEDULE)
    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.APPROVAL), run.message
    return PlanApproval.objects.get(pk=run.pk)


def test_nobody_approves_what_comes_of_their_own_change(
    guarded: Bench, ada: User, kim: User, record_property: Callable[[str, object], None]
) -> None:
    told: dict[str, tuple[bool, bool]] = {}
    for name, do in WAYS.items():
        do(guarded, Writer.by_person(kim))
        guarded.sync.refresh_from_db()
        guarded.folder = folder(guarded.folder.path)
        plan = plan_after(guarded)
        told[name] = (approving.is_own(plan, kim), approving.is_own(plan, ada))
        run = approving.approve(plan.run, plan.digest, user=ada, confirms=True)
        assert guarded.carry_out(run).status == Status.SUCCEEDED, f"{name}: {run.message}"

    record_property("ways", len(WAYS))
    record_property("own", sum(is_own for is_own, _ in told.values()))
    assert told == dict.fromkeys(WAYS, (True, False))


def test_also_where_the_sync_was_disabled_meanwhile(guarded: Bench, ada: User, kim: User) -> None:
    guarded.options(is_enabled=False)
    set_secret(guarded.folder, "A", "a", comment="words", by=Writer.by_person(kim))
    change_sync(guarded.sync.pk, {"is_enabled": True}, by=Actor.in_admin(ada))
    guarded.sync.refresh_from_db()

    plan = plan_after(guarded)

    assert approving.is_own(plan, kim)
    assert approving.is_own(plan, ada)


def test_a_change_that_is_in_devin_by_now_is_nobodys_any_more(guarded: Bench, ada: User, kim: User) -> None:
    set_secret(guarded.folder, "A", "a", comment="words", by=Writer.by_person(kim))
    plan = plan_after(guarded)
    guarded.carry_out(approving.approve(plan.run, plan.digest, user=ada, confirms=False))
    set_secret(guarded.folder, "B", "b", comment="more words", by=ANYBODY)

    assert not approving.is_own(plan_after(guarded), kim)
    assert SyncRun.objects.exists()
