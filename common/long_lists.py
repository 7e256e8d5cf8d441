"""What admin lists of many thousand rows need: a count that ends early, and a filter that lists nothing."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

# Nobody leafs further than this; a filter or a search leads there. Counting and skipping more takes seconds.
MOST_SHOWN = 5000
# What is skipped is looked at all the same: so many rows may be read whole, of more their keys alone.
MOST_SKIPPED_WHOLE = 500


class LongListPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further, and so skips no more, than `MOST_SHOWN` rows."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        # Without an order and its columns, the database need not sort or fetch what is only counted.
        return rows.order_by()[:MOST_SHOWN].count() if isinstance(rows, QuerySet) else len(rows)

    def page(self, number: int | str) -> Page[Any]:
        page = super().page(number)
        rows, shown = self.object_list, page.object_list
        if isinstance(rows, QuerySet) and isinstance(shown, QuerySet) and page.start_index() > MOST_SKIPPED_WHOLE:
            page.object_list = rows.filter(pk__in=shown.values("pk"))
        return page


class TextFilter(admin.SimpleListFilter):
    """A field to type into, where a list of all choices would be thousands long."""

    template = "admin/text_filter.html"
    # What the field takes.
    label = "Part of its name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        # Django leaves out a filter without choices.
        return [("", "")]

    def suggests_at(self) -> str:
        """The address that is asked, while one types, for what the text may stand for; "" for none."""
        return ""

    def choices(self, changelist: Any) -> Iterator[Any]:
        others = changelist.get_query_string(remove=[self.parameter_name, "p"])
        yield {
            "kept": [(name, value) for name, value in changelist.params.items() if name != self.parameter_name],
            "name": self.parameter_name,
            "value": self.value() or "",
            "label": self.label,
            "without": others,
            "suggests_at": self.suggests_at(),
        }
