"""What clients do, in the words of the table in `docs/api.md`, told from the requests that reach the API."""

import re
from collections.abc import Iterable
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
# The first that matches tells; the columns of the table, from left to right.
OPERATIONS = {
    "log in": r"POST /api/v1/auth/universal-auth/login/?",
    "renew": r"POST /api/v1/auth/token/renew",
    "list": r"GET /api/v(3/secrets/raw|4/secrets)/?",
    "batch": r"\w+ /api/v(3/secrets/batch/raw|4/secrets/batch)",
    "read": r"GET /api/v(3/secrets/raw|4/secrets)/[^/]+",
    "create": r"POST /api/v(3/secrets/raw|4/secrets)/[^/]+",
    "change": r"PATCH /api/v(3/secrets/raw|4/secrets)/[^/]+",
    "delete": r"DELETE /api/v(3/secrets/raw|4/secrets)/[^/]+",
    "folders": r"\w+ /api/v[12]/folders.*",
    "imports": r"\w+ /api/v[12]/secret-imports.*",
    "environments": r"\w+ /api/v[12]/(projects|workspace)/.*environments.*",
    "tags": r"\w+ /api/v[12]/(projects|workspace)/.*/tags.*",
    "projects": r"\w+ /api/v[12]/(projects|workspace).*",
    "connections": r"\w+ /api/v1/app-connections.*",
    "syncs": r"\w+ /api/v1/secret-syncs.*",
    "runs": r"\w+ /api/v1/sync-runs.*",
}
OTHERS = r"GET /api/status|POST /api/v1/auth/checkAuth"


def operations_in(requests: Iterable[str]) -> set[str]:
    return {operation_of(request) for request in requests if not re.fullmatch(OTHERS, request)}


def operation_of(request: str) -> str:
    return next(name for name, pattern in OPERATIONS.items() if re.fullmatch(pattern, request))


def documented(client: str) -> set[str]:
    """The operations that the guide's table says a client does."""
    rows = [line.strip()[1:-1].split("|") for line in GUIDE.read_text().splitlines() if line.startswith("|")]
    (header,) = [row for row in rows if row[0].strip() == "client"]
    (found,) = [row for row in rows if row[0].strip().strip("`") == client]
    return {name.strip() for name, cell in zip(header[1:], found[1:], strict=True) if cell.strip()}
