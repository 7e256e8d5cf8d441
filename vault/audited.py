"""What the audit log tells of the vault's rows. Of a value only which version it is, and of what people write about it
only that it is another: a password that was pasted there by mistake is to go when it is deleted."""

from audit import registry
from vault.access.models import Membership
from vault.models import (
    Binding,
    Environment,
    Folder,
    Project,
    Secret,
    SecretImport,
    SecretMetadata,
    SecretReference,
    SecretVersion,
    Tag,
)

IN_ENVIRONMENT = {"project": "environment__project__slug", "environment": "environment__slug"}
IN_FOLDER = {
    "project": "folder__environment__project__slug",
    "environment": "folder__environment__slug",
    "path": "folder__path",
}


def register() -> None:
    registry.register(
        Project,
        *("name", "slug"),
        hidden={"description": "description"},
        place={"project": "slug"},
        arguments=("project_id", "slug"),
    )
    registry.register(
        Environment,
        *("name", "slug", "position"),
        place={"project": "project__slug", "environment": "slug"},
        arguments=("environment_id",),
    )
    registry.register(
        Folder,
        "path",
        hidden={"description": "description"},
        place=IN_ENVIRONMENT | {"path": "path"},
        arguments=("folder_id",),
    )
    _register_contents()
    registry.register(Tag, "slug", "name", "color", place={"project": "project__slug"}, arguments=("tag_id",))
    # Parts of a secret, told in its line, and rows that nobody sees.
    registry.leave_out(SecretVersion, SecretMetadata, SecretReference, Binding)


def _register_contents() -> None:
    registry.register(
        Secret,
        *("folder__path", "key", "is_literal", "owner", "rotate_by", "reminder_days"),
        versions={"value": "version"},
        hidden={"comment": "comment", "reminder note": "reminder_note"},
        many={"tags": "tags__slug"},
        place=IN_FOLDER | {"key": "key"},
        arguments=("secret_id",),
    )
    registry.register(
        SecretImport,
        "position",
        named={"source": "source__path", "environment of the source": "source__environment__slug"},
        place=IN_FOLDER,
        arguments=("import_id",),
    )
    registry.register(
        Membership,
        *("user__username", "group__name", "role", "environments", "paths"),
        place={"project": "project__slug"},
        arguments=("member_id", "membership_id"),
    )
