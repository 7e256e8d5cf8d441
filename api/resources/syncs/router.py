"""`/api/v1/secret-syncs`: syncs, their triggers and plans."""

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Body, Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, NotFoundError, Unprocessable
from api.http.idempotency import idempotent
from api.http.queries import ListLimit, Offset, OnlyPlan, YesNo, page_of
from api.http.waiting import Wait, wait_for
from api.resources import resource
from api.resources.base import with_errors
from api.resources.lookups import as_uuid, get_source
from api.resources.reach import (
    SYNCS,
    connections_for,
    project_for,
    require_organizations,
    sync_for,
    syncs_for,
)
from api.resources.runs.schemas import ManyRuns, OnePlan, PlanOut, SyncRunOut
from api.resources.syncs.edits import (
    agree_to_address,
    confirmed,
    create_sync,
    decide_on_strangers,
    delete_sync,
    foresee_update,
    remove_secrets,
    taking_over,
    trigger_sync,
    trusting,
    update_sync,
)
from api.resources.syncs.planned import EditedSync
from api.resources.syncs.schemas import (
    AgreeToAddress,
    CheckConflicts,
    CheckDestination,
    CreateSync,
    DecideStrangers,
    DestinationCheck,
    KeyConflict,
    KeyConflicts,
    ManySyncOptions,
    ManySyncs,
    OneSync,
    SecretSync,
    SyncIn,
    SyncOption,
    TriggerSync,
    UpdateSync,
)
from fleets.selecting import is_id
from sources.clashes import find_clashes
from syncs.access import VIEW_RUN, place_of
from syncs.choices import Operation
from syncs.engine.preview import preview
from syncs.key_schema import KeySchema
from syncs.models import DevinSync, SyncRun
from syncs.organizations import name_organizations
from syncs.runs.wishes import Wishes
from vault.access import visible

router = resource("Secret syncs")
RUN = "syncs.run_devinsync"

Confirmable = TypeVar("Confirmable", SyncIn, CreateSync, UpdateSync, TriggerSync)

ProjectQuery = Annotated[str, Query(alias="projectId", min_length=1, max_length=64, description="The project's ID.")]
Removal = Annotated[YesNo, Query("false", alias="removeSecrets", description="Remove its secrets from Devin too.")]
Confirm = Annotated[
    YesNo, Query("false", alias="confirmDeletions", description="Let this run delete more than its guard allows.")
]
Changed = Annotated[
    YesNo | None, Query(None, description="true: only runs that wrote or deleted something; false: only the others.")
]
Limit = Annotated[int, Query(20, ge=1, le=100)]


def one(sync: DevinSync, *, spells_auto_sync: bool = True) -> OneSync:
    return OneSync(secret_sync=SecretSync.of(sync, spells_auto_sync=spells_auto_sync))


def many(caller: Caller, project_id: str, limit: int | None, offset: int) -> ManySyncs:
    known_id = as_uuid(project_id)
    rows = syncs_for(caller).filter(project_id=known_id).order_by("name", "pk") if known_id else SYNCS.none()
    shown = list(page_of(rows, limit, offset))
    name_organizations(shown)
    return ManySyncs(secret_syncs=[SecretSync.of(sync) for sync in shown])


def awaited(sync: DevinSync, run: SyncRun | None, wait: float, *, spells_auto_sync: bool = True) -> OneSync:
    """The sync as it is, or as it is after the run; a sync that the run deleted, as it was last."""
    if run is not None and wait:
        run = wait_for(run.pk, wait) or run
    current = SYNCS.filter(pk=sync.pk).first()
    if current is None and run is not None and run.operation == Operation.REMOVE:
        sync.remove_status, sync.last_remove_run_id, sync.last_removed_at = run.status, run.pk, run.finished_at
    return one(current or sync, spells_auto_sync=spells_auto_sync)


def spelling_of(body: SyncIn) -> bool:
    """Whether to answer with isAutoSyncEnabled: not to those who spell it otherwise."""
    options = getattr(body, "sync_options", None)
    return body.is_auto_sync_enabled is not None or options is None or options.auto_sync_enabled is None


