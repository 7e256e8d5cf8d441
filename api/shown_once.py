"""A secret on a page of its own, once."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


class ShownOnce:
    """Answers a POST with the page that shows a secret: nothing is kept to show it again after a redirect."""

    def show_once(self: Any, request: HttpRequest, **context: Any) -> HttpResponse:
        page = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        response = TemplateResponse(request, "admin/api/shown_once.html", page)
        return response.render()
