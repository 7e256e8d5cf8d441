"""The page for what somebody may not do: it keeps the sidebar, and names the right that is missing and who gives it."""

from dataclasses import dataclass

from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

from common.refusals import note_lacking

# The last word of an admin page's name, and the right that reading it takes.
VERBS = {"changelist": "view", "change": "view", "history": "view", "page": "view", "add": "add", "delete": "delete"}


@dataclass(frozen=True)
class Right:
    name: str
    groups: list[str]


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django calls this for each PermissionDenied of a page."""
    if not admin.site.has_permission(request):
        return render(request, "403.html", status=403)
    codes = getattr(exception, "permissions", ())
    if not codes:
        codes = [code for code in asked_by(request) if not request.user.has_perm(code)]
        note_lacking(codes)
    rights = [right for code in codes if not request.user.has_perm(code) for right in described(code)]
    where = getattr(exception, "where", "")
    frame = {"frame": "admin/base_site.html", "rights": rights, "where": f" {where}" if where else ""}
    context = {**admin.site.each_context(request), **frame}
    return render(request, "403.html", context, status=403)


def asked_by(request: HttpRequest) -> list[str]:
    """What a stock page of the admin asks for, by its name: `vault_secret_delete` asks for `vault.delete_secret`."""
    parts = (request.resolver_match.url_name or "").split("_") if request.resolver_match else []
    if len(parts) != len(("app", "model", "page")):
        return []
    app, model, page = parts
    verb = "change" if page == "change" and request.method == "POST" else VERBS.get(page, "change")
    return [f"{app}.{verb}_{model}"]


def described(code: str) -> list[Right]:
    """The right in words, and the groups that have it; none for one that is not there."""
    app, _, codename = code.partition(".")
    found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    if found is None:
        return []
    groups = Group.objects.filter(permissions=found).order_by("pk")
    return [Right(found.name, list(groups.values_list("name", flat=True)))]
