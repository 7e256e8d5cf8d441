"""Pages that lead back to where somebody came from: the address travels as `next`, and is one of this site or none."""

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

NEXT = "next"


def way_on(request: HttpRequest) -> str:
    """Where the request wants to be led afterwards; "" for nowhere, or to another site."""
    address = request.POST.get(NEXT) or request.GET.get(NEXT) or ""
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours else ""


def with_way_back(address: str, back: str, **more: str) -> str:
    """The address of a page that leads to `back` when it is done."""
    return with_query(address, **more, **{NEXT: back})


def with_query(address: str, **entries: str) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(entries)}" if entries else address
