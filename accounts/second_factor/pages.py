"""A person's own second factor: what there is, adding, naming and removing it, recovery codes."""

import time
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.models import Factor
from accounts.record import write_down
from accounts.second_factor import factors, keys, totp
from accounts.second_factor.qr import draw
from accounts.second_factor.required import is_exempt, is_required
from accounts.sessions import end_others
from common.returning import way_on
from common.visible import visible
from encryption import DecryptionError, seal, unseal

# An app that was not set up within this long gets another secret.
LONGEST_SET_UP = 30 * 60
NOT_THE_CODE = "This is not the code that the app should show now. Look whether its clock is right, then try again."


class NameForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="What you know it by, such as “Phone”.")

    def clean_name(self) -> str:
        """As it is read in the audit log, too."""
        return visible(self.cleaned_data["name"])[:60]


class AppForm(NameForm):
    code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="The six digits that the app shows now.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class KeyForm(NameForm):
    answer = forms.CharField(widget=forms.HiddenInput, required=False)


def own_page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    context = {
        "factors": Factor.objects.filter(user=user).order_by("added_at"),
        "codes_left": factors.codes_left(user),
        "may_add_key": keys.can_be_used(request),
        "is_required": is_required(user) and not is_exempt(request),
        "next": way_on(request),
    }
    return show(request, "own", "Second factor", context)


@sensitive_post_parameters("code", "kept")
@sensitive_variables("secret", "kept")
def app_page(request: HttpRequest) -> HttpResponse:
    """The secret is on this page alone until the app has proved itself: it travels sealed with the form."""
    user = person(request)
    secret = opened(user, request.POST.get("kept", "")) or totp.new_secret()
    form = AppForm(request.POST or None, initial={"name": "Phone"})
    if form.is_valid():
        step = totp.matching_step(secret, "".join(form.cleaned_data["code"].split()))
        if step is not None:
            return added(request, factors.app_factor(user, form.cleaned_data["name"], secret, step=step))
        form.add_error("code", NOT_THE_CODE)
    context = {
        "form": form,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "drawing": draw(totp.address(secret, user.get_username())),
        "kept": seal(f"{int(time.time())} {secret}", context=kept_for(user)),
        "next": way_on(request),
    }
    return show(request, "app", "Add an authenticator app", context)


def kept_for(user: User) -> str:
    return f"accounts.second_factor.pages/{user.pk}/kept"


@sensitive_variables("kept", "secret")
def opened(user: User, kept: str) -> str:
    """The secret that a form of this person brought back; "" if it is of nobody, or too old."""
    try:
        made_at, secret = unseal(kept, context=kept_for(user)).split(" ")
    except (DecryptionError, ValueError):
        return ""
    return secret if time.time() - int(made_at) < LONGEST_SET_UP else ""


@sensitive_post_parameters("answer")
def key_page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not keys.can_be_used(request):
        messages.warning(request, "Security keys take an address with a name, over https. Open DevinSync by that.")
        return redirect("admin:second_factor")
    form = KeyForm(request.POST or None, initial={"name": "Security key"})
    if form.is_valid():
        factor = keys.end_adding(request, form.cleaned_data["answer"])
        if factor is not None:
            factor.name = form.cleaned_data["name"]
            return added(request, factor)
        form.add_error(None, "The key could not be added. Try again.")
    context = {"form": form, "key_options": keys.begin_adding(request, user), "next": way_on(request)}
    return show(request, "key", "Add a security key or passkey", context)


def added(request: HttpRequest, factor: Factor) -> HttpResponse:
    """Ends the person's other sessions, which began without it. Recovery codes are shown in this answer alone."""
    user = person(request)
    codes = factors.add(user, factor)
    if codes:
        end_others(request, user)
    write_down(user, user, f"Set up a second factor: {factor}.")
    messages.success(request, f"Added: {factor}.")
    return show_codes(request, codes) if codes else redirect(way_on(request) or "admin:second_factor")


def codes_page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not factors.has_any(user):
        messages.warning(request, "Recovery codes stand in for a second factor. Set one up first.")
        return redirect("admin:second_factor")
    if request.method != "POST":
        return show(request, "new_codes", "New recovery codes", {"codes_left": factors.codes_left(user)})
    codes = factors.new_codes(user)
    write_down(user, user, "Made new recovery codes.")
    return show_codes(request, codes)


@sensitive_variables("codes")
def show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    text = "Recovery codes of DevinSync. Each lets you in once.\n\n" + "\n".join(codes) + "\n"
    context = {
        "codes": codes,
        # The browser keeps it as a file; nothing is asked of the site again.
        "download": f"data:text/plain;charset=utf-8,{quote(text)}",
        "next": way_on(request) or reverse("admin:second_factor"),
    }
    return show(request, "codes", "Your recovery codes", context)


def rename_page(request: HttpRequest, factor_id: UUID) -> HttpResponse:
    factor = own_factor(request, factor_id)
    form = NameForm(request.POST or None, initial={"name": factor.name})
    if form.is_valid():
        before, factor.name = str(factor), form.cleaned_data["name"]
        factor.save(update_fields=["name"])
        write_down(factor.user, factor.user, f"Renamed a second factor: {before} is now “{factor.name}”.")
        return redirect("admin:second_factor")
    return show(request, "rename", f"Rename {factor}", {"form": form})


def remove_page(request: HttpRequest, factor_id: UUID) -> HttpResponse:
    factor = own_factor(request, factor_id)
    is_last = Factor.objects.filter(user=factor.user).count() == 1
    is_kept = is_last and is_required(factor.user) and not is_exempt(request)
    if request.method == "POST" and is_kept:
        raise PermissionDenied
    if request.method == "POST":
        factors.remove(factor)
        write_down(factor.user, factor.user, f"Removed a second factor: {factor}.")
        messages.success(request, f"Removed: {factor}.")
        return redirect("admin:second_factor")
    return show(request, "remove", f"Remove {factor}?", {"is_last": is_last, "is_kept": is_kept})


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def own_factor(request: HttpRequest, factor_id: UUID) -> Factor:
    return get_object_or_404(Factor.objects.select_related("user"), pk=factor_id, user=person(request))


def show(request: HttpRequest, page: str, title: str, context: dict[str, Any]) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"accounts/second_factor/{page}.html", whole)


# By the name of the route in the admin.
ROUTES: dict[str, tuple[str, Any]] = {
    "second_factor": ("second-factor/", own_page),
    "second_factor_app": ("second-factor/app/", app_page),
    "second_factor_key": ("second-factor/key/", key_page),
    "second_factor_codes": ("second-factor/codes/", codes_page),
    "second_factor_rename": ("second-factor/<uuid:factor_id>/rename/", rename_page),
    "second_factor_remove": ("second-factor/<uuid:factor_id>/remove/", remove_page),
}
