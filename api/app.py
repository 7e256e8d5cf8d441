"""The API: its routers, its parser, its errors and its document."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from ninja import NinjaAPI
from ninja.operation import Operation

from api.http import errors
from api.http.docs import Docs, for_signed_in, server
from api.http.openapi import Document, complete
from api.http.parameters import check_parameters, declared_parameters
from api.http.parser import StrictParser
from api.resources.connections import infisical as infisical_connections
from api.resources.connections import openbao as vault_connections
from api.resources.connections import rotation as key_rotations
from api.resources.connections import router as connections
from api.resources.control import router as control
from api.resources.declaration import router as declaration
from api.resources.entries import router as entries
from api.resources.folders import router as folders
from api.resources.imports import router as imports
from api.resources.login import router as login
from api.resources.members import router as members
from api.resources.projects import router as projects
from api.resources.projects import workspaces
from api.resources.runs import router as runs
from api.resources.secrets import router as secrets
from api.resources.status import router as status
from api.resources.sync_sets import rollouts
from api.resources.sync_sets import router as sync_sets
from api.resources.syncs import router as syncs
from api.resources.tags import router as tags
from api.resources.transfers import router as transfers
from api.routers import registered_routers
from common.version import VERSION

ROUTERS: tuple[tuple[str, Any], ...] = (
    ("/v1/auth", login.router),
    ("/status", status.router),
    ("/v1/secret-syncs", syncs.router),
    ("/v1/secret-syncs/devin-sets", sync_sets.router),
    ("/v1/secret-syncs/devin-sets", rollouts.router),
    ("/v1/sync-declaration", declaration.router),
    ("/v1/sync-runs", runs.router),
    ("/v1/sync-control", control.router),
    ("/v1/audit", entries.router),
    ("/v1/app-connections", connections.router),
    ("/v1/app-connections/devin", key_rotations.router),
    ("/v1/app-connections/infisical", infisical_connections.router),
    ("/v1/app-connections/hashicorp-vault", vault_connections.router),
    ("/v1/projects", projects.router),
    ("/v1/projects", tags.projects),
    ("/v1/workspace", tags.workspaces),
    ("/v1/projects", members.projects),
    ("/v2/workspace", members.workspaces),
    ("/v1/workspace", workspaces.v1),
    ("/v2/workspace", workspaces.v2),
    ("/v2/folders", folders.router),
    ("/v1/folders", folders.router),
    ("/v2/secret-imports", imports.router),
    ("/v1/secret-imports", imports.router),
    ("/v1/transfers", transfers.router),
    ("/v4/secrets", secrets.v4),
    ("/v3/secrets", secrets.v3),
)


DESCRIPTION = """Keeps the secrets of a Devin organization equal to a folder of a source.

Paths and shapes are Infisical's, so that scripts and clients written for it work with a change of host. Send a token
with each request: `Authorization: Bearer TOKEN`, an access token of a machine identity or an API token."""


class DevinSyncAPI(NinjaAPI):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sharing: dict[str, list[Operation]] = {}

    def get_openapi_schema(self, **options: Any) -> Any:
        # The server's address, below, has what a reverse proxy puts before the paths.
        root = self.get_root_path({}).removeprefix(get_script_prefix().rstrip("/"))
        return complete(Document(self, root), server=server.get())

    @cached_property
    def _parameters(self) -> dict[str, frozenset[str]]:
        return declared_parameters(self.get_openapi_schema())

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """The first thing that Ninja does for a request that is let in."""
        check_parameters(request, self._parameters)
        return super().create_temporal_response(request)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The view's name; where several routes share a view, the later ones get a number."""
        first, *rest = operation.view_func.__name__.split("_")
        name = first + "".join(part.title() for part in rest)
        sharing = self._sharing.setdefault(name, [])
        if operation not in sharing:
            sharing.append(operation)
        number = sharing.index(operation) + 1
        return name if number == 1 else f"{name}{number}"


def build_api() -> DevinSyncAPI:
    api = DevinSyncAPI(
        title="DevinSync API",
        version=VERSION,
        description=DESCRIPTION,
        urls_namespace="api",
        parser=StrictParser(),
        docs=Docs(),
        docs_url="/docs",
        openapi_url="/docs/json",
        docs_decorator=for_signed_in,
    )
    for prefix, router in (*ROUTERS, *registered_routers()):
        api.add_router(prefix, router, url_name_prefix=prefix.strip("/").replace("/", "-"))
    errors.register(api)
    return api


api = build_api()
