"""TRIGGER: the wizard that makes a sync, in five steps: Source, Destination, Options, Details, Review.

What was entered stays on the server, sealed (`storage`). Review draws the real plan against the organization and
remembers which secrets it would delete; the first run may delete those and no others. Every step can be shown again
with other entries (“Show folders”, “Check access”) before it is submitted, so that the pages work without scripts.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.utils.text import slugify

from common.lacking import Lacking
from common.patterns import validate_org_id
from common.prefixes import starts_with
from sources.choosing import Asking
from sources.protocol import Place
from syncs.admin.forms import DestinationForm, DetailsForm, OptionsForm, ReviewForm, SourceForm
from syncs.admin.wizard.beside import Access, check_access
from syncs.admin.wizard.drafts import SOURCE_NAMES, drafts_for
from syncs.admin.wizard.elsewhere import BRINGS, MANY, WAYS, sync_set
from syncs.admin.wizard.pages import TITLES, WizardPages, parse_uuid
from syncs.choices import Strangers
from syncs.editing import Actor, Edited, create_sync
from syncs.errors import EditRefused, SyncError
from syncs.models import DevinSync, SyncRun
from syncs.organizations import id_of
from syncs.runs.wishes import Wishes
from vault.access import visible
from vault.models import Project

STEPS = (
    ("source", SourceForm),
    ("destination", DestinationForm),
    ("options", OptionsForm),
    ("details", DetailsForm),
    ("review", ReviewForm),
)


class SyncWizard(WizardPages):
    storage_name = "syncs.admin.wizard.storage.SealedStorage"
    refreshed: dict[str, Any] | None = None

    # The way through the steps

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.model_admin.has_add_permission(request):
            raise Lacking(["syncs.add_devinsync"])
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, step: str | None = None, **kwargs: Any) -> HttpResponse:
        if step is None:
            return self._begin(request)
        if step not in TITLES:
            raise Http404
        if unanswered := self.first_unanswered(before=step):
            return redirect(self.get_step_url(unanswered))
        if BRINGS.get(step) in request.GET:
            return self._choose(step, BRINGS[step], str(request.GET[BRINGS[step]]))
        self.storage.current_step = step
        return self.render(self._form_as_left(step))

    def post(self, request: HttpRequest, *args: Any, step: str | None = None, **kwargs: Any) -> HttpResponse:
        if step not in TITLES:
            raise Http404
        if made := self._made_already(request):
            return made
        if unanswered := self.first_unanswered(before=step):
            messages.warning(
                request, "What you entered has expired, or was sent from another window. Please continue here."
            )
            return redirect(self.get_step_url(unanswered))
        self.storage.current_step = step
        if "wizard_goto_step" in request.POST:
            return self._leave(step, request.POST)
        if {"check", "refresh", "again"} & {*request.POST}:
            return self.render(self._form_refreshed(step, request.POST))
        form = self.get_form(data=request.POST)
        if step == "review":
            return self._create(form)
        return self._answer(step, form) if form.is_valid() else self.render(form)

    def _begin(self, request: HttpRequest) -> HttpResponse:
        if {"restart", "copy", *SOURCE_NAMES} & {*request.GET} or not self.storage.is_begun:
            self.storage.reset()
            self.storage.extra_data["drafts"] = drafts_for(request.GET, request.user)
            return redirect(self.get_step_url("source"))
        messages.info(request, "You left this sync unfinished: here is what you entered. “Start over” empties it.")
        return redirect(self.get_step_url(self.first_unanswered(before="review") or "review"))

    def _answer(self, step: str, form: Any) -> HttpResponse:
        self.storage.set_step_data(step, _own(form.data, step))
        self._drafts.pop(step, None)
        self.storage.extra_data.pop("plan", None)
        return redirect(self.get_step_url(self.get_next_step(step)))

    def _leave(self, step: str, data: QueryDict) -> HttpResponse:
        """Going elsewhere keeps what was entered, valid or not."""
        if self.get_form(data=data).is_valid():
            self.storage.set_step_data(step, _own(data, step))
        else:
            self.storage.forget(step)
            self._drafts[step] = _entries(data, step)
        goal = data["wizard_goto_step"]
        if goal == MANY and (source := self.source_data):
            chosen = {"project": source["project"], "source": source["source"]}
            return redirect(sync_set(self.get_step_url(step), connection=data.get(f"{step}-connection", ""), **chosen))
        if goal in WAYS:
            return redirect(WAYS[goal](self.get_step_url(step)))
        return redirect(self.get_step_url(goal if goal in TITLES else "source"))

    def _choose(self, step: str, name: str, made: str) -> HttpResponse:
        """What was made elsewhere is chosen. Of another project the environment and the folder are still to be."""
        stored = self.storage.get_step_data(step)
        entries = {"source": {}, "destination": _entries(stored, step) if stored else self._drafts.get(step, {})}[step]
        entries = {**entries, name: made}
        if step == "destination":
            self._suggest_organization(entries)
        self.storage.forget(step)
        self._drafts[step] = entries
        return redirect(self.get_step_url(step))

    @property
    def _drafts(self) -> dict[str, dict[str, Any]]:
        drafts: dict[str, dict[str, Any]] = self.storage.extra_data.setdefault("drafts", {})
        return drafts

    # The forms

    def _form_as_left(self, step: str) -> Any:
        data = self.storage.get_step_data(step) if step != "review" else None
        return self.get_form(step, data=data)

    def _form_refreshed(self, step: str, data: QueryDict) -> Any:
        """The form with these entries, not judged yet."""
        entries = _entries(data, step)
        if "again" in data:
            self.asking = Asking(anew=True)
        if step == "destination":
            self._suggest_organization(entries)
            if "check" in data:
                self.access = self._check_access(entries)
        self.refreshed = entries
        return self.get_form(step)

    def get_form_initial(self, step: str) -> dict[str, Any]:
        if self.refreshed is not None and step == self.steps.current:
            return self.refreshed
        makers = {"destination": self._only_connection, "options": _first_options, "details": self._suggested_name}
        initial = makers.get(step, dict)()
        return {**initial, **self._drafts.get(step, {})}

    def get_form_kwargs(self, step: str | None = None) -> dict[str, Any]:
        if step == "source":
            return {"asking": self.asking, "user": self.request.user}
        source = self.source_data if step in ("destination", "options", "details") else {}
        if step == "destination":
            return {"user": self.request.user, "project": source.get("project")}
        if step == "options":
            return {"source": source}
        return {"project": source.get("project")} if step == "details" else {}

    def _only_connection(self) -> dict[str, Any]:
        connections = list(self.connections()[:2])
        if len(connections) != 1:
            return {}
        return {"connection": connections[0].pk, "org_id": connections[0].org_id}

    def _suggest_organization(self, entries: dict[str, Any]) -> None:
        """The organization that the chosen connection's key belongs to, unless the person has entered another."""
        known = {str(connection.pk): connection.org_id for connection in self.connections()}
        entered = entries.get("org_id", "")
        if not entered or entered in known.values():
            entries["org_id"] = known.get(entries.get("connection", ""), "") or entered

    def _check_access(self, entries: dict[str, Any]) -> Access:
        org_id = str(entries.get("org_id", "")).strip()
        connection = self.find_connection(entries.get("connection"))
        if connection is None:
            return Access(org_id, problem="Choose a connection first.")
        org_id = id_of(connection, org_id)
        try:
            validate_org_id(org_id)
        except ValidationError as error:
            return Access(org_id, problem=str(error.message))
        return check_access(connection, org_id)

    def _suggested_name(self) -> dict[str, Any]:
        source = self.source_data
        if not source:
            return {}
        project: Project = source["project"]
        place: Place = source["source"].place
        path = place.path.replace("/", " ").replace("_", "-")
        words = slugify(f"{project.slug} {place.environment_slug} {path}")[:240].strip("-")
        taken = set(
            DevinSync.objects.filter(starts_with("name", words), project=project).values_list("name", flat=True)
        )
        names = [words, *(f"{words}-{number}" for number in range(2, len(taken) + 3))]
        return {"name": next(name for name in names if name not in taken)}

    def render(self, form: Any = None, **kwargs: Any) -> HttpResponse:
        """Rendered at once: what the page shows is remembered with it."""
        response: HttpResponse = super().render(form, **kwargs).render()
        return response

    # The end

    def _made_already(self, request: HttpRequest) -> HttpResponse | None:
        """A second click on “Create sync” leads to what the first one made."""
        draft_id = parse_uuid(request.POST.get("draft"))
        sync = visible(request.user, DevinSync.objects.filter(pk=draft_id)).first() if draft_id else None
        return HttpResponseRedirect(self._page_of(sync)) if sync is not None else None

    def _page_of(self, sync: DevinSync) -> str:
        run = sync.runs.order_by("queued_at").first()
        return run.get_absolute_url() if run is not None else sync.get_absolute_url()

    def _create(self, form: ReviewForm) -> HttpResponse:
        sync = self.sync_so_far()
        plan = self.storage.extra_data.get("plan")
        if "create_disabled" in self.request.POST:
            sync.is_enabled = False
        elif plan is None or not form.is_valid() or form.cleaned_data["plan"] != plan["digest"]:
            messages.warning(self.request, "The plan was drawn anew. Please look at it again, then create the sync.")
            return self.render(self.get_form("review"))
        elif plan["is_stuck"]:
            messages.error(self.request, "Nothing of it could be written. Mend it, or create the sync disabled.")
            return self.render(self.get_form("review"))
        elif plan["asks"] and not form.cleaned_data["confirm"]:
            form.add_error("confirm", "Tick this box if these secrets may go, or go back and change the options.")
            return self.render(form)
        return self._save(sync, plan)

    def _save(self, sync: DevinSync, plan: dict[str, Any] | None) -> HttpResponse:
        wishes = Wishes(confirmed_deletions=plan["ids"] if plan and self.may_confirm else None)
        try:
            made = create_sync(sync, by=Actor.in_wizard(self.request.user), at_once=True, wishes=wishes)
        except SyncError as error:
            # The same click may have come twice, and the other one was faster.
            if DevinSync.objects.filter(pk=sync.pk, created_by=self.request.user.pk).exists():
                return redirect(self._page_of(sync))
            messages.error(self.request, error.message)
            return redirect(self.get_step_url(_step_of(error)))
        self.storage.reset()
        return redirect(self._tell(made))

    def _tell(self, made: Edited) -> DevinSync | SyncRun:
        """What was made, and the page that shows it."""
        if made.run is None:
            text = f"The sync “{made.sync.name}” was created, disabled. Enable it when it is right."
        else:
            text = f"The sync “{made.sync.name}” was created. Its first run has been queued."
        messages.success(self.request, text)
        return made.run or made.sync


def _step_of(error: SyncError) -> str:
    """Where it is mended."""
    field = error.field if isinstance(error, EditRefused) else ""
    return next((step for step, form in STEPS if field in form.base_fields), "source")


def _own(data: QueryDict, step: str) -> QueryDict:
    """What was posted for a step, without the token and the buttons."""
    own = QueryDict(mutable=True)
    for key, values in data.lists():
        if key.startswith(f"{step}-"):
            own.setlist(key, values)
    return own


def _first_options() -> dict[str, Any]:
    """A person who makes a sync is asked before secrets go that DevinSync did not write, unless the settings differ."""
    return {"strangers": settings.STRANGERS or Strangers.ASK}


def _entries(data: QueryDict, step: str) -> dict[str, Any]:
    """What was posted for a step, by the names of its fields. A box that is not ticked is not posted."""
    entries: dict[str, Any] = {key[len(step) + 1 :]: value for key, value in _own(data, step).items()}
    if step == "options":
        entries |= {name: name in entries for name in OptionsForm().boxes}
    if step == "details":
        entries["is_enabled"] = "is_enabled" in entries
    return entries
