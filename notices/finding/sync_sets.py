"""Sync sets that go no further without a person: a stopped rollout, organizations to approve or not made."""

from collections.abc import Iterator

from fleets.models import SyncSet
from fleets.needs import Need, needing_a_person, needs_of
from notices.facts import Fact, with_few_keys
from notices.models import Incident

TITLES = {
    Need.SOURCE: "Sync set “{}” can't read its source",
    Need.STOPPED: "The rollout of sync set “{}” has stopped",
    Need.NOT_MADE: "Sync set “{}” can't make all of its syncs",
    Need.APPROVAL: "Sync set “{}” has new organizations to approve",
}
ENDS = {
    Need.SOURCE: "It was read again.",
    Need.STOPPED: "The rollout has gone on, or was ended.",
    Need.NOT_MADE: "All of its syncs are made.",
    Need.APPROVAL: "None waits any more.",
}
# As much as goes into an incident.
LONGEST = 1024


def waiting() -> Iterator[Fact]:
    for each in needing_a_person().select_related("project"):
        for found in needs_of(each):
            text = f"Project {each.project.name}. {with_few_keys(found.message)}"
            title = TITLES[found.need].format(each.name)
            yield Fact(f"{found.need}:{each.pk}", title, text[:LONGEST], each.get_absolute_url(), each.project_id)


def how_it_went_on(incident: Incident) -> str:
    need, _, set_id = incident.subject.partition(":")
    each = SyncSet.objects.filter(pk=set_id).first()
    if each is None or each.is_ending:
        return "The set was deleted."
    return ENDS[Need(need)] if each.is_enabled else "The set was disabled."
