"""Secret syncs as Infisical spells them, in all the spellings that its clients use.

`isEnabled` is the sync's own switch. Auto-sync is `syncOptions.autoSyncEnabled` or, at the top, `isAutoSyncEnabled`;
subfolders are `syncOptions.recursive` or `syncOptions.includeAllSubFolders`. Two spellings may agree, not differ.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from api.http.errors import Unprocessable
from api.http.forms import Switch
from api.resources.base import EXAMPLE_ID, Answer, StrictRequest, Timestamp, left_out
from api.resources.syncs.options import KeySchemaText, SyncOptions, SyncOptionsIn
from common.patterns import SLUG
from connections.models import Connection
from sources.ids import stable_id
from sources.protocol import EnvironmentEntry, Found
from syncs.choices import Status
from syncs.models import DevinSync
from syncs.organizations import require_id
from syncs.words import help_of

# What Infisical's Terraform provider sends besides, in whatever case.
IDLE = ("id", "app", "destination", "method")


def _lower(text: Any) -> Any:
    return text.strip().lower() if isinstance(text, str) else text


Name = Annotated[
    str,
    BeforeValidator(_lower),
    StringConstraints(min_length=1, max_length=256, pattern=f"^{SLUG}$"),
    Field(
        examples=["my-devin-sync"],
        description=help_of("name"),
    ),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=256),
    Field(examples=["an example sync"], description=help_of("description")),
]
EnvironmentSlug = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["dev"])
]
SecretPath = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024), Field(examples=["/my-secrets"])
]
ProjectId = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=[EXAMPLE_ID])
]
Confirmation = Annotated[
    Switch | list[Annotated[str, StringConstraints(min_length=1, max_length=255)]] | None,
    Field(
        description="true lets this one run delete more than its guard allows; a list of secret IDs from a plan lets "
        "it delete just these.",
        examples=[True],
    ),
]


class DestinationConfigIn(StrictRequest):
    org_id: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
        Field(
            examples=["org-sandbox"],
            description=f"{help_of('org_id')} Its name instead, where the connection tells names and one organization "
            "has it.",
        ),
    ]

    def id_by(self, connection: Connection | None) -> str:
        """The organization's id. Raises Unprocessable."""
        try:
            return require_id(connection, self.org_id)
        except ValidationError as error:
            raise Unprocessable.at("destinationConfig", "orgId", message=error.messages[0]) from None


class SyncIn(StrictRequest):
    """What creating and changing a sync have in common."""

    description: Description | None = None
    is_enabled: Switch = left_out(description=help_of("is_enabled"))
    is_auto_sync_enabled: Switch = left_out(description="Another spelling of autoSyncEnabled.")
    confirm_deletions: Confirmation = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: part for name, part in body.items() if name.lower() not in IDLE}

    def auto_sync(self, options: SyncOptionsIn | None) -> bool | None:
        inner = options.auto_sync_enabled if options is not None else None
        return self.is_auto_sync_enabled if inner is None else inner

    def check_auto_sync(self, options: SyncOptionsIn | None) -> None:
        if options is None or None in (self.is_auto_sync_enabled, options.auto_sync_enabled):
            return
        if self.is_auto_sync_enabled != options.auto_sync_enabled:
            raise ValueError(
                "isAutoSyncEnabled and syncOptions.autoSyncEnabled contradict each other. Send one of them."
            )


class CreateSync(SyncIn):
    name: Name
    project_id: ProjectId
    connection_id: UUID = Field(examples=[EXAMPLE_ID])
    environment: EnvironmentSlug
    secret_path: SecretPath
    sync_options: SyncOptionsIn
    destination_config: DestinationConfigIn

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self.check_auto_sync(self.sync_options)
        return self


class UpdateSync(SyncIn):
    """Any part of a sync but its project. `syncOptions` and `destinationConfig` are replaced whole."""

    name: Name = left_out()
    project_id: ProjectId = left_out(description="A sync stays in its project: this may only name it.")
    connection_id: UUID = left_out()
    environment: EnvironmentSlug = left_out()
    secret_path: SecretPath = left_out()
    sync_options: SyncOptionsIn = left_out()
    destination_config: DestinationConfigIn = left_out()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self.check_auto_sync(self.sync_options)
        return self


