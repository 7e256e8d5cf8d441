"""Sessions in the database, found by a digest of the cookie's key. Named by SESSION_ENGINE.

Whoever reads the table, a replica or a backup learns no key that a browser could send: the cookie holds 32 random
characters, the row only their BLAKE2b. What is kept of a session beside its data is whose it is and where it is used,
so that a person can see and end their own.
"""

from hashlib import blake2b
from typing import Any

from django.contrib.auth import SESSION_KEY as USER_ID
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session

# As wide as the column: 160 bits in hexadecimal.
DIGEST_BYTES = 20
ADDRESS, AGENT = "address", "agent"


def digest_of(session_key: str) -> str:
    return blake2b(session_key.encode(), digest_size=DIGEST_BYTES, person=b"session").hexdigest()


class SessionStore(DatabaseStore):
    """Django's own, but for how a row is found. DevinSync serves no asynchronous views, so those ways stay closed."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        digest = digest_of(self.session_key or "")
        found = Session.objects.filter(session_key=digest, expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest_of(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=digest_of(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=data.get(USER_ID),
            address=str(data.get(ADDRESS, ""))[:45],
            agent=str(data.get(AGENT, ""))[:200],
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest_of(key)).delete()


def end_others(request: HttpRequest, user: User) -> None:
    """All of the person's sessions but the one of the request."""
    current = digest_of(request.session.session_key or "")
    Session.objects.filter(user=user).exclude(session_key=current).delete()
