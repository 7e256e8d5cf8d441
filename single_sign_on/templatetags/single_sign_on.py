"""What pages show of providers: buttons to log in, to confirm, to log out there too."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.urls import reverse

from accounts.second_factor.factors import has_any
from common.log_ins import BY_PROVIDER
from common.returning import way_on, with_way_back
from single_sign_on.leaving import LEFT

register = template.Library()


@dataclass(frozen=True)
class Way:
    label: str
    address: str


@register.simple_tag(takes_context=True)
def sso_ways_in(context: Context) -> dict[str, Any]:
    back = way_on(context["request"]) or reverse("admin:index")
    ways = [
        Way(one.label, with_way_back(reverse("admin:sso_begin", args=[name]), back))
        for name, one in settings.SSO_PROVIDERS.items()
    ]
    return {"providers": ways, "only": settings.SSO_ONLY, "has_break_glass": bool(settings.SSO_BREAK_GLASS)}


@register.simple_tag(takes_context=True)
def sso_way_to_confirm(context: Context) -> Way | None:
    """For a session that began at a provider which is still there, unless a second factor here is asked for too."""
    request = context["request"]
    one = settings.SSO_PROVIDERS.get(request.session.get(BY_PROVIDER, ""))
    if one is None or (settings.SECOND_FACTOR_FOR_PROVIDERS and has_any(request.user)):
        return None
    back = way_on(request) or reverse("admin:index")
    return Way(one.label, with_way_back(reverse("admin:sso_begin", args=[one.name]), back, confirm="1"))


@register.simple_tag(takes_context=True)
def sso_way_out(context: Context) -> Way | None:
    one = settings.SSO_PROVIDERS.get(getattr(context.get("request"), LEFT, ""))
    if one is None or not one.offers_log_out:
        return None
    return Way(one.label, reverse("admin:sso_end", args=[one.name]))


@register.simple_tag
def whom_to_ask() -> str:
    return settings.ASK_FOR_ACCESS or "an administrator"
