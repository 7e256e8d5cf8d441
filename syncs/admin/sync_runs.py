"""The runs of one sync, newest first: all of them, or those that changed something."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.long_lists import LongListPaginator
from syncs.admin.actions import Owner
from syncs.admin.base import find_sync, run_badge, started_by
from syncs.admin.heading import heading_of
from syncs.admin.runs import what_changed
from syncs.models import SyncRun

RUNS_PER_PAGE = 50


def run_row(run: SyncRun) -> tuple[SyncRun, str, str, str]:
    """A row of the table of a sync's runs."""
    return run, run_badge(run), started_by(run), what_changed(run)


def runs_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    sync = find_sync(request, pk, "view_devinsync", "view_syncrun")
    chosen = request.GET.get("changed", "")
    runs = sync.runs.select_related("requested_by")
    if chosen in ("yes", "no"):
        runs = runs.that_changed_something(chosen == "yes")
    page = LongListPaginator(runs, RUNS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **heading_of(owner, request, sync, tab="runs"),
        "rows": [run_row(run) for run in page],
        "page": page,
        "chosen": chosen,
        "query": f"changed={chosen}" if chosen in ("yes", "no") else "",
        "ways": (("", "All"), ("yes", "Changed something"), ("no", "Changed nothing")),
    }
    return TemplateResponse(request, "admin/syncs/devinsync/runs.html", context)
