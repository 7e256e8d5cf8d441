"""Secrets of the vault. Values are here and nowhere else in the API, and only for callers who may reveal them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.db.models import Prefetch
from pydantic import BeforeValidator, Field, StringConstraints

from api.http.forms import Switch, WholeNumber
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp
from api.resources.places import InEnvironment, Path
from api.resources.tags.schemas import TagInSecret
from encryption import unseal
from vault.editing import Labels, Metadatum
from vault.limits import MAX_VALUE_BYTES
from vault.models import Secret, SecretMetadata

MASK = "<hidden-by-infisical>"
# To be fetched with each secret that is answered; as lists, because most have none, and a query set for each costs.
LABELS = (Prefetch("tags", to_attr="all_tags"), Prefetch("metadata", to_attr="all_metadata"))

SecretKey = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), Field(examples=["DB_URL"])
]
Value = Annotated[
    str, StringConstraints(max_length=MAX_VALUE_BYTES), Field(examples=["postgres://db.example.com/shop"])
]
Comment = Annotated[str, StringConstraints(max_length=2000), Field(examples=["The shop's database"])]
Kind = Literal["shared", "personal"]
KEPT = "Kept and answered."
Days = Annotated[WholeNumber, Field(ge=0, le=36_500)]
LITERAL = "true takes the value as it is: ${…} in it is text. Answered where it is true."


def _as_pairs(given: Any) -> Any:
    return [{"key": key, "value": given[key]} for key in given] if isinstance(given, dict) else given


class MetadatumIn(Request):
    key: Annotated[str, StringConstraints(min_length=1, max_length=255), Field(examples=["team"])]
    value: Annotated[str, StringConstraints(max_length=1020), Field(examples=["billing"], repr=False)] = ""
    is_encrypted: Switch = Field(False, description="Sealed at rest, shown to those who may read values, not searched.")


class Extras(Request):
    """What Infisical's clients send besides, and a switch of ours."""

    type: Kind = Field("shared", description="Only shared secrets exist here; personal ones are refused (400).")
    skip_multiline_encoding: Switch | None = Field(None, description=KEPT)
    secret_reminder_note: Annotated[str, StringConstraints(max_length=1024)] | None = Field(None, description=KEPT)
    secret_reminder_repeat_days: Days | None = Field(
        None, description=f"{KEPT} After so many, the pages show it as due."
    )
    secret_metadata: Annotated[list[MetadatumIn], Field(max_length=100)] | None = Field(
        None, description="Pairs to find secrets by; they replace those that are there."
    )
    metadata: Annotated[list[MetadatumIn], BeforeValidator(_as_pairs), Field(max_length=100)] | None = Field(
        None, description="An older spelling of secretMetadata; it may be an object of texts too."
    )
    tag_ids: Annotated[list[UUID], Field(max_length=100)] | None = Field(
        None, description="IDs of the project's tags; they replace those that are there."
    )
    no_references: Switch | None = Field(None, description=LITERAL)

    def labels(self) -> Labels:
        pairs = self.secret_metadata if self.metadata is None else self.metadata
        return Labels(
            tag_ids=self.tag_ids,
            metadata=None if pairs is None else [Metadatum(each.key, each.value, each.is_encrypted) for each in pairs],
            reminder_note=self.secret_reminder_note,
            reminder_days=self.secret_reminder_repeat_days,
            skip_multiline_encoding=self.skip_multiline_encoding,
        )


class SecretPlace(InEnvironment):
    secret_path: Path = "/"  # noqa: S105


class CreateSecret(SecretPlace, Extras):
    secret_value: Value = Field("", repr=False)
    secret_comment: Comment = ""


class UpdateSecret(SecretPlace, Extras):
    secret_value: Value | None = Field(None, repr=False, examples=["postgres://db.example.com/shop"])
    secret_comment: Comment | None = None
    new_secret_name: SecretKey | None = None


class DeleteSecret(SecretPlace):
    type: Kind = "shared"


class InBatch(Request):
    secret_path: Path | None = Field(None, description="Only where it is not the batch's own.")


class NewSecret(InBatch, Extras):
    secret_key: SecretKey
    secret_value: Value = Field("", repr=False)
    secret_comment: Comment = ""


class ChangedSecret(InBatch, Extras):
    secret_key: SecretKey
    secret_value: Value | None = Field(None, repr=False, examples=["postgres://db.example.com/shop"])
    secret_comment: Comment | None = None
    new_secret_name: SecretKey | None = None


class DoomedSecret(InBatch):
    secret_key: SecretKey
    type: Kind = "shared"


MANY = {"min_length": 1, "max_length": 1000}


