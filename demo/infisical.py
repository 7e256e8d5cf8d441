"""The sample in a stand-in for Infisical that the demo starts: what leads there, and a hook for what changes in it.

The stand-in forgets all when it ends; what a person changed of the rest stays.
"""

import requests
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.urls import reverse

from api.hooks.models import Hook
from connections.infisical.app import Infisical
from connections.models import Connection
from demo.sample import CONNECTION
from sources.finding import find_place
from sources.linking import Naming, link_project
from sources.models import LinkedProject
from syncs.editing import Actor, create_sync
from syncs.models import DevinSync
from vault.editing import Actor as VaultActor
from vault.models import Project

NAME = "infisical-demo"
SYNC = "checkout-from-infisical"
# As the stand-in has them.
CREDENTIALS = {"clientId": "sandbox-identity", "clientSecret": "sandbox-client-secret"}
SLUG = "acme-shop"


def ensure_infisical(url: str, site_url: str, user: User) -> Project:
    """The linked project, at the address where the stand-in is this time, which is told to send messages here."""
    connection = Connection.objects.filter(name=NAME).first() or Connection(
        name=NAME, app=Infisical.name, method="universal-auth", description="The stand-in for Infisical of the demo"
    )
    connection.base_url = url
    connection.set_credentials(CREDENTIALS)
    connection.save()
    connection.verify()
    link = LinkedProject.objects.select_related("project").filter(connection=connection).first()
    if link is None:
        naming = Naming(name="Acme Shop in Infisical", slug="acme-infisical")
        project = link_project(connection, SLUG, naming, by=VaultActor.on_command_line(user))
        link = LinkedProject.objects.select_related("project").get(project=project)
    ensure_hook(link, url, site_url)
    return link.project


def ensure_hook(link: LinkedProject, url: str, site_url: str) -> None:
    hook = Hook.objects.filter(link=link).first() or Hook(link=link)
    body = {"url": site_url.rstrip("/") + reverse("hooks:infisical", args=[hook.pk]), "secret": hook.renew_secret()}
    hook.save()
    with requests.Session() as session:
        session.trust_env = False
        try:
            session.put(f"{url}/_sandbox/webhooks", json=body, timeout=30).raise_for_status()
        except requests.RequestException as error:
            told = type(error).__name__
            raise CommandError(f"The stand-in for Infisical at {url} takes no webhook ({told}).") from None


def ensure_infisical_sync(project: Project, user: User) -> DevinSync:
    sync = DevinSync.objects.filter(project=project, name=SYNC).first()
    if sync is None:
        connection = Connection.objects.get(name=CONNECTION)
        sync = DevinSync(
            name=SYNC,
            description="The checkout service's secrets in Infisical, for Devin's sessions",
            project=project,
            connection=connection,
            org_id=connection.org_id,
            key_schema="INF_{{secretKey}}",
        )
        sync.source = find_place(project, "dev", "/checkout")
        create_sync(sync, by=Actor.on_command_line(user))
    return sync
