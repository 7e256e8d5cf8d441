"""What the audit log tells of channels and rules. An address holds tokens, so it is only said to be another."""

from audit import registry
from notices.models import Channel, Delivery, Incident, Notice, Rule


def register() -> None:
    registry.register(
        Channel,
        *("name", "way", "is_enabled", "quiet_from", "quiet_until", "time_zone", "muted_until"),
        hidden={"address": "sealed_address", "secret": "sealed_secret"},
    )
    registry.register(
        Rule,
        *("channel__name", "events", "project__slug", "sync__name", "pace", "tells_end", "is_enabled"),
        place={"project": "project__slug"},
    )
    registry.register(Delivery, "subject", "state")
    # Written by what happens, not by people.
    registry.leave_out(Incident, Notice)
