"""Channels, rules, incidents and deliveries as they are answered. The address of a channel is not: it holds tokens."""

from datetime import time
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.resources.base import EXAMPLE_ID, EXAMPLE_TIME, Answer, Timestamp, one_of
from common import clock
from notices.asking import subject_of
from notices.choices import Pace, State, Way
from notices.events import BY_NAME
from notices.messages import url_of
from notices.models import Channel, Delivery, Incident, Notice, Rule

EXAMPLE_TITLE = "Sync “my-devin-sync” failed"
Id = Annotated[UUID, Field(examples=[EXAMPLE_ID])]
ChannelName = Annotated[str, Field(examples=["On-call"])]


def _clock_face(at: time | None) -> str | None:
    return f"{at:%H:%M}" if at else None


class ChannelOut(Answer):
    id: Id
    name: ChannelName
    way: Annotated[str, one_of(*Way.values)]
    shown_address: str = Field(
        examples=["hooks.example.com"],
        description="What may be shown of the address, which is never answered: the recipients of mail, the name of "
        "the service, the host of the webhook.",
    )
    is_enabled: bool
    quiet_from: str | None = Field(examples=["22:00"], description="Of the quiet hours, in the channel's time zone.")
    quiet_until: str | None = Field(examples=["07:00"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    muted_until: Timestamp | None = Field(description="null: it is not muted.")
    last_sent_at: Timestamp | None
    last_problem: str | None = Field(
        examples=["404 Not Found"], description="What came of the last attempt, if that failed."
    )
    created_at: Timestamp

    @classmethod
    def of(cls, channel: Channel) -> Self:
        is_muted = channel.muted_until is not None and channel.muted_until > clock.now()
        return cls(
            id=channel.id,
            name=channel.name,
            way=channel.way,
            shown_address=channel.shown_address,
            is_enabled=channel.is_enabled,
            quiet_from=_clock_face(channel.quiet_from),
            quiet_until=_clock_face(channel.quiet_until),
            time_zone=channel.time_zone,
            muted_until=channel.muted_until if is_muted else None,
            last_sent_at=channel.last_sent_at,
            last_problem=channel.last_problem or None,
            created_at=channel.created_at,
        )


class OneChannel(Answer):
    channel: ChannelOut


class ManyChannels(Answer):
    channels: list[ChannelOut]


class RuleOut(Answer):
    """Of one project, of one sync or, where both are null, of everything."""

    id: int = Field(examples=[1])
    channel_id: Id
    channel_name: ChannelName
    events: list[Annotated[str, one_of(*BY_NAME)]]
    project_id: UUID | None
    sync_id: UUID | None
    pace: Annotated[str, one_of(*Pace.values)]
    tells_end: bool = Field(description="Whether the channel is told too when it is over.")
    is_enabled: bool

    @classmethod
    def of(cls, rule: Rule) -> Self:
        return cls(
            id=rule.pk,
            channel_id=rule.channel_id,
            channel_name=rule.channel.name,
            events=rule.events,
            project_id=rule.project_id,
            sync_id=rule.sync_id,
            pace=rule.pace,
            tells_end=rule.tells_end,
            is_enabled=rule.is_enabled,
        )


class NewChannel(Answer):
    channel: ChannelOut
    signing_secret: str | None = Field(
        repr=False,
        examples=["xq2yJ8vEJ1o0WbS7b1k5oY0mT9sYw7m2h5o6b3r8c1A"],
        description="Signs the messages of a webhook. Answered this once; null for other ways.",
    )
    rule: RuleOut | None = Field(description="What the first channel is told of; null for others.")


class RenewedSecret(Answer):
    channel: ChannelOut
    signing_secret: str = Field(
        repr=False,
        examples=["xq2yJ8vEJ1o0WbS7b1k5oY0mT9sYw7m2h5o6b3r8c1A"],
        description="Signs its messages from now on. Answered this once.",
    )


class OneRule(Answer):
    rule: RuleOut


class ManyRules(Answer):
    rules: list[RuleOut]


class Told(Answer):
    """A channel that is told of an incident, by which delivery, and what became of it."""

    channel_id: Id
    channel_name: ChannelName
    delivery_id: Id
    delivery_state: Annotated[str, one_of(*State.values)]
    is_end: bool = Field(description="Whether it is told that it is over.")

    @classmethod
    def of(cls, notice: Notice) -> Self:
        delivery = notice.delivery
        return cls(
            channel_id=delivery.channel_id,
            channel_name=delivery.channel.name,
            delivery_id=delivery.pk,
            delivery_state=delivery.state,
            is_end=notice.is_end,
        )


class IncidentOut(Answer):
    id: Id
    event: str = Field(examples=["failed"])
    state: Annotated[str, one_of("open", "over")]
    title: str = Field(examples=[EXAMPLE_TITLE])
    text: str = Field(examples=["1 key could not be written: DB_URL."], description="Why, as the message says it.")
    end_text: str = Field(examples=["A run succeeded."], description="How it ended.")
    link: str | None = Field(
        examples=["https://devinsync.example.com/admin/"], description="The page where a person goes on."
    )
    project_id: UUID | None
    sync_id: UUID | None
    began_at: Timestamp
    ended_at: Timestamp | None = Field(examples=[EXAMPLE_TIME])
    told: list[Told]

    @classmethod
    def of(cls, incident: Incident) -> Self:
        return cls(
            id=incident.id,
            event=incident.event,
            state="over" if incident.closed_at else "open",
            title=incident.title,
            text=incident.text,
            end_text=incident.end_text,
            link=url_of(incident.link) if incident.link else None,
            project_id=incident.project_id,
            sync_id=incident.sync_id,
            began_at=incident.opened_at,
            ended_at=incident.closed_at,
            told=[Told.of(notice) for notice in incident.notices.all()],
        )


class OneIncident(Answer):
    incident: IncidentOut


class ManyIncidents(Answer):
    incidents: list[IncidentOut]
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page.")


class DeliveryOut(Answer):
    """One message to one channel, with all attempts."""

    id: Id
    channel_id: Id
    channel_name: ChannelName
    state: Annotated[str, one_of(*State.values)] = Field(
        description="`dropped`: what it was to tell was over before anybody had been told."
    )
    title: str = Field(examples=[EXAMPLE_TITLE])
    is_test: bool
    pace: Annotated[str, one_of(*Pace.values)]
    attempts: int = Field(examples=[1])
    answer: str | None = Field(examples=["200 OK: taken"], description="What came of the last attempt, and why.")
    created_at: Timestamp
    next_attempt_at: Timestamp | None = Field(description="Only of one that waits.")
    ended_at: Timestamp | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            channel_id=delivery.channel_id,
            channel_name=delivery.channel.name,
            state=delivery.state,
            title=str(delivery),
            is_test=delivery.is_test,
            pace=delivery.pace,
            attempts=delivery.attempts,
            answer=delivery.answer or None,
            created_at=delivery.created_at,
            next_attempt_at=delivery.not_before if delivery.state == State.WAITING else None,
            ended_at=delivery.ended_at,
        )


class ToldOf(Answer):
    incident_id: Id
    title: str = Field(examples=[EXAMPLE_TITLE])
    is_end: bool = Field(description="Whether it tells that it is over.")

    @classmethod
    def of(cls, notice: Notice) -> Self:
        title = subject_of(notice.incident, is_end=notice.is_end)
        return cls(incident_id=notice.incident_id, title=title, is_end=notice.is_end)


class DeliveryDetail(DeliveryOut):
    incidents: list[ToldOf] = Field([], description="What it tells of; none of a test.")


class OneDelivery(Answer):
    delivery: DeliveryDetail


class ManyDeliveries(Answer):
    deliveries: list[DeliveryOut]
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page.")