def with_confirmation(body: Confirmable, query: str) -> Confirmable:
    """The query's word counts like the body's."""
    return body.model_copy(update={"confirm_deletions": True}) if query == "true" else body


@router.get("/options", auth=Bearer(), response=with_errors(ManySyncOptions))
def list_sync_options(request: HttpRequest) -> ManySyncOptions:
    """The destinations that a sync can have."""
    devin = SyncOption(
        name="Devin",
        connection="devin",
        destination="devin",
        can_import_secrets=False,
        can_remove_secrets_on_deletion=True,
    )
    return ManySyncOptions(secret_sync_options=[devin])


@router.get("", auth=Bearer("syncs.view_devinsync", by_place=True), response=with_errors(ManySyncs))
def list_syncs(
    request: HttpRequest, project_id: ProjectQuery, limit: ListLimit = None, offset: Offset = 0
) -> ManySyncs:
    """The syncs of a project, by name: all of them, or a page."""
    return many(caller_of(request), project_id, limit, offset)


@router.get("/devin", auth=Bearer("syncs.view_devinsync", by_place=True), response=with_errors(ManySyncs))
def list_devin_syncs(
    request: HttpRequest, project_id: ProjectQuery, limit: ListLimit = None, offset: Offset = 0
) -> ManySyncs:
    """The syncs of a project whose destination is Devin, which all have: all of them, or a page."""
    return many(caller_of(request), project_id, limit, offset)


@router.post("/devin", auth=Bearer("syncs.add_devinsync", by_place=True), response=with_errors(OneSync, 409))
@idempotent
def create_devin_sync(request: HttpRequest, body: CreateSync, wait: Wait, confirm_deletions: Confirm) -> OneSync:
    """Creates a sync. With auto-sync on, its first run is queued."""
    edited = create_sync(caller_of(request), with_confirmation(body, confirm_deletions))
    return awaited(edited.sync, edited.run, wait, spells_auto_sync=spelling_of(body))


@router.post(
    "/devin/check-destination",
    auth=Bearer("syncs.view_devinsync", by_place=True),
    response=with_errors(DestinationCheck),
)
def check_destination(request: HttpRequest, body: CheckDestination) -> DestinationCheck:
    """Tells whether another sync, of any project, writes to the same organization; of which, if the caller sees it."""
    caller = caller_of(request)
    connection = connections_for(caller, pk=body.connection_id).first() if body.connection_id else None
    if connection is not None and not is_id(body.destination_config.org_id):
        require_organizations(caller, connection)
    org_id = body.destination_config.id_by(connection)
    named: dict[str, Any] = {"org_id": org_id} if org_id != body.destination_config.org_id else {}
    same = DevinSync.objects.filter(org_id=org_id)
    if body.exclude_sync_id is not None:
        same = same.exclude(pk=body.exclude_sync_id)
    if body.connection_id is not None:
        same = same.filter(connection__base_url__in=[connection.base_url] if connection else [])
    if not same.exists():
        return DestinationCheck(has_duplicate=False, **named)
    shown = visible(caller.user, same).order_by("created_at").first()
    if shown is None:
        return DestinationCheck(has_duplicate=True, **named)
    return DestinationCheck(has_duplicate=True, duplicate_project_id=shown.project_id, **named)


@router.post(
    "/devin/check-conflicts", auth=Bearer("syncs.view_devinsync", by_place=True), response=with_errors(KeyConflicts)
)
def check_conflicts(request: HttpRequest, body: CheckConflicts) -> KeyConflicts:
    """The keys that stand in more than one folder at and below a path: what a sync with subfolders refuses. With a key
    schema, they are named as Devin would have them."""
    caller = caller_of(request)
    project = project_for(caller, body.project_id)
    source = get_source(caller, project, body.environment, body.secret_path, "syncs.view_devinsync")
    clashes = find_clashes(project, source)
    schema = KeySchema.parse(body.key_schema or "")
    return KeyConflicts(
        conflicts=[
            KeyConflict(key=schema.render(key, environment=source.environment.slug), source_key=key, paths=clashes[key])
            for key in sorted(clashes)
        ]
    )


