"""The tree of paths in a KV engine, as its lists tell it: which paths have a secret, and which have others below."""

from dataclasses import dataclass

from connections.openbao.client import OpenBaoClient
from connections.openbao.errors import Forbidden
from sources.errors import Unavailable, Untrustworthy
from sources.openbao.kv import Mount

# Nobody's tree is larger; a server that makes names up as it goes would never end.
MOST_PATHS = 20_000
DEEPEST = 64


@dataclass(frozen=True)
class Tree:
    """Below one path of a mount: the paths of its secrets and of its folders, each from the mount on, in order."""

    secrets: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def walk(client: OpenBaoClient, mount: Mount, top: str, *, passes_by: bool = False) -> Tree:
    """All below `top`, which may be nothing. Raises SourceError or OpenBaoError.

    With `passes_by`, folders that the policies do not let be listed are there, and what is below them is not: that is
    for choosing a place, never for reading one.
    """
    secrets: list[str] = []
    folders: list[str] = []
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        names = _names(client, mount, folder, passes_by=passes_by and folder != top)
        if names is None and folder != top:
            raise changed_meanwhile(mount.name(top))
        below = [f"{folder}/{name}" if folder else name for name in names or ()]
        secrets += [path for path in below if not path.endswith("/")]
        deeper = [path[:-1] for path in below if path.endswith("/")]
        folders += deeper
        waiting += deeper
        _require_an_end(mount.name(top), len(secrets) + len(folders), folder)
    return Tree(tuple(sorted(secrets)), tuple(sorted(folders)))


def changed_meanwhile(where: str) -> Unavailable:
    return Unavailable(f"Could not read {where}: it changed while it was read. It is read again.")


def _names(client: OpenBaoClient, mount: Mount, folder: str, *, passes_by: bool) -> list[str] | None:
    try:
        return client.list_names(mount.names_below(folder), f"list {mount.name(folder)} in Vault / OpenBao")
    except Forbidden:
        if passes_by:
            return []
        raise


def _require_an_end(where: str, count: int, folder: str) -> None:
    if count > MOST_PATHS or folder.count("/") >= DEEPEST:
        raise Untrustworthy(
            f"Could not read {where}: it has more than {MOST_PATHS:,} paths, or folders within folders more than "
            f"{DEEPEST} deep. Choose a folder further down."
        )
