"""Who is told, in the admin: channels, rules, what happened, and what became of each message."""

from notices.admin.channels import ChannelAdmin
from notices.admin.history import DeliveryAdmin, IncidentAdmin
from notices.admin.rules import RuleAdmin

__all__ = ["ChannelAdmin", "DeliveryAdmin", "IncidentAdmin", "RuleAdmin"]
