"""The audit log in the admin: read, filtered, exported; never written."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from audit.models import Entry
from common.long_lists import LongListPaginator
from common.tables import csv_lines
from theme.lists import LightRows, ReadOnly
from theme.times import moment

EXPORTED = (
    "position",
    "at",
    "actor",
    "action",
    "kind",
    "object_id",
    "name",
    "detail",
    "address",
    "request_id",
    "digest",
)


@admin.register(Entry)
class EntryAdmin(ReadOnly, LightRows, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("time", "actor", "action", "kind", "name", "detail", "address")
    list_filter = ("action", "kind")
    date_hierarchy = "at"
    search_fields = ("=actor", "=object_id", "=request_id", "name")
    search_help_text = "Search by name, or by the whole of who, ID or request."
    show_full_result_count = False
    list_per_page = 50
    paginator = LongListPaginator
    actions = ("export_csv", "export_json")
    counted = "entry,entries"

    @admin.display(description="when", ordering="id")
    def time(self, entry: Entry) -> Any:
        return moment(entry.at)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Entry]) -> StreamingHttpResponse:
        return _download(csv_lines(EXPORTED, _rows(queryset)), "text/csv", "audit.csv")

    @admin.action(description="Export as JSON lines", permissions=["view"])
    def export_json(self, request: HttpRequest, queryset: QuerySet[Entry]) -> StreamingHttpResponse:
        lines = (json.dumps(dict(zip(EXPORTED, row, strict=True)), default=str) + "\n" for row in _rows(queryset))
        return _download(lines, "application/x-ndjson", "audit.jsonl")


def _rows(entries: QuerySet[Entry]) -> Iterator[tuple[Any, ...]]:
    return iter(entries.order_by("id").values_list(*EXPORTED).iterator(chunk_size=1000))


def _download(lines: Iterator[Any], kind: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=kind, headers=headers)
