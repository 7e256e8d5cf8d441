"""The routes that a reader of secrets needs, with the statuses and errors that a real server answers."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sandbox.infisical.rendering import imported_row, row
from sandbox.infisical.world import Edition, Folder, Identity, Project, World
from sandbox.wire import Answer, Request

LOCKED_FOR, FAILURES, FAILURE_WINDOW = 300.0, 3, 30.0
NEW_ONLY = re.compile(r"/api/(v4/secrets|v1/projects(/.*)?|v2/folders|v2/secret-imports)")


class Refusal(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.answer = problem(status, error, message)


def problem(status: int, error: str, message: str) -> Answer:
    return Answer(status, {"statusCode": status, "message": message, "error": error})


@dataclass(frozen=True)
class Call:
    world: World
    request: Request
    identity: Identity | None
    query: dict[str, str]

    def flag(self, *names: str) -> bool:
        return any(self.query.get(name) == "true" for name in names)


def sort_of(request: Request) -> str:
    if request.method != "GET":
        return "writes"
    return "secrets" if "/secrets" in request.path else "reads"


def carry_out(world: World, request: Request) -> Answer:
    """The answer, with the headers of limits and an ETag, as any of the server's has them."""
    with world.lock:
        counted = world.count(sort_of(request))
        if counted and counted[3]:
            minutes = "1 minute" if counted[2] > 1 else "1 second"
            answer = problem(429, "RateLimitExceeded", f"Rate limit exceeded. Please try again in {minutes}")
            answer.headers["retry-after"] = str(counted[2])
        else:
            answer = _answered(world, request)
    if counted:
        told = zip(("limit", "remaining", "reset"), counted, strict=False)
        answer.headers |= {f"x-ratelimit-{name}": str(number) for name, number in told}
    return _with_etag(answer, request)


