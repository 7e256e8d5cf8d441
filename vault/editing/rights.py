"""What leaves its environment takes the right to read there: references, imports, and what these come to show.

Two rules for who may not read values. None may write a reference or an import to another environment, whether or not
there is anything yet. And no edit, whatever it is, may make an environment show a secret of another one that it did
not show before: a rename can bring that about, and so can an import of what a third folder imports.

For whoever has rights in parts of a project alone, the same holds of each folder: it shows nothing that is neither read
nor written by them at its own place.
"""

from collections.abc import Container
from uuid import UUID

from common.refusals import note_lacking
from vault.access import Place, place_of
from vault.crossing import Shown
from vault.editing.actor import REVEAL, Actor
from vault.editing.telling import tell_folder, tell_secret
from vault.errors import NotAllowed
from vault.models import Environment, Folder, Secret, SecretReference
from vault.references import find_references


def check_references_may_leave(folder: Folder, key: str, value: str, *, before: str | None, by: Actor) -> None:
    """Judges the references of a new value; those that the secret's value had `before` stay as they were."""
    if by.can_reveal:
        return
    kept = set(find_references(before)) if before is not None else set()
    here = place_of(folder)
    for reference in find_references(value):
        there = Place(here.project, reference.environment_slug, reference.path)
        if reference.environment_slug and reference not in kept and not by.may_use(there, here=here):
            note_lacking([REVEAL], there)
            raise NotAllowed(
                f"{key} refers to {reference}, which is in {there}. To use its value in {here} takes the permission "
                f"{REVEAL}, {by.lacking}.",
                field="value",
            )


def check_import_may_leave(folder: Folder, source: Folder, *, by: Actor) -> None:
    if not (by.can_reveal or by.may_use(place_of(source), here=place_of(folder))):
        note_lacking([REVEAL], place_of(source))
        raise NotAllowed(
            f"{source} is in the environment {source.environment.slug}. To show its secrets in {folder} takes the "
            f"permission {REVEAL}, {by.lacking}.",
            field="source",
        )


def check_may_copy(folder: Folder, by: Actor) -> None:
    """A copy is read wherever it is put."""
    if not (by.can_reveal or by.can(REVEAL, place_of(folder))):
        note_lacking([REVEAL], place_of(folder))
        raise NotAllowed(f"To copy secrets of {folder} takes the permission {REVEAL}, {by.lacking}.")


def check_may_move(folder: Folder, environment: Environment, by: Actor) -> None:
    if folder.environment_id != environment.id and not by.can(REVEAL, place_of(folder)):
        note_lacking([REVEAL], place_of(folder))
        raise NotAllowed(
            f"To move the secrets of {folder} into another environment takes the permission {REVEAL}, {by.lacking}."
        )


def check_slug_may_change(environment: Environment, *, by: Actor) -> None:
    """With another slug, the environment's references to itself by the old one lead out of it."""
    own = SecretReference.objects.filter(secret__folder__environment=environment, environment_slug=environment.slug)
    if by.can(REVEAL, place_of(environment)):
        return
    if first := own.select_related("secret").order_by("secret__key").first():
        note_lacking([REVEAL], place_of(environment))
        raise NotAllowed(
            f"{first.secret.key} refers to {first.reference}. With another slug of this environment that is a "
            f"reference to another one, which takes the permission {REVEAL}, {by.lacking}.",
            field="slug",
        )


def check_shows_no_more(before: set[Shown], after: set[Shown], *, made: Container[UUID], by: Actor) -> None:
    """`made` are the secrets that the edit itself created: their values came with it."""
    for zone_id, secret_id in sorted(after - before):
        if secret_id in made:
            continue
        secret = Secret.objects.select_related("folder__environment").get(id=secret_id)
        where, here = _zone(zone_id, by)
        if not by.may_use(place_of(secret.folder), here=here):
            note_lacking([REVEAL], place_of(secret.folder))
            raise NotAllowed(
                f"This would show {tell_secret(secret, by)} in {where}, by references or imports. That takes "
                f"the permission {REVEAL}, {by.lacking}."
            )


def _zone(id_: UUID, by: Actor) -> tuple[str, Place]:
    """What shows something: an environment or, for whoever has rights in parts of it, one of its folders."""
    folder = Folder.objects.select_related("environment").filter(id=id_).first()
    if folder is not None:
        return tell_folder(folder, by), place_of(folder)
    environment = Environment.objects.get(id=id_)
    return f"the environment {environment.slug}", place_of(environment)
