"""HTTP from the process outside: whatever calls `requests`, these rules hold.

No redirect is followed, certificates are checked by the authorities that the installation trusts, plain http is for
listed hosts alone, and the status of each answer is kept, because libraries in between tell only that it failed.
"""

from typing import Any
from urllib.parse import urlsplit

import requests

from connections.addresses import AddressRefused, require_allowed
from connections.validation import is_ip_address
from notices.outside.answers import Answer, of_http
from notices.outside.doors import Doors


class Rules:
    """Of one process. `ca_file`: a PEM file of the authorities to trust, or "" for the usual ones. `seconds` bound each
    wait for a byte."""

    def __init__(self, doors: Doors, *, ca_file: str, seconds: float) -> None:
        self._doors = doors
        self._ca_file, self._seconds = ca_file, seconds
        self._send = requests.Session.send
        self.answer: Answer | None = None

    def hold(self) -> None:
        def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            return self._sent(session, request, options)

        requests.Session.send = send  # type: ignore[method-assign, assignment]

    def _sent(
        self, session: requests.Session, request: requests.PreparedRequest, options: dict[str, Any]
    ) -> requests.Response:
        self._require_allowed(request.url or "")
        options |= {"allow_redirects": False, "verify": self._ca_file or True, "timeout": self._seconds}
        try:
            response = self._send(session, request, **options)
        except requests.RequestException as error:
            self.answer = Answer(False, self._doors.problem or why(error), may_pass=not self._doors.has_refused)
            raise
        self.answer = of_http(response.status_code)
        return response

    def _require_allowed(self, url: str) -> None:
        """Also for a proxy, which would look the host up itself."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        listed = self._doors.is_listed(host, parts.port or (443 if parts.scheme == "https" else 80))
        try:
            if parts.scheme != "https" and not listed:
                raise AddressRefused("plain http is for hosts in NOTIFY_HOSTS alone: use https")
            if is_ip_address(host):
                require_allowed(host, private=listed, loopback=False)
        except AddressRefused as error:
            self.answer = Answer(False, str(error))
            raise requests.ConnectionError from error


def why(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate or protocol was not accepted"
    if isinstance(error, requests.Timeout):
        return "it did not answer in time"
    return "no connection came about, or it was cut"


def post(order: dict[str, Any], doors: Doors) -> Answer:
    """Our own webhook: the body as it was signed."""
    rules = Rules(doors, ca_file=order["ca_file"], seconds=order["seconds"])
    rules.hold()
    try:
        requests.post(order["address"], data=order["body"].encode(), headers=order["headers"], timeout=order["seconds"])
    except requests.RequestException as error:
        return rules.answer or Answer(False, why(error), may_pass=True)
    return rules.answer or Answer(False, "no answer came", may_pass=True)
