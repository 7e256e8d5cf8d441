"""The words for which organizations a set takes, and how each of them stands."""

from django.db.models import TextChoices


class Selection(TextChoices):
    ALL = "all", "All organizations of the connection"
    LISTED = "listed", "These organizations"
    MATCHING = "matching", "Organizations whose name matches"


class NewOrganizations(TextChoices):
    """What becomes of one that the set takes from now on, because it is new or was renamed."""

    AT_ONCE = "at_once", "Gets its sync by itself"
    ASK = "ask", "Waits for approval"


class MissingFolder(TextChoices):
    """What becomes of an organization that has no folder of its own."""

    SKIP = "skip", "Skip the organization"
    ERROR = "error", "Say that it failed"


class WhenLeft(TextChoices):
    """What becomes of the secrets of an organization that the set takes no more."""

    PAUSE = "pause", "Pause its sync and leave its secrets"
    REMOVE = "remove", "Remove its secrets"


class State(TextChoices):
    """How an organization stands in its set."""

    NEW = "new", "Being made"
    WAITING = "waiting", "Waits for approval"
    ACTIVE = "active", "In the set"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
    LEFT = "left", "Left the set"


class RolloutState(TextChoices):
    RUNNING = "running", "Under way"
    STOPPED = "stopped", "Stopped"
    DONE = "done", "Done"
    SUPERSEDED = "superseded", "Superseded"
    ENDED = "ended", "Ended"


class StepState(TextChoices):
    """How far a change has got with one organization."""

    WAITING = "waiting", "Its turn is to come"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class Cause(TextChoices):
    """Why a rollout began."""

    CHANGE = "change", "Change of the source or of the set"
    FOUND = "found", "A run found a change of the source"
    PERSON = "person", "Asked for by a person"