@router.get(
    "/devin/sync-name/{sync_name}", auth=Bearer("syncs.view_devinsync", by_place=True), response=with_errors(OneSync)
)
def get_devin_sync_by_name(request: HttpRequest, sync_name: str, project_id: ProjectQuery) -> OneSync:
    """A sync by its name in a project."""
    caller = caller_of(request)
    sync = syncs_for(caller).filter(project=project_for(caller, project_id), name=sync_name).first()
    if sync is None:
        raise NotFoundError(f"There is no sync named {sync_name[:64]} in this project.")
    return one(sync)


@router.get("/devin/{sync_id}", auth=Bearer("syncs.view_devinsync", by_place=True), response=with_errors(OneSync))
def get_devin_sync(request: HttpRequest, sync_id: UUID) -> OneSync:
    """A sync by its ID."""
    return one(sync_for(caller_of(request), sync_id))


@router.patch(
    "/devin/{sync_id}", auth=Bearer("syncs.change_devinsync", by_place=True), response=with_errors(EditedSync, 409)
)
def update_devin_sync(
    request: HttpRequest,
    *,
    sync_id: UUID,
    body: UpdateSync,
    wait: Wait,
    removal: Removal,
    confirm_deletions: Confirm,
    plan: OnlyPlan,
) -> EditedSync:
    """Changes what is sent; an auto-sync then runs. With `removeSecrets=true`, secrets at a destination that the sync
    leaves are removed there. With `plan=true` nothing is changed: what the change would do is answered."""
    check_project(caller_of(request), sync_id, body.project_id)
    sent = with_confirmation(body, confirm_deletions)
    if plan == "true":
        found = foresee_update(caller_of(request), sync_id, sent, removes_old=removal == "true")
        names_authors = caller_of(request).may_at(VIEW_RUN, place_of(found.after))
        return EditedSync.foreseen(found, names_authors=names_authors)
    edited = update_sync(caller_of(request), sync_id, sent, removes_old=removal == "true")
    return EditedSync.made(awaited(edited.sync, edited.run, wait, spells_auto_sync=spelling_of(body)))


def check_project(caller: Caller, sync_id: UUID, project_id: str | None) -> None:
    if project_id is not None and as_uuid(project_id) != sync_for(caller, sync_id).project_id:
        raise Unprocessable.at("projectId", message="A sync stays in its project. Create another one there.")


@router.delete("/devin/{sync_id}", auth=Bearer("syncs.delete_devinsync", by_place=True), response=with_errors(OneSync))
def delete_devin_sync(request: HttpRequest, sync_id: UUID, removal: Removal, wait: Wait) -> OneSync:
    """Deletes a sync. With `removeSecrets=true` its secrets go first: the answer has `removeStatus: "pending"`, and
    the sync disappears once they are gone from Devin."""
    edited = delete_sync(caller_of(request), sync_id, removes_secrets=removal == "true")
    return awaited(edited.sync, edited.run, wait)


@router.post(
    "/devin/{sync_id}/sync-secrets",
    auth=Bearer("syncs.run_devinsync", by_place=True),
    response=with_errors(OneSync, 409),
)
@idempotent
def sync_secrets(
    request: HttpRequest,
    *,
    sync_id: UUID,
    wait: Wait,
    confirm_deletions: Confirm,
    body: Annotated[TriggerSync | None, Body(None)],
) -> OneSync:
    """Queues a run, or joins the one that waits."""
    caller = caller_of(request)
    sync = sync_for(caller, sync_id, RUN)
    sent = with_confirmation(body or TriggerSync(), confirm_deletions)
    wishes = taking_over(caller, sync, confirmed(caller, sync, sent.confirm_deletions), sent.take_over)
    wishes = trusting(caller, wishes, sync, is_asked=bool(sent.trust_database))
    detail = "Trusted this database" if sent.trust_database else "Started a run"
    run = trigger_sync(caller, sync, wishes, detail=detail)
    return awaited(sync, run, wait)


