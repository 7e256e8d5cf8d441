"""The secrets that carry a tag: what a run makes of them in Devin, and what of a tag that no secret carries."""

import pytest

from sandbox.organization import Organization
from syncs.choices import Action, BlockedReason, Status, Strangers, Trigger
from syncs.engine.preview import preview
from syncs.models import DevinSync, SyncRun, SyncRunChange
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from vault import editing
from vault.models import Tag

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("never_idle")]


def tag(bench: Bench, slug: str, *keys: str) -> None:
    rows = list(bench.folder.secrets.select_related("folder__environment").filter(key__in=keys))
    editing.change_tags(bench.sync.project, rows, add=[slug], remove=[], by=ANYBODY)


@pytest.fixture
def tagged(bench: Bench) -> Bench:
    """Of A, B and C the first two are for Devin, and in Devin."""
    bench.source(A="1", B="2", C="3")
    tag(bench, "devin", "A", "B")
    tag(bench, "other", "B", "C")
    bench.options(only_tags="devin")
    bench.run()
    return bench


def test_only_what_carries_the_tag_is_written(tagged: Bench, organization: Organization) -> None:
    assert organization.values() == {"A": "1", "B": "2"}


def test_tags_and_keys_have_both_to_fit(tagged: Bench, organization: Organization) -> None:
    tagged.options(only_tags="dev*\nother", only_keys="B\nC", except_tags="of*")

    tagged.run()

    assert organization.values() == {"B": "2", "C": "3"}


def test_what_carries_an_excepted_tag_is_left_out(tagged: Bench, organization: Organization) -> None:
    tagged.options(only_tags="", except_tags="other")

    tagged.run()

    assert organization.values() == {"A": "1"}


def test_a_secret_that_loses_its_tag_is_deleted_and_why_is_told(tagged: Bench, organization: Organization) -> None:
    editing.change_tags(
        tagged.sync.project,
        [tagged.folder.secrets.select_related("folder__environment").get(key="A")],
        add=[],
        remove=[Tag.objects.get(slug="devin")],
        by=ANYBODY,
    )

    run = tagged.run()

    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"B": "2"})
    deleted = SyncRunChange.objects.get(run=run, action=Action.DELETE)
    assert (deleted.destination_key, deleted.reason) == ("A", "its tags are not among those that are synced")


def test_a_tag_that_no_secret_carries_deletes_nothing_and_is_named(tagged: Bench, organization: Organization) -> None:
    """However few they are: nobody means that by a typing error."""
    tagged.options(only_tags="devn")

    run = tagged.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.EMPTY_SOURCE)
    assert "None of the source's 3 secrets is chosen by its key and tags, and the plan deletes 2 secrets" in run.message
    assert run.warnings == ["No secret of the source carries the tag devn, so nothing is synced for it."]
    assert organization.values() == {"A": "1", "B": "2"}


def test_of_two_tags_the_plan_names_the_one_that_chooses_nothing(tagged: Bench) -> None:
    tagged.options(only_tags="devin\nd*n\nprdo-*")

    plan = preview(DevinSync.objects.with_source().get(pk=tagged.sync.pk)).plan

    assert [warning for warning in plan.warnings if "tag" in warning] == [
        "No secret of the source carries the tag prdo-*, so nothing is synced for it."
    ]


def test_the_guard_counts_what_loses_its_tag(bench: Bench, organization: Organization) -> None:
    keys = [f"KEY_{number}" for number in range(10)]
    bench.source(**dict.fromkeys(keys, "x"))
    tag(bench, "devin", *keys)
    tag(bench, "some", "KEY_1")
    bench.options(only_tags="devin")
    bench.run()
    bench.options(only_tags="some")

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.TOO_MANY_DELETIONS)
    assert len(organization.values()) == 10


def test_a_strangers_secret_of_a_key_that_is_left_out_is_left_alone(bench: Bench, organization: Organization) -> None:
    organization.put(key="C", value="theirs")
    organization.put(key="GONE", value="theirs")
    bench.source(A="1", C="3")
    tag(bench, "devin", "A")
    bench.options(only_tags="devin", strangers=Strangers.DELETE)

    bench.run()

    assert organization.values() == {"A": "1", "C": "theirs"}


def test_another_tag_starts_the_syncs_that_choose_by_tags_and_no_other(bench: Bench, other: Bench) -> None:
    bench.source(A="1")
    other.source(A="1")
    bench.options(except_tags="local")
    SyncRun.objects.all().delete()

    tag(bench, "devin", "A")
    tag(other, "devin", "A")

    assert list(SyncRun.objects.values_list("sync", "trigger")) == [(bench.sync.pk, Trigger.CHANGE)]


def test_a_key_is_handed_over_only_to_a_sync_that_its_tag_chooses(
    bench: Bench, other: Bench, organization: Organization
) -> None:
    other.source(SHARED="theirs", WANTED="theirs")
    tag(other, "devin", "WANTED")
    other.options(only_tags="devin")
    bench.source(SHARED="ours", WANTED="ours", KEPT="1")
    bench.run()
    bench.source(KEPT="1")
    bench.options(guard_max_percent=100)

    assert changes(bench.run()) == ["hand_over WANTED", "delete SHARED"]