class CreateSecrets(SecretPlace):
    secrets: Annotated[list[NewSecret], Field(**MANY)]


class UpdateSecrets(SecretPlace):
    secrets: Annotated[list[ChangedSecret], Field(**MANY)]
    mode: Literal["failOnNotFound", "ignore", "upsert"] = Field(
        "failOnNotFound", description="What becomes of keys that are not there."
    )


class DeleteSecrets(SecretPlace):
    secrets: Annotated[list[DoomedSecret], Field(**MANY)]


class Actor(Answer):
    actor_id: str | None
    actor_type: Literal["user", "identity"]
    name: str | None = Field(examples=["alex"])


class MetadatumOut(Answer):
    key: str = Field(examples=["team"])
    value: str = Field(examples=["billing"], repr=False)
    is_encrypted: bool

    @classmethod
    def of(cls, row: SecretMetadata, *, hides: bool) -> Self:
        value = row.value
        if row.is_encrypted:
            value = MASK if hides else unseal(row.sealed_value, context=row.sealing_context())
        return cls(key=row.key, value=value, is_encrypted=row.is_encrypted)


class ImportedSecret(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    legacy_id: UUID = Field(alias="_id", examples=[EXAMPLE_ID])
    workspace: UUID = Field(examples=[EXAMPLE_ID])
    environment: str = Field(examples=["dev"])
    version: int = Field(examples=[1])
    type: Literal["shared"]
    secret_key: str = Field(examples=["DB_URL"])
    secret_value: str = Field(examples=["postgres://db.example.com/shop"], repr=False)
    secret_comment: str
    secret_reminder_note: str | None
    secret_reminder_repeat_days: int | None
    skip_multiline_encoding: bool
    actor: Actor | None
    is_rotated_secret: bool
    rotation_id: str | None
    secret_value_hidden: bool
    secret_path: str = Field(examples=["/my-secrets"])
    secret_metadata: list[MetadatumOut]
    tags: list[TagInSecret]
    unresolved_references: list[str] = Field(
        [],
        description="Ours, and only where there are: what stands as text in the value because it leads nowhere.",
        examples=[["${DB_HOST}"]],
    )
    no_references: bool = Field(False, description="Ours, and only where it is true: ${…} in the value is text.")


class SecretOut(ImportedSecret):
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(
        cls, secret: Secret, value: str | None, *, version: int | None = None, unresolved: Sequence[str] = ()
    ) -> Self:
        """Without a value, the mask stands in its place."""
        fields = fields_of(secret, value, version, unresolved)
        return cls(**fields, created_at=secret.created_at, updated_at=secret.updated_at)


def imported(secret: Secret, value: str | None, unresolved: Sequence[str]) -> ImportedSecret:
    return ImportedSecret(**fields_of(secret, value, None, unresolved))


def labels_of(secret: Secret, name: str) -> list[Any]:
    return list(getattr(secret, name))


def fields_of(secret: Secret, value: str | None, version: int | None, unresolved: Sequence[str] = ()) -> dict[str, Any]:
    folder, by = secret.folder, secret.updated_by
    return {
        "id": secret.id,
        "_id": secret.id,
        "workspace": folder.environment.project_id,
        "environment": folder.environment.slug,
        "version": version or secret.version,
        "type": "shared",
        "secret_key": secret.key,
        "secret_value": MASK if value is None else value,
        "secret_comment": secret.comment,
        "secret_reminder_note": secret.reminder_note or None,
        "secret_reminder_repeat_days": secret.reminder_days or None,
        "skip_multiline_encoding": secret.skip_multiline_encoding,
        "actor": Actor(actor_id=str(by.pk), actor_type="user", name=by.get_username()) if by else None,
        "is_rotated_secret": False,
        "rotation_id": None,
        "secret_value_hidden": value is None,
        "secret_path": folder.path,
        "secret_metadata": [MetadatumOut.of(row, hides=value is None) for row in labels_of(secret, "all_metadata")],
        "tags": [TagInSecret.of(tag) for tag in labels_of(secret, "all_tags")],
        **({"unresolved_references": list(unresolved)} if unresolved else {}),
        **({"no_references": True} if secret.is_literal else {}),
    }


class OneSecret(Answer):
    secret: SecretOut


class ManySecrets(Answer):
    secrets: list[SecretOut]


class Imports(Answer):
    secret_path: str = Field(examples=["/shared"])
    environment: str = Field(examples=["prod"])
    folder_id: UUID = Field(examples=[EXAMPLE_ID])
    secrets: list[ImportedSecret]


class ListedSecrets(ManySecrets):
    imports: list[Imports]
