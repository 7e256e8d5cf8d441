"""What a person is asked before a secret is edited: about what refers to it, and about what Devin would lose."""

from copy import copy
from dataclasses import dataclass

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from vault import editing
from vault.editing import Actor
from vault.forms import EditSecretForm
from vault.models import Secret
from vault.pages.access import actor_of
from vault.pages.effects import Foreseen, look_ahead
from vault.referrers import find_referrers

CARRY, LEAVE = "carry", "leave"


@dataclass(frozen=True)
class EditQuestion:
    """`referrers` refer to the secret by the key that it is to lose; then there are two ways, else one."""

    referrers: list[Secret]
    carried: Foreseen | None
    left: Foreseen
    chosen: str

    @property
    def seen(self) -> str:
        names = ",".join(str(secret.pk) for secret in self.referrers)
        return f"{names}:{self.carried.seen if self.carried else ''}:{self.left.seen}"

    @property
    def ways(self) -> list[tuple[str, str, Foreseen]]:
        carried = [(CARRY, "Change the references too", self.carried)] if self.carried else []
        return [*carried, (LEAVE, "Leave them as they are", self.left)] if self.referrers else []


@sensitive_variables()
def ask_about_edit(request: HttpRequest, form: EditSecretForm, secret: Secret) -> EditQuestion | None:
    """None where there is nothing to ask, or just this has been answered. Raises what the edit would raise."""
    by, is_renamed = actor_of(request), form.cleaned_data["key"].strip() != secret.key
    referrers = find_referrers(secret) if is_renamed else []
    left = look_ahead(lambda: update(form, secret, by=by, carries=False), by=by)
    carried = look_ahead(lambda: update(form, secret, by=by, carries=True), by=by) if referrers else None
    question = EditQuestion(referrers, carried, left, request.POST.get("references") or CARRY)
    has_reason = bool(referrers) or left.is_grave or (is_renamed and bool(left.told))
    return question if has_reason and request.POST.get("seen") != question.seen else None


@sensitive_variables()
def update(form: EditSecretForm, secret: Secret, *, by: Actor, carries: bool) -> Secret:
    return editing.update_secret(
        copy(secret),
        key=form.cleaned_data["key"],
        value=form.value_entered(),
        comment=form.cleaned_data["comment"],
        is_literal=form.cleaned_data["is_literal"],
        expected_version=form.cleaned_data["version"],
        carries_references=carries,
        refuses_circles=True,
        by=by,
    )
