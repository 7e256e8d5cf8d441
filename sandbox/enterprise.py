"""The routes of an enterprise: its organizations and its audit log, by pages.

`GET /v3/enterprise/organizations?first=1..200&after=` is from Cognition's OpenAPI document; it takes the permission
ManageOrganizations, which no key of one organization has. Where the audit logs are from, `audit` says.
"""

from sandbox.directory import Directory
from sandbox.organization import Organization
from sandbox.query import CursorUnknown, asked_for
from sandbox.settings import Settings

ORGANIZATIONS, AUDIT_LOGS = "/v3/enterprise/organizations", "/v3/enterprise/audit-logs"
ROUTES = (ORGANIZATIONS, AUDIT_LOGS)
NO_PERMISSION = "Missing the permission ManageOrganizations in this enterprise"
NO_AUDIT_LOG = "Missing the permission ManageEnterpriseSettings"


def list_organizations(directory: Directory, settings: Settings, query: str) -> dict[str, object]:
    """A page after the organization that `after` names, in the order in which they were declared."""
    first, after = asked_for(query)
    all_ids = [organization.org_id for organization in directory.organizations()]
    if after and after not in all_ids:
        raise CursorUnknown
    start, size = all_ids.index(after) + 1 if after else 0, min(first, settings.page_size or first)
    shown = directory.organizations()[start : start + size]
    has_next_page = start + size < len(all_ids)
    return {
        "items": [as_item(organization) for organization in shown],
        "end_cursor": shown[-1].org_id if has_next_page else None,
        "has_next_page": has_next_page,
        "total": len(all_ids) if settings.totals else None,
    }


def as_item(organization: Organization) -> dict[str, object]:
    return {
        "org_id": organization.org_id,
        "name": organization.name,
        "created_at": organization.created_at,
        "updated_at": organization.created_at,
        "max_cycle_acu_limit": None,
        "max_session_acu_limit": None,
    }
