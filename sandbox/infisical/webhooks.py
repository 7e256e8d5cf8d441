"""Signed messages about changes, as the server sends them: the same one up to four times until it is taken."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.infisical.world import Project

ATTEMPTS = 4
PAUSE = 0.5


@dataclass
class Webhook:
    url: str
    secret: str = field(repr=False)
    pause: float = PAUSE
    now: Callable[[], float] = time.time

    def message(self, project: Project, environment: str, path: str, *, event: str = "secrets.modified") -> bytes:
        """The newer body: without key names and values, as all of them."""
        where: dict[str, Any] = {"workspaceId": project.id, "projectId": project.id, "projectName": project.name}
        where |= {"environment": environment, "environmentName": environment, "secretPath": path}
        body = {"event": event, "project": where, "timestamp": int(self.now() * 1000)}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    def headers(self, body: bytes) -> dict[str, str]:
        timestamp = json.loads(body)["timestamp"]
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "axios/1.7.4",
            "x-infisical-signature": f"t={timestamp};{signature}",
        }

    def tell(self, project: Project, environment: str, path: str) -> list[int]:
        """Sends until it is taken, and says what was answered; 0 for no answer."""
        body = self.message(project, environment, path)
        statuses: list[int] = []
        for attempt in range(ATTEMPTS):
            statuses.append(self.send(body))
            if statuses[-1] < 500 and statuses[-1]:
                break
            if attempt + 1 < ATTEMPTS:
                time.sleep(self.pause)
        return statuses

    def send(self, body: bytes) -> int:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=15)
        try:
            connection.request("POST", parts.path, body, self.headers(body))
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()
