"""The words for channels, rules and deliveries."""

from django.db.models import TextChoices


class Way(TextChoices):
    MAIL = "mail", "Mail"
    SERVICE = "service", "Chat or on-call service"
    WEBHOOK = "webhook", "Webhook of your own"


class Pace(TextChoices):
    AT_ONCE = "at_once", "At once"
    HOURLY = "hourly", "Together, once an hour"
    DAILY = "daily", "Together, once a day at 08:00"


class State(TextChoices):
    """Of a delivery. `dropped`: what it was to tell was over before anybody had been told."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "Not needed"
