"""App connections as Infisical spells them. An API key goes in and never comes out: `credentials` is empty."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from api.http.forms import Switch
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, known_names, left_out, nearest_name, one_of
from api.resources.syncs.schemas import Description
from common.patterns import SLUG
from connections.expiry import why_not
from connections.models import Connection
from connections.ways import CA_CERTIFICATE, PROXY


def _lower(text: Any) -> Any:
    return text.strip().lower() if isinstance(text, str) else text


ConnectionName = Annotated[
    str,
    BeforeValidator(_lower),
    StringConstraints(min_length=1, max_length=32, pattern=f"^{SLUG}$"),
    Field(examples=["my-devin-connection"]),
]


Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64 * 1024)]


class CredentialsIn(Request):
    """What every app takes: the address and the way there, if they are not the usual ones. Secrets, each app adds."""

    base_url: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
        Field(examples=["https://api.devin.ai"], description="Only where it is not the app's usual address."),
    ] = left_out()

    proxy: Words | None = left_out(
        description=(
            "A proxy of its own, http://host:port, perhaps with user:password@, which is never answered. Left out, it "
            "stays as it is; null for the installation's."
        ),
        repr=False,
    )
    ca_certificate: Long | None = left_out(
        description=(
            "PEM of a private authority. Then no other is trusted there. Left out, it stays as it is; null for the "
            "usual ones."
        )
    )

    @property
    def address(self) -> str:
        """Empty for the usual one."""
        return self.base_url or ""

    def entered(self) -> dict[str, str]:
        """What was given, by API name: the credentials themselves, and the app's parameters."""
        return {name: text for name, text in self.model_dump(by_alias=True).items() if text}

    @model_validator(mode="before")
    @classmethod
    def _check_spelling(cls, given: Any) -> Any:
        """What is nearly one of these fields was meant as it: a key must not go to another address than was said."""
        for name in given if isinstance(given, dict) else ():
            nearest = nearest_name(cls, name) if name not in known_names(cls) else ""
            if nearest:
                raise ValueError(f"There is a field that is nearly {nearest}. Did you mean {nearest}?")
        return given


class DevinCredentials(CredentialsIn):
    api_key: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^cog_"),
        Field(examples=["cog_sandbox"], description="An API key of Devin. Never answered.", repr=False),
    ]


class InfisicalCredentials(CredentialsIn):
    client_id: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
        Field(description="Of a machine identity's universal auth. Never answered.", repr=False),
    ]
    client_secret: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
        Field(description="A client secret of it. Never answered.", repr=False),
    ]


class VaultCredentials(CredentialsIn):
    """`roleId` and `secretId` for the method app-role, `accessToken` for access-token."""

    instance_url: Words = left_out(description="The server's address; `baseUrl` means the same.")
    namespace: Words = left_out(description="Only where the server has namespaces.")
    mount: Words = left_out(
        description="The KV engine whose top folders are the environments. Without, each KV engine is one."
    )
    kv_version: Words = left_out(description="auto, 1 or 2. Counts only where the server does not tell.")
    auth_path: Words = left_out(description="Where AppRole is mounted, if that is not approle.")
    role_id: Words = left_out(description="Of an AppRole. Never answered.", repr=False)
    secret_id: Words = left_out(description="Of an AppRole. Never answered.", repr=False)
    access_token: Long = left_out(description="A token. Never answered.", repr=False)

    @property
    def address(self) -> str:
        return self.instance_url or self.base_url or ""


def _to_come(at: datetime) -> datetime:
    if problem := why_not(at):
        raise ValueError(problem)
    return at


ExpiryIn = Annotated[AwareDatetime, AfterValidator(_to_come)]


class ConnectionIn(Request):
    """Infisical's clients send these too; here they must be off."""

    description: Description | None = None
    project_id: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="Accepted and not used: connections belong to the whole installation."
    )
    is_platform_managed_credentials: Switch | None = None
    gateway_id: str | None = None
    gateway_pool_id: str | None = None
    is_auto_rotation_enabled: Switch | None = None
    rotation: dict[str, Any] | None = None
    key_expires_at: ExpiryIn | None = Field(
        None,
        examples=[None],
        description=(
            "When the credentials end, with a time zone, if you know it and the service does not tell; null: not "
            "known. New credentials clear it."
        ),
    )

    @model_validator(mode="after")
    def _check_off(self) -> Self:
        switched_on = (
            self.is_platform_managed_credentials,
            self.gateway_id,
            self.gateway_pool_id,
            self.is_auto_rotation_enabled,
            self.rotation,
        )
        if any(switched_on):
            raise ValueError("Connections have no platform-managed credentials, gateways or rotation.")
        return self


class CreateConnection(ConnectionIn):
    name: ConnectionName
    method: Literal["api-key"] = "api-key"
    credentials: DevinCredentials


