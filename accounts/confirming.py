"""Asking a person again who they are, before what is grave: values, credentials, tokens, other people's rights.

One list of routes says where. A proof counts for `CONFIRM_IDENTITY` (10 minutes); a form that was opened in that time
may still be sent for `GRACE` after, so that nobody loses what they typed.
"""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from accounts.header_log_in import proved_at
from accounts.presence import CONFIRMED
from accounts.second_factor import keys
from accounts.second_factor.factors import has_any
from accounts.second_factor.proving import CodeForm, takes_codes, why_not
from accounts.second_factor.required import must_set_up
from common.log_ins import takes_password
from common.middleware import GetResponse
from common.returning import way_on, with_way_back
from theme.times import duration

# Of lists: what they call the deletion of several rows, and of what syncs have written to Devin.
DELETING = ("delete_selected", "remove_secrets")
# What the page of a sync's settings calls the same, of the organization that the sync leaves.
OLD_SECRETS, REMOVE = "old_secrets", "remove"
GRACE = timedelta(minutes=30)
WRONG, WRONG_CODES, WRONG_AT_MOST = "wrong_passwords", "wrong_codes", 5
# Each sends values out at once, so that no form opened before is a reason to send them later.
VALUES = frozenset(
    f"admin:vault_{name}" for name in ("secret_reveal", "secret_resolve", "secret_reveal_edit", "folder_export")
)
# Pages with a button and nothing to type: nobody loses anything where they are asked for again.
BUTTONS = frozenset(
    f"admin:{name}"
    for name in (
        "auth_user_delete",
        "auth_user_reset_second_factor",
        "auth_group_delete",
        "single_sign_on_identity_delete",
        "connections_connection_delete",
        "second_factor_codes",
        "second_factor_remove",
        "syncs_devinsync_delete",
        "fleets_syncset_delete",
        "fleets_syncset_remove",
    )
)
# Views of the admin, by name. A new one that shows or takes what is secret, or gives rights, belongs here.
GRAVE = (
    VALUES
    | BUTTONS
    | frozenset(
        f"admin:{name}"
        for name in (
            "connections_connection_add",
            "connections_connection_change",
            "connections_connection_sharing",
            "connections_connection_key",
            "api_apitoken_add",
            "api_apitoken_change",
            "api_hook_add",
            "api_hook_renew",
            "api_machineidentity_add",
            "api_machineidentity_change",
            "api_machineidentity_add_secret",
            "notices_channel_add",
            "notices_channel_change",
            "notices_channel_renew",
            "auth_user_add",
            "auth_user_change",
            "auth_user_password_change",
            "auth_group_add",
            "auth_group_change",
            "vault_member_add",
            "vault_member_edit",
            "vault_member_remove",
            "single_sign_on_identity_add",
            "second_factor_app",
            "second_factor_key",
            "second_factor_rename",
        )
    )
)


