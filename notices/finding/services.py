"""Services that refuse us or can't be reached: by connection and by source, however many syncs wait for them."""

from collections.abc import Iterator

from django.urls import reverse

from connections.models import Connection
from notices.facts import Fact, with_few_keys
from sources.models import LinkedProject
from syncs.used_connections import is_used


def refused() -> Iterator[Fact]:
    """Connections in use whose credentials were refused, or that lack a permission, when they were last asked."""
    for connection in Connection.objects.filter(is_used(), is_valid=False):
        yield Fact(
            f"connection:{connection.pk}",
            f"Connection “{connection.name}” is refused",
            with_few_keys(connection.validation_message),
            reverse("admin:connections_connection_change", args=[connection.pk]),
        )


def unreachable() -> Iterator[Fact]:
    """Projects that are kept elsewhere and could not be read whole when that was last tried."""
    for link in LinkedProject.objects.exclude(last_error="").select_related("project"):
        yield Fact(
            f"source:{link.pk}",
            f"The source of project “{link.project.name}” can't be read",
            with_few_keys(link.last_error),
            reverse("admin:vault_project_change", args=[link.project_id]),
            link.project_id,
        )
