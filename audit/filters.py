"""What narrows the list of the audit log. Each looks for a whole text, by an index where the log may be long."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from audit.models import REFUSALS, Entry, Outcome
from common.long_lists import TextFilter


def with_outcome(rows: QuerySet[Entry], outcome: str) -> QuerySet[Entry]:
    """Lines of earlier releases have none, and say by their action alone that something was refused."""
    if outcome == Outcome.REFUSED:
        return rows.filter(Q(outcome=outcome) | Q(outcome="", action__in=REFUSALS))
    return rows.filter(outcome=outcome)


class OutcomeFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Outcome.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return with_outcome(queryset, self.value() or "") if self.value() in Outcome.values else queryset


class ColumnFilter(TextFilter):
    label = "The whole of it"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        return queryset.filter(**{self.parameter_name or "": text}) if text else queryset


def _of(name: str, words: str) -> type[ColumnFilter]:
    return type(f"{name.title()}Filter", (ColumnFilter,), {"title": words, "parameter_name": name})


COLUMNS: Sequence[type[ColumnFilter]] = [
    _of("project", "project"),
    _of("environment", "environment"),
    _of("path", "path"),
    _of("key", "key"),
    _of("run", "run"),
    _of("token", "token or identity"),
]
