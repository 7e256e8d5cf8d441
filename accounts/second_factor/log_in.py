"""The log-in in two steps. After the password there is no session of that person yet: what the first step found out
waits in an anonymous one, for `LONGEST` and a few tries, and dies with it."""

import time
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_post_parameters

from accounts.presence import CONFIRMED
from accounts.second_factor import keys
from accounts.second_factor.factors import has_any
from accounts.second_factor.proving import CodeForm, takes_codes, why_not
from accounts.second_factor.required import GIVEN, OWED
from common.returning import way_on, with_way_back

WAITING = "first_step"
LONGEST = 10 * 60
TRIES_AT_MOST = 5
START_AGAIN = "Log in again: the second step took too long, or was wrong too often."


class LogInView(LoginView):
    """Django's, but: whoever has a second factor is not logged in by their password alone."""

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not has_any(user):
            return super().form_valid(form)
        # A password that is changed meanwhile ends it, as it ends sessions.
        step = {"user": user.pk, "backend": user.backend, "hash": user.get_session_auth_hash()}
        self.request.session[WAITING] = {**step, "at": time.time(), "tries": 0}
        return redirect(with_way_back(reverse("admin:log_in_second_factor"), self.get_success_url()))


@sensitive_post_parameters("code", "answer")
def second_step(request: HttpRequest) -> HttpResponse:
    """Also for whoever is logged in by another way, and owes it."""
    user = who_owes(request)
    if user is None:
        request.session.pop(WAITING, None)
        if request.user.is_authenticated:
            return redirect("admin:index")
        messages.warning(request, START_AGAIN)
        return redirect("admin:login")
    error = why_not(request, user) if request.method == "POST" else ""
    if request.method == "POST" and not error:
        finish(request, user)
        return HttpResponseRedirect(way_on(request) or reverse("admin:index"))
    if error:
        count_try(request)
    context = {
        "title": "Second step",
        "form": CodeForm() if takes_codes(user) else None,
        "error": error,
        "key_options": keys.begin_asking(request, user),
        "next": way_on(request),
        "is_logged_in": request.user.is_authenticated,
    }
    return TemplateResponse(request, "accounts/second_factor/second_step.html", context)


def who_owes(request: HttpRequest) -> User | None:
    if isinstance(request.user, User):
        return request.user if request.session.get(OWED) else None
    step = request.session.get(WAITING)
    if not step or time.time() - step["at"] > LONGEST or step["tries"] >= TRIES_AT_MOST:
        return None
    user = User.objects.filter(pk=step["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), step["hash"]):
        return None
    return user


def count_try(request: HttpRequest) -> None:
    if WAITING in request.session:
        step = request.session[WAITING]
        request.session[WAITING] = {**step, "tries": step["tries"] + 1}


def finish(request: HttpRequest, user: User) -> None:
    if request.user.is_authenticated:
        del request.session[OWED]
        request.session[CONFIRMED] = time.time()
        return
    step = request.session.pop(WAITING)
    setattr(request, GIVEN, True)
    login(request, user, backend=step["backend"])
