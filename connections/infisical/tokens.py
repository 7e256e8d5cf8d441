"""Access tokens: kept sealed for all processes until 80 % of their life, then got by a fresh login.

They are never renewed: with a life as long as its maximum, which is usual, a server answers that by deleting the token.
After a refused login nothing is tried for five minutes with these credentials, as three refusals lock an identity out.
"""

import hashlib
import threading
from collections import defaultdict
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from common import clock
from connections.infisical.app import new_token
from connections.infisical.errors import LoginRefused
from connections.models import AccessToken, Connection
from encryption import DecryptionError, seal, unseal

USED_OF_LIFE = 0.8
REFUSED_FOR = timedelta(minutes=5)

# Threads of one process log in once.
_logging_in: defaultdict[UUID, threading.Lock] = defaultdict(threading.Lock)


class Tokens(Protocol):
    """Where a client gets its token."""

    def current(self) -> str:
        """The one to use. Raises InfisicalError."""

    def renewed(self, refused: str) -> str:
        """Another one than the one that was refused. Raises InfisicalError."""


class StoredTokens:
    def __init__(self, connection: Connection, *, within: timedelta) -> None:
        self._connection = connection
        self._within = within

    def current(self) -> str:
        return self._get(refused="")

    def renewed(self, refused: str) -> str:
        return self._get(refused=refused)

    def _get(self, *, refused: str) -> str:
        if token := self._stored(refused):
            return token
        with _logging_in[self._connection.pk]:
            # Another thread, or process, may have logged in meanwhile.
            return self._stored(refused) or self._log_in()

    def _stored(self, refused: str) -> str:
        row = AccessToken.objects.filter(connection=self._connection, credentials=self._credentials).first()
        if row is None or row.renew_at is None or row.renew_at <= clock.now():
            return ""
        try:
            token = unseal(row.sealed_token, context=row.context())
        except DecryptionError:
            return ""
        return "" if token == refused else token

    def _log_in(self) -> str:
        self._require_not_refused()
        try:
            token = new_token(self._connection, within=self._within)
        except LoginRefused:
            self._keep(refused_until=clock.now() + REFUSED_FOR)
            raise
        row = AccessToken(connection=self._connection, credentials=self._credentials)
        sealed = seal(token.text, context=row.context())
        self._keep(sealed_token=sealed, renew_at=clock.now() + token.life * USED_OF_LIFE)
        return token.text

    def _require_not_refused(self) -> None:
        row = AccessToken.objects.filter(connection=self._connection, credentials=self._credentials).first()
        if row is not None and row.refused_until is not None and row.refused_until > clock.now():
            raise LoginRefused(
                f"Could not log in to Infisical: it refused the credentials of connection “{self._connection.name}” a "
                "moment ago, and locks an identity out after three wrong logins, so nothing was sent. Correct the "
                "credentials, or choose Test connection there; otherwise it is tried again after five minutes."
            )

    def _keep(self, **fields: object) -> None:
        empty = {"sealed_token": "", "renew_at": None, "refused_until": None, "credentials": self._credentials}
        if Connection.objects.filter(pk=self._connection.pk).exists():
            AccessToken.objects.update_or_create(connection=self._connection, defaults=empty | fields)

    @property
    def _credentials(self) -> str:
        return hashlib.sha256(self._connection.sealed_credentials.encode()).hexdigest()