class UpdateConnection(ConnectionIn):
    name: ConnectionName = left_out()
    method: Literal["api-key"] | None = None
    credentials: DevinCredentials = left_out()


class CreateInfisicalConnection(ConnectionIn):
    name: ConnectionName
    method: Literal["universal-auth"] = "universal-auth"
    credentials: InfisicalCredentials


class UpdateInfisicalConnection(ConnectionIn):
    name: ConnectionName = left_out()
    method: Literal["universal-auth"] | None = None
    credentials: InfisicalCredentials = left_out()


class CreateVaultConnection(ConnectionIn):
    name: ConnectionName
    method: Literal["app-role", "access-token"] = "app-role"
    credentials: VaultCredentials


class UpdateVaultConnection(ConnectionIn):
    name: ConnectionName = left_out()
    method: Literal["app-role", "access-token"] | None = None
    credentials: VaultCredentials = left_out()


Create = CreateConnection | CreateInfisicalConnection | CreateVaultConnection
Update = UpdateConnection | UpdateInfisicalConnection | UpdateVaultConnection


class NoCredentials(Answer):
    """Always empty."""


class ConnectionOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["my-devin-connection"])
    description: str | None
    version: int = Field(examples=[1])
    org_id: str | None = Field(examples=["org-sandbox"], description="The organization of the key, as Devin says.")
    created_at: Timestamp
    updated_at: Timestamp
    is_platform_managed_credentials: bool
    credentials_hash: str = Field(description="Changes when the credentials change; tells nothing of them.")
    project_id: UUID | None
    project: None
    app: str = Field(examples=["devin"])
    method: str = Field(examples=["api-key"])
    credentials: NoCredentials
    base_url: str = Field(examples=["https://api.devin.ai"])
    proxy: str | None = Field(description="Its own proxy, without the login.")
    ca_certificate: str | None = Field(description="PEM of the only authorities that it trusts, if it has its own.")
    is_valid: bool | None = Field(description="Whether the service took the credentials last; null: not asked yet.")
    key_expires_at: Timestamp | None = Field(
        description="When the credentials end; null: not known, or never, as `keyExpiry` says."
    )
    key_expiry: str = one_of("unknown", "entered", "told", "never")
    shared_project_ids: list[UUID] = Field(
        examples=[[EXAMPLE_ID]], description="The projects that it is shared with, as far as the caller sees them."
    )

    @classmethod
    def of(cls, connection: Connection, shared_with: list[UUID], *, is_whole: bool) -> Self:
        """Without the way there, if not `is_whole`: for members of a project that it is shared with."""
        return cls(
            id=connection.id,
            name=connection.name,
            description=connection.description or None,
            version=connection.version,
            org_id=connection.org_id or None,
            created_at=connection.created_at,
            updated_at=connection.updated_at,
            is_platform_managed_credentials=False,
            # Of the sealed form, which holds a random part: no guess at the key can be checked against it.
            credentials_hash=sha256(connection.sealed_credentials.encode()).hexdigest(),
            project_id=None,
            project=None,
            app=connection.app,
            method=connection.method,
            credentials=NoCredentials(),
            base_url=connection.base_url,
            proxy=connection.parameters.get(PROXY.api_name) if is_whole else None,
            ca_certificate=connection.parameters.get(CA_CERTIFICATE.api_name) if is_whole else None,
            is_valid=connection.is_valid,
            key_expires_at=connection.life.expires_at,
            key_expiry=connection.life.known,
            shared_project_ids=shared_with,
        )


class ShareConnection(Request):
    project_ids: Annotated[list[UUID], Field(max_length=10_000)] = Field(
        examples=[[EXAMPLE_ID]], description="All projects that it is to be shared with."
    )


class OneConnection(Answer):
    app_connection: ConnectionOut


class ManyConnections(Answer):
    app_connections: list[ConnectionOut]


class AvailableConnection(Answer):
    app: str = Field(examples=["devin"])
    name: str = Field(examples=["my-devin-connection"])
    id: UUID = Field(examples=[EXAMPLE_ID])
    org_id: str | None = Field(examples=["org-sandbox"])

    @classmethod
    def of(cls, connection: Connection) -> Self:
        return cls(app=connection.app, name=connection.name, id=connection.id, org_id=connection.org_id or None)


class ManyAvailable(Answer):
    app_connections: list[AvailableConnection]


class ConnectionOption(Answer):
    name: str = Field(examples=["Devin"])
    app: str = Field(examples=["devin"])
    methods: list[str] = Field(examples=[["api-key"]])


class ManyConnectionOptions(Answer):
    app_connection_options: list[ConnectionOption]


class UsingSync(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["my-devin-sync"])


class UsingProject(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Billing"])
    slug: str = Field(examples=["billing"])
    secret_syncs: list[UsingSync]


class Usage(Answer):
    projects: list[UsingProject]
