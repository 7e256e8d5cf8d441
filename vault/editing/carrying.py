"""When a secret gets another key: the references to it, in the values of other secrets, get it too."""

from collections.abc import Callable, Mapping, Sequence

from vault.editing.change import Change
from vault.editing.telling import tell_secret
from vault.errors import Invalid
from vault.loading import load_resolver
from vault.models import Secret, SecretReference
from vault.references import Reference, parse_reference, rewrite
from vault.referrers import leads_to
from vault.values import open_value

Write = Callable[[Change, Sequence[tuple[Secret, str]]], None]


def carry_references(
    change: Change, secret: Secret, edges: Sequence[SecretReference], *, old_key: str, write: Write
) -> None:
    """`edges` led to the secret under its old key. Refuses where a reference could not name the new one."""
    renamed = {edge.reference: _renamed(edge, secret, old_key) for edge in edges}
    resolver, _ = load_resolver(secret.folder, whole_project=True, follow_references=False)
    for edge in edges:
        new = renamed[edge.reference]
        if parse_reference(new.inner) != new or not leads_to(resolver, edge.secret.folder_id, new, secret.id):
            raise Invalid(
                f"{edge.reference} in {tell_secret(edge.secret, change.by)} refers to it, and {new} would be "
                "something else there. Choose another key, or leave the references as they are.",
                field="key",
            )
    rows = {edge.secret_id: edge.secret for edge in edges}
    for row in rows.values():
        row.refresh_from_db(fields=["sealed_value", "key", "version", "is_literal"])
    write(change, [(row, _rewritten(row, edges, renamed)) for row in rows.values()])


def _rewritten(row: Secret, edges: Sequence[SecretReference], renamed: Mapping[Reference, Reference]) -> str:
    own = {edge.reference for edge in edges if edge.secret_id == row.id}
    return rewrite(open_value(row), lambda found: renamed[found] if found in own else None)


def _renamed(edge: SecretReference, secret: Secret, old_key: str) -> Reference:
    """In the same way: by the place, or as a key of the own folder."""
    if edge.reference.inner == old_key:
        return parse_reference(secret.key) or Reference(secret.key)
    return Reference(secret.key, edge.environment_slug, edge.path)
