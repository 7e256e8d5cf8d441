"""Reads secrets for callers of the API: with values for those who may reveal them, masked for the others on request.

Every read of values is noted in the admin's log, a minute's as one: who read how many in which folder, never what.
"""

from collections.abc import Container, Iterable
from uuid import UUID

from django.db.models import prefetch_related_objects

from api.auth.callers import Caller
from api.http.conditional import etag_of
from api.http.errors import BadRequest, NotFoundError
from api.resources.reads import READ, note_read
from api.resources.secrets.schemas import LABELS, ImportedSecret, Imports, ListedSecrets, SecretOut, imported
from vault.access import Sight, place_of, sight
from vault.loading import describe_state
from vault.models import Folder, Secret
from vault.reading import FolderContents, read_contents, read_one, read_version

REVEAL = "vault.reveal_secret"
# Rows a statement: every database takes this many parameters.
FEW = 500
NAMED = 20
# Changes with what an answer is made of, so that nobody keeps one of an earlier release.
SHAPE = 1


def tag_of(
    caller: Caller,
    folder: Folder,
    *,
    reveals: bool,
    expands: bool,
    imports: bool,
    recursive: bool = False,
    version: int | None = None,
    key: str = "",
    filters: tuple[str, ...] = (),
) -> str:
    """Names what a caller who may read it would be answered."""
    if reveals:
        caller.require_at(place_of(folder), REVEAL)
    state = describe_state(folder, recursive=recursive, follow_references=expands and reveals, key=key)
    return etag_of(SHAPE, folder.pk, reveals, expands, imports, recursive, key, version, filters, state)


def unresolved_in(secrets: Iterable[ImportedSecret]) -> str:
    """The keys of the secrets whose references lead nowhere, for a header; "" if all of them lead somewhere."""
    keys = sorted({secret.secret_key for secret in secrets if secret.unresolved_references})
    return ", ".join(keys[:NAMED] + ([f"and {len(keys) - NAMED} more"] if len(keys) > NAMED else []))


def list_secrets(
    caller: Caller,
    folder: Folder,
    *,
    reveals: bool,
    expands: bool,
    recursive: bool,
    imports: bool,
    only: Container[UUID] | None,
) -> ListedSecrets:
    """Folder by folder; imports apart, and each key in the last of them that brings it.

    Infisical's clients merge them, own secrets first: some take the first import that has a key, and some the last.
    """
    if reveals:
        caller.require_at(place_of(folder), REVEAL)
    sees = _sight(caller, folder, reveals=reveals)
    contents = read_contents(
        folder, recursive=recursive, imports=imports, expand=expands, opens=reveals, only=only, sees=sees
    )
    rows = _load_rows(contents)
    own = [secret for part in contents for secret in part.secrets]
    if reveals:
        note_read(caller, folder, f"{READ}s of {len(rows)} secrets")
    return ListedSecrets(
        secrets=[
            SecretOut.of(rows[each.secret_id], each.value if reveals else None, unresolved=each.unresolved)
            for each in own
        ],
        imports=_imports_of(contents, rows, reveals=reveals),
    )


def _imports_of(contents: Iterable[FolderContents], rows: dict[UUID, Secret], *, reveals: bool) -> list[Imports]:
    return [
        Imports(
            secret_path=source.path,
            environment=source.environment_slug,
            folder_id=source.folder_id,
            secrets=[
                imported(rows[each.secret_id], each.value if reveals else None, each.unresolved)
                for each in source.secrets
            ],
        )
        for part in contents
        for source in part.imports
    ]


def get_secret(
    caller: Caller,
    folder: Folder,
    key: str,
    *,
    reveals: bool,
    expands: bool,
    imports: bool,
    version: int | None,
    only: Container[UUID] | None,
) -> SecretOut:
    """One secret, the folder's own or, where imports count, the one that wins among its imports."""
    if reveals:
        caller.require_at(place_of(folder), REVEAL)
    is_now, sees = version is None, _sight(caller, folder, reveals=reveals)
    found = read_one(folder, key, imports=imports, expand=expands and is_now, opens=reveals and is_now, sees=sees)
    if found is None or (only is not None and found.secret_id not in only):
        which = "" if found is None else " with these tags and this metadata"
        raise NotFoundError(f"There is no secret {key[:64]} in {folder}{which}.")
    row = _rows([found.secret_id])[found.secret_id]
    if version is not None:
        value = read_version(row, version) if reveals else None
        if reveals:
            note_read(caller, row, f"{READ} of version {version}")
        return SecretOut.of(row, value, version=version)
    if reveals:
        note_read(caller, row, READ)
    return SecretOut.of(row, found.value if reveals else None, unresolved=found.unresolved)


def answer_for(caller: Caller, secrets: Iterable[Secret], values: dict[str, str]) -> list[SecretOut]:
    """Written secrets, as they are now, with the values that the caller sent, for callers who could read them."""
    rows = list(secrets)
    for start in range(0, len(rows), FEW):
        prefetch_related_objects(rows[start : start + FEW], "updated_by", *LABELS)
    may = all(caller.may_at(REVEAL, place) for place in {place_of(row) for row in rows})
    return [SecretOut.of(row, values.get(row.key) if may else None) for row in rows]


def _sight(caller: Caller, folder: Folder, *, reveals: bool) -> Sight | None:
    """What else the answer may show: of places whose values, or keys, the caller may have."""
    return sight(caller.user, REVEAL if reveals else "vault.view_secret", folder.environment.project_id)


def reject_personal(*kinds: str) -> None:
    if "personal" in kinds:
        raise BadRequest("There are no personal secrets here. Send type shared, or leave it out.")


def _load_rows(contents: list[FolderContents]) -> dict[UUID, Secret]:
    own = [secret.secret_id for part in contents for secret in part.secrets]
    return _rows(own + [secret.secret_id for part in contents for each in part.imports for secret in each.secrets])


def _rows(ids: list[UUID]) -> dict[UUID, Secret]:
    """Few folders and people stand behind many secrets: not joined, they are loaded once."""
    rows: dict[UUID, Secret] = {}
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), FEW):
        found = Secret.objects.filter(id__in=unique[start : start + FEW]).order_by()
        rows |= {secret.id: secret for secret in found.prefetch_related("folder__environment", "updated_by", *LABELS)}
    return rows
