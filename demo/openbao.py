"""The sample in an OpenBao that the demo starts: a KV mount, a policy and an AppRole for it, and what leads there.

The server forgets all when it ends, so its part is made anew each time; what a person changed of the rest stays.
"""

from typing import Any

import requests
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from connections.models import Connection
from connections.openbao.app import APP_ROLE, MOUNT, OpenBao
from demo.sample import CONNECTION
from sources.finding import find_place
from sources.linking import Naming, link_project
from sources.models import LinkedProject
from syncs.editing import Actor, create_sync
from syncs.models import DevinSync
from vault.editing import Actor as VaultActor
from vault.models import Project

NAME = "openbao-demo"
SYNC = "checkout-from-openbao"
KV = "acme"
SECRETS: dict[str, dict[str, Any]] = {
    "dev/checkout": {"DATABASE_PASSWORD": "sample-51d0b7c2", "PAYMENTS_RETRIES": 3, "STRIPE_API_KEY": "sample-sk-7e20"},
    "dev/checkout/workers": {"QUEUE_NAME": "checkout-dev", "FEATURES": {"refunds": True}},
    "prod/checkout": {"DATABASE_PASSWORD": "sample-a9b31c44"},
}
POLICY = f"""
path "{KV}/metadata/" {{ capabilities = ["list"] }}
path "{KV}/metadata/dev/*" {{ capabilities = ["read", "list"] }}
path "{KV}/data/dev/*" {{ capabilities = ["read"] }}
"""


class Administrator:
    """Does in the server what its administrator would."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def fill(self) -> dict[str, str]:
        """Makes the sample; answers the credentials of an AppRole that may read it."""
        self._send("POST", f"sys/mounts/{KV}", {"type": "kv", "options": {"version": "2"}})
        for path, values in SECRETS.items():
            self._send("POST", f"{KV}/data/{path}", {"data": values})
        self._send("PUT", "sys/policies/acl/devinsync", {"policy": POLICY})
        self._send("POST", "sys/auth/approle", {"type": "approle"})
        role = "auth/approle/role/devinsync"
        self._send("POST", role, {"token_policies": ["devinsync"], "token_ttl": "1h"})
        role_id = self._send("GET", f"{role}/role-id")["data"]["role_id"]
        secret_id = self._send("POST", f"{role}/secret-id")["data"]["secret_id"]
        return {"roleId": role_id, "secretId": secret_id}

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(
                    method, f"{self._url}/v1/{path}", json=body, headers={"X-Vault-Token": self._token}, timeout=30
                )
                answer.raise_for_status()
            except requests.RequestException as error:
                raise CommandError(f"OpenBao at {self._url} does not take {path} ({type(error).__name__}).") from None
        return answer.json() if answer.content else None


def ensure_openbao(url: str, token: str, user: User) -> Project:
    """The linked project, at the address where the server is this time."""
    connection = Connection.objects.filter(name=NAME).first() or Connection(
        name=NAME, app=OpenBao.name, method=APP_ROLE, description="The OpenBao that the demo starts"
    )
    connection.base_url, connection.parameters = url, {MOUNT.api_name: KV}
    connection.set_credentials(Administrator(url, token).fill())
    connection.save()
    connection.verify()
    link = LinkedProject.objects.select_related("project").filter(connection=connection).first()
    if link is not None:
        return link.project
    return link_project(
        connection, KV, Naming(name="Acme Shop in OpenBao", slug="acme-openbao"), by=VaultActor.on_command_line(user)
    )


def ensure_openbao_sync(project: Project, user: User) -> DevinSync:
    sync = DevinSync.objects.filter(project=project, name=SYNC).first()
    if sync is None:
        connection = Connection.objects.get(name=CONNECTION)
        sync = DevinSync(
            name=SYNC,
            description="The checkout service's secrets in OpenBao, for Devin's sessions",
            project=project,
            connection=connection,
            org_id=connection.org_id,
            recursive=True,
            key_schema="BAO_{{secretKey}}",
        )
        sync.source = find_place(project, "dev", "/checkout")
        create_sync(sync, by=Actor.on_command_line(user))
    return sync
