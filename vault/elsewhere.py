"""Projects whose secrets live elsewhere: nothing of them is in this vault, to be read or changed here.

Where they live is known to the floor above, which registers how to say it; this package knows no other source.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vault.errors import KeptElsewhere
from vault.models import Project


@dataclass(frozen=True)
class Elsewhere:
    """`describe` says where a project is kept (“Infisical: acme”), `page` is the address of the page that shows it."""

    describe: Callable[[Project], str]
    page: Callable[[Project], str]


_elsewhere: list[Elsewhere] = []


def register(elsewhere: Elsewhere) -> None:
    _elsewhere[:] = [elsewhere]


def page_of(project: Project) -> str:
    return next(each.page(project) for each in _elsewhere)


def check_kept_here(project: Project) -> None:
    """Raises KeptElsewhere, which says where its secrets live."""
    if not project.is_kept_here:
        raise kept_elsewhere(project)


def kept_elsewhere(project: Project) -> KeptElsewhere:
    where = next((each.describe(project) for each in _elsewhere), "") or project.source
    return KeptElsewhere(
        f"The secrets of {project.slug} live in {where}. DevinSync only reads them for its syncs: look at them and "
        "change them there."
    )
