"""What a document says of a connection's own proxy and authorities; never a proxy's login."""

from typing import Any

from django.core.exceptions import ValidationError

from connections.models import Connection
from connections.ways import WAY, is_bare, why_not
from syncs.editing.document import Entry

WAY_FIELDS = tuple(each.name for each in WAY)


def way_of(connection: Connection) -> dict[str, str]:
    """By the document's names; "" for what it has not."""
    return {each.name: connection.parameters.get(each.api_name, "") for each in WAY}


def take_way(connection: Connection, said: Entry) -> None:
    """Takes over what the entry says; what it does not say stays. Raises ValidationError by field."""
    faults: dict[str, Any] = {}
    for each in WAY:
        if each.name not in said:
            continue
        text = said[each.name] or ""
        try:
            cleaned = _cleaned(each.name, text, each.clean) if text else ""
        except ValidationError as error:
            faults[each.name] = error.messages
            continue
        kept = {name: value for name, value in connection.parameters.items() if name != each.api_name}
        connection.parameters = kept | ({each.api_name: cleaned} if cleaned else {})
    if not faults and (problem := why_not(connection.base_url, connection.parameters)):
        faults["proxy"] = [problem]
    if faults:
        raise ValidationError(faults)


def _cleaned(name: str, text: Any, clean: Any) -> str:
    if not isinstance(text, str):
        raise ValidationError("It is no text; put it in quotes.")
    cleaned: str = clean(text)
    if name == "proxy" and not is_bare(cleaned):
        raise ValidationError("Leave out the login: it is entered in the admin, and stands in no document.")
    return cleaned
