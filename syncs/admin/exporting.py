"""Runs and their changes as a file, as far as the filters of the page leave them. Noted in the log: who took what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path

from audit.models import Action
from audit.writing import note
from common.tables import csv_lines, in_chunks, json_list
from syncs.models import SyncRun, SyncRunChange

FORMATS: dict[str, tuple[Callable[..., Iterator[str]], str]] = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "json": (json_list, "application/json"),
}
COUNTS = ("created", "replaced", "renamed", "handed_over", "deleted", "held", "kept", "failed", "drifted")


@dataclass(frozen=True)
class Table:
    """A kind of row as an export shows it; `related` is loaded with each, `newest_by` orders them."""

    name: str
    columns: tuple[str, ...]
    cells: Callable[[Any], tuple[Any, ...]]
    related: tuple[str, ...]
    newest_by: str
    # Columns that no cell shows.
    unread: tuple[str, ...] = ()


def _cells_of_run(run: SyncRun) -> tuple[Any, ...]:
    who = run.requested_by.get_username() if run.requested_by else None
    times = (run.queued_at, run.started_at, run.finished_at)
    counts = (getattr(run, f"{count}_count") for count in COUNTS)
    facts = (run.sync_name, run.org_id, run.operation, run.status, run.trigger, who)
    return (str(run.pk), *facts, run.attempt, *times, *counts, run.message)


def _cells_of_change(change: SyncRunChange) -> tuple[Any, ...]:
    run = change.run
    keys = (change.destination_key, change.source_key, " ".join(change.former_keys))
    marks = (change.is_drift, change.is_stranger)
    what = (change.action, *keys, change.secret_id, change.secret_type, change.outcome, *marks)
    return (change.at, run.sync_name, run.org_id, str(run.pk), *what, change.reason, change.detail)


RUNS = Table(
    "runs",
    (
        "id", "sync", "organization", "operation", "status", "trigger", "requested_by", "attempt", "queued_at",
        "started_at", "finished_at", *COUNTS, "message",
    ),
    _cells_of_run,
    ("requested_by",),
    "queued_at",
)  # fmt: skip
CHANGES = Table(
    "changes",
    (
        "at", "sync", "organization", "run", "action", "key", "source_key", "former_keys", "secret_id", "secret_type",
        "outcome", "is_drift", "is_stranger", "reason", "detail",
    ),
    _cells_of_change,
    ("run",),
    "pk",
    ("run__authors",),
)  # fmt: skip


def export(request: HttpRequest, table: Table, rows: QuerySet[Any], to: str, *, of: str = "") -> StreamingHttpResponse:
    """`of` says of what, where it is not all that the list's filters leave."""
    if to not in FORMATS:
        raise Http404
    write, kind = FORMATS[to]
    asked = request.GET.urlencode()
    detail = f"Exported {table.name}{of} as {to.upper()}{f', filtered by {asked}' if asked else ''}."
    note(request.user.get_username(), Action.ASKED, kind=table.name, name=table.name, detail=detail[:1000])
    found = in_chunks(rows.select_related(*table.related).defer(*table.unread), newest_by=table.newest_by)
    lines = write(table.columns, (table.cells(row) for row in found))
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.{to}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type=kind, headers=headers)


class Exports:
    """For an admin list: `export/csv/` and `export/json/` beside it, with the list's own filters in the address."""

    table: Table

    def export_url(self: Any) -> URLPattern:
        name = f"syncs_{self.opts.model_name}_export"
        route: URLPattern = path("export/<slug:to>/", self.admin_site.admin_view(self.export_view), name=name)
        return route

    def export_view(self: Any, request: HttpRequest, to: str) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            raise SuspiciousOperation("The filters in the address are none of this list's.") from None
        return export(request, self.table, rows, to)
