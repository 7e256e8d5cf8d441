"""What the demo shows: a sample project with an import and references, a connection to the sandbox, and a sync.

Made once. A later demo uses what is there, with all that a person has changed since.
"""

from django.contrib.auth.models import User

from connections.models import Connection
from syncs.editing import Actor, create_sync
from syncs.models import DevinSync
from vault.editing import Actor as VaultActor
from vault.editing import add_import, create_folder, create_project, set_secrets
from vault.models import Folder, Project
from vault.reading import find_folder

PROJECT = "acme-shop"
CONNECTION = "devin-sandbox"
SYNC = "checkout-to-devin"
API_KEY = "cog_sandbox"

ENVIRONMENTS = (("Development", "dev"), ("Staging", "staging"), ("Production", "prod"))
SECRETS = {
    ("dev", "/shared"): {
        "DATABASE_HOST": "db.dev.acme-shop.example",
        "LOG_LEVEL": "info",
        "SENTRY_DSN": "https://sample@sentry.acme-shop.example/7",
    },
    ("dev", "/checkout"): {
        "DATABASE_USER": "checkout",
        "DATABASE_PASSWORD": "sample-8f2d41c7",
        "DATABASE_URL": "postgresql://${DATABASE_USER}:${DATABASE_PASSWORD}@${DATABASE_HOST}:5432/checkout",
        "LOG_LEVEL": "debug",
        "PAYMENTS_URL": "${staging.shared.PAYMENTS_URL}",
        "STRIPE_API_KEY": "sample-sk-51b9e0",
    },
    ("dev", "/checkout/workers"): {"QUEUE_NAME": "checkout-dev"},
    ("staging", "/shared"): {"PAYMENTS_URL": "https://payments.staging.acme-shop.example"},
    ("prod", "/checkout"): {"DATABASE_PASSWORD": "sample-c03a95be", "LOG_LEVEL": "warning"},
}


def ensure_project(user: User) -> Project:
    project = Project.objects.filter(slug=PROJECT).first()
    if project is not None:
        return project
    by = VaultActor.on_command_line(user)
    project = create_project(
        name="Acme Shop", slug=PROJECT, description="Sample data of the demo", environments=ENVIRONMENTS, by=by
    )
    for (environment, path), values in SECRETS.items():
        folder = create_folder(project.environments.get(slug=environment), path, by=by)
        set_secrets(folder, values, by=by)
    add_import(source_folder(project), find_folder(project, "dev", "/shared"), by=by)
    return project


def source_folder(project: Project) -> Folder:
    return find_folder(project, "dev", "/checkout")


def ensure_connection(
    base_url: str,
    *,
    name: str = CONNECTION,
    api_key: str = API_KEY,
    description: str = "The stand-in for Devin that the demo starts",
) -> Connection:
    """Follows the sandbox to the address where it is this time."""
    connection = Connection.objects.filter(name=name).first()
    if connection is None:
        connection = Connection(name=name, description=description)
    if connection.base_url != base_url or not connection.sealed_credentials:
        connection.base_url = base_url
        connection.set_api_key(api_key)
        connection.save()
    connection.verify()
    return connection


def ensure_sync(project: Project, connection: Connection, user: User) -> DevinSync:
    sync = DevinSync.objects.filter(project=project, name=SYNC).first()
    if sync is None:
        sync = DevinSync(
            name=SYNC,
            description="The checkout service's secrets, for Devin's sessions",
            project=project,
            folder=source_folder(project),
            connection=connection,
            org_id=connection.org_id,
        )
        create_sync(sync, by=Actor.on_command_line(user))
    return sync
