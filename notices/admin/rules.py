"""Rules: which channel is told of what."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from notices.events import BY_NAME
from notices.forms import RuleForm
from notices.models import Rule


def event_words(names: list[str]) -> list[str]:
    return [BY_NAME[name].label for name in names if name in BY_NAME]


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin[Rule]):
    form = RuleForm
    change_form_template = "admin/notices/rule/change_form.html"
    list_display = ("channel", "what", "scope", "pace", "tells_end", "is_enabled")
    list_display_links = ("what",)
    list_select_related = ("channel", "project", "sync")
    list_filter = ("channel", "pace", "is_enabled")
    empty_text = "A rule says what a channel is told of: which events, of everything, a project or a sync. Add one."

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        how = ("How", {"fields": ["pace", "tells_end", "is_enabled"]})
        return [(None, {"fields": ["channel", "events"]}), ("Of what", {"fields": ["project", "sync"]}), how]

    def get_form(self, request: HttpRequest, obj: Rule | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: type[RuleForm] = super().get_form(request, obj, change, **kwargs)  # type: ignore[assignment]
        return form.of(request.user)

    @admin.display(description="events")
    def what(self, rule: Rule) -> str:
        return ", ".join(event_words(rule.events)) or "nothing"
