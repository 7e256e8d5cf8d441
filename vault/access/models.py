"""Memberships: what a person, a machine identity or a group may do in one project."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from common.patterns import validate_slug
from vault.access.roles import Role
from vault.errors import Invalid
from vault.rules import clean_path

MOST_LIMITS = 100


def validate_environments(slugs: Any) -> None:
    for slug in _checked_list(slugs):
        validate_slug(slug)


def validate_paths(paths: Any) -> None:
    for path in _checked_list(paths):
        try:
            cleaned = clean_path(path)
        except Invalid as error:
            raise ValidationError(error.message) from error
        if path != cleaned:
            raise ValidationError(f"Write the path {path} as {cleaned}.")


def _checked_list(items: Any) -> list[str]:
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValidationError("This is a list of texts.")
    if len(items) > MOST_LIMITS:
        raise ValidationError(f"At most {MOST_LIMITS} of them.")
    return items


class Membership(models.Model):
    """A role in a project; with `environments` or `paths`, only in these environments and below these folders.

    A machine identity is a member by its user. The limits name places by their words, as references do: one who
    renames a folder does not take a right along.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey("vault.Project", on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    environments = models.JSONField(default=list, blank=True, validators=[validate_environments])
    paths = models.JSONField(default=list, blank=True, validators=[validate_paths])
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
                name="vault_membership_of_one",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="vault_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} in {self.project}"
