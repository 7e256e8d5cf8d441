"""Vault and OpenBao as an app of connections: an AppRole or a token, at an address of one's own."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from connections.hosts import SOURCES
from connections.http import Transport
from connections.kinds import Entry, Identity, Kind, Method
from connections.openbao.errors import TokenRefused, Unreachable
from connections.openbao.paths import UNWRITABLE, is_name, quoted
from connections.openbao.tokens import Server, Token, log_in, look_up
from connections.validation import clean_secret_text
from connections.ways import WAY

if TYPE_CHECKING:
    from connections.models import Connection

PATIENCE = timedelta(seconds=8)
APP_ROLE, ACCESS_TOKEN = "app-role", "access-token"
USUAL_AUTH_PATH = "approle"
LONGEST_PATH = 255


def clean_path(raw: str) -> str:
    """A mount or a namespace: names joined by slashes, none at the ends."""
    path = raw.strip().strip("/")
    if not all(map(is_name, path.split("/"))) or UNWRITABLE.search(path) or len(path) > LONGEST_PATH:
        raise ValidationError("Enter names joined by “/”, such as teams/shop, as the server lists them.")
    return path


def clean_version(raw: str) -> str:
    if raw not in dict(KV_VERSIONS):
        raise ValidationError("Choose auto, 1 or 2.")
    return raw


KV_VERSIONS = (("auto", "as the server tells"), ("1", "version 1"), ("2", "version 2"))
ROLE_ID = Entry(
    name="role_id",
    label="role ID",
    help_text="Of an AppRole whose policy lets it read the secrets, and nothing else.",
    clean=clean_secret_text("role ID", 1000),
    is_masked=False,
    is_hinted=True,
)
SECRET_ID = Entry(
    name="secret_id",
    label="secret ID",
    help_text="Saving logs in with it, once. It is stored encrypted and never shown again.",
    clean=clean_secret_text("secret ID", 1000),
)
TOKEN = Entry(
    name="access_token",
    label="token",
    help_text="Saving asks the server whose it is. It is stored encrypted and never shown again.",
    clean=clean_secret_text("token", 16_384),
    longest=16_384,
    is_hinted=True,
)
NAMESPACE = Entry(
    name="namespace",
    label="namespace",
    help_text="Only where the server has namespaces: admin/team-a. Empty for the root namespace.",
    clean=clean_path,
    longest=LONGEST_PATH,
    is_required=False,
    is_pointing=True,
)
MOUNT = Entry(
    name="mount",
    label="KV mount",
    help_text=(
        "The KV engine whose top folders are the environments: kv. Leave it empty where each environment has a mount "
        "of its own: the mounts are then the environments."
    ),
    clean=clean_path,
    longest=LONGEST_PATH,
    is_required=False,
)
KV_VERSION = Entry(
    name="kv_version",
    label="KV version",
    help_text="Counts only where the server does not tell, as old ones do.",
    clean=clean_version,
    longest=8,
    is_required=False,
    choices=KV_VERSIONS,
)
AUTH_PATH = Entry(
    name="auth_path",
    label="AppRole mount",
    help_text=f"Where AppRole is mounted below auth/, if that is not {USUAL_AUTH_PATH}.",
    clean=clean_path,
    longest=LONGEST_PATH,
    is_required=False,
    is_pointing=True,
)


class OpenBao(Kind):
    # As Infisical's clients call it.
    name = "hashicorp-vault"
    label = "Vault / OpenBao"
    methods = (
        Method(APP_ROLE, "AppRole", (ROLE_ID, SECRET_ID)),
        Method(ACCESS_TOKEN, "Token", (TOKEN,)),
    )
    parameters = (NAMESPACE, MOUNT, KV_VERSION, AUTH_PATH, *WAY)
    hosts = SOURCES
    secret_words = "credential"  # noqa: S105
    summary = "Where secrets are read from: the KV engines of HashiCorp Vault or OpenBao."
    address_label = "address"
    address_help = "Of the server or its load balancer, such as https://vault.example.com:8200."

    def usual_address(self) -> str:
        return ""

    def identify(self, connection: "Connection") -> Identity:
        """A login where there is one, then the token's own look-up."""
        role = new_token(connection, within=PATIENCE) if connection.method == APP_ROLE else None
        text = role.text if role else connection.credentials()[TOKEN.api_name]
        transport = open_transport(connection, deadline=PATIENCE, concurrency=1)
        try:
            name = look_up(transport, server_of(connection), text, within=PATIENCE.total_seconds())
        except TokenRefused:
            # The login has proved it; not every policy lets a token look itself up.
            if role is None:
                raise
            name = role.role
        finally:
            transport.close()
        connection.forget_refused_login()
        return Identity("AppRole" if role else "token", name)

    def known(self, said: str) -> str:
        return f"{self.label} accepts the credential: {said}."


def server_of(connection: "Connection") -> Server:
    return Server(connection.base_url, connection.parameters.get(NAMESPACE.api_name, ""), connection.name)


def open_transport(connection: "Connection", *, deadline: timedelta, concurrency: int) -> Transport:
    """Raises Unreachable if the address is not, or no longer, one that may be talked to."""
    if problem := connection.why_not_allowed():
        raise Unreachable(problem, retryable=False)
    return Transport(deadline=deadline, connections=concurrency, route=connection.route(), app="hashicorp-vault")


def new_token(connection: "Connection", *, within: timedelta) -> Token:
    """Log in with the stored AppRole. Raises OpenBaoError, or DecryptionError if it cannot be opened."""
    credentials = connection.credentials()
    transport = open_transport(connection, deadline=within, concurrency=1)
    try:
        return log_in(
            transport,
            server_of(connection),
            mount=quoted(connection.parameters.get(AUTH_PATH.api_name) or USUAL_AUTH_PATH),
            role_id=credentials[ROLE_ID.api_name],
            secret_id=credentials[SECRET_ID.api_name],
            within=within.total_seconds(),
        )
    finally:
        transport.close()
