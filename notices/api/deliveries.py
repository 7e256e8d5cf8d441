"""`/api/v1/notifications/deliveries`: what became of each message."""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from api.auth.callers import Bearer, caller_of
from api.http.errors import BadRequest
from api.http.queries import Moment
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import with_errors
from notices.api.finding import PageQuery, find
from notices.api.schemas import DeliveryDetail, DeliveryOut, ManyDeliveries, OneDelivery, ToldOf
from notices.choices import State
from notices.models import Delivery, Notice
from notices.telling import try_again

router = resource("Notifications")
VIEW, CHANGE = "notices.view_delivery", "notices.change_delivery"
ROWS = Delivery.objects.select_related("channel")


class DeliveryQuery(PageQuery):
    channel_id: UUID | None = Field(None, description="Only those to a channel.")
    state: State | None = Field(None, description="What became of it.")
    incident_id: UUID | None = Field(None, description="Only those that tell of an incident.")
    since: Moment | None = Field(None, description="None that was made before this moment.")
    until: Moment | None = Field(None, description="Only those that were made before this moment.")

    def chosen(self) -> QuerySet[Delivery]:
        about = Notice.objects.filter(incident=self.incident_id).values("delivery") if self.incident_id else None
        wanted = {
            "channel": self.channel_id,
            "state": self.state,
            "pk__in": about,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
        }
        return ROWS.filter(**{lookup: value for lookup, value in wanted.items() if value is not None})


def one(delivery: Delivery) -> OneDelivery:
    notices = delivery.notices.select_related("incident")
    detail = DeliveryDetail.of(delivery).model_copy(update={"incidents": [ToldOf.of(notice) for notice in notices]})
    return OneDelivery(delivery=detail)


@router.get("", auth=Bearer(VIEW), response=with_errors(ManyDeliveries))
def list_notification_deliveries(request: HttpRequest, query: Annotated[DeliveryQuery, Query()]) -> ManyDeliveries:
    """Messages to channels, the newest first, each with what came of it."""
    rows, cursor = query.page(query.chosen(), by="created_at")
    return ManyDeliveries(deliveries=[DeliveryOut.of(delivery) for delivery in rows], next_cursor=cursor)


@router.get("/{delivery_id}", auth=Bearer(VIEW), response=with_errors(OneDelivery))
def get_notification_delivery(request: HttpRequest, delivery_id: UUID) -> OneDelivery:
    """A message by its ID, with what it tells of."""
    return one(find(ROWS, delivery_id))


@router.post("/{delivery_id}/retry", auth=Bearer(CHANGE), response=with_errors(OneDelivery))
def retry_notification_delivery(request: HttpRequest, delivery_id: UUID) -> OneDelivery:
    """Sends a message that failed once more, within seconds: ask for it again to see what came of it."""
    delivery = find(ROWS, delivery_id)
    with transaction.atomic():
        if not try_again(delivery):
            raise BadRequest("This message did not fail, or waits already.")
        note_changed(caller_of(request), delivery, detail=f"Tried again, to {delivery.channel}")
    return one(find(ROWS, delivery_id))
