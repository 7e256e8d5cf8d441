"""What pages and the API do with channels. The first one comes with a rule, a webhook with a secret that signs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from common import clock
from notices.choices import Way
from notices.events import FIRST
from notices.forms import ChannelForm
from notices.models import Channel, Delivery, Rule
from notices.telling import send_soon

MUTED_FOR = timedelta(hours=1)
# What a form changes: not what became of messages meanwhile.
OWN = ("name", "is_enabled", "quiet_from", "quiet_until", "time_zone")
OF_ADDRESS = ("sealed_address", "shown_address", "last_problem")


@dataclass(frozen=True)
class Made:
    """`secret`, of a webhook alone, is to be shown this once; `rule` comes with the first channel."""

    channel: Channel
    secret: str = field(repr=False)
    rule: Rule | None


def add_channel(channel: Channel) -> Made:
    is_first = not Channel.objects.exists()
    secret = channel.renew_secret() if channel.way == Way.WEBHOOK else ""
    channel.save()
    rule = Rule.objects.create(channel=channel, events=list(FIRST)) if is_first else None
    return Made(channel, secret, rule)


def change_channel(channel: Channel, form: ChannelForm) -> None:
    """As the form has filled it. Another address is tried at once."""
    if form.cleaned_data.get("address"):
        channel.save(update_fields=[*OWN, *OF_ADDRESS])
        send_soon(channel)
    else:
        channel.save(update_fields=OWN)


def mute(channel: Channel) -> None:
    """For an hour, or no longer."""
    channel.muted_until = clock.now() + MUTED_FOR
    channel.save(update_fields=["muted_until"])


def end_mute(channel: Channel) -> None:
    channel.muted_until = None
    channel.save(update_fields=["muted_until"])


def renew_secret(channel: Channel) -> str:
    """Another one, to be shown this once; messages are signed with it from now on."""
    secret = channel.renew_secret()
    channel.save(update_fields=["sealed_secret"])
    return secret


def what_goes_with(channels: Sequence[Channel]) -> dict[str, int]:
    """Counted: nobody deletes deliveries one by one, and there may be thousands."""
    return {
        "rules": Rule.objects.filter(channel__in=channels).count(),
        "deliveries": Delivery.objects.filter(channel__in=channels).count(),
    }
