"""The way to a provider: that of all outgoing requests, in the clothes of `requests.Session`, which allauth asks by."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.structures import CaseInsensitiveDict

from connections.http import RequestFailed, Route, Transport
from connections.proxies import Proxy
from connections.validation import is_loopback

DEADLINE = timedelta(seconds=10)


class ProviderUnreachable(requests.RequestException):
    """No whole answer came. Says why, and holds no request."""


class ProviderSession(requests.Session):
    """`issuer` is the operator's own word, so its host may be in a private network; what it names elsewhere may not."""

    def __init__(self, issuer: str) -> None:
        super().__init__()
        self.trust_env = False
        self._home = urlsplit(issuer).netloc

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        url = request.url or ""
        if urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).hostname or ""):
            raise ProviderUnreachable("an address that it names is no https address")
        transport = Transport(deadline=DEADLINE, connections=1, route=self._route_to(url), app="single-sign-on")
        # The transport has its own way with what is packed, and says who asks.
        headers = {
            name: text for name, text in request.headers.items() if name not in ("Accept-Encoding", "User-Agent")
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            answer = transport.send(request.method or "GET", url, headers=headers, body=body)
        except RequestFailed as failed:
            raise ProviderUnreachable(failed.reason) from None
        finally:
            transport.close()
        response = requests.Response()
        response.status_code, response.url = answer.status, url
        response.headers, response._content = CaseInsensitiveDict(answer.headers), answer.body
        return response

    def _route_to(self, url: str) -> Route:
        proxy = Proxy.parse(settings.OUTBOUND_PROXY) if settings.OUTBOUND_PROXY else None
        is_home = urlsplit(url).netloc == self._home
        return Route(private=is_home, ca_file=settings.OUTBOUND_CA_BUNDLE, proxy=proxy)
