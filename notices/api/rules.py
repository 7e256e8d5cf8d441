"""`/api/v1/notifications/rules`: which channel is told of what."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query

from api.auth.callers import Bearer
from api.resources import resource
from api.resources.base import with_errors
from notices.api.finding import find
from notices.api.schemas import ManyRules, OneRule, RuleOut
from notices.models import Rule

router = resource("Notifications")
VIEW = "notices.view_rule"
ROWS = Rule.objects.select_related("channel")
RuleId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]
OfChannel = Annotated[UUID | None, Query(None, alias="channelId", description="Only the rules of this channel.")]


def one(rule: Rule) -> OneRule:
    return OneRule(rule=RuleOut.of(rule))


@router.get("", auth=Bearer(VIEW), response=with_errors(ManyRules))
def list_notification_rules(request: HttpRequest, channel_id: OfChannel) -> ManyRules:
    """All rules, or those of a channel."""
    rows = ROWS.filter(channel=channel_id) if channel_id else ROWS.all()
    return ManyRules(rules=[RuleOut.of(rule) for rule in rows])


@router.get("/{rule_id}", auth=Bearer(VIEW), response=with_errors(OneRule))
def get_notification_rule(request: HttpRequest, rule_id: RuleId) -> OneRule:
    """A rule by its ID."""
    return one(find(ROWS, rule_id))
