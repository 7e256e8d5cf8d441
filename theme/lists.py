"""What a changelist has for each row or choice, drawn by hand: a template for each would take most of the time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.encoding import iri_to_uri
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

CHOSEN_ITEM, CHOSEN_LINK = mark_safe(' class="selected"'), mark_safe(' aria-current="true"')


class LightList(ChangeList):
    """Makes what its rows' links carry along, to find the way back to the same filters, once for all rows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._carried = f"?{self.preserved_filters}" if self.preserved_filters else ""
        # What is empty here, Django does not add to each link by itself.
        self.preserved_filters = ""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if shown := getattr(self.model_admin, "list_only", ()):
            self.result_list = self.result_list.only(*shown)

    def url_for_result(self, result: Any) -> str:
        return super().url_for_result(result) + self._carried


class LightRows:
    """For a ModelAdmin: rows that take as little as they can, and look the same.

    `list_only` are the columns that the list shows, where a row has many more; actions get whole rows.
    """

    list_only: ClassVar[Sequence[str]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LightList

    def action_checkbox(self, obj: Any) -> SafeString:
        """As Django's widget draws it."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" '
            'aria-label="Select this object for an action - {}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj,
        )


class ReadOnly:
    """For a ModelAdmin: rows that are looked at, and written by DevinSync alone."""

    has_history = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def draw_choices(choices: Iterable[Mapping[str, Any]]) -> SafeString:
    """The items of a filter, each a link."""
    return format_html_join(
        "\n",
        '<li{}><a href="{}"{}>{}</a></li>',
        (
            (
                CHOSEN_ITEM if choice["selected"] else "",
                iri_to_uri(choice["query_string"]),
                CHOSEN_LINK if choice["selected"] else "",
                choice["display"],
            )
            for choice in choices
        ),
    )
