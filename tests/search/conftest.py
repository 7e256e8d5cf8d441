import pytest

from tests.actors import ANYBODY
from tests.sources.conftest import shelf_project
from tests.sources.memory import shelf, shelf_connection
from tests.vault.conftest import client_of, editor
from vault.editing import create_folder, create_project
from vault.models import Folder

__all__ = ["client_of", "editor", "shelf", "shelf_connection", "shelf_project"]


@pytest.fixture
def app(db: None) -> Folder:
    """Of another project than the syncs of `add_sync`."""
    project = create_project(name="Warehouse", slug="warehouse", environments=[("Development", "dev")], by=ANYBODY)
    return create_folder(project.environments.get(), "/app", by=ANYBODY)
