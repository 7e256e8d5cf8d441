"""The enterprise of the demo: a connection whose key opens every organization of the sandbox and may list them."""

from connections.models import Connection
from connections.organizations import refresh
from demo.sample import ensure_connection

CONNECTION, API_KEY = "devin-sandbox-fleet", "cog_sandbox_fleet"


def ensure_fleet(base_url: str) -> Connection:
    """The connection with its organizations known by name. Raises ConnectionFailed."""
    connection = ensure_connection(
        base_url, name=CONNECTION, api_key=API_KEY, description="The enterprise that the demo's stand-in holds"
    )
    refresh(connection)
    return connection
