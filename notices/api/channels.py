"""`/api/v1/notifications/channels`: the ways to people."""

from uuid import UUID

from django.http import HttpRequest

from api.auth.callers import Bearer
from api.resources import resource
from api.resources.base import with_errors
from notices.api.finding import find
from notices.api.schemas import ChannelOut, ManyChannels, OneChannel
from notices.models import Channel

router = resource("Notifications")
VIEW = "notices.view_channel"


def one(channel: Channel) -> OneChannel:
    return OneChannel(channel=ChannelOut.of(channel))


@router.get("", auth=Bearer(VIEW), response=with_errors(ManyChannels))
def list_notification_channels(request: HttpRequest) -> ManyChannels:
    """All channels, by name, without their addresses."""
    return ManyChannels(channels=[ChannelOut.of(channel) for channel in Channel.objects.all()])


@router.get("/{channel_id}", auth=Bearer(VIEW), response=with_errors(OneChannel))
def get_notification_channel(request: HttpRequest, channel_id: UUID) -> OneChannel:
    """A channel by its ID, without its address."""
    return one(find(Channel.objects.all(), channel_id))
