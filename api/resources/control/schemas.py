"""The switch that pauses all syncs."""

from typing import Self

from pydantic import Field

from api.http.forms import Switch
from api.resources.base import Answer, Request, Timestamp
from syncs.models import SyncControl


class ControlIn(Request):
    is_paused: Switch = Field(examples=[True])


class ControlOut(Answer):
    is_paused: bool
    changed_at: Timestamp
    changed_by: str | None = Field(examples=["alex"])

    @classmethod
    def of(cls, control: SyncControl) -> Self:
        return cls(
            is_paused=control.is_paused,
            changed_at=control.changed_at,
            changed_by=control.changed_by.get_username() if control.changed_by else None,
        )


class OneControl(Answer):
    sync_control: ControlOut
