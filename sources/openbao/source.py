"""Reads Vault and OpenBao through the protocol: a KV secret is a folder, and its keys are the folder's secrets.

What a connection calls an environment is either a KV mount, or a folder at the top of the one mount that it names:

    no mount named         prod:/shop/web   is the secret shop/web in the mount prod
    the mount kv named     prod:/shop/web   is the secret prod/shop/web in the mount kv
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from connections.openbao.client import OpenBaoClient
from connections.openbao.errors import (
    Forbidden,
    LoginRefused,
    NotFound,
    OpenBaoError,
    RateLimited,
    TokenRefused,
    Unreachable,
)
from connections.openbao.paths import is_name, quoted
from sources.errors import PlaceMissing, Refused, SourceError, Unavailable, Untrustworthy
from sources.openbao.kv import Mount, State, Value, state_in, values_in
from sources.openbao.tree import Tree, changed_meanwhile, walk
from sources.protocol import ROOT, EnvironmentEntry, FolderEntry, Place, SourceSecret

KV_TYPES = ("kv", "generic")
GIVEN_AS_JSON = "no text in the source, so the value is given as JSON."


class OpenBaoSource:
    """`mount` is the one whose top folders are the environments; "" if each mount is one.

    `version` is that of KV where the server does not tell; 0 if nobody has entered it.
    """

    def __init__(self, client: OpenBaoClient, *, mount: str = "", version: int = 0) -> None:
        self._client = client
        self._mount = mount.strip("/")
        self._version = version
        self._mounts: dict[str, Mount] = {}

    def list_environments(self, *, search: str = "") -> list[EnvironmentEntry]:
        with translated():
            slugs = self._top_folders() if self._mount else self._kv_mounts()
        return [EnvironmentEntry(slug, slug) for slug in slugs if search.lower() in slug.lower()]

    def list_folders(self, environment_slug: str, *, search: str = "") -> list[FolderEntry]:
        """Folders that the policies hide are not there: they are no place to choose."""
        with translated():
            mount, top = self._locate(Place(environment_slug))
            tree = walk(self._client, mount, top, passes_by=True)
            if self._mount and not tree.secrets and not tree.folders:
                self._require_secret(mount, top)
        paths = {ROOT} | {f"/{path.removeprefix(top).lstrip('/')}" for path in tree.secrets + tree.folders}
        return [FolderEntry(path) for path in sorted(paths) if search.lower() in path.lower()]

    def list_keys(self, place: Place, *, recursive: bool = False) -> list[str]:
        """The API tells names without values by a route of its own, which few policies allow: so this reads."""
        return [secret.key for secret in self.read(place, recursive=recursive)]

    def read(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
        with translated():
            mount, top = self._locate(place)
            found = self._read_tree(mount, top) if recursive else {top: self._require_secret(mount, top)}
        secrets = [
            SourceSecret(
                key,
                value.text,
                place.environment_slug,
                _below(place.path, top, path),
                remark=GIVEN_AS_JSON if value.is_json else "",
            )
            for path, values in found.items()
            for key, value in values.items()
        ]
        _require_single_keys(place, secrets)
        return sorted(secrets, key=lambda secret: secret.key)

    def version(self, place: Place, *, recursive: bool = False) -> str | None:
        """From the metadata of KV version 2, where the policies show it; version 1 has none."""
        with translated():
            mount, top = self._locate(place)
            if mount.version != 2:
                return None
            states = self._states(mount, top, recursive=recursive)
        if states is None or not all(state.is_readable for state in states.values()):
            return None
        lines = [f"{path}\n{state.version}\n{state.updated_time}\n" for path, state in sorted(states.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def link(self, place: Place) -> str:
        """The list that the place stands in: whether it is a secret, a folder or both, only a request would tell."""
        mount, top = self._spot(place)
        folder = top.rpartition("/")[0]
        server = self._client.server
        query = f"?{urlencode({'namespace': server.namespace})}" if server.namespace else ""
        path = f"{quoted(folder)}/" if folder else ""
        return f"{server.base_url}/ui/vault/secrets/{quoted(mount)}/list/{path}{query}"

    def require(self, place: Place) -> None:
        """Raises PlaceMissing unless there is a secret or a folder, or SourceError if that cannot be told."""
        with translated():
            mount, top = self._locate(place)
            if top and not self._is_there(mount, top):
                raise _nothing_there(mount.name(top))

    def find_mount(self, path: str) -> Mount:
        """The KV engine at a path, proved. Raises SourceError."""
        with translated():
            return self._kv(path)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Where things are

    def _spot(self, place: Place) -> tuple[str, str]:
        """The mount and the path within it. Raises PlaceMissing for what no path can be."""
        environment, path = place.environment_slug.strip("/"), place.path.strip("/")
        names = [*environment.split("/"), *(path.split("/") if path else ())]
        if not all(map(is_name, names)) or (self._mount and "/" in environment):
            raise PlaceMissing(f"There can be no place {place} in Vault / OpenBao. Choose another one.")
        if not self._mount:
            return environment, path
        return self._mount, f"{environment}/{path}" if path else environment

    def _locate(self, place: Place) -> tuple[Mount, str]:
        mount, path = self._spot(place)
        return self._kv(mount), path

    def _kv(self, path: str) -> Mount:
        if path not in self._mounts:
            self._mounts[path] = self._ask_for_mount(path)
        return self._mounts[path]

    def _ask_for_mount(self, path: str) -> Mount:
        what = f"look up the mount {path} in Vault / OpenBao"
        try:
            data = self._client.find(f"sys/internal/ui/mounts/{quoted(path)}", what)
        except (Forbidden, NotFound) as error:
            # It also says so of a mount that the policies give no access to, and older servers say it to everybody.
            if isinstance(error, Forbidden) and self._version:
                return Mount(path, self._version)
            raise
        if data is None or data.get("path") != f"{path}/":
            raise PlaceMissing(f"Could not {what}: there is none. Correct the connection, or choose another place.")
        version = _kv_version(data)
        if version is None:
            raise PlaceMissing(f"Could not {what}: it is no KV engine. Choose one that is.")
        return Mount(path, version)

    def _kv_mounts(self) -> list[str]:
        what = "list the mounts in Vault / OpenBao"
        data = self._client.find("sys/internal/ui/mounts", what) or {}
        mounts = data.get("secret")
        if not isinstance(mounts, dict):
            raise Untrustworthy(f"Could not {what}: the answer has none. Name the mount in the connection.")
        found = [path.strip("/") for path, about in mounts.items() if _kv_version(about) is not None]
        return sorted(path for path in found if all(map(is_name, path.split("/"))))

    def _top_folders(self) -> list[str]:
        mount = self._kv(self._mount)
        names = self._client.list_names(mount.names_below(""), f"list {mount.path} in Vault / OpenBao")
        return list(dict.fromkeys(name.removesuffix("/") for name in names or ()))

    # What is there

    def _read_tree(self, mount: Mount, top: str) -> dict[str, dict[str, Value]]:
        """All secrets at and below a path. Lists before and after, so that none slips by that moves meanwhile."""
        tree = walk(self._client, mount, top)
        own = self._find_secret(mount, top) if top else None
        found = {} if own is None else {top: own}
        for path in tree.secrets:
            values = self._find_secret(mount, path)
            if values is None:
                raise changed_meanwhile(mount.name(top))
            found[path] = values
        if not found and tree == Tree():
            raise _nothing_there(mount.name(top))
        if tree != Tree() and walk(self._client, mount, top) != tree:
            raise changed_meanwhile(mount.name(top))
        return found

    def _require_secret(self, mount: Mount, path: str) -> dict[str, Value]:
        values = self._find_secret(mount, path) if path else None
        if values is None:
            raise _nothing_there(mount.name(path))
        return values

    def _find_secret(self, mount: Mount, path: str) -> dict[str, Value] | None:
        data = self._client.find(mount.value_of(path), f"read {mount.name(path)} in Vault / OpenBao")
        return None if data is None else values_in(data, mount, path)

    def _is_there(self, mount: Mount, path: str) -> bool:
        """By the secret or by what is below it: with least rights one of the two may be refused."""
        what = f"look up {mount.name(path)} in Vault / OpenBao"
        refused: Forbidden | None = None
        try:
            if self._client.find(mount.value_of(path), what) is not None:
                return True
        except Forbidden as error:
            refused = error
        names = self._client.list_names(mount.names_below(path), what)
        if names is None and refused:
            raise refused
        return names is not None

    def _states(self, mount: Mount, top: str, *, recursive: bool) -> dict[str, State] | None:
        """None if the policies do not show the metadata, or if there is nothing."""
        try:
            tree = walk(self._client, mount, top) if recursive else Tree()
            states = {path: self._state(mount, path) for path in tree.secrets}
            if top:
                states[top] = self._state(mount, top)
        except Forbidden:
            return None
        found = {path: state for path, state in states.items() if state is not None}
        return found or None

    def _state(self, mount: Mount, path: str) -> State | None:
        data = self._client.find(mount.metadata_of(path), f"look up {mount.name(path)} in Vault / OpenBao")
        return None if data is None else state_in(data, mount.name(path))


@contextmanager
def translated() -> Iterator[None]:
    """The client's errors as those of any source, with the same sentences."""
    try:
        yield
    except RateLimited as error:
        raise Unavailable(error.message, retry_after=error.retry_after) from error
    except OpenBaoError as error:
        raise _translation(error)(error.message, retryable=error.retryable) from error


