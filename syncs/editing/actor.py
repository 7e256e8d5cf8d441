"""Who edits a sync, and by what way: for the log, and for the runs that follow."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from syncs.choices import Trigger
from syncs.errors import EditRefused
from syncs.models import DevinSync
from vault.access import NOWHERE, Place, can, demand_at

Person = AbstractBaseUser | AnonymousUser
THROUGH_THE_API = "through the API with"
# Stands in the log where a command does not say for whom it runs. No form takes such a name, and nobody can log in so.
COMMAND_LINE = "(command line)"


@dataclass(frozen=True)
class Actor:
    user: Person | None
    # As the log goes on after what was done: "Changed name in the admin."
    way: str
    # Of a run that they ask for by this.
    trigger: Trigger
    # Is asked for no right.
    is_trusted: bool = False
    # The sync set that edits the syncs that it makes.
    set_id: UUID | None = None

    @classmethod
    def in_wizard(cls, user: Person) -> Self:
        return cls(user, "in the wizard", Trigger.WIZARD)

    @classmethod
    def in_admin(cls, user: Person) -> Self:
        return cls(user, "in the admin", Trigger.MANUAL)

    @classmethod
    def by_token(cls, user: Person, name: str) -> Self:
        """`name` is what the log calls the token: "API token deploy"."""
        return cls(user, f"{THROUGH_THE_API} {name}", Trigger.API)

    @classmethod
    def on_command_line(cls, user: Person | None = None) -> Self:
        """`user` is only noted down: whoever has the database and the encryption keys may do everything."""
        return cls(user, "on the command line", Trigger.COMMAND, is_trusted=True)

    @classmethod
    def by_set(cls, user: Person | None, set_id: UUID, name: str) -> Self:
        """`user` made the set, or changed it last: their rights were asked for then."""
        return cls(user, f"by the sync set {name}", Trigger.EDIT, is_trusted=True, set_id=set_id)

    def check_may_edit(self, sync: DevinSync) -> None:
        """Raises EditRefused for one that a set makes, unless this is the set."""
        if sync.set_id not in (None, self.set_id):
            raise EditRefused(
                f"“{sync.name}” is made by a sync set, so it is changed there. On the set's page you can also pause it "
                "for this organization alone, or give it other limits."
            )

    def may_everywhere(self, permission: str) -> bool:
        """Whether they have it in the whole installation. Whoever has the command line has the database."""
        return self.is_trusted or (self.user is not None and can(self.user, permission, NOWHERE))

    def demand(self, permission: str, place: Place) -> None:
        """Raises Lacking unless they have it there."""
        if not self.is_trusted:
            demand_at(self.user, place, permission)

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user is not None else None

    def note_added(self, row: Model, detail: str = "Added") -> None:
        self._note(row, ADDITION, detail)

    def note_changed(self, row: Model, detail: str) -> None:
        self._note(row, CHANGE, detail)

    def note_deleted(self, row: Model, detail: str = "Deleted") -> None:
        """To be called while the row still has its id."""
        self._note(row, DELETION, detail)

    def _note(self, row: Model, flag: int, detail: str) -> None:
        LogEntry.objects.create(
            user_id=self.user_id or _command_line_account().pk,
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=str(row.pk),
            object_repr=str(row)[:200],
            action_flag=flag,
            change_message=f"{detail} {self.way}.",
        )


def _command_line_account() -> User:
    # Not active and without a usable password: a name for the log, which must have one.
    found, is_new = User.objects.get_or_create(username=COMMAND_LINE, defaults={"is_active": False})
    if is_new:
        found.set_unusable_password()
        found.save(update_fields=["password"])
    return found
