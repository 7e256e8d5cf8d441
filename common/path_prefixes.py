"""The path below which a reverse proxy shows the site, in its one spelling."""

import re

# No segment that is only dots; and none that could be one of the site's own, once a proxy has taken the prefix off.
PATH = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+")
OWN_PATHS = frozenset(["admin", "api", "healthz", "hooks", "metrics", "readyz", "search", "static"])


def read_prefix(text: str) -> str:
    """`/devinsync` for `devinsync/`; "" for the root of a host. Raises ValueError."""
    path = f"/{text.strip('/')}"
    if path == "/":
        return ""
    if not PATH.fullmatch(path) or path.split("/")[1] in OWN_PATHS:
        raise ValueError("no prefix")
    return path
