"""Nobody writes a sync past `syncs/editing`."""

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
WRITES = re.compile(
    r"\bsync\.(save|delete)\(|\bDevinSync\.objects\.(create|get_or_create|update_or_create|bulk_create)\("
)
# A run that has removed a sync's secrets ends with the sync, as whoever asked for it has been told.
ALLOWED = {"syncs/runs/end.py"}


def test_syncs_are_written_in_one_place() -> None:
    modules = [
        path
        for package in ("syncs", "api", "overview", "readers", "search", "demo")
        for path in (ROOT / package).rglob("*.py")
    ]
    writers = {str(path.relative_to(ROOT)) for path in modules if WRITES.search(path.read_text())}

    assert {name for name in writers if not name.startswith("syncs/editing/")} == ALLOWED
    assert "syncs/editing/change.py" in writers
