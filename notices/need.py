"""Whether a message is still needed when its turn has come: what is over by then, nobody is woken for."""

from notices.choices import Pace, State
from notices.events import BY_NAME
from notices.models import Delivery, Incident, Notice

NOT_NEEDED = "It was over before anybody had been told."
NOBODY_KNOWS = "Its beginning was not told."


def waits_for_its_beginning(delivery: Delivery) -> bool:
    """The end of an incident comes after its beginning, however long that takes."""
    return any(each.delivery.state == State.WAITING for each in _beginnings_of(delivery))


def why_not(delivery: Delivery) -> str:
    """Why it is not sent at all; "" if it is. What had an attempt may have come, so the rest of it is told too."""
    if delivery.is_test or delivery.pace != Pace.AT_ONCE or delivery.attempts:
        return ""
    beginnings = _beginnings_of(delivery)
    if beginnings and all(each.delivery.state != State.SENT for each in beginnings):
        return NOBODY_KNOWS
    notices = delivery.notices.filter(is_end=False).select_related("incident")
    is_over = bool(notices) and all(_is_over(each.incident) for each in notices)
    return NOT_NEEDED if is_over and not beginnings else ""


def _is_over(incident: Incident) -> bool:
    return incident.closed_at is not None and not BY_NAME[incident.event].is_moment


def _beginnings_of(delivery: Delivery) -> list[Notice]:
    """Of the incidents whose end it tells."""
    ended = delivery.notices.filter(is_end=True).values("incident")
    told = Notice.objects.filter(incident__in=ended, channel=delivery.channel_id, is_end=False)
    return list(told.select_related("delivery"))
