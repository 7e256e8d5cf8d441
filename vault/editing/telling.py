"""What somebody who changes the vault is told of other places: names where they see them, and else only a count."""

from collections.abc import Iterable, Sequence

from django.db.models import Model, QuerySet

from vault.access import place_of
from vault.dangling import Dangling
from vault.editing.actor import Actor
from vault.editing.transferred import Retold
from vault.effects import Effect, split_effects
from vault.models import Folder, Secret
from vault.pointing import split_readers, split_seen
from vault.referrers import Step

FOLDER, SECRET = "vault.view_folder", "vault.view_secret"
UNSEEN = "a folder that you may not see"
NAMED = 5
# Of one sync, and of several.
READ_TOO = {True: "reads this too.", False: "read this too."}


def tell_folder(folder: Folder, by: Actor) -> str:
    return str(folder) if by.sees(FOLDER, place_of(folder)) else UNSEEN


def tell_secret(secret: Secret, by: Actor) -> str:
    """In the midst of a sentence."""
    if by.sees(SECRET, place_of(secret)):
        return f"{secret.key} of {secret.folder}"
    return f"a secret of {UNSEEN}"


def tell_folders(folders: Iterable[Folder], by: Actor) -> str:
    """Each once, by its name, then how many others there are."""
    every = {folder.pk: folder for folder in folders}.values()
    seen = sorted(str(folder) for folder in every if by.sees(FOLDER, place_of(folder)))
    return enumerate_some(seen, len(every) - len(seen), "folder")


def enumerate_some(names: Sequence[str], unseen: int, noun: str) -> str:
    """The first names, and the count of those that are left out."""
    more = len(names) - NAMED
    others = f"a {noun}" if unseen == 1 else f"{unseen:,} {noun}s"
    told = [*names[:NAMED], *([f"{more:,} more"] if more > 0 else [])]
    return ", ".join([*told, *([f"{others} that you may not see"] if unseen else [])])


def tell_readers(folders: QuerySet[Folder], by: Actor) -> str:
    """What reads them, in the same way."""
    rows, unseen = split_readers(folders, None if by.is_trusted else by.user)
    return enumerate_some([str(row) for row in rows], unseen, "sync")


def tell_users(users: Iterable[Model], by: Actor) -> str:
    """What keeps a project from being deleted: its syncs."""
    rows, unseen = split_seen(list(users), None if by.is_trusted else by.user)
    return enumerate_some(sorted({str(row) for row in rows}), unseen, "sync")


def tell_steps(steps: Sequence[Step], by: Actor) -> list[str]:
    """The way round a circle: by keys, where they see the secret."""
    rows = {step.folder_id for step in steps}
    folders = Folder.objects.select_related("environment").in_bulk(rows)
    seen = {id_ for id_, folder in folders.items() if by.sees(SECRET, place_of(folder))}
    return [step.key if step.folder_id in seen else f"a secret of {UNSEEN}" for step in steps]


def seen_effects(effects: Sequence[Effect], by: Actor) -> list[Effect]:
    """What becomes of the readers that they see, and how many others it reaches."""
    if by.is_trusted or by.user is None:
        return list(effects)
    seen, unseen = split_effects(effects, by.user)
    if not unseen:
        return seen
    is_grave = any(effect.is_grave for effect in unseen)
    return [
        *seen,
        Effect(enumerate_some([], len(unseen), "sync"), "", note=READ_TOO[len(unseen) == 1], is_grave=is_grave),
    ]


def seen_references(cut: Sequence[Retold], by: Actor) -> list[Retold]:
    return [one for one in cut if by.sees(SECRET, place_of(one.edge.secret))]


def seen_dangling(dangling: Sequence[Dangling], by: Actor) -> list[Dangling]:
    """Those of secrets that whoever makes the change sees."""
    if by.writes_everywhere:
        return list(dangling)
    rows = Secret.objects.select_related("folder__environment").in_bulk({one.secret_id for one in dangling})
    seen = {id_ for id_, row in rows.items() if by.can(SECRET, place_of(row))}
    return [one for one in dangling if one.secret_id in seen]
