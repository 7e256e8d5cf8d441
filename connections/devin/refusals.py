"""What a refusal (403) in an organization is for: asked of Devin by `/v3/self`, which every key may call."""

from connections.devin.client import DevinClient
from connections.devin.errors import DevinError, Forbidden, Unauthorized


def why_forbidden(client: DevinClient, org_id: str, *, connection: str) -> str:
    """A sentence with what to do; "" where only that it was refused is known. Sends one request, raises nothing."""
    try:
        key = client.get_self()
    except (Forbidden, Unauthorized) as error:
        return error.message if error.reason else ""
    except DevinError:
        return ""
    if not key.org_id:
        return ""
    if key.org_id != org_id:
        return (
            f"the API key of connection “{connection}” is of the organization {key.org_id} alone (403). Choose a "
            "connection with a key of this one, or correct the organization ID."
        )
    return (
        f"the API key of connection “{connection}” is of this organization and lacks a permission (403). Give its "
        "service user the permission ManageOrgSecrets."
    )
