"""What leaves its environment takes the right to read there: references, imports, and what these come to show.

Two rules for who may not read values. None may write a reference or an import to another environment, whether or not
there is anything yet. And no edit, whatever it is, may make an environment show a secret of another one that it did
not show before: a rename can bring that about, and so can an import of what a third folder imports.
"""

from collections.abc import Container
from uuid import UUID

from vault.crossing import Shown
from vault.editing.actor import REVEAL, Actor
from vault.errors import NotAllowed
from vault.models import Environment, Folder, Secret, SecretReference
from vault.references import find_references


def check_references_may_leave(folder: Folder, key: str, value: str, *, before: str | None, by: Actor) -> None:
    """Judges the references of a new value; those that the secret's value had `before` stay as they were."""
    if by.can_reveal:
        return
    kept = set(find_references(before)) if before is not None else set()
    here = folder.environment.slug
    for reference in find_references(value):
        if reference.environment_slug not in ("", here) and reference not in kept:
            raise NotAllowed(
                f"{key} refers to {reference}, which is in the environment {reference.environment_slug}. To use its "
                f"value in {here} takes the permission {REVEAL}, {by.lacking}.",
                field="value",
            )


def check_import_may_leave(folder: Folder, source: Folder, *, by: Actor) -> None:
    if not by.can_reveal and source.environment_id != folder.environment_id:
        raise NotAllowed(
            f"{source} is in the environment {source.environment.slug}. To show its secrets in {folder} takes the "
            f"permission {REVEAL}, {by.lacking}.",
            field="source",
        )


def check_may_copy(by: Actor) -> None:
    """A copy is read wherever it is put."""
    if not by.can_reveal:
        raise NotAllowed(f"To copy secrets takes the permission {REVEAL}, {by.lacking}.")


def check_may_move(folder: Folder, environment: Environment, by: Actor) -> None:
    if not by.can_reveal and folder.environment_id != environment.id:
        raise NotAllowed(
            f"To move the secrets of {folder} into another environment takes the permission {REVEAL}, {by.lacking}."
        )


def check_slug_may_change(environment: Environment, *, by: Actor) -> None:
    """With another slug, the environment's references to itself by the old one lead out of it."""
    own = SecretReference.objects.filter(secret__folder__environment=environment, environment_slug=environment.slug)
    if not by.can_reveal and (first := own.select_related("secret").order_by("secret__key").first()):
        raise NotAllowed(
            f"{first.secret.key} refers to {first.reference}. With another slug of this environment that is a "
            f"reference to another one, which takes the permission {REVEAL}, {by.lacking}.",
            field="slug",
        )


def check_shows_no_more(before: set[Shown], after: set[Shown], *, made: Container[UUID], by: Actor) -> None:
    """`made` are the secrets that the edit itself created: their values came with it."""
    for environment_id, secret_id in sorted(after - before):
        if secret_id in made:
            continue
        secret = Secret.objects.select_related("folder__environment").get(id=secret_id)
        slug = Environment.objects.get(id=environment_id).slug
        raise NotAllowed(
            f"This would show {secret.key} of {secret.folder} in the environment {slug}, by references or imports. "
            f"That takes the permission {REVEAL}, {by.lacking}."
        )
