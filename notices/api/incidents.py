"""`/api/v1/notifications/incidents`: what happened, and who was told of it. Read only."""

from typing import Annotated, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from api.auth.callers import Bearer
from api.http.queries import Moment
from api.resources import resource
from api.resources.base import with_errors
from notices.api.finding import PageQuery, find
from notices.api.schemas import IncidentOut, ManyIncidents, OneIncident
from notices.api.words import EventName
from notices.models import Incident

router = resource("Notifications")
VIEW = "notices.view_incident"
ROWS = Incident.objects.prefetch_related("notices__delivery__channel")


class IncidentQuery(PageQuery):
    event: EventName | None = Field(None, description="What happened.")
    state: Literal["open", "over"] | None = Field(None, description="Only those that are open, or over.")
    project_id: UUID | None = Field(None, description="Only those of a project and its syncs.")
    sync_id: UUID | None = Field(None, description="Only those of a sync.")
    since: Moment | None = Field(None, description="None that began before this moment.")
    until: Moment | None = Field(None, description="Only those that began before this moment.")

    def chosen(self) -> QuerySet[Incident]:
        wanted = {
            "event": self.event,
            "closed_at__isnull": None if self.state is None else self.state == "open",
            "project_id": self.project_id,
            "sync_id": self.sync_id,
            "opened_at__gte": self.since,
            "opened_at__lt": self.until,
        }
        return ROWS.filter(**{lookup: value for lookup, value in wanted.items() if value is not None})


@router.get("", auth=Bearer(VIEW), response=with_errors(ManyIncidents))
def list_notification_incidents(request: HttpRequest, query: Annotated[IncidentQuery, Query()]) -> ManyIncidents:
    """Incidents, the newest first, each with the channels that are told of it."""
    rows, cursor = query.page(query.chosen(), by="opened_at")
    return ManyIncidents(incidents=[IncidentOut.of(incident) for incident in rows], next_cursor=cursor)


@router.get("/{incident_id}", auth=Bearer(VIEW), response=with_errors(OneIncident))
def get_notification_incident(request: HttpRequest, incident_id: UUID) -> OneIncident:
    """An incident by its ID."""
    return OneIncident(incident=IncidentOut.of(find(ROWS, incident_id)))
