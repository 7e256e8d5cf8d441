"""Filters of the lists of runs and of the ledger."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from common.long_lists import TextFilter
from syncs.models import DevinSync


class SyncFilter(TextFilter):
    title = "sync"
    parameter_name = "sync_name"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = (self.value() or "").strip()
        if not name:
            return queryset
        # By the syncs, of which there are few: what belongs to one has an index.
        return queryset.filter(sync__in=DevinSync.objects.filter(name__icontains=name).values("pk"))
