"""A message that came to a hook: believed or not, once, and the syncs that it starts."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from api.hooks.models import Hook, HookDelivery
from common import clock
from common.cleaning import delete_some, register_cleaner
from encryption import DecryptionError
from sources.changes import tell
from sources.infisical.messages import LONGEST_WAY, Message, NotReal, understand

# A message of before that is refused for its time, so nobody has to remember it.
REMEMBERED = 2 * LONGEST_WAY + timedelta(minutes=1)
# Checked in place of the secret of a hook that is not there, so that it takes as long.
NOBODYS_SECRET = "0" * 43


def receive(hook_id: UUID | None, body: bytes, signature: str) -> bool:
    """Whether it was believed. What it starts is in one transaction with the note that it came."""
    hook = Hook.objects.select_related("link__project").filter(pk=hook_id).first() if hook_id else None
    try:
        message = understand(body, signature, _secret_of(hook), now=clock.now())
    except NotReal as error:
        if hook is not None:
            hook.note_refusal(f"A message was not believed: {error}.")
        return False
    if hook is None:
        return False
    with transaction.atomic():
        _take(hook, message)
    return True


def _secret_of(hook: Hook | None) -> str:
    if hook is None:
        return NOBODYS_SECRET
    try:
        return hook.secret()
    except DecryptionError:
        return NOBODYS_SECRET


def _take(hook: Hook, message: Message) -> None:
    """The same message again, as each is sent up to four times, changes nothing."""
    if not HookDelivery.remember(hook, message.digest):
        return
    problem = ""
    if message.project_id != hook.link.remote_id:
        problem = "The last message was about another project: set the webhook up in the right one."
    hook.note_delivery(message.event, problem)
    if not problem and message.tells_of_a_change:
        tell(hook.link.project_id, [message.place] if message.place else [])


def clean_deliveries() -> bool:
    old = HookDelivery.objects.filter(received_at__lt=clock.now() - REMEMBERED)
    return delete_some(old.order_by("received_at"))


def register_cleaners() -> None:
    register_cleaner("messages of sources", clean_deliveries)
