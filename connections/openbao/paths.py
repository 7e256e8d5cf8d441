"""Paths of the API of Vault and OpenBao: what can be a name in one, and how it stands in a URL. Pure."""

import re
from urllib.parse import quote

# Control characters, and halves of surrogate pairs, which can be written nowhere.
UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def is_name(text: str) -> bool:
    """Whether this can be one name of a path: the server joins what stands between slashes, and takes dots for ways."""
    return text not in ("", ".", "..") and "/" not in text and not UNWRITABLE.search(text)


def quoted(path: str) -> str:
    """A path for a URL, each of its names as it is."""
    return "/".join(quote(name, safe="") for name in path.split("/"))
