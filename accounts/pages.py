"""A person's own sessions: where they are logged in, and an end to what they do not know."""

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import Session
from accounts.sessions import digest_of


def own_sessions(request: HttpRequest) -> QuerySet[Session]:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return Session.objects.filter(user=request.user, expire_date__gt=timezone.now())


def sessions_page(request: HttpRequest) -> HttpResponse:
    """Lists them; a POST ends one, or all but this one. A session is named by its digest, which opens nothing."""
    current = digest_of(request.session.session_key or "")
    if request.method == "POST":
        others = own_sessions(request).exclude(session_key=current)
        if request.POST.get("which") != "others":
            others = others.filter(session_key=request.POST.get("which", ""))
        count, _ = others.delete()
        messages.success(request, f"Ended {count} session{'' if count == 1 else 's'}.")
        return redirect("admin:sessions")
    context = {
        **admin.site.each_context(request),
        "title": "Where you are logged in",
        "sessions": own_sessions(request),
        "current": current,
    }
    return TemplateResponse(request, "accounts/sessions.html", context)
