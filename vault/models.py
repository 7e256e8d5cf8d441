"""Projects with their environments, and what is in them: folders, secrets with versions, imports, references.

The rows hold state; every change goes through `vault.editing`, which keeps paths, versions, references and triggers
right. A value is stored sealed, bound to its secret, version and place, and leaves only through `vault.reading`; what a
folder holds is sealed with the folder (`vault.wholeness`), so that no row is moved, set back or taken out unnoticed.
"""

from typing import Protocol
from uuid import UUID, uuid4

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.functional import cached_property

from common.patterns import validate_slug
from vault.references import Reference
from vault.rotation import Rotation

FOLDER_NAME = RegexValidator(r"^[A-Za-z0-9_-]+\Z", "Use letters, digits, hyphens and underscores: my-secrets.")
KEY = RegexValidator(
    r"^[A-Za-z_][A-Za-z0-9_.-]*\Z", "Start with a letter or _, then letters, digits, _, - and dots: DB_URL."
)
ROOT = "/"
# The name of this vault among the kinds of sources.
VAULT = "vault"


class Stored(Protocol):
    """What of a secret says which value is its own: the model's, or a row of a statement for many."""

    @property
    def id(self) -> UUID: ...
    @property
    def key(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def is_literal(self) -> bool: ...
    @property
    def sealed_value(self) -> str: ...


def sealing_context(secret: Stored, place: str) -> str:
    """`place` is the folder's `place_of_secrets`."""
    return f"vault.secret/2:{place}:{secret.id.hex}:{secret.version}:{int(secret.is_literal)}:{secret.key}"


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=64)
    slug = models.CharField(max_length=64, unique=True, validators=[validate_slug])
    description = models.CharField(max_length=256, blank=True)
    # The kind of source that keeps its environments, folders and secrets. Of another than this vault none is here.
    source = models.CharField(max_length=32, default=VAULT, editable=False)
    # Counts the changes to anything in the project: who sees the same count before and after has read one state.
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_kept_here(self) -> bool:
        """Whether its secrets are in this vault; those of the others live elsewhere, and are only read."""
        return self.source == VAULT


class Environment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=64)
    slug = models.CharField(max_length=64, validators=[validate_slug])
    position = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "slug"]
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="vault_environment_slug")]

    def __str__(self) -> str:
        return self.name


class Folder(models.Model):
    """A folder of an environment; the root's path is "/", the others' "/a/b"."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="folders")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="subfolders")
    name = models.CharField(max_length=255, blank=True, validators=[FOLDER_NAME])
    path = models.CharField(max_length=1024)
    description = models.CharField(max_length=256, blank=True)
    # Of its place and of all that it holds; empty in a folder of an earlier release, until `prepare` has bound it.
    seal = models.TextField(editable=False, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["environment", "path"], name="vault_folder_path")]

    def __str__(self) -> str:
        return f"{self.environment.slug}:{self.path}"

    def sealing_context(self) -> str:
        """Its place: who it is, where it hangs, and what it is called by."""
        above = self.environment
        return f"vault.folder/2:{above.project_id}:{above.id}:{above.slug}:{self.id}:{self.parent_id}:{self.path}"

    @property
    def place_of_secrets(self) -> str:
        """What its secrets' values are bound to: no name, so that none is sealed again when a folder gets another."""
        return f"{self.environment.project_id}:{self.environment_id}:{self.id}"

    @property
    def is_root(self) -> bool:
        return self.path == ROOT

    @property
    def prefix(self) -> str:
        """What the paths of all folders below this one start with."""
        return ROOT if self.is_root else f"{self.path}/"


