"""The words for what a run is, does and says, so that no caller lists states by hand."""

from django.db.models import TextChoices


class InitialSyncBehavior(TextChoices):
    OVERWRITE_DESTINATION = "overwrite-destination", "Overwrite destination secrets"


class Approval(TextChoices):
    """Which runs of a sync wait for another person, the laxer first."""

    NONE = "none", "None"
    DELETIONS = "deletions", "Runs that delete"
    WRITES = "writes", "Every run that writes"


# To ask for less of it takes a right of its own.
LOOSEN = "syncs.loosen_approval"


def loosens(before: str, after: str) -> bool:
    order = Approval.values
    return order.index(after) < order.index(before)


class Answer(TextChoices):
    """A person's word on a plan that waits for it."""

    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"


class Operation(TextChoices):
    SYNC = "sync", "Sync"
    REMOVE = "remove", "Remove secrets"


class Trigger(TextChoices):
    WIZARD = "wizard", "Created in the wizard"
    MANUAL = "manual", "Sync now"
    API = "api", "REST API"
    COMMAND = "command", "Command line"
    CHANGE = "change", "Change of the source"
    SCHEDULE = "schedule", "Schedule"
    EDIT = "edit", "Change of the sync"
    HAND_OVER = "hand_over", "Secrets handed over"
    REPAIR = "repair", "Missing secrets"
    SOURCE_BACK = "source_back", "Another source is back"
    APPROVAL = "approval", "Approval of a plan"
    ROLLOUT = "rollout", "Rollout"


class AsksForWave(TextChoices):
    """Why a sync that goes in waves asks for its turn."""

    NO = "", "It does not"
    CHANGE = "change", "What it reads, or the sync itself, was changed"
    HELD = "held", "A run of it found such a change and wrote nothing"


class Status(TextChoices):
    PENDING = "pending", "Queued"
    RUNNING = "running", "Syncing"
    SUCCEEDED = "succeeded", "Synced"
    FAILED = "failed", "Failed"
    BLOCKED = "blocked", "Blocked"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATUSES = (Status.PENDING, Status.RUNNING)


class BlockedReason(TextChoices):
    """Why a run waits for a person. The first three hold deletions alone, the others the whole run."""

    EMPTY_SOURCE = "empty_source", "The source is empty"
    TOO_MANY_DELETIONS = "too_many_deletions", "Too many deletions"
    PLAN_GREW = "plan_grew", "The plan has grown since it was confirmed"
    ROLLBACK = "rollback", "The database is older than Devin"
    NEW_ADDRESS = "new_address", "The connection leads to another address"
    APPROVAL = "approval", "Another person has to approve the plan"
    REFUSED = "refused", "A person refused the plan"


class Strangers(TextChoices):
    """What becomes of secrets in scope that DevinSync did not write and that the source lacks."""

    DELETE = "delete", "Delete them"
    ASK = "ask", "Ask for each"
    LEAVE = "leave", "Leave them alone"


class Decision(TextChoices):
    """A person's word on one secret that DevinSync did not write."""

    DELETE = "delete", "Delete"
    LEAVE = "leave", "Leave alone"
    ADOPT = "adopt", "Adopt"


class Action(TextChoices):
    CREATE = "create", "Create"
    REPLACE = "replace", "Replace"
    RENAME = "rename", "Rename"
    HAND_OVER = "hand_over", "Hand over"
    DELETE = "delete", "Delete"


class Outcome(TextChoices):
    PLANNED = "planned", "Planned"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    NOT_ATTEMPTED = "not_attempted", "Not attempted"
    HELD = "held", "Waits for a decision"
    HELD_BACK = "held_back", "Held, as another sync may want it"


class Phase(TextChoices):
    """How far an open intent has got: what may have happened at the destination, at most."""

    POSTING = "posting", "The new secret is being created"
    REMOVING_OLD = "removing_old", "The new secret exists, the old one is being deleted"
    MAKING_ROOM = "making_room", "The key is taken, the old secret is being deleted first"
    ABSENT = "absent", "The old secret is gone, the new one is being created"
    DELETING = "deleting", "The secret is being deleted"
