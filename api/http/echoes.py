"""Names that clients send in a body beside the address that says the same: taken out, once they agree with it.

    in the address       in the body, whatever the case
    {secret_name}        secretKey, secretName
    {project_id}         id, projectId, workspaceId
    {environment_id}     id, environmentId
    {folder_id}          id, folderId, folderName
    {import_id}          id, importId, secretImportId
    {connection_id}      id, connectionId, appConnectionId
    {sync_id}            id, syncId
    /devin               app, destination

Infisical's Terraform provider and command line send their whole request objects, so their writes have these. One that
contradicts the address is refused: nobody can tell which of the two was meant.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest

from api.http.errors import Unprocessable
from api.resources.lookups import as_uuid

ECHOES: dict[str, tuple[str, ...]] = {
    "secret_name": ("secretkey", "secretname"),
    "environment_id": ("id", "environmentid"),
    "folder_id": ("id", "folderid", "foldername"),
    "import_id": ("id", "importid", "secretimportid"),
    "connection_id": ("id", "connectionid", "appconnectionid"),
    "sync_id": ("id", "syncid"),
    "run_id": ("id", "runid"),
    "tag_id": ("id", "tagid"),
}
OF_PROJECTS = ("projectid", "workspaceid")
DEVIN = "devin"
OF_DEVIN = ("app", "destination")


def without_echoes(request: HttpRequest, body: Any) -> Any:
    """The body as the route's schema knows it; anything but an object is left to the schema to refuse."""
    match = request.resolver_match
    if match is None or not isinstance(body, dict):
        return body
    echoes = dict(_echoes_of(match.route, match.kwargs))
    if not echoes:
        return body
    kept = {}
    for name, given in body.items():
        expected = echoes.get(name.lower())
        if expected is None:
            kept[name] = given
        elif given not in (None, "") and not _is_same(given, expected):
            raise Unprocessable.at(name, message=f"This contradicts the address, which names {expected[:64]}.")
    return kept


def agrees_with_address(request: HttpRequest, name: str, given: Any) -> bool:
    """Whether a name is another for a part of the address, and says the same."""
    match = request.resolver_match
    expected = None if match is None else dict(_echoes_of(match.route, match.kwargs)).get(name.lower())
    return expected is not None and _is_same(given, expected)


def _echoes_of(route: str, in_path: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "/devin" in route:
        yield from ((name, DEVIN) for name in OF_DEVIN)
    if "project_id" in in_path:
        is_own = set(in_path) == {"project_id"}
        yield from ((name, str(in_path["project_id"])) for name in (*OF_PROJECTS, *(["id"] if is_own else [])))
    for parameter in ECHOES.keys() & in_path.keys():
        yield from ((name, str(in_path[parameter])) for name in ECHOES[parameter])


def _is_same(given: Any, expected: str) -> bool:
    """IDs count in any spelling, and `Devin` is `devin`; keys are told apart by their case."""
    if not isinstance(given, str):
        return False
    given_id, expected_id = as_uuid(given), as_uuid(expected)
    if given_id is not None and expected_id is not None:
        return given_id == expected_id
    return given.strip() == expected or (expected == DEVIN and given.strip().lower() == DEVIN)
