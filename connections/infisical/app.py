"""Infisical as an app of connections: a machine identity with universal auth, at one of its sites or an own host."""

from datetime import timedelta
from typing import TYPE_CHECKING

from connections.hosts import SOURCES
from connections.http import Transport
from connections.infisical.errors import Unreachable
from connections.infisical.login import Token, log_in
from connections.kinds import Entry, Identity, Kind, Method
from connections.validation import clean_secret_text
from connections.ways import WAY

if TYPE_CHECKING:
    from connections.models import Connection

US, EU = "https://app.infisical.com", "https://eu.infisical.com"
PATIENCE = timedelta(seconds=8)

CLIENT_ID = Entry(
    name="client_id",
    label="client ID",
    help_text="Of the universal auth of a machine identity that may read the projects.",
    clean=clean_secret_text("client ID", 200),
    longest=200,
    is_masked=False,
    is_hinted=True,
)
CLIENT_SECRET = Entry(
    name="client_secret",
    label="client secret",
    help_text="Saving logs in with it, once. It is stored encrypted and never shown again.",
    clean=clean_secret_text("client secret", 1000),
    longest=1000,
)


class Infisical(Kind):
    name = "infisical"
    label = "Infisical"
    methods = (Method("universal-auth", "Universal auth", (CLIENT_ID, CLIENT_SECRET)),)
    parameters = WAY
    hosts = SOURCES
    secret_words = "client secret"  # noqa: S105
    summary = "Where secrets are read from: a machine identity of Infisical Cloud or of an own server."
    address_label = "site"
    address_help = f"{US} for the US cloud, {EU} for the EU cloud, or the address of an own server, with its path."

    def usual_address(self) -> str:
        return US

    def identify(self, connection: "Connection") -> Identity:
        """The only proof that Infisical gives a machine identity is a login."""
        token = new_token(connection, within=PATIENCE)
        connection.forget_refused_login()
        return Identity("machine_identity", token.identity_id)

    def known(self, said: str) -> str:
        return f"Infisical accepts the client secret: {said}."


def new_token(connection: "Connection", *, within: timedelta) -> Token:
    """Log in with the stored credentials. Raises InfisicalError, or DecryptionError if they cannot be opened."""
    if problem := connection.why_not_allowed():
        raise Unreachable(problem, retryable=False)
    credentials = connection.credentials()
    transport = Transport(deadline=within, connections=1, route=connection.route(), app="infisical")
    try:
        return log_in(
            transport,
            base_url=connection.base_url,
            client_id=credentials[CLIENT_ID.api_name],
            client_secret=credentials[CLIENT_SECRET.api_name],
            name=connection.name,
            within=within.total_seconds(),
        )
    finally:
        transport.close()
