"""How hard a password is to guess, and the form that sets a new one."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.confirming import proves

# Of 4: "safely unguessable, moderate protection from offline slow-hash scenario" (zxcvbn's documentation).
LOWEST_SCORE = 3
# zxcvbn takes its time with longer ones; what follows is enough to judge by.
JUDGED_CHARACTERS = 72
OWN_WORDS = ("devinsync", "devin", "cognition", "infisical", "vault", "secret")


class GuessValidator:
    """Judges as a guesser would: words, names, dates, keyboards, and what people put in their place."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        from zxcvbn import zxcvbn  # with its lists of words, which most processes never look at

        judged = zxcvbn(password[:JUDGED_CHARACTERS], user_inputs=[*OWN_WORDS, *_words_of(user)])
        if judged["score"] < LOWEST_SCORE:
            hints = [judged["feedback"]["warning"], *judged["feedback"]["suggestions"]]
            told = " ".join(f"{hint.rstrip('.')}." for hint in hints if hint)
            raise ValidationError(f"This password is too easy to guess. {told}".strip(), code="password_too_weak")

    def get_help_text(self) -> str:
        return "Choose one that is hard to guess: several uncommon words do better than one word with signs in it."


def _words_of(user: Any) -> list[str]:
    names = [str(getattr(user, name, "")) for name in ("username", "first_name", "last_name", "email")]
    mailbox = names[-1].partition("@")[0]
    return [name for name in (*names, mailbox) if name]


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's, but the present password counts like a log-in."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if not proves(self.request, password):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_invalid(self, form: Any) -> HttpResponse:
        return super().form_invalid(form) if self.request.user.is_authenticated else redirect("admin:login")
