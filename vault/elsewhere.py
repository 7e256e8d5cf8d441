"""Projects whose secrets live elsewhere: nothing of them is in this vault, to be read or changed here.

Where they live is known to the floor above, which registers how to say it; this package knows no other source.
"""

from collections.abc import Callable

from vault.errors import KeptElsewhere
from vault.models import Project

# “Infisical: acme”
Describe = Callable[[Project], str]
_describe: list[Describe] = []


def register_description(describe: Describe) -> None:
    _describe[:] = [describe]


def check_kept_here(project: Project) -> None:
    """Raises KeptElsewhere, which says where its secrets live."""
    if not project.is_kept_here:
        raise kept_elsewhere(project)


def kept_elsewhere(project: Project) -> KeptElsewhere:
    where = next((describe(project) for describe in _describe), "") or project.source
    return KeptElsewhere(
        f"The secrets of {project.slug} live in {where}. DevinSync only reads them for its syncs: look at them and "
        "change them there."
    )
