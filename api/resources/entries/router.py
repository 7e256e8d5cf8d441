"""`/api/v1/audit`: the audit log, for those who may see it on its page."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer
from api.resources import resource
from api.resources.base import with_errors
from api.resources.entries.schemas import EntryQuery, ManyEntries

router = resource("Audit log")


@router.get("", auth=Bearer("audit.view_entry"), response=with_errors(ManyEntries))
def list_audit_entries(request: HttpRequest, query: Annotated[EntryQuery, Query()]) -> ManyEntries:
    """Who did what, to what, from where; never a value. Without `order=oldest`, the newest line first."""
    return query.page()