def _translation(error: OpenBaoError) -> type[SourceError]:
    if isinstance(error, Unreachable):
        return Unavailable
    if isinstance(error, LoginRefused | TokenRefused | Forbidden):
        return Refused
    return PlaceMissing if isinstance(error, NotFound) else Untrustworthy


def _kv_version(about: Any) -> int | None:
    """None for another engine, or a version of KV that is not known here."""
    if not isinstance(about, dict) or about.get("type") not in KV_TYPES:
        return None
    options = about.get("options")
    stated = options.get("version") if isinstance(options, dict) else None
    return {None: 1, "": 1, "1": 1, "2": 2}.get(stated) if isinstance(stated, str | None) else None


def _nothing_there(where: str) -> PlaceMissing:
    return PlaceMissing(
        f"Could not read {where}: Vault / OpenBao has no secret there. If it is a folder of secrets, include "
        "subfolders or choose one of them; else choose another place."
    )


def _below(place_path: str, top: str, path: str) -> str:
    """The path of what stands at `path`, as the environment of the place has it."""
    rest = path.removeprefix(top).strip("/")
    return f"{place_path.rstrip('/')}/{rest}" if rest else place_path


def _require_single_keys(place: Place, secrets: Sequence[SourceSecret]) -> None:
    seen: dict[str, str] = {}
    for secret in secrets:
        if secret.key in seen:
            raise Untrustworthy(
                f"Could not read {place}: `{secret.key}` is both in {seen[secret.key]} and in {secret.path}. Rename or "
                "remove one of the two, or sync the folders separately."
            )
        seen[secret.key] = secret.path
