"""A proof by a second factor in a request. A wrong one counts as a wrong password does, for the account, the address
and the browser, so it is guessed no faster; whoever is locked out is not listened to at all."""

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from accounts.models import Factor, RecoveryCode
from accounts.record import write_down
from accounts.second_factor import factors, keys

WRONG_CODE = "This is no code that counts now. A code counts once; wait for the next, or take a recovery code."
NO_CODE = "Enter a code."
WRONG_KEY = "The key's answer did not fit. Try again."
LOCKED = "There were too many wrong tries. Try again in a while."


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="The six digits that your app shows now, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


def takes_codes(user: User) -> bool:
    """Whether there is any code to enter: not of somebody who has keys alone and has used up their recovery codes."""
    has_app = Factor.objects.filter(user=user, kind=Factor.Kind.APP).exists()
    return has_app or RecoveryCode.objects.filter(user=user).exists()


def why_not(request: HttpRequest, user: User) -> str:
    """Takes the code or the key's answer that was posted, and says what is wrong; "" if it is a proof."""
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        return LOCKED
    answer, code = request.POST.get("answer", ""), request.POST.get("code", "").strip()
    if not answer and not code:
        return NO_CODE
    is_right = _by_key(request, user, answer) if answer else _by_code(request, user, code)
    if is_right:
        return ""
    user_login_failed.send(
        sender=__name__, credentials=credentials, request=request, why="The second factor was wrong."
    )
    return WRONG_KEY if answer else WRONG_CODE


def _by_key(request: HttpRequest, user: User, answer: str) -> bool:
    signed = keys.end_asking(request, user, answer)
    return signed is not None and factors.take_key(*signed)


def _by_code(request: HttpRequest, user: User, code: str) -> bool:
    if factors.take_app_code(user, code):
        return True
    if not factors.take_recovery_code(user, code):
        return False
    left = factors.codes_left(user)
    write_down(user, user, f"Used a recovery code; {left} left.")
    return True