class ConfirmIdentityMiddleware:
    """Leads to the page that asks for the proof, unless it was given a short while ago."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or deed(request) not in GRAVE or not request.user.is_authenticated:
            return None
        if not may_change(request) or is_confirmed(request) or has_no_proof_yet(request):
            return None
        return redirect(with_way_back(reverse("admin:confirm_identity"), way_back(request)))


def deed(request: HttpRequest) -> str:
    """The view's name; of what deletes several, or a sync's secrets in Devin, that of the page that deletes one."""
    match = request.resolver_match
    if match is None:
        return ""
    kind, _, page = match.view_name.rpartition("_")
    is_list_action = page == "changelist" and request.method == "POST" and request.POST.get("action") in DELETING
    is_removal = page in ("confirm", "confirmed") and match.kwargs.get("what") == REMOVE
    leaves_none = page in ("change", "settings") and request.POST.get(OLD_SECRETS) == REMOVE
    return f"{kind}_delete" if is_list_action or is_removal or leaves_none else match.view_name


def may_change(request: HttpRequest) -> bool:
    """Whoever may only look is not asked: there is nothing grave for them to do. The view refuses what it must."""
    match = request.resolver_match
    name = match.url_name if match else ""
    if request.method == "POST" or not name or not name.endswith("_change"):
        return True
    app, model, _ = name.rsplit("_", 2)
    return request.user.has_perm(f"{app}.change_{model}")


def has_no_proof_yet(request: HttpRequest) -> bool:
    """Whether somebody without a password here sets up what they have to have, and may do nothing else before."""
    is_first = deed(request) in ("admin:second_factor_app", "admin:second_factor_key")
    return (
        is_first and isinstance(request.user, User) and not request.user.has_usable_password() and must_set_up(request)
    )


def is_confirmed(request: HttpRequest) -> bool:
    return is_proved(request, grace=GRACE if request.method == "POST" and _is_form(request) else timedelta())


def is_proved(request: HttpRequest, *, grace: timedelta = timedelta()) -> bool:
    """Whether there is a proof that counts now, whatever is asked for."""
    since = time.time() - max(request.session.get(CONFIRMED, 0), proved_at(request))
    return bool(since <= (settings.CONFIRM_IDENTITY + grace).total_seconds())


def _is_form(request: HttpRequest) -> bool:
    """Whether the view was opened, and so confirmed, by a GET before, and something was typed there."""
    return deed(request) not in VALUES | BUTTONS


def way_back(request: HttpRequest) -> str:
    """The page itself; for what is only ever sent, the page that it was sent from."""
    if request.method == "GET":
        return request.get_full_path()
    referer = urlsplit(request.headers.get("Referer", ""))
    return referer.path if referer.netloc == request.get_host() else reverse("admin:index")


def has_password(user: User) -> bool:
    """One that counts: with single sign-on alone, almost nobody's does."""
    return user.has_usable_password() and takes_password(user.get_username())


class ProofAgain(forms.Form):
    """The password, and a code where there is a second factor. A key's answer stands for both."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = CodeForm.base_fields["code"]

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user
        self.has_factor = has_any(user)
        self.by_key = self.has_factor and bool(request.POST.get("answer"))
        if self.by_key or not has_password(user):
            del self.fields["password"]
        if self.by_key or not self.has_factor:
            del self.fields["code"]
        elif "password" in self.fields:
            self.fields["code"].widget.attrs.pop("autofocus", None)

    @property
    def can_be_filled(self) -> bool:
        return takes_codes(self.user) if self.has_factor else has_password(self.user)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not proves(self.request, password):
            raise forms.ValidationError("This is not your password. Try again.")
        return password

    def clean(self) -> None:
        """A code is used up as it is looked at, so the rest has to be right."""
        if self.errors or not self.has_factor:
            return
        if error := why_not(self.request, self.user):
            count_wrong(self.request, WRONG_CODES)
            self.add_error(None if self.by_key else "code", error)


def proves(request: HttpRequest, password: str) -> bool:
    """Whether it is the signed-in person's password. Counts like a log-in, and too many wrong ones end the session:
    whoever sits at somebody else's screen, or holds a stolen cookie, can't guess here for long."""
    if authenticate(request, username=request.user.get_username(), password=password) == request.user:
        request.session.pop(WRONG, None)
        return True
    count_wrong(request, WRONG)
    return False


def count_wrong(request: HttpRequest, what: str) -> None:
    request.session[what] = request.session.get(what, 0) + 1
    if request.session[what] >= WRONG_AT_MOST:
        logout(request)
        messages.error(request, "The password or code was wrong too often. Log in again.")


@sensitive_post_parameters("password", "code", "answer")
def confirm_identity(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    form = ProofAgain(request.POST or None, request=request, user=user)
    address = way_on(request) or reverse("admin:index")
    if (form.has_factor or has_password(user)) and form.is_valid():
        request.session[CONFIRMED] = time.time()
        request.session.pop(WRONG_CODES, None)
        return HttpResponseRedirect(address)
    if not request.user.is_authenticated:
        return redirect("admin:login")
    context = {
        **admin.site.each_context(request),
        "title": "Confirm that it is you",
        "form": form,
        "next": address,
        "has_password": has_password(user),
        "key_options": keys.begin_asking(request, user) if form.has_factor else "",
        "proxy_tells_time": bool(settings.LOGIN_TIME_HEADER),
        "kept_for": duration(settings.CONFIRM_IDENTITY),
    }
    return TemplateResponse(request, "accounts/confirm_identity.html", context)
