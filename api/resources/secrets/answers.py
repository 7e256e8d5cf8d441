"""Reads secrets for callers of the API: with values for those who may reveal them, masked for the others on request.

Every read of values is noted in the admin's log: who read how many in which folder, never what.
"""

from collections.abc import Iterable
from uuid import UUID

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError
from api.resources.audit import note_changed
from api.resources.secrets.schemas import Imports, ListedSecrets, SecretOut, imported
from vault.models import Folder, Secret
from vault.reading import FolderContents, SourceSecret, read_contents, reveal

REVEAL = "vault.reveal_secret"
# Rows a statement: every database takes this many parameters.
FEW = 500


def list_secrets(
    caller: Caller, folder: Folder, *, reveals: bool, expands: bool, recursive: bool, imports: bool
) -> ListedSecrets:
    """Folder by folder; imports apart and unmerged, as Infisical's clients merge them."""
    if reveals:
        caller.require(REVEAL)
    contents = read_contents(folder, recursive=recursive, expand=expands and reveals)
    rows = _load_rows(contents, imports=imports)
    own = [secret for part in contents for secret in part.secrets]
    if reveals:
        note_changed(caller, folder, detail=f"Read the values of {len(rows)} secrets")
    answer = ListedSecrets(
        secrets=[SecretOut.of(rows[secret.secret_id], secret.value if reveals else None) for secret in own],
        imports=[],
    )
    if imports:
        answer.imports = [
            Imports(
                secret_path=source.path,
                environment=source.environment_slug,
                folder_id=source.folder_id,
                secrets=[imported(rows[each.secret_id], each.value if reveals else None) for each in source.secrets],
            )
            for part in contents
            for source in part.imports
        ]
    return answer


def get_secret(
    caller: Caller, folder: Folder, key: str, *, reveals: bool, expands: bool, imports: bool, version: int | None
) -> SecretOut:
    """One secret, the folder's own or, where imports count, the one that wins among its imports."""
    if reveals:
        caller.require(REVEAL)
    found = _find(folder, key, expands=expands and reveals, imports=imports)
    row = _rows([found.secret_id])[found.secret_id]
    if version is not None:
        value = reveal(row, caller.user, version=version) if reveals else None
        return SecretOut.of(row, value, version=version)
    if reveals:
        note_changed(caller, row, detail="Read the value")
    return SecretOut.of(row, found.value if reveals else None)


def answer_for(caller: Caller, secrets: Iterable[Secret], values: dict[str, str]) -> list[SecretOut]:
    """Written secrets, with the values that the caller sent, for callers who could read them."""
    rows = _rows([secret.id for secret in secrets])
    may = caller.may(REVEAL)
    return [SecretOut.of(row, values.get(row.key) if may else None) for row in rows.values()]


def reject_personal(*kinds: str) -> None:
    if "personal" in kinds:
        raise BadRequest("There are no personal secrets here. Send type shared, or leave it out.")


def own_secret(folder: Folder, key: str) -> Secret:
    secret = Secret.objects.select_related("folder__environment").filter(folder=folder, key=key).first()
    if secret is None:
        raise NotFoundError(f"There is no secret {key[:64]} in {folder}.")
    return secret


def _find(folder: Folder, key: str, *, expands: bool, imports: bool) -> SourceSecret:
    """Reads the one folder raw first, so that another secret's broken reference hides nothing."""
    (raw,) = read_contents(folder, expand=False)
    found = _pick(raw, key, imports=imports)
    if found is None:
        raise NotFoundError(f"There is no secret {key[:64]} in {folder}.")
    if "${" not in found.value or not expands:
        return found
    (expanded,) = read_contents(folder, expand=True)
    return _pick(expanded, key, imports=imports) or found


def _pick(contents: FolderContents, key: str, *, imports: bool) -> SourceSecret | None:
    places = [contents.secrets]
    if imports:
        places += [source.secrets for source in reversed(contents.imports)]
    return next((secret for place in places for secret in place if secret.key == key), None)


def _load_rows(contents: list[FolderContents], *, imports: bool) -> dict[UUID, Secret]:
    ids = [secret.secret_id for part in contents for secret in part.secrets]
    if imports:
        ids += [secret.secret_id for part in contents for source in part.imports for secret in source.secrets]
    return _rows(ids)


def _rows(ids: list[UUID]) -> dict[UUID, Secret]:
    rows: dict[UUID, Secret] = {}
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), FEW):
        found = Secret.objects.select_related("folder__environment", "updated_by").filter(
            id__in=unique[start : start + FEW]
        )
        rows |= {secret.id: secret for secret in found}
    return rows
