"""What is kept of failed log-ins: nothing of names that nobody has, once they come from everywhere.

Those of real accounts are counted as ever: of each no more than lock it.
"""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.contrib.auth import get_user_model

from audit import floods


# The library has no types.
class AttemptsHandler(AxesDatabaseHandler):  # type: ignore[misc]
    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        if not floods.is_everywhere() or _is_somebodys(credentials):
            super().user_login_failed(sender, credentials, request, **kwargs)


def _is_somebodys(credentials: dict[str, Any]) -> bool:
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD) or "")
    return users._default_manager.filter(**{users.USERNAME_FIELD: name}).exists()
