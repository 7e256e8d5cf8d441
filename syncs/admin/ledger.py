"""What DevinSync has written to Devin, to look at."""

from datetime import UTC, datetime

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.timezone import localtime

from common.long_lists import LongListPaginator
from syncs.access import place_of_what_a_sync_has
from syncs.admin.base import ByPlace
from syncs.admin.filters import SyncFilter
from syncs.models import ManagedSecret
from theme.lists import LightRows, ReadOnly


@admin.register(ManagedSecret)
class ManagedSecretAdmin(ReadOnly, ByPlace, LightRows, admin.ModelAdmin[ManagedSecret]):
    place_of_row = staticmethod(place_of_what_a_sync_has)
    list_display = ("destination_key", "source_key", "sync", "organization", "secret_type", "written_at")
    list_filter = (SyncFilter, "secret_type", "written_at")
    list_select_related = ("sync", "destination")
    list_per_page = 50
    search_fields = ("destination_key", "source_key", "secret_id", "sync__name", "destination__org_id")
    search_help_text = "Search keys, secret IDs, syncs and organizations"
    empty_text = "What the syncs have written to Devin stands here, without values."
    show_full_result_count = False
    paginator = LongListPaginator
    fields = (
        "destination_key", "source_key", "sync", "organization", "secret_id", "secret_type", "is_sensitive",
        "written_at", "modified", "generation",
    )  # fmt: skip
    actions = None

    @admin.display(description="organization", ordering="destination__org_id")
    def organization(self, row: ManagedSecret) -> str:
        return row.destination.org_id

    @admin.display(description="modified in Devin")
    def modified(self, row: ManagedSecret) -> str | None:
        try:
            at = datetime.fromtimestamp(row.modified_at, UTC) if row.modified_at else None
            return date_format(localtime(at), "DATETIME_FORMAT") if at else None
        except (ValueError, OverflowError, OSError):
            # Devin's word, in whatever unit: a year past 9999 is no date.
            return None
