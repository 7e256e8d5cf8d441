from tests.sources.conftest import shelf_project
from tests.sources.memory import shelf, shelf_connection
from tests.vault.conftest import app, client_of, dev, editor, prod, project, shared

__all__ = [
    "app",
    "client_of",
    "dev",
    "editor",
    "prod",
    "project",
    "shared",
    "shelf",
    "shelf_connection",
    "shelf_project",
]
