"""`/api/v1/notifications/channels`: the ways to people."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from api.auth.callers import Bearer, caller_of
from api.http.errors import BadRequest
from api.http.idempotency import idempotent
from api.http.waiting import holding_a_thread
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import with_errors
from notices import editing
from notices.api import deliveries
from notices.api.bodies import CreateChannel, UpdateChannel
from notices.api.edits import add_channel, change_channel, delete_channel
from notices.api.finding import find
from notices.api.schemas import ChannelOut, ManyChannels, NewChannel, OneChannel, OneDelivery, RenewedSecret, RuleOut
from notices.choices import Way
from notices.models import Channel, Delivery
from notices.telling import send_now

router = resource("Notifications")
VIEW = "notices.view_channel"
ADD, CHANGE, DELETE = (f"notices.{verb}_channel" for verb in ("add", "change", "delete"))


def one(channel: Channel) -> OneChannel:
    return OneChannel(channel=ChannelOut.of(channel))


@router.get("", auth=Bearer(VIEW), response=with_errors(ManyChannels))
def list_notification_channels(request: HttpRequest) -> ManyChannels:
    """All channels, by name, without their addresses."""
    return ManyChannels(channels=[ChannelOut.of(channel) for channel in Channel.objects.all()])


@router.post("", auth=Bearer(ADD), response=with_errors(NewChannel, 409))
@idempotent
def create_notification_channel(request: HttpRequest, body: CreateChannel) -> NewChannel:
    """Creates a channel. The first one comes with a `rule`, and a webhook with the `signingSecret`, answered this once.
    Nothing is sent: send a test."""
    made = add_channel(caller_of(request), body)
    rule = RuleOut.of(made.rule) if made.rule else None
    return NewChannel(channel=ChannelOut.of(made.channel), signing_secret=made.secret or None, rule=rule)


@router.get("/{channel_id}", auth=Bearer(VIEW), response=with_errors(OneChannel))
def get_notification_channel(request: HttpRequest, channel_id: UUID) -> OneChannel:
    """A channel by its ID, without its address."""
    return one(find(Channel.objects.all(), channel_id))


@router.patch("/{channel_id}", auth=Bearer(CHANGE), response=with_errors(OneChannel, 409))
def update_notification_channel(request: HttpRequest, channel_id: UUID, body: UpdateChannel) -> OneChannel:
    """Changes what is sent. What waits for another attempt is sent to a new address at once."""
    return one(change_channel(caller_of(request), find(Channel.objects.all(), channel_id), body))


@router.delete("/{channel_id}", auth=Bearer(DELETE), response=with_errors(OneChannel))
def delete_notification_channel(request: HttpRequest, channel_id: UUID) -> OneChannel:
    """Deletes a channel with its rules and the list of what it was sent."""
    channel = find(Channel.objects.all(), channel_id)
    answer = one(channel)
    delete_channel(caller_of(request), channel)
    return answer


@router.post("/{channel_id}/test", auth=Bearer(CHANGE), response=with_errors(OneDelivery, 409))
@idempotent
def test_notification_channel(request: HttpRequest, channel_id: UUID) -> OneDelivery:
    """Sends a test now, muted or not, and answers the delivery: `sent` or `failed`, and the other side's `answer`."""
    channel = find(Channel.objects.all(), channel_id)
    with holding_a_thread():
        delivery = Delivery(channel=channel, is_test=True, subject="Test")
        answer = send_now(delivery)
    note_changed(caller_of(request), channel, detail=f"Sent a test ({answer.words})")
    return deliveries.one(delivery)


@router.post("/{channel_id}/mute", auth=Bearer(CHANGE), response=with_errors(OneChannel))
def mute_notification_channel(request: HttpRequest, channel_id: UUID) -> OneChannel:
    """Sends nothing to a channel for an hour."""
    channel = find(Channel.objects.all(), channel_id)
    with transaction.atomic():
        editing.mute(channel)
        note_changed(caller_of(request), channel, detail="Muted for an hour")
    return one(channel)


@router.post("/{channel_id}/unmute", auth=Bearer(CHANGE), response=with_errors(OneChannel))
def unmute_notification_channel(request: HttpRequest, channel_id: UUID) -> OneChannel:
    """Ends the mute of a channel."""
    channel = find(Channel.objects.all(), channel_id)
    with transaction.atomic():
        editing.end_mute(channel)
        note_changed(caller_of(request), channel, detail="No longer muted")
    return one(channel)


@router.post("/{channel_id}/renew-secret", auth=Bearer(CHANGE), response=with_errors(RenewedSecret))
def renew_notification_channel_secret(request: HttpRequest, channel_id: UUID) -> RenewedSecret:
    """Gives a webhook another `signingSecret`, answered this once. Its messages are signed with it from now on."""
    channel = find(Channel.objects.all(), channel_id)
    if channel.way != Way.WEBHOOK:
        raise BadRequest(f"The channel {channel} is no webhook: its messages are not signed.")
    with transaction.atomic():
        secret = editing.renew_secret(channel)
        note_changed(caller_of(request), channel, detail="Made a new secret")
    return RenewedSecret(channel=ChannelOut.of(channel), signing_secret=secret)
