"""DATABASE_URL as Django takes it, with the several hosts of a cluster of which one server writes.

    postgresql://devinsync@db1,db2:5433/devinsync       db1 on 5432, db2 on 5433
    postgresql://devinsync@/devinsync?host=db1,db2      the same without a port

libpq tries them in their order (section "Specifying Multiple Hosts" of its manual). It would stay with a standby that
answers first, so unless the address says otherwise only a server that writes will do, and one that is silent is left
for the next within seconds.
"""

import re
from typing import Any

DATABASES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")
OF_SEVERAL = {"target_session_attrs": "read-write", "connect_timeout": 3}
USUAL_PORT = "5432"
AUTHORITY = re.compile(r"[^:/?#]+://(?P<authority>[^/?#]*)")
# An address of IPv6 stands in brackets.
PLACE = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")


def read_database_url(text: str) -> dict[str, Any]:
    """Raises ValueError for what is no address of a PostgreSQL or SQLite database."""
    import environ

    found: dict[str, Any] = environ.Env.db_url_config(text)
    if found.get("ENGINE") not in DATABASES:
        raise ValueError
    if found["ENGINE"] == "django.db.backends.postgresql":
        found |= _several(text)
        given = found.get("OPTIONS", {})
        if "," in f"{found['HOST']}{given.get('host', '')}":
            found["OPTIONS"] = OF_SEVERAL | given
    return found


def _several(text: str) -> dict[str, str]:
    """Hosts and ports, as many of these as of those; nothing where there is one host."""
    found = AUTHORITY.match(text)
    hosts = found["authority"].rpartition("@")[2].split(",") if found else []
    if len(hosts) < 2:
        return {}
    places = [PLACE.fullmatch(host) for host in hosts]
    if None in places:
        raise ValueError
    known = [place for place in places if place]
    return {
        "HOST": ",".join(place["address"] or place["name"] for place in known),
        "PORT": ",".join(place["port"] or USUAL_PORT for place in known),
    }
