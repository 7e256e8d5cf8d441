"""`/api/v1/notifications/rules`: which channel is told of what."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query

from api.auth.callers import Bearer, caller_of
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.base import with_errors
from notices.api.bodies import CreateRule, UpdateRule
from notices.api.edits import add_rule, change_rule, delete_rule
from notices.api.finding import find
from notices.api.schemas import ManyRules, OneRule, RuleOut
from notices.models import Rule

router = resource("Notifications")
VIEW = "notices.view_rule"
ADD, CHANGE, DELETE = (f"notices.{verb}_rule" for verb in ("add", "change", "delete"))
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


@router.post("", auth=Bearer(ADD), response=with_errors(OneRule, 409))
@idempotent
def create_notification_rule(request: HttpRequest, body: CreateRule) -> OneRule:
    """Lets a channel be told of these events, from now on."""
    return one(add_rule(caller_of(request), body))


@router.get("/{rule_id}", auth=Bearer(VIEW), response=with_errors(OneRule))
def get_notification_rule(request: HttpRequest, rule_id: RuleId) -> OneRule:
    """A rule by its ID."""
    return one(find(ROWS, rule_id))


@router.patch("/{rule_id}", auth=Bearer(CHANGE), response=with_errors(OneRule))
def update_notification_rule(request: HttpRequest, rule_id: RuleId, body: UpdateRule) -> OneRule:
    """Changes what is sent."""
    return one(change_rule(caller_of(request), find(ROWS, rule_id), body))


@router.delete("/{rule_id}", auth=Bearer(DELETE), response=with_errors(OneRule))
def delete_notification_rule(request: HttpRequest, rule_id: RuleId) -> OneRule:
    """Deletes a rule: its channel is told no more by it."""
    rule = find(ROWS, rule_id)
    answer = one(rule)
    delete_rule(caller_of(request), rule)
    return answer
