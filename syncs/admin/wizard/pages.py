"""What each page of the wizard shows beside its form: what has been found so far, and at the end the plan."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib import admin
from django.db.models import QuerySet
from formtools.wizard.views import NamedUrlWizardView

from connections.devin.errors import DevinError
from connections.models import Connection
from encryption import DecryptionError
from sources.choosing import USUAL, Asking
from syncs.access import VIEW_RUN, place_of, projects_for
from syncs.admin.form_fields import usable_connections
from syncs.admin.forms import KEY_LINES, LAID_OUT, DestinationForm, DetailsForm, OptionsForm, ReviewForm, SourceForm
from syncs.admin.plan_page import show
from syncs.admin.wizard.beside import Access, preview_names, summarize_source
from syncs.admin.wizard.elsewhere import WAYS
from syncs.editing import Actor
from syncs.editing.rights import check_may_create
from syncs.engine.overlaps import overlapping_syncs
from syncs.engine.preview import preview
from syncs.errors import DestinationProblem, InvalidKeySchema, SourceProblem, SyncError
from syncs.models import DevinSync
from syncs.options import OPTIONS
from syncs.words import label_of, told
from vault.access import can

TITLES = {
    "source": "Source",
    "destination": "Destination",
    "options": "Options",
    "details": "Details",
    "review": "Review",
}
# What the review words by itself; any other option stands there with its label.
REVIEWED = (*LAID_OUT, "reconcile_minutes", "guard_max_deletions", "guard_max_percent")


class WizardPages(NamedUrlWizardView):  # type: ignore[misc]
    """What has been answered so far, and the pages made of it. `access` is what “Check access” has just said."""

    model_admin: ClassVar[Any] = None
    access: Access | None = None
    asking = USUAL

    @property
    def may_confirm(self) -> bool:
        """Whether creating the sync confirms what its first run deletes; otherwise that run may stop and ask."""
        sync = DevinSync(project=self.source_data["project"])
        sync.source = self.source_data["source"]
        return can(self.request.user, "syncs.confirm_deletions", place_of(sync))

    def get_cleaned_data_for_step(self, step: str) -> dict[str, Any] | None:
        if self.storage.get_step_data(step) is None:
            return None
        # What was answered is judged by what the source told then; it need not be asked again.
        self.asking, asking = Asking(never=True), self.asking
        try:
            cleaned: dict[str, Any] | None = super().get_cleaned_data_for_step(step)
        finally:
            self.asking = asking
        return cleaned

    def first_unanswered(self, *, before: str) -> str | None:
        for step in TITLES:
            if step == before:
                return None
            if self.get_cleaned_data_for_step(step) is None:
                return step
        return None

    @property
    def source_data(self) -> dict[str, Any]:
        return self.get_cleaned_data_for_step("source") or {}

    def connections(self) -> QuerySet[Connection]:
        return usable_connections(self.request.user, self.source_data.get("project"))

    def find_connection(self, pk: object) -> Connection | None:
        parsed = parse_uuid(pk)
        return self.connections().filter(pk=parsed).first() if parsed else None

    def sync_so_far(self, *, options: bool = True) -> DevinSync:
        """A sync of what has been entered up to here, not saved."""
        steps = ("destination", "options", "details") if options else ("destination",)
        fields: dict[str, Any] = {}
        for step in steps:
            fields |= self.get_cleaned_data_for_step(step) or {}
        source = self.source_data
        sync = DevinSync(
            id=parse_uuid(self.storage.extra_data.get("sync_id")) or uuid4(),
            project=source["project"],
            created_by=self.request.user,
            **fields,
        )
        sync.source = source["source"]
        return sync

    def get_template_names(self) -> list[str]:
        return [f"admin/syncs/wizard/{self.steps.current}.html"]

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(form=form, **kwargs)
        step = self.steps.current
        site: admin.AdminSite = self.model_admin.admin_site
        beside: dict[str, Callable[[Any], dict[str, Any]]] = {
            "source": self._beside_source,
            "destination": self._beside_destination,
            "options": self._beside_options,
            "details": self._beside_details,
            "review": self._beside_review,
        }
        return {
            **context,
            **site.each_context(self.request),
            "title": "Add a sync",
            "opts": DevinSync._meta,
            "step": step,
            "step_title": TITLES[step],
            "rail": self._rail(step),
            "previous": self.get_prev_step(step),
            "ways": {name.replace("-", "_"): way(self.get_step_url(step)) for name, way in WAYS.items()},
            "draft_id": self.storage.extra_data.get("sync_id", ""),
            **beside[step](form),
        }

    def _rail(self, current: str) -> list[dict[str, Any]]:
        """Done are the steps that can be gone back to, and those ahead that are answered already."""
        order = list(TITLES)
        reachable = self.first_unanswered(before="review") or "review"
        return [
            {
                "name": step,
                "title": title,
                "url": self.get_step_url(step),
                "is_current": step == current,
                "is_reachable": order.index(step) <= order.index(reachable),
            }
            for step, title in TITLES.items()
        ]

    def _beside_source(self, form: SourceForm) -> dict[str, Any]:
        project, chosen = form.chosen_project, form.chosen_source
        return {
            "has_projects": projects_for(self.request.user).exists(),
            "chosen_folder": chosen,
            "source": summarize_source(project, chosen.place) if project and chosen else None,
        }

    def _beside_destination(self, form: DestinationForm) -> dict[str, Any]:
        chosen = self.find_connection(form["connection"].value())
        return {
            "has_connections": self.connections().exists(),
            "chosen_connection": chosen,
            "access": self.access,
        }

    def _beside_options(self, form: OptionsForm) -> dict[str, Any]:
        sync = self.sync_so_far(options=False)
        for name in ("key_schema", *KEY_LINES):
            setattr(sync, name, str(form[name].value() or "").strip())
        for name in form.boxes:
            setattr(sync, name, bool(form[name].value()))
        more_errors = any(field.errors for field in form.more_options)
        return {"preview": preview_names(sync, seen_by=self.request.user), "sync": sync, "more_errors": more_errors}

    def _beside_details(self, form: DetailsForm) -> dict[str, Any]:
        return {"sync": self.sync_so_far()}

    def _beside_review(self, form: ReviewForm) -> dict[str, Any]:
        sync = self.sync_so_far()
        context: dict[str, Any] = {
            "sync": sync,
            "overlapping": overlapping_syncs(sync, seen_by=self.request.user),
            "step_urls": self._step_urls(),
            "more_options": [(label_of(name), told(sync, name)) for name in OPTIONS if name not in REVIEWED],
            "may_confirm": self.may_confirm,
        }
        try:
            check_may_create(sync, by=Actor.in_wizard(self.request.user))
            drawn = preview(sync, names_authors=can(self.request.user, VIEW_RUN, place_of(sync)))
        except (SyncError, DevinError, DecryptionError) as error:
            self._remember_plan(None)
            step = _step_that_mends(error)
            return {
                **context,
                "problem": str(error),
                "mend_url": self.get_step_url(step),
                "mend_title": TITLES[step],
            }
        shown = show(drawn.plan, drawn.authors)
        asks = sync.is_enabled and shown.stranger_count > 0
        remembered = {"digest": drawn.plan.digest, "ids": shown.deletion_ids, "asks": asks, "is_stuck": shown.is_stuck}
        self._remember_plan(remembered)
        return {**context, "shown": shown, "blocked": drawn.blocked, "asks": asks, "digest": drawn.plan.digest}

    def _step_urls(self) -> dict[str, str]:
        return {step: self.get_step_url(step) for step in TITLES}

    def _remember_plan(self, plan: dict[str, Any] | None) -> None:
        """Names and ids, no value."""
        self.storage.extra_data["plan"] = plan


def _step_that_mends(error: Exception) -> str:
    if isinstance(error, SourceProblem):
        return "source"
    if isinstance(error, InvalidKeySchema):
        return "options"
    return "destination" if isinstance(error, DestinationProblem | DevinError | DecryptionError) else "options"


def parse_uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
