"""`syncOptions`: what is sent and what is answered, made from the columns of `syncs.options`.

By hand stands here only what the API spells otherwise than the column: what may be null, or goes by two names.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeVar

from django.core.validators import MaxValueValidator
from django.db import models
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, create_model, model_validator

from api.http.forms import Switch, WholeNumber
from api.resources.base import Answer, StrictRequest
from syncs.choices import InitialSyncBehavior, Strangers
from syncs.errors import InvalidKeySchema
from syncs.key_schema import LONGEST_SCHEMA, KeySchema
from syncs.naming import LONGEST_TEXT
from syncs.options import OPTIONS, KeyLinesField
from syncs.options import SyncOptions as Columns
from syncs.words import column, help_of

OVERWRITE = InitialSyncBehavior.OVERWRITE_DESTINATION.value
NO_IMPORT = "Only overwrite-destination is possible: Devin returns no values of its secrets, so none can be imported."

Model = TypeVar("Model", bound=BaseModel)


def type_of(name: str) -> Any:
    """What JSON may hold for an option; with a column of another kind, its type is to be added here."""
    field = column(name)
    if field.choices:
        return Literal.__getitem__(tuple(value for value, _ in field.flatchoices))
    if isinstance(field, models.BooleanField):
        return Switch
    if isinstance(field, KeyLinesField):
        return Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_normal(field))]
    if isinstance(field, models.PositiveIntegerField | models.PositiveSmallIntegerField):
        limits = [each.limit_value for each in field.validators if isinstance(each, MaxValueValidator)]
        return Annotated[WholeNumber, Field(ge=0, le=min(limits))]
    raise TypeError(f"The option {name} has no type in the API.")


def with_options(note: str = "") -> Callable[[type[Model]], type[Model]]:
    """Adds the options that a schema does not spell by itself, each with its default and its help."""

    def decorate(schema: type[Model]) -> type[Model]:
        missing = [name for name in OPTIONS if name not in schema.model_fields]
        fields: dict[str, Any] = {
            name: (type_of(name), Field(column(name).get_default(), description=help_of(name) + note))
            for name in missing
        }
        return create_model(schema.__name__, __base__=schema, __module__=schema.__module__, **fields)

    return decorate


def _normal(field: KeyLinesField) -> Callable[[str], str]:
    def normalize(text: str) -> str:
        try:
            return field.normalize(text)
        except InvalidKeySchema as error:
            raise ValueError(error.message) from None

    return normalize


def _check_behavior(text: str) -> str:
    if text != OVERWRITE:
        raise ValueError(NO_IMPORT)
    return text


def check_key_schema(text: str) -> str:
    try:
        KeySchema.parse(text)
    except InvalidKeySchema as error:
        raise ValueError(error.message) from None
    return text


Behavior = Annotated[
    str,
    AfterValidator(_check_behavior),
    Field(json_schema_extra={"enum": [OVERWRITE]}, examples=[OVERWRITE], description=help_of("initial_sync_behavior")),
]
KeySchemaText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_SCHEMA),
    AfterValidator(check_key_schema),
    Field(examples=["PROD_{{secretKey}}"]),
]


@with_options()
class SyncOptionsIn(StrictRequest):
    initial_sync_behavior: Behavior
    auto_sync_enabled: Switch | None = Field(None, description=help_of("auto_sync_enabled"))
    key_schema: KeySchemaText | None = Field(None, description=help_of("key_schema"))
    recursive: Switch | None = Field(None, description=help_of("recursive"))
    include_all_sub_folders: Switch | None = Field(None, description="Another spelling of recursive.")
    only_delete_managed: Switch | None = Field(
        None, description="The former spelling of strangers: true for leave, false for delete."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.recursive is not None and self.include_all_sub_folders not in (None, self.recursive):
            raise ValueError("recursive and includeAllSubFolders contradict each other. Send one of them.")
        sent = getattr(self, "strangers", None) if "strangers" in self.model_fields_set else None
        if self.only_delete_managed is not None and sent not in (None, self._in_former_spelling()):
            raise ValueError("strangers and onlyDeleteManaged contradict each other. Send strangers alone.")
        return self

    def _in_former_spelling(self) -> str:
        return Strangers.LEAVE.value if self.only_delete_managed else Strangers.DELETE.value

    def columns(self) -> dict[str, Any]:
        """The columns of a sync as they are to be; without auto-sync, which has a spelling outside of these too."""
        sent = {name: getattr(self, name) for name in OPTIONS if name != "auto_sync_enabled"}
        recursive = bool(self.recursive or self.include_all_sub_folders)
        if self.only_delete_managed is not None:
            sent["strangers"] = self._in_former_spelling()
        return sent | {"key_schema": self.key_schema or "", "recursive": recursive}


@with_options(" Answered where it is not the default.")
class SyncOptions(Answer):
    """The first three are Infisical's, and always told."""

    initial_sync_behavior: Literal["overwrite-destination"] = Field(description=help_of("initial_sync_behavior"))
    auto_sync_enabled: bool = Field(description=help_of("auto_sync_enabled"))
    disable_secret_deletion: bool = Field(description=help_of("disable_secret_deletion"))
    key_schema: str = Field("", description=f"{help_of('key_schema')} Answered where it is set.")
    only_delete_managed: bool = Field(
        False, description="The former spelling of strangers; answered where those are left alone."
    )

    include_all_sub_folders: bool = Field(False, description="recursive again, as Infisical spells it now.")

    @classmethod
    def of(cls, sync: Columns) -> Self:
        always = [name for name, field in cls.model_fields.items() if field.is_required()]
        options = {name: getattr(sync, name) for name in OPTIONS} | {"include_all_sub_folders": sync.recursive}
        if sync.strangers == Strangers.LEAVE:
            always, options["only_delete_managed"] = [*always, "only_delete_managed"], True
        return cls(**{name: value for name, value in options.items() if name in always or _is_telling(name, value)})


def _is_telling(name: str, value: object) -> bool:
    """The defaults of the others go without saying."""
    return bool(value if name == "include_all_sub_folders" else value != column(name).get_default())
