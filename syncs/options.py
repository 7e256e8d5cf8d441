"""The options of a sync: the one list of them, in the order and in the words of every face.

To add one, add a column here, with its label, help, default and limits, and what it does in the engine. The wizard and
the edit form, `export` and `apply`, the schemas of the REST API and their document follow from it.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from syncs.choices import Approval, InitialSyncBehavior, Strangers
from syncs.errors import InvalidKeySchema
from syncs.key_schema import validate_key_schema
from syncs.naming import LONGEST_TEXT, normal_patterns, normal_renames, normal_tags


def default_strangers() -> str:
    """Deleting them is the documented behaviour; an installation may have another default."""
    return settings.STRANGERS or Strangers.DELETE.value


class StrangersField(models.CharField[str, str]):
    """A text whose default an installation chooses. Its form field is like any other's: a callable default would else
    have each form post what it showed at first, too."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**kwargs | {"show_hidden_initial": False})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class KeyLinesField(models.TextField[str, str]):
    """A few lines about keys, brought into their normal form by `normalize`, which refuses what is no such line."""

    normalize: Callable[[str], str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given: dict[str, Any] = {"blank": True, "default": "", "db_default": "", "max_length": LONGEST_TEXT} | kwargs
        super().__init__(*args, **given)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return self.normalize(text or "")
        except InvalidKeySchema as error:
            raise ValidationError(error.message) from None

    def formfield(self, **kwargs: Any) -> Any:
        # Brought into their form by the form already, so that an edit compares like with like.
        form_field: Any = super().formfield(**kwargs)
        clean = form_field.clean
        form_field.clean = lambda value: self.to_python(clean(value))
        form_field.widget.attrs |= {"rows": 3, "autocomplete": "off", "spellcheck": "false"}
        return form_field

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class KeyPatternsField(KeyLinesField):
    normalize = staticmethod(normal_patterns)


class TagPatternsField(KeyLinesField):
    normalize = staticmethod(normal_tags)


class KeyRenamesField(KeyLinesField):
    normalize = staticmethod(normal_renames)


class SyncOptions(models.Model):
    initial_sync_behavior = models.CharField(
        max_length=32,
        choices=InitialSyncBehavior.choices,
        default=InitialSyncBehavior.OVERWRITE_DESTINATION,
        help_text=(
            "Devin never gives a value back, so existing secrets cannot be imported into the source: "
            "the source is what counts from the first run on."
        ),
    )
    auto_sync_enabled = models.BooleanField(
        "auto-sync",
        default=True,
        help_text="Sync by itself whenever the source changes, and compare with Devin regularly.",
    )
    disable_secret_deletion = models.BooleanField(
        default=False, help_text="Never delete a secret from Devin, even when it is gone from the source."
    )
    key_schema = models.CharField(
        max_length=255,
        blank=True,
        validators=[validate_key_schema],
        help_text=(
            "How keys are named in Devin, for example PROD_{{secretKey}}. Holds {{secretKey}} once; may hold "
            "{{environment}}, letters, digits, “_”, “-” and “/”. Empty: each key as it is in the source. Another one "
            "renames the secrets in Devin: each is created under its new name, then the old one is deleted."
        ),
    )
    only_keys = KeyPatternsField(
        help_text=(
            "Names or patterns of the keys in the source that are synced, a line each: STRIPE_*. Empty: all of them. "
            "One that falls out later is deleted from Devin like one that the source lacks."
        ),
    )
    except_keys = KeyPatternsField(help_text="Names or patterns of the keys that are not synced, a line each: LOCAL_*.")
    only_tags = TagPatternsField(
        help_text=(
            "Tags, or patterns of tags, of the secrets in the source that are synced, a line each: devin. Empty: with "
            "any tags or none. One that loses its tag is deleted from Devin like one that the source lacks."
        ),
    )
    except_tags = TagPatternsField(
        help_text="Tags, or patterns of tags, of the secrets that are not synced, a line each: local-*."
    )
    key_renames = KeyRenamesField(
        help_text="Keys with another name in Devin, a line each: DB_URL=DATABASE_URL. The key schema comes after it.",
    )
    recursive = models.BooleanField(
        "include subfolders",
        default=False,
        help_text="Also sync the folders below the chosen one. A key may then stand in one of them only.",
    )
    strangers = StrangersField(
        "secrets that DevinSync did not write",
        max_length=8,
        choices=Strangers.choices,
        default=default_strangers,
        help_text="What becomes of those that match the key schema and whose key the source lacks.",
    )
    send_comments = models.BooleanField(
        default=False,
        db_default=False,
        help_text=(
            "Put the source's comment of each secret into its note in Devin, which Devin shows to its sessions as "
            "guidance. Another comment then writes the secret again. Never put a value into a comment."
        ),
    )
    reconcile_minutes = models.PositiveIntegerField(
        "reconcile every (minutes)",
        default=15,
        validators=[MaxValueValidator(7 * 24 * 60)],
        help_text="How often to compare with Devin and repair what was changed there. 0 turns it off.",
    )
    guard_max_deletions = models.PositiveIntegerField(
        "deletions without asking",
        default=25,
        validators=[MaxValueValidator(100_000)],
        help_text="If a run would delete more secrets than this, its deletions wait for a person.",
    )
    guard_max_percent = models.PositiveSmallIntegerField(
        "share of deletions without asking (%)",
        default=30,
        validators=[MaxValueValidator(100)],
        help_text="If a run would delete a larger share than this of what is in scope, its deletions wait as well.",
    )
    guard_min_deletions = models.PositiveIntegerField(
        "the share counts from",
        default=3,
        validators=[MaxValueValidator(100_000)],
        help_text="A run that would delete fewer secrets than this is not held for their share.",
    )
    approval = models.CharField(
        "approval by another person",
        max_length=16,
        choices=Approval.choices,
        default=Approval.NONE,
        db_default=Approval.NONE.value,
        help_text=(
            "Which runs write nothing until somebody else has approved exactly what they would do: neither who asked "
            "for the run, nor who made the change. To ask for less approval again takes a right of its own."
        ),
    )

    class Meta:
        abstract = True

    @property
    def chooses_by_tags(self) -> bool:
        return bool(self.only_tags or self.except_tags)


OPTIONS: tuple[str, ...] = tuple(field.name for field in SyncOptions._meta.local_fields)
