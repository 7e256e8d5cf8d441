"""Taking somebody's second factor away, who lost it: they log in by their password and set up another one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import Factor, Session
from accounts.record import write_down
from accounts.second_factor.factors import names_of, remove_all

HAS_ONE = Exists(Factor.objects.filter(user=OuterRef("pk")))


@transaction.atomic
def reset(user: User, *, by: User, how: str = "") -> int:
    """Ends their sessions too. Returns how many factors there were."""
    count = remove_all(user)
    Session.objects.filter(user=user).delete()
    write_down(by, user, f"Reset the second factor{how}: {count} removed, with the recovery codes.")
    return count


class HasSecondFactor(admin.SimpleListFilter):
    title = "second factor"
    parameter_name = "second_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(HAS_ONE if self.value() == "yes" else ~HAS_ONE) if self.value() else queryset


class ResetsSecondFactor:
    """Of the admin of users: what somebody has, and the page that resets it."""

    admin_site: admin.AdminSite

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_second_factor)
        own = path("<int:user_id>/second-factor/", view, name="auth_user_reset_second_factor")
        return [own, *super().get_urls()]  # type: ignore[misc]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)  # type: ignore[misc]
        return rows.annotate(has_factor=HAS_ONE)

    @admin.display(description="second factor", boolean=True, ordering="has_factor")
    def has_factor(self, user: User) -> bool:
        return bool(getattr(user, "has_factor"))  # noqa: B009 -- annotated, so no attribute that mypy knows

    @admin.display(description="second factor")
    def second_factor(self, user: User) -> str:
        names = names_of(user)
        if not names:
            return "None"
        url = reverse("admin:auth_user_reset_second_factor", args=[user.pk])
        return format_html('{} · <a href="{}">Reset</a>', ", ".join(names), url)

    def reset_second_factor(self, request: HttpRequest, user_id: int) -> HttpResponse:
        user = get_object_or_404(User, pk=user_id)
        if not isinstance(request.user, User) or not self.has_change_permission(request, user):  # type: ignore[attr-defined]
            raise PermissionDenied
        if user == request.user:
            messages.info(request, "Your own second factor is looked after here.")
            return redirect("admin:second_factor")
        if request.method == "POST":
            count = reset(user, by=request.user)
            messages.success(request, f"Reset the second factor of {user}: {count} removed. Their sessions ended.")
            return redirect("admin:auth_user_change", user.pk)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"Reset the second factor of {user}?",
            "person": user,
            "names": names_of(user),
        }
        return TemplateResponse(request, "accounts/second_factor/reset.html", context)
