"""Where failed log-ins come in floods from, nobody is looked at for a while: no provider is asked, nothing is written.

A browser that somebody has logged in with is looked at all the same, so nobody locks out the people who work here.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.devices import has_logged_in
from audit import floods
from common.addresses import client_address

View = Callable[[HttpRequest, str], HttpResponse]


def is_flooding(request: HttpRequest) -> bool:
    return floods.is_flooding(client_address(request)) and not has_logged_in(request)


def unless_flooding(view: View) -> View:
    @wraps(view)
    def limited(request: HttpRequest, name: str) -> HttpResponse:
        return too_many(request) if is_flooding(request) else view(request, name)

    return limited


def too_many(request: HttpRequest) -> HttpResponse:
    response = render(request, "single_sign_on/too_many.html", {"minutes": floods.WINDOW // 60}, status=429)
    response["Retry-After"] = str(floods.seconds_left())
    return response
