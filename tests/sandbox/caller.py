"""A caller without retries or opinions: one connection, and whatever came back."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.patience import PATIENCE


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    url: str
    token: str | None = "cog_sandbox"
    timeout: float = PATIENCE
    address: str = ""  # which it comes from, where that matters
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def send(self, method: str, path: str, body: object = None, **more: str) -> Reply:
        """Further headers by name, with underscores for hyphens."""
        connection = self._connection = self._connection or self._connect()
        headers = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in more.items()}}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def page(self, org: str = "org-sandbox", **query: object) -> Reply:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return self.send("GET", f"/v3/organizations/{org}/secrets?{text}")

    def list_all(self, org: str = "org-sandbox", first: int = 2) -> list[Any]:
        pages = [self.page(org, first=first).json]
        while pages[-1]["has_next_page"] and len(pages) < 50:
            pages.append(self.page(org, first=first, after=pages[-1]["end_cursor"]).json)
        return [item for page in pages for item in page["items"]]

    def create(self, key: str, value: str = "v", *, org: str = "org-sandbox", note: str | None = None) -> Reply:
        body = {"type": "key-value", "key": key, "value": value, "note": note}
        return self.send("POST", f"/v3/organizations/{org}/secrets", body)

    def delete(self, secret_id: str, org: str = "org-sandbox") -> Reply:
        return self.send("DELETE", f"/v3/organizations/{org}/secrets/{secret_id}")

    def close(self) -> None:
        """Leave; the next request opens another connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        source = (self.address, 0) if self.address else None
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=self.timeout, source_address=source)
