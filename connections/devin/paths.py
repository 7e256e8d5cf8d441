"""An ID as one segment of a path."""

from urllib.parse import quote

from connections.devin.errors import NotFound


def segment(text: str) -> str:
    # These would lead to another route, also when quoted.
    if text in ("", ".", ".."):
        raise NotFound(f"Devin has nothing whose ID is “{text}”. Check the organization ID.")
    return quote(text, safe="")
