"""Access tokens: kept sealed for all processes until 80 % of their life, then got by a fresh login.

After a refused login nothing is tried for five minutes with these credentials, as a few refusals lock an identity out.
What a login is, each app says.
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from common import clock
from connections.errors import ConnectionFailed
from connections.models import AccessToken, Connection
from encryption import DecryptionError, seal, unseal

USED_OF_LIFE = 0.8
REFUSED_FOR = timedelta(minutes=5)

# Threads of one process log in once.
_logging_in: defaultdict[UUID, threading.Lock] = defaultdict(threading.Lock)


class FreshToken(Protocol):
    """What a login brings, and how long it lives from now."""

    @property
    def text(self) -> str: ...

    @property
    def life(self) -> timedelta: ...


class KeptTokens(ABC):
    """The token of a stored connection. `refusal` is the error of a login that is not accepted."""

    refusal: type[ConnectionFailed]

    def __init__(self, connection: Connection, *, within: timedelta) -> None:
        self._connection = connection
        self._within = within

    @abstractmethod
    def _new_token(self) -> FreshToken:
        """Log in. Raises ConnectionFailed."""

    @abstractmethod
    def _why_not_again(self) -> str:
        """The sentence for a login that is not tried, so soon after one that was refused."""

    def current(self) -> str:
        """The one to use. Raises ConnectionFailed."""
        return self._get(refused="")

    def renewed(self, refused: str) -> str:
        """Another one than the one that was refused. Raises ConnectionFailed."""
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
            token = self._new_token()
        except self.refusal:
            self._keep(refused_until=clock.now() + REFUSED_FOR)
            raise
        row = AccessToken(connection=self._connection, credentials=self._credentials)
        sealed = seal(token.text, context=row.context())
        self._keep(sealed_token=sealed, renew_at=clock.now() + token.life * USED_OF_LIFE)
        return token.text

    def _require_not_refused(self) -> None:
        row = AccessToken.objects.filter(connection=self._connection, credentials=self._credentials).first()
        if row is not None and row.refused_until is not None and row.refused_until > clock.now():
            raise self.refusal(self._why_not_again())

    def _keep(self, **fields: object) -> None:
        empty = {"sealed_token": "", "renew_at": None, "refused_until": None, "credentials": self._credentials}
        if Connection.objects.filter(pk=self._connection.pk).exists():
            AccessToken.objects.update_or_create(connection=self._connection, defaults=empty | fields)

    @property
    def _credentials(self) -> str:
        return hashlib.sha256(self._connection.sealed_credentials.encode()).hexdigest()
