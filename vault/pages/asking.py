"""What a person is asked before a secret is edited: about what refers to it, and about what Devin would lose."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from vault import editing
from vault.access import place_of as place_in_vault
from vault.editing import Actor
from vault.editing.telling import seen_effects
from vault.effects import reach_of
from vault.forms import EditSecretForm
from vault.models import Folder, Secret
from vault.pages.access import actor_of, page, place_of
from vault.pages.effects import Foreseen, Told, look_ahead, tell
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


def ask_about(request: HttpRequest, edit: Callable[[], object], *, only_grave: bool = False) -> EditQuestion | None:
    """About any other change: None where it does nothing in Devin, or just that has been seen. With `only_grave`, only
    about what Devin would lose. Raises what the edit would raise."""
    left = look_ahead(edit, by=actor_of(request))
    question = EditQuestion([], None, left, LEAVE)
    has_reason = left.is_grave if only_grave else left.says_something
    return question if has_reason and request.POST.get("seen") != question.seen else None


def ask_first(request: HttpRequest, edit: Callable[[], object], *, title: str, back: Model) -> HttpResponse | None:
    """A page that asks about a change without a form of its own; it sends again what was sent."""
    question = ask_about(request, edit)
    if question is None:
        return None
    sent = [(name, value) for name, value in request.POST.items() if name not in ("seen", "csrfmiddlewaretoken")]
    return page(request, "ask", title=title, question=question, sent=sent, **place_of(back))


def lines_of_reach(folder: Folder, key: str, *, by: Actor) -> list[Told]:
    """What another value of a key does in Devin, for a line beside the button."""
    return [tell(effect) for effect in seen_effects(reach_of(folder, key), by)]


@sensitive_variables()
def ask_about_edit(request: HttpRequest, form: EditSecretForm, secret: Secret) -> EditQuestion | None:
    """None where there is nothing to ask, or just this has been answered. Raises what the edit would raise."""
    by, is_renamed = actor_of(request), form.cleaned_data["key"].strip() != secret.key
    is_retagged = form.upkeep.tags != editing.Upkeep.of(secret).tags
    referrers = find_referrers(secret) if is_renamed else []
    if not by.writes_everywhere:
        referrers = [each for each in referrers if by.can("vault.view_secret", place_in_vault(each))]
    left = look_ahead(lambda: update(form, secret, by=by, carries=False), by=by)
    carried = look_ahead(lambda: update(form, secret, by=by, carries=True), by=by) if referrers else None
    question = EditQuestion(referrers, carried, left, request.POST.get("references") or CARRY)
    has_reason = bool(referrers) or left.is_grave or ((is_renamed or is_retagged) and left.says_something)
    return question if has_reason and request.POST.get("seen") != question.seen else None


@sensitive_variables()
def update(form: EditSecretForm, secret: Secret, *, by: Actor, carries: bool) -> Secret:
    with transaction.atomic():
        before = editing.Upkeep.of(secret)
        changed = editing.update_secret(
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
        keep_up(changed, form.upkeep, before=before, by=by)
    return changed


def keep_up(secret: Secret, wanted: editing.Upkeep, *, before: editing.Upkeep, by: Actor) -> None:
    """A date that was left as it stood is what the new value has made of it."""
    now = editing.Upkeep.of(secret)
    if wanted.rotate_by == before.rotate_by:
        wanted = replace(wanted, rotate_by=now.rotate_by)
    if wanted != now:
        editing.set_upkeep(secret, wanted, by=by)
