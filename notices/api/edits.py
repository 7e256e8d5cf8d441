"""Changes channels and rules by the forms of their pages, which say what is wrong, with a line in the log for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError, transaction
from django.forms import ModelForm, model_to_dict

from api.auth.callers import Caller
from api.http.errors import Conflict, Unprocessable, issue
from api.http.waiting import holding_a_thread
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import StrictRequest
from notices import editing
from notices.api.bodies import CreateChannel, CreateRule, UpdateChannel, UpdateRule
from notices.api.finding import find
from notices.choices import Way
from notices.editing import Made
from notices.forms import ChannelForm, RuleForm
from notices.models import Channel, Rule
from notices.sending import service_at

# Fields of forms, by what bodies call them, where that is not the same in camelCase.
FIELDS = {"project_id": "project", "sync_id": "sync", "channel_id": "channel"}
NAMES = {field: name for name, field in FIELDS.items()}


def add_channel(caller: Caller, body: CreateChannel) -> Made:
    form = _checked(_channel_form(body, Channel(way=body.way)))
    with transaction.atomic(), _name_is_free():
        made = editing.add_channel(form.save(commit=False))
        note_added(caller, made.channel, detail=f"Added with the rule {made.rule}" if made.rule else "Added")
    return made


def change_channel(caller: Caller, channel: Channel, body: UpdateChannel) -> Channel:
    if body.way not in (None, channel.way):
        raise Unprocessable.at("way", message=f"The way of a channel stays {channel.way}. Create another channel.")
    form = _checked(_channel_form(body, channel))
    with transaction.atomic(), _name_is_free():
        find(Channel.objects.select_for_update(), channel.pk)
        editing.change_channel(form.save(commit=False), form)
        note_changed(caller, channel, detail=_told(body))
    return channel


def delete_channel(caller: Caller, channel: Channel) -> None:
    with transaction.atomic():
        counts = editing.what_goes_with([channel])
        told = " and ".join(f"{count} {what}" for what, count in counts.items())
        note_deleted(caller, channel, detail=f"Deleted with {told}")
        channel.delete()


def add_rule(caller: Caller, body: CreateRule) -> Rule:
    form = _checked(_rule_form(caller, body, Rule()))
    with transaction.atomic():
        rule: Rule = form.save()
        note_added(caller, rule)
    return rule


def change_rule(caller: Caller, rule: Rule, body: UpdateRule) -> Rule:
    form = _checked(_rule_form(caller, body, rule))
    with transaction.atomic():
        find(Rule.objects.select_for_update(), rule.pk)
        form.save()
        note_changed(caller, rule, detail=_told(body))
    return rule


def delete_rule(caller: Caller, rule: Rule) -> None:
    with transaction.atomic():
        note_deleted(caller, rule)
        Rule.objects.filter(pk=rule.pk).delete()


def _channel_form(body: CreateChannel | UpdateChannel, channel: Channel) -> ChannelForm:
    """Which service an address is of takes a moment to ask, outside of any transaction."""
    form = ChannelForm(_filled(ChannelForm, body, channel), instance=channel)
    if channel.way == Way.SERVICE and body.address:
        with holding_a_thread():
            form.service = service_at(body.address)
    return form


def _rule_form(caller: Caller, body: CreateRule | UpdateRule, rule: Rule) -> RuleForm:
    form = RuleForm.of(caller.user)
    return form(_filled(form, body, rule), instance=rule)


def _filled(form: type[ModelForm[Any]], body: StrictRequest, row: Any) -> dict[str, Any]:
    """What the page would send: what the row has and, over that, what was sent."""
    return model_to_dict(row, form.base_fields) | {
        FIELDS.get(name, name): getattr(body, name) for name in body.model_fields_set
    }


def _checked(form: Any) -> Any:
    """Raises Unprocessable, which names each field as the body does."""
    if not form.is_valid():
        found = form.errors.get_json_data().items()
        raise Unprocessable(*(issue(_path(field), each["message"]) for field, errors in found for each in errors))
    return form


def _path(field: str) -> list[str]:
    if field == NON_FIELD_ERRORS:
        return []
    first, *rest = NAMES.get(field, field).split("_")
    return [first + "".join(part.title() for part in rest)]


@contextmanager
def _name_is_free() -> Iterator[None]:
    """The form has looked; meanwhile somebody else may have taken it."""
    try:
        yield
    except IntegrityError:
        raise Conflict("Somebody has just given this name to another channel. Choose another name.") from None


def _told(body: StrictRequest) -> str:
    """By the names of what was sent, without what it was."""
    names = sorted(type(body).model_fields[name].alias or name for name in body.model_fields_set)
    return f"Changed {', '.join(names) or 'nothing'}"
