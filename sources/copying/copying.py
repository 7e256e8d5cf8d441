"""To prepare a copy and to write it: for the pages, whose worker does both, and for the command."""

from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from connections.models import Connection
from sources.contents import Contents, Tell
from sources.copying.existing import load_existing
from sources.copying.plan import Drafted, draft
from sources.errors import Refused
from sources.kinds import Kind, Opening, RemoteProject
from sources.registry import kind_for, refused_without_credentials
from vault.editing import Actor, create_project, write_contents
from vault.errors import Invalid, Missing
from vault.models import Project
from vault.rules import clean_name, clean_slug

# All that a copy does, a person may do by hand; it takes the right to each of it, wherever it comes from.
RIGHTS = (
    "connections.use_connection",
    "vault.view_project",
    "vault.view_environment",
    "vault.view_folder",
    "vault.view_secret",
    "vault.reveal_secret",
    "vault.add_environment",
    "vault.add_folder",
    "vault.add_secret",
    "vault.change_secret",
    "vault.add_secretimport",
)
RIGHT_TO_PROJECTS = "vault.add_project"


class Changed(Exception):
    """The source or the vault is another than the plan that was agreed to. `prepared` has the plan of now."""

    def __init__(self, prepared: "Prepared") -> None:
        super().__init__("The source or the project was changed since the plan was made. Nothing was written.")
        self.prepared = prepared


@dataclass(frozen=True)
class Wish:
    """What to copy, and where to. Without `into` a new project is made, of this name and slug."""

    connection: Connection
    remote: RemoteProject
    environments: tuple[str, ...] = ()
    into: Project | None = None
    name: str = ""
    slug: str = ""

    @property
    def target(self) -> str:
        return str(self.into.pk) if self.into is not None else f"{self.name}\n{self.slug}"


@dataclass(frozen=True)
class Prepared:
    wish: Wish
    contents: Contents = field(repr=False)
    drafted: Drafted


@dataclass(frozen=True)
class Choice:
    """What a person decides on a plan: what becomes of what differs, and of what the vault does not take."""

    replaces: bool = False
    leaves_out: bool = False


def copying_kind(connection: Connection) -> Kind:
    """Raises Invalid for a connection whose projects cannot be copied."""
    kind = kind_for(connection)
    if kind is None or kind.read_contents is None:
        what = kind.label if kind is not None else "what this connection leads to"
        raise Invalid(f"Projects of {what} cannot be copied into the vault, only linked.", field="connection")
    return kind


def find_target(text: str) -> Project | None:
    """The vault's project that a slug or a name means. Raises Invalid where it is kept elsewhere, or unclear."""
    found = Project.objects.filter(slug=text).first() or _by_name(text)
    if found is not None and not found.is_kept_here:
        raise Invalid(f"The project {found.slug} is kept elsewhere. Copy into another one.", field="into")
    return found


def _by_name(name: str) -> Project | None:
    found = list(Project.objects.filter(name=name)[:2])
    if len(found) > 1:
        raise Invalid(f"There are several projects of the name {name}. Enter a slug.", field="into")
    return found[0] if found else None


def name_new(wish_name: str, slug: str) -> tuple[str, str]:
    """The name and the slug of a new project, as they will be. Raises Invalid."""
    name = clean_name(wish_name)
    slug = clean_slug(slug or slugify(name))
    if Project.objects.filter(slug=slug).exists():
        raise Invalid(f"There is a project “{slug}” already. Choose another slug.", field="slug")
    return name, slug


def check_rights(user: User, wish_makes_project: bool) -> None:
    """Raises Refused, which names what is missing."""
    needed = (*RIGHTS, RIGHT_TO_PROJECTS) if wish_makes_project else RIGHTS
    if not user.is_active:
        raise Refused("Nothing was copied: whoever asked for it may not log in any more.")
    if missing := [name for name in needed if not user.has_perm(name)]:
        raise Refused(f"Nothing was copied: it takes {', '.join(missing)}, which {user.get_username()} lacks.")


def prepare(wish: Wish, tell: Tell) -> Prepared:
    """Reads the source whole and plans. Talks to the source, so never inside a transaction. Raises SourceError."""
    kind = copying_kind(wish.connection)
    assert kind.read_contents is not None  # noqa: S101 - looked at right before
    opening = Opening(wish.into.pk if wish.into else wish.connection.pk, wish.slug, wish.connection, wish.remote.id)
    with refused_without_credentials():
        contents = kind.read_contents(opening, wish.environments, tell)
    return planned(wish, contents)


def planned(wish: Wish, contents: Contents) -> Prepared:
    return Prepared(wish, contents, draft(contents, load_existing(wish.into), into=wish.target))


@transaction.atomic
def write(prepared: Prepared, choice: Choice, *, by: Actor) -> Project:
    """Writes just what was planned, all or nothing. Raises Changed, Refused, or EditingError."""
    wish = prepared.wish
    if wish.into is not None:
        # Nobody else changes it from here on.
        if not Project.objects.filter(pk=wish.into.pk).update(updated_at=timezone.now()):
            raise Missing("The project to copy into is gone. Choose another one.")
        now = planned(wish, prepared.contents)
        if now.drafted.plan.digest != prepared.drafted.plan.digest:
            raise Changed(now)
    check_may_be_written(prepared, choice)
    project = wish.into or create_project(name=wish.name, slug=wish.slug, environments=(), by=by)
    folders = list(prepared.drafted.to_write(replaces=choice.replaces))
    write_contents(project, prepared.drafted.to_create(), folders, by=by)
    return project


def check_may_be_written(prepared: Prepared, choice: Choice) -> None:
    """Raises Refused."""
    plan = prepared.drafted.plan
    if plan.hidden:
        raise Refused(f"Nothing was copied: {len(plan.hidden)} values may not be read. See the plan for which.")
    if plan.refused and not choice.leaves_out:
        raise Refused(
            f"Nothing was copied: the vault does not take {len(plan.refused)} of what the project has. Mend that "
            "there, or choose to leave it out."
        )


def outcome(prepared: Prepared, choice: Choice) -> str:
    """What was done, as a sentence."""
    counts = prepared.drafted.plan.counts
    differing = f"{counts['differs']} {'replaced' if choice.replaces else 'kept as they were'}"
    told = f"secrets: {counts['new']} new, {counts['same']} as before, {differing}"
    return f"Copied. Environments: {counts['environments']}, folders: {counts['folders']}, {told}."
