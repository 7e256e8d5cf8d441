"""Finds the sync that a command line names."""

from uuid import UUID

from django.core.management.base import CommandError

from syncs.models import DevinSync

SYNCS = DevinSync.objects.with_source().select_related("connection")


def find_sync(text: str) -> DevinSync:
    """By ID, by name, or by project and name: `acme-shop/my-sync`."""
    found = list(_matches(text)[:2])
    if not found:
        raise CommandError(f"There is no sync {text}.")
    if len(found) > 1:
        raise CommandError(f"Several projects have a sync named {text}. Name it PROJECT/{text}, or by its ID.")
    return found[0]


def _matches(text: str) -> "list[DevinSync]":
    try:
        return list(SYNCS.filter(pk=UUID(text)))
    except ValueError:
        project, _, name = text.rpartition("/")
    rows = SYNCS.filter(name=name)
    return list(rows.filter(project__slug=project) if project else rows)