TakeOver = Annotated[
    Switch | list[Annotated[str, StringConstraints(min_length=1, max_length=1024)]] | None,
    Field(
        description="true takes over each key that this sync wants and a sync that has stopped (disabled, or its "
        "source gone) holds; a list of keys takes over just these.",
        examples=[True],
    ),
]


TrustDatabase = Annotated[
    Switch | None,
    Field(
        description="For a sync that is blocked because this database is older than Devin (`rollback`): true takes the "
        "database for right. Look at what that run planned before.",
        examples=[True],
    ),
]


class TriggerSync(StrictRequest):
    confirm_deletions: Confirmation = None
    take_over: TakeOver = None
    trust_database: TrustDatabase = None


class DecideStrangers(StrictRequest):
    """A person's word on secrets that DevinSync did not write, and that the last run asked about (outcome `held`)."""

    decision: Literal["delete", "leave", "adopt"]
    secret_ids: list[Annotated[str, StringConstraints(min_length=1, max_length=255)]] = Field(
        min_length=1, max_length=1000, examples=[["secret-123"]]
    )


class AgreeToAddress(StrictRequest):
    base_url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] = Field(
        examples=["https://api.devin.ai"], description="The address of the connection, as you have seen it."
    )
    connection_version: int | None = Field(
        None, description="Where its proxy or CA certificate has changed: the version of the connection that you saw."
    )
    confirm_deletions: list[Annotated[str, StringConstraints(min_length=1, max_length=255)]] | None = Field(
        None, description="The IDs of the secrets that the first run there may delete, from its plan."
    )


class CheckDestination(StrictRequest):
    destination_config: DestinationConfigIn
    connection_id: UUID | None = None
    exclude_sync_id: UUID | None = None
    project_id: UUID = Field(examples=[EXAMPLE_ID])


class CheckConflicts(StrictRequest):
    project_id: ProjectId
    environment: EnvironmentSlug
    secret_path: SecretPath
    key_schema: KeySchemaText | None = None


class ConnectionRef(Answer):
    app: str = Field(examples=["devin"])
    name: str = Field(examples=["my-devin-connection"])
    id: UUID = Field(examples=[EXAMPLE_ID])


class EnvironmentRef(Answer):
    slug: str = Field(examples=["dev"])
    name: str = Field(examples=["Development"])
    id: UUID = Field(examples=[EXAMPLE_ID])

    @classmethod
    def of(cls, environment: EnvironmentEntry | None, project_id: UUID) -> Self | None:
        if environment is None:
            return None
        own_id = stable_id(project_id, environment.id, environment.slug)
        return cls(slug=environment.slug, name=environment.name, id=own_id)