class Tag(models.Model):
    """A word that secrets of a project can be found by."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags")
    slug = models.CharField(max_length=64, validators=[validate_slug])
    name = models.CharField(max_length=64, blank=True)
    color = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="vault_tag_slug")]

    def __str__(self) -> str:
        return self.slug


class Secret(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, related_name="secrets")
    key = models.CharField(max_length=255, validators=[KEY])
    sealed_value = models.TextField(editable=False)
    comment = models.CharField(max_length=2000, blank=True)
    is_literal = models.BooleanField("no references", default=False)
    # What Infisical's clients keep with a secret. Nothing of it reaches Devin; by its tags a sync may choose.
    tags = models.ManyToManyField(Tag, blank=True, related_name="secrets")
    reminder_note = models.CharField(max_length=1024, blank=True)
    reminder_days = models.PositiveIntegerField("remind every, in days", null=True, blank=True)
    # A user's name, an address or anything else that says whom to ask.
    owner = models.CharField(max_length=254, blank=True)
    # When its value was entered anew, by the day; a day on which it must be; and what of all that comes first.
    rotated_on = models.DateField(null=True, editable=False)
    rotate_by = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, editable=False, db_index=True)
    skip_multiline_encoding = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["folder", "key"], name="vault_secret_key")]
        permissions = [("reveal_secret", "Can reveal the value of a secret")]

    def __str__(self) -> str:
        return self.key

    @cached_property
    def tag_slugs(self) -> list[str]:
        return sorted(tag.slug for tag in self.tags.all())

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.due_on)

    def sealing_context(self) -> str:
        """What its value is bound to: it opens for this secret, at this version, under this key, in this place."""
        return sealing_context(self, self.folder.place_of_secrets)


class SecretVersion(models.Model):
    """What a secret was at one version. Sealed apart from the secret, so that none passes for its present value."""

    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    sealed_value = models.TextField(editable=False)
    comment = models.CharField(max_length=2000, blank=True)
    is_literal = models.BooleanField("no references", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["secret", "version"], name="vault_secret_version")]
        indexes = [models.Index(fields=["created_at"], name="vault_version_created")]

    def __str__(self) -> str:
        return f"version {self.version}"

    def sealing_context(self) -> str:
        return f"vault.version/2:{self.secret_id}:{self.version}:{int(self.is_literal)}"


class SecretMetadata(models.Model):
    """A pair that a client keeps with a secret. What is to be encrypted is sealed, like the secret's value."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=1020, blank=True)
    sealed_value = models.TextField(editable=False, blank=True)

    class Meta:
        ordering = ["key", "id"]
        verbose_name_plural = "secret metadata"

    def __str__(self) -> str:
        return self.key

    @property
    def is_encrypted(self) -> bool:
        return bool(self.sealed_value)

    def sealing_context(self) -> str:
        return f"vault.metadata:{self.id}"


class SecretImport(models.Model):
    """`folder` shows the secrets of `source` too; of two imports the later in the list wins."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, related_name="imports")
    # Folders that go together may import one another; a folder that others import may not go alone.
    source = models.ForeignKey(Folder, on_delete=models.RESTRICT, related_name="imported_by")
    position = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "created_at"]
        constraints = [models.UniqueConstraint(fields=["folder", "source"], name="vault_import_once")]
        verbose_name = "import"

    def __str__(self) -> str:
        return f"{self.source} in {self.folder}"


class SecretReference(models.Model):
    """A `${…}` in a secret's value, noted when the value is written, so that triggers need no decryption.

    No environment and no path mean the folder that the secret is in. A secret whose value is taken literally has none.
    """

    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="references")
    environment_slug = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=1024, blank=True)
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["secret", "environment_slug", "path", "key"], name="vault_secret_reference_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment_slug}:{self.path} {self.key}"

    @property
    def reference(self) -> Reference:
        return Reference(self.key, self.environment_slug, self.path)


class Binding(models.Model):
    """The one row that tells, sealed, how far the rows of releases that bound less have been bound."""

    sealed_state = models.TextField(editable=False)

    def __str__(self) -> str:
        return "binding of the vault"

    def sealing_context(self) -> str:
        return "vault.binding"


class TrashEntry(models.Model):
    """A secret, folder or environment that was deleted, with all that was in it, until its time is over."""

    class Kind(models.TextChoices):
        SECRET = "secret"  # noqa: S105 - a kind of row
        FOLDER = "folder"
        ENVIRONMENT = "environment"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trash")
    # The same for all that went at once.
    deletion = models.UUIDField(default=uuid4, db_index=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=1024)
    place = models.CharField(max_length=1200)
    item = models.UUIDField()
    # What held it: an environment has neither, a folder both but for its environment's root.
    environment = models.UUIDField(null=True)
    folder = models.UUIDField(null=True, db_index=True)
    folders = models.PositiveIntegerField(default=0)
    secrets = models.PositiveIntegerField(default=0)
    # Of all its rows, so that none is taken out, put in or altered unnoticed.
    seal = models.TextField(editable=False, blank=True)
    deleted_at = models.DateTimeField(db_index=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Deleted for good, though not all its rows may be gone yet.
    is_going = models.BooleanField(default=False)

    class Meta:
        ordering = ["-deleted_at", "kind", "place", "name"]
        default_permissions = ()
        verbose_name = "deleted item"

    def __str__(self) -> str:
        return f"{self.name} of {self.place}" if self.kind == self.Kind.SECRET else f"{self.kind} {self.name}"

    def sealing_context(self) -> str:
        return f"vault.trash:{self.project_id}:{self.id}:{self.kind}:{self.item}"


class TrashedRow(models.Model):
    """One row as it stood in its own table; what was sealed stays so, bound to what it was bound to there."""

    entry = models.ForeignKey(TrashEntry, on_delete=models.CASCADE, related_name="rows")
    table = models.CharField(max_length=64)
    columns = models.JSONField()
    sealed = models.TextField(editable=False, blank=True)
    context = models.CharField(max_length=2048, blank=True, editable=False)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["entry", "table", "id"], name="vault_trashed_row")]

    def __str__(self) -> str:
        return self.table

    def sealing_context(self) -> str:
        return self.context


from vault.access.models import Membership  # noqa: E402, F401 -- a row of this app
