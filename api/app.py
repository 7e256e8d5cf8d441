"""The API: its routers, its parser, its errors and its document."""

from typing import Any

from ninja import NinjaAPI
from ninja.operation import Operation

from api import errors
from api.parser import StrictParser
from api.routers import app_connections, auth, control, secret_syncs, sync_runs

ROUTERS: tuple[tuple[str, Any], ...] = (
    ("/v1/auth", auth.router),
    ("/v1/secret-syncs", secret_syncs.router),
    ("/v1/sync-runs", sync_runs.router),
    ("/v1/sync-control", control.router),
    ("/v1/app-connections", app_connections.router),
)


class DevinSyncAPI(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        first, *rest = operation.view_func.__name__.split("_")
        return first + "".join(part.title() for part in rest)


def build_api() -> DevinSyncAPI:
    api = DevinSyncAPI(title="DevinSync", version="1.0.0", urls_namespace="api", parser=StrictParser())
    for prefix, router in ROUTERS:
        api.add_router(prefix, router)
    errors.register(api)
    return api


api = build_api()
