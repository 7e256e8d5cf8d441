"""The audit log in the admin: read, filtered, exported; never written."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from audit.export import EXPORTED, as_cells, rows_of
from audit.filters import COLUMNS, OutcomeFilter
from audit.models import Entry
from common.long_lists import LongListPaginator
from common.tables import csv_lines
from theme.lists import LightRows, ReadOnly
from theme.times import moment


@admin.register(Entry)
class EntryAdmin(ReadOnly, LightRows, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("time", "actor", "action", "what", "where", "detail", "address")
    list_filter = (OutcomeFilter, "action", "kind", *COLUMNS)
    date_hierarchy = "at"
    search_fields = ("=actor", "=object_id", "=request_id", "name")
    search_help_text = "Search by name, or by the whole of who, ID or request."
    show_full_result_count = False
    list_per_page = 50
    paginator = LongListPaginator
    actions = ("export_csv", "export_json")
    counted = "entry,entries"
    fields = (
        *("time", "actor", "token", "action", "outcome", "lacking", "kind", "object_id", "name", "where", "of_run"),
        *("detail", "changed", "address", "request", "position", "digest"),
    )
    readonly_fields = fields

    @admin.display(description="when", ordering="id")
    def time(self, entry: Entry) -> Any:
        return moment(entry.at)

    @admin.display(description="what")
    def what(self, entry: Entry) -> str:
        return f"{entry.kind} {entry.name}".strip() or "–"

    @admin.display(description="where")
    def where(self, entry: Entry) -> str:
        return entry.place or "–"

    @admin.display(description="run")
    def of_run(self, entry: Entry) -> str:
        return _all_with("run", entry.run)

    @admin.display(description="request")
    def request(self, entry: Entry) -> str:
        return _all_with("request_id", entry.request_id)

    @admin.display(description="what changed")
    def changed(self, entry: Entry) -> str:
        changes = entry.told_changes
        return render_to_string("admin/audit/changes.html", {"changes": changes}) if changes else "–"

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Entry]) -> StreamingHttpResponse:
        cells = map(as_cells, rows_of(queryset.order_by("id")))
        return _download(csv_lines(EXPORTED, cells), "text/csv", "audit.csv")

    @admin.action(description="Export as JSON lines", permissions=["view"])
    def export_json(self, request: HttpRequest, queryset: QuerySet[Entry]) -> StreamingHttpResponse:
        lines = (json.dumps(row, default=str) + "\n" for row in rows_of(queryset.order_by("id")))
        return _download(lines, "application/x-ndjson", "audit.jsonl")


def _all_with(column: str, text: str) -> str:
    """The text, as a link to all lines that have it."""
    if not text:
        return "–"
    address = f"{reverse('admin:audit_entry_changelist')}?{urlencode({column: text})}"
    return format_html('<a href="{}">{}</a>', address, text)


def _download(lines: Iterator[Any], kind: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=kind, headers=headers)
