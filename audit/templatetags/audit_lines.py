"""The lines of the audit log that tell of one row, for the page of its history."""

from typing import Any

from django import template
from django.core.paginator import Page, Paginator
from django.db.models import Model

from audit.about import lines_about
from audit.models import Entry

register = template.Library()
PARAMETER = "p"
A_PAGE = 100


@register.simple_tag(takes_context=True)
def lines_of(context: template.Context, row: Model) -> Page[Entry]:
    """A page of them, the newest first."""
    wanted = context["request"].GET.get(PARAMETER)
    return Paginator(lines_about(row), A_PAGE).get_page(wanted)


@register.simple_tag
def few_pages(page: Page[Any]) -> list[int | str]:
    return list(page.paginator.get_elided_page_range(page.number))
