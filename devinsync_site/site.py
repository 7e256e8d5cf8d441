"""The admin site: its name, its sidebar, its overview."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from accounts.confirming import confirm_identity
from accounts.pages import sessions_page
from accounts.passwords import OwnPasswordView
from accounts.second_factor import pages as second_factor
from accounts.second_factor.log_in import LogInView, second_step
from common.returning import way_on
from common.version import VERSION
from devinsync_site.sidebar import AREAS, UNLISTED_APPS
from overview.collect import collect, is_paused
from readers.pages import routes as readers_routes
from search.pages import routes as search_routes
from single_sign_on import pages as single_sign_on
from theme.navigation import build_navigation

# Of the packages that have no model, and so no admin of their own.
OWN_PAGES = {**{f"readers_{name}": page for name, page in readers_routes().items()}, **search_routes()}


class DevinSyncAdminSite(admin.AdminSite):
    site_title = "DevinSync"
    site_header = "DevinSync"
    index_title = "Overview"
    site_url = None
    empty_value_display = "–"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        context["version"] = VERSION if context["has_permission"] else ""
        context["navigation"] = build_navigation(
            request, context["available_apps"], areas=AREAS, unlisted_apps=UNLISTED_APPS
        )
        context["all_syncs_paused"] = is_paused if context["has_permission"] else False
        return context

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path("overview/", self.admin_view(self.overview_fragment), name="overview_fragment"),
            path("confirm-identity/", self.admin_view(confirm_identity), name="confirm_identity"),
            path("log-in/second-step/", second_step, name="log_in_second_factor"),
            *(path(route, self.admin_view(view), name=name) for name, (route, view) in second_factor.ROUTES.items()),
            *(path(route, view, name=name) for name, (route, view) in single_sign_on.ROUTES.items()),
            path("sessions/", self.admin_view(sessions_page), name="sessions"),
            *(path(route, self.admin_view(view), name=name) for name, (route, view) in OWN_PAGES.items()),
        ]
        return own + super().get_urls()

    def login(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """As Django's, by a view that knows of second factors; it names its own and takes no other."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            "next": way_on(request) or reverse("admin:index"),
            **(extra_context or {}),
        }
        view = LogInView.as_view(
            extra_context=context, authentication_form=AdminAuthenticationForm, template_name="admin/login.html"
        )
        return view(request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**self._overview(request), **(extra_context or {})})

    def overview_fragment(self, request: HttpRequest) -> HttpResponse:
        """The overview's changing part alone; the page fetches it again and again."""
        context = {**self.each_context(request), **self._overview(request)}
        return TemplateResponse(request, "admin/overview.html", context)

    def _overview(self, request: HttpRequest) -> dict[str, Any]:
        if not request.user.has_perm("syncs.view_devinsync"):
            return {"overview": None}
        return {"overview": collect(request.user)}
