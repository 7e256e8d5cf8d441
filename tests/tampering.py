# ruff: noqa: S608 - statements as an attacker writes them
"""What somebody may write into the database who lacks the encryption keys: statements, as they would send them.

Each is written for this vault: dev:/app with TOKEN (two versions), OTHER, LITERAL and the imports of dev:/first and
dev:/last, which both have HOST; dev:/app/below with DEEP; prod:/live with DB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tests.actors import ANYBODY
from vault.editing import add_import, create_folder, delete_secret, set_secret, set_secrets
from vault.models import Environment, Folder, Secret

OLD, NEW, OTHER, DB = "canary-old-51", "canary-new-51", "canary-other-51", "canary-prod-51"
CANARIES = (OLD, NEW, OTHER, DB)


@dataclass
class Rows:
    """Rows as they once were, which a writer may have seen, in a backup say."""

    secret: dict[str, Any] = field(default_factory=dict)
    deleted: dict[str, Any] = field(default_factory=dict)


def furnish(app: Folder, prod: Environment) -> Rows:
    dev, seen = app.environment, Rows()
    set_secrets(app, {"TOKEN": OLD, "OTHER": OTHER, "GONE": OLD}, by=ANYBODY)
    set_secrets(app, {"LITERAL": "${OTHER}"}, literal={"LITERAL": True}, by=ANYBODY)
    seen.secret, seen.deleted = row_of("TOKEN"), row_of("GONE")
    set_secret(app, "TOKEN", NEW, by=ANYBODY)
    delete_secret(Secret.objects.get(key="GONE"), by=ANYBODY)
    for name in ("first", "last"):
        source = create_folder(dev, f"/{name}", by=ANYBODY)
        set_secrets(source, {"HOST": name}, by=ANYBODY)
        add_import(app, source, by=ANYBODY)
    set_secrets(create_folder(dev, f"{app.path}/below", by=ANYBODY), {"DEEP": "deep"}, by=ANYBODY)
    set_secrets(create_folder(prod, "/live", by=ANYBODY), {"DB": DB}, by=ANYBODY)
    return seen


def row_of(key: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM vault_secret WHERE key = %s", [key])
        return dict(zip([column[0] for column in cursor.description], cursor.fetchall()[0], strict=True))


def execute(statement: str, values: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def put_back(row: dict[str, Any]) -> None:
    """All of the row as it was."""
    columns = [name for name in row if name != "id"]
    wanted = ", ".join(f"{name} = %s" for name in columns)
    execute(f"UPDATE vault_secret SET {wanted} WHERE id = %s", [*map(row.get, columns), row["id"]])


def put_in(row: dict[str, Any]) -> None:
    places = ", ".join(["%s"] * len(row))
    execute(f"INSERT INTO vault_secret ({', '.join(row)}) VALUES ({places})", list(row.values()))
    execute(
        "INSERT INTO vault_secretversion (secret_id, version, sealed_value, comment, is_literal, created_at)"
        " VALUES (%s, %s, %s, '', %s, %s)",
        [row["id"], row["version"], row["sealed_value"], row["is_literal"], row["created_at"]],
    )


FROM_VERSION = (
    "(SELECT v.sealed_value FROM vault_secretversion v WHERE v.secret_id = vault_secret.id AND v.version = 1)"
)
OF = "(SELECT sealed_value FROM vault_secret WHERE key = '{}')"
AT = "(SELECT id FROM vault_folder WHERE path = '{}')"
# What was done: the statements, and what the error has to name.
ATTACKS: dict[str, tuple[list[str], str]] = {
    "an old version is made the present one": (
        [f"UPDATE vault_secret SET sealed_value = {FROM_VERSION}, version = 1 WHERE key = 'TOKEN'"],
        "TOKEN",
    ),
    "an old version's value at the present number": (
        [f"UPDATE vault_secret SET sealed_value = {FROM_VERSION} WHERE key = 'TOKEN'"],
        "TOKEN",
    ),
    "an old version, and the newer one goes": (
        [
            f"UPDATE vault_secret SET sealed_value = {FROM_VERSION}, version = 1 WHERE key = 'TOKEN'",
            "DELETE FROM vault_secretversion WHERE version = 2",
        ],
        "TOKEN",
    ),
    "the newest version goes": (["DELETE FROM vault_secretversion WHERE version = 2"], "TOKEN"),
    "the number goes up": (["UPDATE vault_secret SET version = 3 WHERE key = 'TOKEN'"], "TOKEN"),
    "two keys are swapped": (
        [
            "UPDATE vault_secret SET key = 'X' WHERE key = 'TOKEN'",
            "UPDATE vault_secret SET key = 'TOKEN' WHERE key = 'OTHER'",
            "UPDATE vault_secret SET key = 'OTHER' WHERE key = 'X'",
        ],
        "TOKEN",
    ),
    "a key is changed": (["UPDATE vault_secret SET key = 'RENAMED' WHERE key = 'TOKEN'"], "RENAMED"),
    "a secret of another environment is moved here": (
        [f"UPDATE vault_secret SET folder_id = {AT.format('/app')} WHERE key = 'DB'"],
        "DB",
    ),
    "a secret of another folder is moved here": (
        [f"UPDATE vault_secret SET folder_id = {AT.format('/app')} WHERE key = 'DEEP'"],
        "DEEP",
    ),
    "a secret is moved away": (
        [f"UPDATE vault_secret SET folder_id = {AT.format('/live')} WHERE key = 'OTHER'"],
        "taken out",
    ),
    "a value is copied": ([f"UPDATE vault_secret SET sealed_value = {OF.format('DB')} WHERE key = 'TOKEN'"], "TOKEN"),
    "a literal value is read for references": (
        ["UPDATE vault_secret SET is_literal = %s WHERE key = 'LITERAL'"],
        "LITERAL",
    ),
    "a secret goes": (
        [
            "DELETE FROM vault_secretversion WHERE secret_id = (SELECT id FROM vault_secret WHERE key = 'OTHER')",
            "DELETE FROM vault_secret WHERE key = 'OTHER'",
        ],
        "taken out",
    ),
    "an import shows another folder": (
        [f"UPDATE vault_secretimport SET source_id = {AT.format('/live')} WHERE source_id = {AT.format('/first')}"],
        "an import",
    ),
    "an import of another folder is moved here": (
        [
            f"UPDATE vault_secretimport SET folder_id = {AT.format('/live')} WHERE source_id = {AT.format('/first')}",
        ],
        "an import",
    ),
    "imports change places": (["UPDATE vault_secretimport SET position = 3 - position"], "an import"),
    "an import goes": ([f"DELETE FROM vault_secretimport WHERE source_id = {AT.format('/last')}"], "an import"),
    "the folder gets another path": (["UPDATE vault_folder SET path = '/else' WHERE path = '/app'"], "dev:/else"),
    "a folder of another environment is hung below": (
        [
            f"UPDATE vault_folder SET environment_id = (SELECT id FROM vault_environment WHERE slug = 'dev'),"
            f" parent_id = {AT.format('/app')}, path = '/app/live' WHERE path = '/live'"
        ],
        "dev:/app/live",
    ),
    "a folder below is swapped with another": (
        [
            "UPDATE vault_folder SET path = '/x' WHERE path = '/app/below'",
            "UPDATE vault_folder SET path = '/app/below' WHERE path = '/last'",
        ],
        "dev:/app/below",
    ),
    "environments swap slugs": (
        [
            "UPDATE vault_environment SET slug = 'x' WHERE slug = 'dev'",
            "UPDATE vault_environment SET slug = 'dev' WHERE slug = 'prod'",
            "UPDATE vault_environment SET slug = 'prod' WHERE slug = 'x'",
        ],
        "prod:/app",
    ),
    "the seal goes": (["UPDATE vault_folder SET seal = '' WHERE path = '/app'"], "prepare"),
    "the seal is another folder's": (
        [
            "UPDATE vault_folder SET seal = (SELECT f.seal FROM vault_folder f WHERE f.path = '/live')"
            " WHERE path = '/app'"
        ],
        "dev:/app",
    ),
}

# What no key, folder or import tells: only who opens the value meets it.
VALUES_ALONE = ("an old version's value at the present number", "a value is copied")


def attack(name: str) -> None:
    for statement in ATTACKS[name][0]:
        execute(statement, [False] if "%s" in statement else [])
