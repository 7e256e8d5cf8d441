"""Filters of the lists of syncs, of runs and of the ledger."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from common.long_lists import TextFilter
from syncs.editing import Need, syncs_needing_a_person
from syncs.models import DevinSync, SyncRunQuerySet
from vault.access import visible


class SyncFilter(TextFilter):
    title = "sync"
    parameter_name = "sync_name"

    def suggests_at(self) -> str:
        return reverse("admin:syncs_devinsync_names")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = (self.value() or "").strip()
        if not name:
            return queryset
        # By the syncs, of which there are few: what belongs to one has an index.
        named = visible(request.user, DevinSync.objects.filter(name__icontains=name))
        return queryset.filter(sync__in=named.values("pk"))


class TypeFilter(admin.SimpleListFilter):
    """By type in Devin. Its types are known: to ask which of them the history holds takes a look at each row."""

    title = "type"
    parameter_name = "secret_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each, each) for each in ("key-value", "totp", "cookie")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(secret_type=self.value()) if self.value() else queryset


class ChangedFilter(admin.SimpleListFilter):
    """Runs that wrote, deleted or handed over a secret."""

    title = "changed something"
    parameter_name = "changed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        runs: SyncRunQuerySet = queryset  # type: ignore[assignment]
        chosen = self.value()
        return runs.that_changed_something(chosen == "yes") if chosen in ("yes", "no") else queryset


class NeedFilter(admin.SimpleListFilter):
    """What goes no further without a person."""

    title = "needs attention"
    parameter_name = "needs"

    ANY = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.ANY, "Yes"), *((need.name.lower(), need.label) for need in Need)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [need for need in Need if self.value() in (self.ANY, need.name.lower())]
        return queryset.filter(pk__in=syncs_needing_a_person(chosen).values("pk")) if chosen else queryset
