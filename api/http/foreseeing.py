"""`?plan=true` on a route that changes the vault: what that would do to those who read it, and nothing is changed.

The route does all that it would do, rights and refusals included, and all of it is taken back.
"""

import functools
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar, cast

from django.http import HttpRequest, JsonResponse
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback

from api.auth.callers import caller_of
from api.http.errors import Unprocessable
from vault.dangling import Dangling
from vault.editing.actor import REVEAL, Actor
from vault.editing.telling import seen_dangling, seen_effects
from vault.effects import Effect, foresee_all

PLAN = "plan"
CHOICES = ("true", "false")
DECLARATION = {
    "name": PLAN,
    "in": "query",
    "required": False,
    "description": "true: nothing is changed; the answer is `effects`, a list of what it would do: for each sync that "
    "it reaches and you may see its name, `where`, and the keys that it `creates`, `replaces`, `renames` or `deletes` "
    "there, then how many others; and `danglingReferences`, those that would lead nowhere, where there are any.",
    "schema": {"type": "string", "enum": list(CHOICES), "default": "false"},
}

View = TypeVar("View", bound=Callable[..., Any])


def foreseeable(view: View) -> View:
    """For the outermost decorator: a plan is no answer that an Idempotency-Key stands for."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not _is_plan(request):
            return view(request, *args, **kwargs)
        edit = functools.partial(view, request, *args, **kwargs)
        caller = caller_of(request)
        found = foresee_all(edit, compares_values=caller.may(REVEAL))
        by = Actor.by_token(caller.user, allows=caller.allows)
        seen = seen_dangling(found.dangling, by)
        cut = {"danglingReferences": [_told(one) for one in seen]} if seen else {}
        return JsonResponse({"effects": [_as_json(effect) for effect in seen_effects(found.effects, by)]} | cut)

    contribute_operation_callback(wrapper, declare_parameter)
    return cast(View, wrapper)


def declare_parameter(operation: Operation) -> None:
    """For the document."""
    extra = dict(operation.openapi_extra or {})
    if DECLARATION in extra.get("parameters", []):
        # A view that stands at two addresses is told of at each.
        return
    operation.openapi_extra = extra | {"parameters": [*extra.get("parameters", []), DECLARATION]}


def _is_plan(request: HttpRequest) -> bool:
    asked = request.GET.get(PLAN, "false")
    if asked not in CHOICES:
        raise Unprocessable.at(PLAN, message="Send true or false.")
    return asked == "true"


def _as_json(effect: Effect) -> dict[str, object]:
    """By its name, and what is done; without what is for pages."""
    told = {name: value for name, value in asdict(effect).items() if name not in ("url", "id", "is_grave")}
    return told | {"renames": [{"from": old, "to": new} for old, new in effect.renames]}


def _told(one: Dangling) -> dict[str, str]:
    place = {"environment": one.environment_slug, "secretPath": one.path}
    return {"secretKey": one.key} | place | {"reference": one.reference}
