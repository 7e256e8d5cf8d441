"""Channels and rules as they are sent. What they must be like is for the forms of the pages to say."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.http.forms import Switch
from api.resources.base import EXAMPLE_ID, StrictRequest, left_out
from notices.api.words import EventName
from notices.choices import Pace, Way
from notices.forms import LONGEST

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["On-call"])
]
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    Field(
        examples=["oncall@example.com"],
        repr=False,
        description="Mail: addresses, one a line. Service: its address as Apprise writes it, such as slack://…. "
        "Webhook: the https address that takes the message. Sealed, and never answered.",
    ),
]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Field(examples=["22:00"])]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(examples=["Europe/Berlin"])]
Events = Annotated[
    list[EventName], Field(min_length=1, max_length=100, examples=[["failed", "blocked"]], description="Of what.")
]
OfProject = Annotated[UUID, Field(examples=[EXAMPLE_ID])]


class ChannelSettings(StrictRequest):
    is_enabled: Switch = left_out(description="A disabled channel is told nothing.")
    quiet_from: Clock | None = left_out(description="From then on nothing is sent; null: there are no quiet hours.")
    quiet_until: Clock | None = left_out(description="Until then.")
    time_zone: Zone = left_out(description="Of the quiet hours.")


class CreateChannel(ChannelSettings):
    name: Name
    way: Way
    address: Address


class UpdateChannel(ChannelSettings):
    name: Name = left_out()
    way: Way = left_out(description="Stays as it is.")
    address: Address = left_out()


class RuleSettings(StrictRequest):
    project_id: OfProject | None = left_out(description="Only of this project; null: of all.")
    sync_id: OfProject | None = left_out(description="Only of this sync; null: of all.")
    pace: Pace = left_out(description="At once, or together once an hour or a day.")
    tells_end: Switch = left_out(description="Whether the channel is told too when it is over.")
    is_enabled: Switch = left_out()


class CreateRule(RuleSettings):
    channel_id: Annotated[UUID, Field(examples=[EXAMPLE_ID])]
    events: Events


class UpdateRule(RuleSettings):
    channel_id: Annotated[UUID, Field(examples=[EXAMPLE_ID])] = left_out()
    events: Events = left_out()
