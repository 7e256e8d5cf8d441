"""The page of the search, and the part of it that a script asks for while somebody types.

What is typed is answered and forgotten: it stands in no log, no session and no table.
"""

from collections.abc import Callable, Iterator

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from search.doing import actions, pages
from search.hits import Group
from search.named import find_named
from search.question import Question
from search.rows import KINDS
from theme.navigation import LinkArea
from vault.access import can_somewhere


def routes() -> dict[str, tuple[str, Callable[..., HttpResponse]]]:
    """By name: the address below the admin, and the view."""
    return {"search": ("search/", search_page), "search_results": ("search/results/", search_results)}


@require_GET
def search_page(request: HttpRequest) -> HttpResponse:
    frame = admin.site.each_context(request)
    return TemplateResponse(
        request, "admin/search/page.html", {**frame, **answer(request, frame["navigation"]), "title": "Search"}
    )


@require_GET
def search_results(request: HttpRequest) -> HttpResponse:
    areas = admin.site.each_context(request)["navigation"]
    return TemplateResponse(request, "admin/search/results.html", answer(request, areas))


def answer(request: HttpRequest, areas: list[LinkArea]) -> dict[str, object]:
    """The groups whose first hit answers best come first, in all else as they are declared."""
    question = Question.of(request.GET.get("q", ""))
    groups = [each for each in find(question, request, areas) if each.hits]
    groups.sort(key=lambda each: question.rank_or_last(each.hits[0].label))
    return {"question": question, "groups": groups, "count": sum(len(each.hits) for each in groups)}


def find(question: Question, request: HttpRequest, areas: list[LinkArea]) -> Iterator[Group]:
    """Rows are looked for only by a text; without one there are the actions and pages."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    yield Group("Pages", "list", pages(question, areas))
    for kind in KINDS if question else ():
        if all(can_somewhere(user, right) for right in kind.rights):
            yield from kind.find(question, user)
    if question:
        yield from find_named(question, user)
    yield Group("Actions", "arrow-right", actions(question, user))
