"""Which channels are told of an incident, when and together with what: rules in, deliveries out. In the transaction of
the incident itself."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from notices.choices import Pace, State
from notices.models import Channel, Delivery, Incident, Notice, Rule

# More than these at once are one message, or a few: an outage of Devin fails all syncs within seconds.
MOST_AT_ONCE = 5
MOST_TOGETHER = 25
# Nor is anybody told more often in an hour, however things come and go: the rest comes together at the full hour.
MOST_AN_HOUR = 30
DAILY_AT = time(8)
SOONEST = (Pace.AT_ONCE, Pace.HOURLY, Pace.DAILY)


def ask_for(incidents: Sequence[Incident], *, is_end: bool, now: datetime) -> None:
    if not incidents:
        return
    notices = _ends(incidents) if is_end else _beginnings(incidents)
    for (channel, pace), together in notices.items():
        if pace != Pace.AT_ONCE or _has_heard_enough(channel, now):
            _put(together, _waiting(channel, pace if pace != Pace.AT_ONCE else Pace.HOURLY, now))
        else:
            size = MOST_TOGETHER if len(together) > MOST_AT_ONCE else 1
            for start in range(0, len(together), size):
                _put(together[start : start + size], _new(channel, Pace.AT_ONCE, now))


def _beginnings(incidents: Sequence[Incident]) -> dict[tuple[Channel, Pace], list[Notice]]:
    rules = list(Rule.objects.filter(is_enabled=True, channel__is_enabled=True).select_related("channel"))
    found: defaultdict[tuple[Channel, Pace], list[Notice]] = defaultdict(list)
    for incident in incidents:
        covering: defaultdict[Channel, list[Rule]] = defaultdict(list)
        for rule in rules:
            if rule.covers(incident):
                covering[rule.channel].append(rule)
        for channel, chosen in covering.items():
            pace = min((Pace(rule.pace) for rule in chosen), key=SOONEST.index)
            wants_end = any(rule.tells_end for rule in chosen)
            found[channel, pace].append(Notice(incident=incident, channel=channel, wants_end=wants_end))
    return found


def _ends(incidents: Sequence[Incident]) -> dict[tuple[Channel, Pace], list[Notice]]:
    """By the channels that are told of the beginning, at its pace."""
    found: defaultdict[tuple[Channel, Pace], list[Notice]] = defaultdict(list)
    told = Notice.objects.filter(incident__in=incidents, is_end=False, wants_end=True)
    for notice in told.select_related("delivery", "channel", "incident"):
        # What it began with waits in the same message, which then says that it is over.
        if notice.delivery.pace == Pace.AT_ONCE or notice.delivery.state != State.WAITING:
            key = (notice.channel, Pace(notice.delivery.pace))
            found[key].append(Notice(incident=notice.incident, channel=notice.channel, is_end=True))
    return found


def _put(notices: list[Notice], delivery: Delivery) -> None:
    for notice in notices:
        notice.delivery = delivery
    Notice.objects.bulk_create(notices)
    count = delivery.notices.count()
    first = notices[0].incident
    delivery.subject = (subject_of(first, is_end=notices[0].is_end) if count == 1 else f"{count} messages")[:255]
    delivery.save(update_fields=["subject"])


def subject_of(incident: Incident, *, is_end: bool) -> str:
    return f"Over: {incident.title}" if is_end else incident.title


def _new(channel: Channel, pace: Pace, at: datetime) -> Delivery:
    return Delivery.objects.create(channel=channel, pace=pace, not_before=at)


def _waiting(channel: Channel, pace: Pace, now: datetime) -> Delivery:
    """The one that gathers, unless somebody has begun to send it."""
    waiting = Delivery.objects.select_for_update().filter(channel=channel, pace=pace, state=State.WAITING, attempts=0)
    return waiting.first() or _new(channel, pace, _next(pace, ZoneInfo(channel.time_zone), now))


def _has_heard_enough(channel: Channel, now: datetime) -> bool:
    lately = channel.deliveries.filter(pace=Pace.AT_ONCE, is_test=False, created_at__gt=now - timedelta(hours=1))
    return lately.exclude(state=State.DROPPED).count() >= MOST_AN_HOUR


def _next(pace: Pace, zone: ZoneInfo, now: datetime) -> datetime:
    here = now.astimezone(zone)
    if pace == Pace.HOURLY:
        return here.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    today = datetime.combine(here.date(), DAILY_AT, zone)
    return today if today > here else datetime.combine(here.date() + timedelta(days=1), DAILY_AT, zone)
