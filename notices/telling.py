"""Sends what waits: each delivery is claimed, handed over, and ended or put off, by filtered updates.

`not_before` of a claimed delivery is when others may take it up again: a sender that is killed in the middle of one
leaves it to the next sender then. So a message may come twice and is never lost; both have the same id.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from audit.before import remember
from common import clock
from common.counting import Counter
from notices.choices import State, Way
from notices.models import Channel, Delivery
from notices.need import waits_for_its_beginning, why_not
from notices.outside.answers import Answer
from notices.sending import send

log = logging.getLogger(__name__)

# What an attempt may take beside its deadline, and the clocks of two hosts may differ by.
AROUND = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=3)
MOST_ATTEMPTS = 10
AT_ONCE = 100

OUTCOMES = ("sent", "retried", "failed", "dropped")
TOLD = Counter(
    "devinsync_notifications_total",
    "Attempts to tell somebody, by what came of them. dropped: it was over before.",
    {"way": tuple(Way.values), "outcome": OUTCOMES},
)


def send_due() -> int:
    """How many deliveries were ended. A channel that fails is left alone for now, so it does not hold up the others."""
    ended = 0
    for deliveries in _due_by_channel().values():
        for delivery in deliveries:
            if not attempt(delivery):
                break
            ended += delivery.state != State.WAITING
    return ended


def attempt(delivery: Delivery) -> bool:
    """Sends it if that is still to be done. False if its channel is to be left alone for now."""
    channel, now = delivery.channel, clock.now()
    if (silent_until := channel.silent_until(now)) and not delivery.is_test:
        _put_off(delivery, silent_until)
        return True
    if not _may_go(delivery) or not _claim(delivery, now):
        return True
    return _note(delivery, send(delivery))


def send_now(delivery: Delivery) -> Answer:
    """A test, whose answer somebody waits for. One attempt, whatever comes of it."""
    delivery.attempts, delivery.not_before = 1, clock.now() + claim_time()
    delivery.save()
    answer = send(delivery)
    delivery.end(State.SENT if answer.is_taken else State.FAILED, answer.words)
    _show_on_channel(delivery.channel, answer)
    _count(delivery, "sent" if answer.is_taken else "failed")
    return answer


def try_again(delivery: Delivery) -> bool:
    """For a person's button. False if it did not fail, or waits already."""
    now = clock.now()
    remember([delivery])
    failed = Delivery.objects.filter(pk=delivery.pk, state=State.FAILED)
    again = failed.update(state=State.WAITING, not_before=now, attempts=1, ended_at=None)
    Channel.objects.filter(pk=delivery.channel_id).update(rests_until=None)
    return bool(again)


def claim_time() -> timedelta:
    deadline: timedelta = settings.NOTIFY_DEADLINE
    return deadline + AROUND


def send_soon(channel: Channel) -> None:
    """Its address has been mended, perhaps: what waits for another attempt waits no longer."""
    channel.deliveries.filter(state=State.WAITING, attempts__gt=0, answer__gt="").update(not_before=clock.now())
    Channel.objects.filter(pk=channel.pk).update(rests_until=None)


def pause_after(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * int(2 ** (attempts - 1)), LONGEST_PAUSE)


def _due_by_channel() -> dict[Channel, list[Delivery]]:
    waiting = Delivery.objects.filter(state=State.WAITING, not_before__lte=clock.now(), channel__is_enabled=True)
    due: defaultdict[Channel, list[Delivery]] = defaultdict(list)
    for delivery in waiting.select_related("channel").order_by("not_before", "created_at")[:AT_ONCE]:
        due[delivery.channel].append(delivery)
    return due


def _put_off(delivery: Delivery, until: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk, state=State.WAITING).update(not_before=until)


def _may_go(delivery: Delivery) -> bool:
    """Not what waits for another message first, nor what nobody needs any more."""
    if waits_for_its_beginning(delivery):
        _put_off(delivery, clock.now() + FIRST_PAUSE)
        return False
    if reason := why_not(delivery):
        delivery.end(State.DROPPED, reason)
        _count(delivery, "dropped")
        return False
    return True


def _claim(delivery: Delivery, now: datetime) -> bool:
    """Whether it is this process's to send: the database decides."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=State.WAITING, attempts=delivery.attempts, not_before=delivery.not_before
    )
    delivery_is_mine = mine.update(attempts=F("attempts") + 1, not_before=now + claim_time())
    if delivery_is_mine:
        delivery.attempts, delivery.not_before = delivery.attempts + 1, now + claim_time()
    return bool(delivery_is_mine)


def _note(delivery: Delivery, answer: Answer) -> bool:
    if answer.is_taken:
        delivery.end(State.SENT, answer.words)
        outcome = "sent"
    elif answer.may_pass and delivery.attempts < MOST_ATTEMPTS:
        delivery.answer, delivery.not_before = answer.words[:255], clock.now() + pause_after(delivery.attempts)
        delivery.save(update_fields=["answer", "not_before"])
        outcome = "retried"
    else:
        delivery.end(State.FAILED, answer.words)
        outcome = "failed"
    _count(delivery, outcome)
    _show_on_channel(delivery.channel, answer, rests_until=delivery.not_before if outcome == "retried" else None)
    return outcome == "sent"


def _show_on_channel(channel: Channel, answer: Answer, *, rests_until: datetime | None = None) -> None:
    changed: dict[str, object] = {"last_problem": "" if answer.is_taken else answer.words[:255]}
    changed["rests_until"] = rests_until
    if answer.is_taken:
        changed["last_sent_at"] = clock.now()
    else:
        log.warning("channel %s was not told: %s", channel.pk, answer.words)
    Channel.objects.filter(pk=channel.pk).update(**changed)


def _count(delivery: Delivery, outcome: str) -> None:
    TOLD.add(way=delivery.channel.way, outcome=outcome)