class FolderRef(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    path: str = Field(examples=["/my-secrets"])

    @classmethod
    def of(cls, found: Found | None, project_id: UUID) -> Self | None:
        if found is None:
            return None
        return cls(id=stable_id(project_id, found.place.folder_id, str(found)), path=found.place.path)


class DestinationConfig(Answer):
    org_id: str = Field(examples=["org-sandbox"])


TrackStatus = Literal["pending", "running", "succeeded", "failed"] | None


class SecretSync(Answer):
    """A sync. Its three tracks tell of syncing, importing (never possible with Devin) and removing."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["my-devin-sync"])
    description: str | None = Field(examples=["an example sync"])
    is_enabled: bool
    version: int = Field(examples=[1])
    folder_id: UUID | None = Field(examples=[EXAMPLE_ID])
    connection_id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: Timestamp
    updated_at: Timestamp
    sync_status: TrackStatus = Field(examples=["succeeded"])
    last_sync_job_id: str | None = Field(examples=[EXAMPLE_ID])
    last_sync_message: str | None = Field(examples=[None])
    last_synced_at: Timestamp | None
    import_status: TrackStatus = Field(examples=[None])
    last_import_job_id: str | None = Field(examples=[None])
    last_import_message: str | None = Field(examples=[None])
    last_imported_at: Timestamp | None = Field(examples=[None])
    remove_status: TrackStatus = Field(examples=[None])
    last_remove_job_id: str | None = Field(examples=[None])
    last_remove_message: str | None = Field(examples=[None])
    last_removed_at: Timestamp | None = Field(examples=[None])
    sync_options: SyncOptions
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    connection: ConnectionRef
    environment: EnvironmentRef | None
    folder: FolderRef | None
    destination: Literal["devin"]
    destination_config: DestinationConfig
    organization: str = Field("", description="What the organization is called, where the connection tells names.")
    set_id: UUID = Field(
        UUID(EXAMPLE_ID), description="Only of a sync that a sync set makes: it is changed and deleted through its set."
    )
    is_auto_sync_enabled: bool = Field(
        False, description="syncOptions.autoSyncEnabled again; left out of answers to requests that spelt it that way."
    )

    @classmethod
    def of(cls, sync: DevinSync, *, spells_auto_sync: bool = True) -> Self:
        """`spells_auto_sync`: with isAutoSyncEnabled at the top, as Infisical's own clients expect."""
        folder = FolderRef.of(sync.source, sync.project_id)
        extra: dict[str, Any] = {"is_auto_sync_enabled": sync.auto_sync_enabled} if spells_auto_sync else {}
        if sync.organization != sync.org_id:
            extra["organization"] = sync.organization
        if sync.set_id is not None:
            extra["set_id"] = sync.set_id
        return cls(
            id=sync.id,
            name=sync.name,
            description=sync.description or None,
            is_enabled=sync.is_enabled,
            version=sync.version,
            folder_id=folder.id if folder is not None else None,
            connection_id=sync.connection_id,
            created_at=sync.created_at,
            updated_at=sync.updated_at,
            **_tracks(sync),
            sync_options=SyncOptions.of(sync),
            project_id=sync.project_id,
            connection=ConnectionRef(app=sync.connection.app, name=sync.connection.name, id=sync.connection.id),
            environment=EnvironmentRef.of(sync.known_environment, sync.project_id),
            folder=folder,
            destination="devin",
            destination_config=DestinationConfig(org_id=sync.org_id),
            **extra,
        )


def _tracks(sync: DevinSync) -> dict[str, Any]:
    return {
        "sync_status": track_status(sync.sync_status),
        "last_sync_job_id": sync.last_sync_run_id and str(sync.last_sync_run_id),
        "last_sync_message": sync.last_sync_message or None,
        "last_synced_at": sync.last_synced_at,
        "import_status": None,
        "last_import_job_id": None,
        "last_import_message": None,
        "last_imported_at": None,
        "remove_status": track_status(sync.remove_status),
        "last_remove_job_id": sync.last_remove_run_id and str(sync.last_remove_run_id),
        "last_remove_message": sync.last_remove_message or None,
        "last_removed_at": sync.last_removed_at,
    }


def track_status(status: str) -> Any:
    """Infisical's clients know four of our statuses; what was blocked or cancelled has failed, with a message."""
    if status in (Status.BLOCKED, Status.CANCELLED):
        return "failed"
    return status or None


class OneSync(Answer):
    secret_sync: SecretSync


class ManySyncs(Answer):
    secret_syncs: list[SecretSync]


class SyncOption(Answer):
    name: str = Field(examples=["Devin"])
    connection: str = Field(examples=["devin"])
    destination: str = Field(examples=["devin"])
    can_import_secrets: bool
    can_remove_secrets_on_deletion: bool


class ManySyncOptions(Answer):
    secret_sync_options: list[SyncOption]


class DestinationCheck(Answer):
    has_duplicate: bool
    duplicate_project_id: UUID = Field(
        description="Only where there is a duplicate.", default=UUID(EXAMPLE_ID), examples=[EXAMPLE_ID]
    )
    org_id: str = Field("", description="Only where the organization was asked about by its name: its ID.")


class KeyConflict(Answer):
    key: str = Field(examples=["PROD_DB_URL"])
    source_key: str = Field(examples=["DB_URL"])
    paths: list[str] = Field(examples=[["/my-secrets", "/my-secrets/api"]])


class KeyConflicts(Answer):
    conflicts: list[KeyConflict]
