"""`/api/v1/sync-control`: pauses and resumes all syncs."""

from django.db import transaction
from django.http import HttpRequest

from api.auth.callers import Bearer, caller_of
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import with_errors
from api.resources.control.schemas import ControlIn, ControlOut, OneControl
from syncs.models import SyncControl

router = resource("Global pause")


@router.get("", auth=Bearer("syncs.view_synccontrol"), response=with_errors(OneControl))
def get_sync_control(request: HttpRequest) -> OneControl:
    """Whether all syncs are paused, since when and by whom."""
    return OneControl(sync_control=ControlOut.of(SyncControl.get()))


@router.patch("", auth=Bearer("syncs.pause_syncs"), response=with_errors(OneControl))
def set_sync_control(request: HttpRequest, body: ControlIn) -> OneControl:
    """Pauses all syncs, or resumes them. Runs that are asked for meanwhile wait."""
    caller = caller_of(request)
    with transaction.atomic():
        control = SyncControl.get()
        control.is_paused, control.changed_by = body.is_paused, caller.user
        control.save()
        note_changed(caller, control, detail="Paused all syncs" if body.is_paused else "Resumed all syncs")
    return OneControl(sync_control=ControlOut.of(control))
