"""Starts runs for the admin, one or many at once, and says in counts what came of it."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

from syncs.choices import Operation, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import NO_WISHES, Wishes

NAMED = 3


class Ask(Protocol):
    """Whatever asks for a run: raises NotRunnable if it must not start."""

    def __call__(self, *, trigger: Trigger, user: Any) -> SyncRun: ...


def start(request: HttpRequest, ask: Ask) -> SyncRun | None:
    """None, and a message, if it must not start."""
    try:
        run = ask(trigger=Trigger.MANUAL, user=request.user)
    except NotRunnable as error:
        messages.error(request, error.message)
        return None
    word = "removal" if run.operation == Operation.REMOVE else "run"
    messages.success(request, f"The {word} of “{run.sync_name}” has been queued.{_if_paused()}")
    return run


def start_one(
    request: HttpRequest, sync: DevinSync, *, operation: Operation = Operation.SYNC, wishes: Wishes = NO_WISHES
) -> SyncRun | None:
    return start(request, partial(request_run, sync, operation=operation, wishes=wishes))


def start_many(
    request: HttpRequest,
    syncs: Iterable[DevinSync],
    *,
    operation: Operation = Operation.SYNC,
    wishes: Wishes = NO_WISHES,
) -> None:
    started, refused = 0, []
    for sync in syncs:
        try:
            request_run(sync, trigger=Trigger.MANUAL, operation=operation, user=request.user, wishes=wishes)
            started += 1
        except NotRunnable as error:
            refused.append(error.message)
    if started:
        messages.success(request, f"{started} {'run has' if started == 1 else 'runs have'} been queued.{_if_paused()}")
    if refused:
        more = f" And {len(refused) - NAMED} more." if len(refused) > NAMED else ""
        messages.warning(request, f"{len(refused)} not started: {' '.join(refused[:NAMED])}{more}")


def _if_paused() -> str:
    return " All syncs are paused, so it waits." if SyncControl.get().is_paused else ""


def link_to(run: SyncRun, text: str) -> str:
    return format_html('<a href="{}">{}</a>', run.get_absolute_url(), text)