@router.post(
    "/devin/{sync_id}/push-secrets",
    auth=Bearer("syncs.run_devinsync", by_place=True),
    response=with_errors(OneSync, 409),
)
@idempotent
def push_secrets(request: HttpRequest, sync_id: UUID, wait: Wait) -> OneSync:
    """Queues a run that writes every secret again, for when you doubt the values in Devin: they cannot be read back."""
    sync = sync_for(caller_of(request), sync_id, RUN)
    wishes = Wishes(repushes_all=True)
    run = trigger_sync(caller_of(request), sync, wishes, detail="Asked to push all secrets again")
    return awaited(sync, run, wait)


@router.post(
    "/devin/{sync_id}/agree-to-address",
    auth=Bearer("syncs.run_devinsync", "connections.use_connection", by_place=True),
    response=with_errors(OneSync, 409),
)
@idempotent
def agree_to_new_address(request: HttpRequest, sync_id: UUID, body: AgreeToAddress, wait: Wait) -> OneSync:
    """For a sync whose connection leads to another address than before (`new_address`): lets it write to the one that
    you name, and queues a run. Look at the plan first."""
    sync = sync_for(caller_of(request), sync_id, RUN, "connections.use_connection")
    run = agree_to_address(caller_of(request), sync, body)
    return awaited(sync, run, wait)


@router.post(
    "/devin/{sync_id}/strangers",
    auth=Bearer("syncs.confirm_deletions", by_place=True),
    response=with_errors(OneSync, 409),
)
def decide_strangers(request: HttpRequest, sync_id: UUID, body: DecideStrangers, wait: Wait) -> OneSync:
    """Decides on secrets that DevinSync did not write and that the last run asked about; a run follows. `delete`
    deletes them, `leave` asks no more, `adopt` makes them this sync's."""
    edited = decide_on_strangers(caller_of(request), sync_id, body)
    return awaited(edited.sync, edited.run, wait)


@router.post(
    "/devin/{sync_id}/import-secrets", auth=Bearer("syncs.run_devinsync", by_place=True), response=with_errors(OneSync)
)
def import_secrets(
    request: HttpRequest,
    sync_id: UUID,
    behavior: Annotated[Literal["prioritize-source", "prioritize-destination"], Query(alias="importBehavior")],
) -> OneSync:
    """Always refused (400): Devin returns no values of its secrets."""
    sync_for(caller_of(request), sync_id, RUN)
    raise BadRequest("Devin does not support importing secrets: it returns no values of its secrets.")


@router.post(
    "/devin/{sync_id}/remove-secrets",
    auth=Bearer("syncs.remove_secrets", by_place=True),
    response=with_errors(OneSync, 409),
)
@idempotent
def remove_sync_secrets(request: HttpRequest, sync_id: UUID, wait: Wait) -> OneSync:
    """Queues the removal of all secrets that this sync wrote to Devin. The sync stays."""
    sync = sync_for(caller_of(request), sync_id, "syncs.remove_secrets")
    run = remove_secrets(caller_of(request), sync)
    return awaited(sync, run, wait)


@router.post("/devin/{sync_id}/plan", auth=Bearer("syncs.plan_devinsync", by_place=True), response=with_errors(OnePlan))
def plan_devin_sync(request: HttpRequest, sync_id: UUID) -> OnePlan:
    """What a run would do now, key by key, without doing it."""
    caller = caller_of(request)
    sync = sync_for(caller, sync_id, "syncs.plan_devinsync")
    return OnePlan(plan=PlanOut.of(preview(sync, names_authors=caller.may_at(VIEW_RUN, place_of(sync)))))


@router.get("/devin/{sync_id}/runs", auth=Bearer("syncs.view_syncrun", by_place=True), response=with_errors(ManyRuns))
def list_sync_runs(
    request: HttpRequest, sync_id: UUID, limit: Limit, offset: Offset, changed: Changed = None
) -> ManyRuns:
    """The runs of a sync, newest first. Scheduled ones that changed nothing leave none."""
    sync = sync_for(caller_of(request), sync_id, "syncs.view_syncrun")
    runs = SyncRun.objects.filter(sync=sync).select_related("requested_by")
    if changed is not None:
        runs = runs.that_changed_something(changed == "true")
    page = runs[offset : offset + limit]
    return ManyRuns(sync_runs=[SyncRunOut.of(run) for run in page], total_count=runs.count())
