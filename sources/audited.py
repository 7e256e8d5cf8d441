"""What the audit log tells of projects that are kept elsewhere."""

from audit import registry
from sources.models import Copy, LinkedProject, ListedFolders, WatchedPlace


def register() -> None:
    registry.register(
        LinkedProject,
        *("connection__name", "remote_id", "remote_slug", "remote_name", "poll_seconds"),
        place={"project": "project__slug"},
    )
    registry.register(
        Copy, "remote_name", "into__slug", "state", place={"project": "into__slug"}, arguments=("copy_id",)
    )
    # What was last seen there.
    registry.leave_out(ListedFolders, WatchedPlace)
