"""`/api/v1/secret-syncs/devin-sets`: sync sets, and the organizations in them."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import Unprocessable
from api.http.idempotency import idempotent
from api.http.queries import ListLimit, Offset, YesNo, page_of
from api.resources import resource
from api.resources.base import with_errors
from api.resources.lookups import as_uuid
from api.resources.reach import SETS, member_for, set_for, sets_for
from api.resources.sync_sets.counts import count_organizations
from api.resources.sync_sets.edits import approve, create_set, delete_set, override, remove_secrets_of, update_set
from api.resources.sync_sets.plans import OneSetPlan, SetPlan
from api.resources.sync_sets.schemas import (
    ApproveOrganizations,
    CreateSet,
    ManyOrganizations,
    ManySets,
    OneOrganization,
    OneSet,
    OverrideOrganization,
    SetOrganization,
    StartedSet,
    StateWord,
    SyncSetOut,
    UpdateSet,
)
from api.resources.syncs.edits import actor_of
from api.resources.syncs.router import ProjectQuery
from fleets.models import Member, SyncSet
from fleets.planning import ask_for_plans
from fleets.running import RUN, run_all
from fleets.waves.forming import turns_of
from syncs.organizations import name_organizations

router = resource("Sync sets")
VIEW, ADD, CHANGE = "syncs.view_devinsync", "syncs.add_devinsync", "syncs.change_devinsync"
PLAN = "syncs.plan_devinsync"

Removal = Annotated[
    YesNo, Query("false", alias="removeSecrets", description="Remove the secrets of all its organizations from Devin.")
]
StateQuery = Annotated[StateWord | None, Query(None, alias="state", description="Only those that stand so.")]


def shown(each: SyncSet) -> SyncSetOut:
    return SyncSetOut.of(each, count_organizations([each])[each.pk])


def current(set_id: UUID) -> OneSet:
    return OneSet(sync_set=shown(SETS.get(pk=set_id)))


def told_of(each: SyncSet, rows: Iterable[Member]) -> list[SetOrganization]:
    members = list(rows)
    for member in members:
        member.set = each
    name_organizations(members)
    turns = turns_of(each)
    return [SetOrganization.of(member, turns.get(member.pk)) for member in members]


def one(member: Member) -> OneOrganization:
    return OneOrganization(organization=SetOrganization.of(member, turns_of(member.set).get(member.pk)))


@router.get("", auth=Bearer(VIEW, by_place=True), response=with_errors(ManySets))
def list_sync_sets(
    request: HttpRequest, project_id: ProjectQuery, limit: ListLimit = None, offset: Offset = 0
) -> ManySets:
    """The sync sets of a project, by name: all of them, or a page."""
    known_id = as_uuid(project_id)
    rows = sets_for(caller_of(request)).filter(project_id=known_id).order_by("name", "pk") if known_id else SETS.none()
    sets = list(page_of(rows, limit, offset))
    counts = count_organizations(sets)
    return ManySets(sync_sets=[SyncSetOut.of(each, counts[each.pk]) for each in sets])


@router.post("", auth=Bearer(ADD, by_place=True), response=with_errors(OneSet, 409))
@idempotent
def create_sync_set(request: HttpRequest, body: CreateSet) -> OneSet:
    """Creates a set. Its syncs are made a moment later, by the scheduler: `organizationCounts` tells how far it is."""
    return OneSet(sync_set=shown(create_set(caller_of(request), body)))


@router.get("/{set_id}", auth=Bearer(VIEW, by_place=True), response=with_errors(OneSet))
def get_sync_set(request: HttpRequest, set_id: UUID) -> OneSet:
    """A sync set by its ID."""
    return OneSet(sync_set=shown(set_for(caller_of(request), set_id)))


@router.patch("/{set_id}", auth=Bearer(CHANGE, by_place=True), response=with_errors(OneSet))
def update_sync_set(request: HttpRequest, set_id: UUID, body: UpdateSet) -> OneSet:
    """Changes what is sent; its syncs follow a moment later."""
    check_project(caller_of(request), set_id, body.project_id)
    update_set(caller_of(request), set_id, body)
    return current(set_id)


def check_project(caller: Caller, set_id: UUID, project_id: str | None) -> None:
    if project_id is not None and as_uuid(project_id) != set_for(caller, set_id).project_id:
        raise Unprocessable.at("projectId", message="A set stays in its project. Create another one there.")


@router.delete("/{set_id}", auth=Bearer("syncs.delete_devinsync", by_place=True), response=with_errors(OneSet))
def delete_sync_set(request: HttpRequest, set_id: UUID, removal: Removal) -> OneSet:
    """Deletes a set, and its syncs go on as ordinary ones. With `removeSecrets=true` the syncs go too, with what they
    wrote: the answer has `isEnding: true`, and the set disappears once all is gone from Devin."""
    caller = caller_of(request)
    last = shown(set_for(caller, set_id, "syncs.delete_devinsync"))
    delete_set(caller, set_id, removes_secrets=removal == "true")
    return current(set_id) if removal == "true" else OneSet(sync_set=last)


@router.post("/{set_id}/sync-secrets", auth=Bearer(RUN, by_place=True), response=with_errors(StartedSet, 409))
@idempotent
def sync_secrets_of_set(request: HttpRequest, set_id: UUID) -> StartedSet:
    """Queues a run of each of its syncs, or joins the one that waits; not of those that are paused. Of a set that goes
    in waves it begins a rollout, with the runs of the first wave."""
    caller = caller_of(request)
    each = set_for(caller, set_id, RUN)
    runs = run_all(each, by=actor_of(caller))
    return StartedSet(sync_set=shown(each), queued_runs=len(runs))


@router.post("/{set_id}/plan", auth=Bearer(PLAN, by_place=True), response=with_errors(OneSetPlan))
def plan_sync_set(request: HttpRequest, set_id: UUID) -> OneSetPlan:
    """Has the scheduler draw the plan of each organization anew, without writing anything: hundreds take a minute."""
    caller = caller_of(request)
    ask_for_plans(set_for(caller, set_id, PLAN).pk, by=actor_of(caller))
    return OneSetPlan(plan=SetPlan.of(set_for(caller, set_id, PLAN)))


@router.get("/{set_id}/plan", auth=Bearer(VIEW, by_place=True), response=with_errors(OneSetPlan))
def get_plan_of_set(request: HttpRequest, set_id: UUID) -> OneSetPlan:
    """What the runs of all its organizations would do, as far as it is drawn; null where nobody has asked for it."""
    return OneSetPlan(plan=SetPlan.of(set_for(caller_of(request), set_id)))


@router.get("/{set_id}/organizations", auth=Bearer(VIEW, by_place=True), response=with_errors(ManyOrganizations))
def list_organizations_of_set(
    request: HttpRequest, set_id: UUID, state: StateQuery, limit: ListLimit = None, offset: Offset = 0
) -> ManyOrganizations:
    """The organizations in a set, by their slugs: how each stands, its sync and how that does. All, or a page."""
    each = set_for(caller_of(request), set_id)
    rows = each.members.filter(**{"state": state} if state is not None else {}).select_related("sync")
    return ManyOrganizations(
        organizations=told_of(each, page_of(rows.order_by("slug", "pk"), limit, offset)), total_count=rows.count()
    )


@router.post(
    "/{set_id}/organizations/approve", auth=Bearer(CHANGE, by_place=True), response=with_errors(ManyOrganizations)
)
def approve_organizations_of_set(request: HttpRequest, set_id: UUID, body: ApproveOrganizations) -> ManyOrganizations:
    """Lets in organizations that wait for it: they get their syncs a moment later. Answers those that were named."""
    caller = caller_of(request)
    member_ids = approve(caller, set_id, body.org_ids)
    each = set_for(caller, set_id)
    rows = each.members.filter(pk__in=member_ids).select_related("sync").order_by("slug", "pk")
    return ManyOrganizations(organizations=told_of(each, rows), total_count=len(member_ids))


@router.get("/{set_id}/organizations/{org_id}", auth=Bearer(VIEW, by_place=True), response=with_errors(OneOrganization))
def get_organization_of_set(request: HttpRequest, set_id: UUID, org_id: str) -> OneOrganization:
    """An organization in a set by its ID in Devin."""
    return one(member_for(caller_of(request), set_id, org_id))


@router.patch(
    "/{set_id}/organizations/{org_id}", auth=Bearer(CHANGE, by_place=True), response=with_errors(OneOrganization)
)
def override_organization_of_set(
    request: HttpRequest, set_id: UUID, org_id: str, body: OverrideOrganization
) -> OneOrganization:
    """Pauses one organization, or gives it other limits than the set does. `null` takes a limit back."""
    caller = caller_of(request)
    override(caller, set_id, org_id, body)
    return one(member_for(caller, set_id, org_id))


@router.post(
    "/{set_id}/organizations/{org_id}/remove-secrets",
    auth=Bearer("syncs.remove_secrets", by_place=True),
    response=with_errors(OneOrganization),
)
def remove_secrets_of_organization(request: HttpRequest, set_id: UUID, org_id: str) -> OneOrganization:
    """Removes from Devin what a set wrote to an organization that it takes no more, with its sync."""
    caller = caller_of(request)
    remove_secrets_of(caller, set_id, org_id)
    return one(member_for(caller, set_id, org_id))