def _answered(world: World, request: Request) -> Answer:
    try:
        if request.path == "/api/v1/auth/universal-auth/login" and request.method == "POST":
            return log_in(world, request.json())
        query = {name: values[-1] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        route = _route_of(world, request)
        return route(Call(world, request, _identity(world, request), query))
    except Refusal as refusal:
        return refusal.answer


def _route_of(world: World, request: Request) -> Callable[[Call], Answer]:
    path = request.path
    is_absent = world.edition is Edition.OLD and NEW_ONLY.fullmatch(path)
    for pattern, route in ROUTES:
        if request.method == "GET" and not is_absent and re.fullmatch(pattern, path):
            return route
    raise Refusal(404, "Not Found", f"Route {request.method}:{path} not found")


def _with_etag(answer: Answer, request: Request) -> Answer:
    body = answer.encode_body()
    etag = f'"{hashlib.sha256(body).hexdigest()[:27]}"'
    if answer.status == 200 and request.headers.get("if-none-match") == etag:
        return Answer(304, headers={**answer.headers, "etag": etag}, body=b"")
    answer.headers["etag"] = etag
    return answer


# Who asks


def log_in(world: World, body: Any) -> Answer:
    given = body if isinstance(body, dict) else {}
    client_id, secret = given.get("clientId"), given.get("clientSecret")
    if not isinstance(client_id, str) or not isinstance(secret, str):
        raise Refusal(401 if world.edition is Edition.OLD else 422, "ValidationFailure", "Required")
    identity = world.identities.get(client_id)
    if identity is None:
        raise Refusal(401, "UnauthorizedError", "Invalid credentials")
    if world.edition is Edition.NEW and world.now() < identity.locked_until:
        raise Refusal(
            401, "UnauthorizedError", "This identity auth method is temporarily locked, please try again later"
        )
    if secret != identity.secret:
        _count_failure(world, identity)
        raise Refusal(401, "UnauthorizedError", "Invalid credentials")
    identity.failures.clear()
    token = world.new_token(identity)
    life = {"expiresIn": identity.ttl, "accessTokenMaxTTL": identity.ttl, "tokenType": "Bearer"}
    return Answer(200, {"accessToken": token, **life})


def _count_failure(world: World, identity: Identity) -> None:
    now = world.now()
    identity.failures = [at for at in identity.failures if now - at < FAILURE_WINDOW] + [now]
    if len(identity.failures) >= FAILURES:
        identity.locked_until = now + LOCKED_FOR


def _identity(world: World, request: Request) -> Identity:
    header = request.headers.get("authorization", "")
    if not header.startswith("Bearer "):
        raise Refusal(403, "TokenError", "Token missing")
    client_id, expires = world.tokens.get(header.removeprefix("Bearer "), ("", 0.0))
    if client_id not in world.identities:
        raise Refusal(403, "TokenError", "The provided access token is malformed. Please use a valid token.")
    if world.now() >= expires:
        if world.edition is Edition.NEW:
            raise Refusal(403, "TokenError", "Your token has expired. Please re-authenticate.")
        raise Refusal(401, "UnauthorizedError", "Failed to renew MI access token due to TTL expiration")
    return world.identities[client_id]


# What is asked for


def find_project(call: Call, **by: str) -> Project:
    name, wanted = next(iter(by.items()))
    for project in call.world.projects.values():
        if getattr(project, name) == wanted:
            if call.identity and call.identity.client_id not in project.members:
                raise Refusal(403, "You are not a member of this project", "PermissionDenied")
            return project
    raise Refusal(404, "NotFound", f"Project with {name} '{wanted}' not found")


def project_asked(call: Call) -> Project:
    wanted = call.query.get("projectId") or call.query.get("workspaceId") or ""
    if not wanted or not call.query.get("environment"):
        raise Refusal(400, "BadRequest", "Missing project id or environment")
    return find_project(call, id=wanted)


def described(project: Project) -> dict[str, Any]:
    rows = [{"id": each.id, "slug": each.slug, "name": each.name} for each in project.environments.values()]
    return {
        "id": project.id,
        "slug": project.slug,
        "name": project.name,
        "type": "secret-manager",
        "environments": rows,
    }


def list_projects(call: Call) -> Answer:
    mine = [each for each in call.world.projects.values() if call.identity and call.identity.client_id in each.members]
    return Answer(200, {"projects": [described(project) for project in mine]})


def get_project(call: Call) -> Answer:
    project = find_project(call, id=call.request.path.rpartition("/")[2])
    return Answer(200, {"workspace" if "/workspace/" in call.request.path else "project": described(project)})


def get_project_by_slug(call: Call) -> Answer:
    return Answer(200, described(find_project(call, slug=call.request.path.rpartition("/")[2])))


def refuse_list(call: Call) -> Answer:
    """`/api/v1/workspace` is for people alone."""
    raise Refusal(403, "Forbidden access to /api/v1/workspace", "You are not allowed to access this resource")


def list_folders(call: Call) -> Answer:
    project, path = project_asked(call), _clean(call.query.get("path", "/"))
    environment = project.environments.get(call.query["environment"])
    if environment is None or path not in environment.folders:
        raise Refusal(404, "NotFound", f"Folder with path '{path}' not found")
    prefix = path.rstrip("/") + "/"
    below = [each for each in environment.folders.values() if each.path != "/" and each.path.startswith(prefix)]
    is_deep = call.flag("recursive") and call.world.edition is Edition.NEW
    rows = [_folder_row(each, prefix, is_deep) for each in below if is_deep or "/" not in each.path[len(prefix) :]]
    return Answer(200, {"folders": rows})


def _folder_row(folder: Folder, prefix: str, is_deep: bool) -> dict[str, Any]:
    told = {"id": folder.id, "name": folder.name, "version": 1, "isReserved": False}
    return told | ({"relativePath": folder.path[len(prefix) :]} if is_deep else {})


def list_imports(call: Call) -> Answer:
    project, path = project_asked(call), _clean(call.query.get("path", "/"))
    folder = project.folder(call.query["environment"], path)
    if folder is None:
        raise Refusal(404, "NotFound", f"Folder with path '{path}' not found")
    rows = [
        {
            "id": f"{folder.id}-{index}",
            "importPath": at,
            "importEnv": {"slug": slug, "name": slug},
            "isReplication": False,
        }
        for index, (slug, at) in enumerate(folder.imports)
    ]
    return Answer(200, {"message": "Successfully fetched secret imports", "secretImports": rows})


def list_secrets(call: Call) -> Answer:
    project, path = project_asked(call), _clean(call.query.get("secretPath", "/"))
    slug = call.query["environment"]
    folder = project.folder(slug, path)
    if folder is None and call.world.edition is Edition.NEW:
        raise Refusal(404, "NotFound", f"Folder with path '{path}' in environment with slug '{slug}' not found")
    if (slug, path) in project.closed:
        raise Refusal(403, "PermissionDenied", "You are not allowed to read secrets")
    folders = _read(project, slug, folder, is_deep=call.flag("recursive"))
    expands = call.flag("expandSecretReferences")
    answer: dict[str, Any] = {
        "secrets": [row(call.world, project, slug, at, each, expands=expands) for at in folders for each in at.secrets]
    }
    if call.flag("include_imports", *(("includeImports",) if "/v4/" in call.request.path else ())):
        answer["imports"] = [block for at in folders for block in _blocks(call.world, project, at)]
    return Answer(200, answer)


def _read(project: Project, slug: str, folder: Folder | None, *, is_deep: bool) -> list[Folder]:
    """Folders below that the caller may not read are left out without a word."""
    if folder is None or not is_deep:
        return [folder] if folder else []
    prefix = folder.path.rstrip("/") + "/"
    return [
        folder,
        *(
            each
            for each in project.environments[slug].folders.values()
            if each is not folder and each.path.startswith(prefix) and (slug, each.path) not in project.closed
        ),
    ]


def _blocks(world: World, project: Project, folder: Folder) -> list[dict[str, Any]]:
    """What the caller may not read is left out without a word, and so is what is not there."""
    blocks = []
    for slug, path in folder.imports:
        source = project.folder(slug, path)
        if source is None or (slug, path) in project.closed:
            continue
        rows = [imported_row(world, project, slug, source, each) for each in source.secrets if each.kind == "shared"]
        blocks.append({"secretPath": path, "environment": slug, "folderId": source.id, "secrets": rows})
    return blocks


def _clean(path: str) -> str:
    return "/" + path.strip("/")


ROUTES: tuple[tuple[str, Callable[[Call], Answer]], ...] = (
    (r"/api/v4/secrets", list_secrets),
    (r"/api/v3/secrets/raw", list_secrets),
    (r"/api/v[12]/folders", list_folders),
    (r"/api/v[12]/secret-imports", list_imports),
    (r"/api/v1/projects", list_projects),
    (r"/api/v1/workspace", refuse_list),
    (r"/api/v1/(?:workspace|projects)/[^/]+", get_project),
    (r"/api/v2/workspace/[^/]+", get_project_by_slug),
)
