"""The ground of all schemas: camelCase outside, snake_case inside."""

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from api.http.answers import share_models

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
EXAMPLE_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
EXAMPLE_TIME = "2026-04-20T05:31:56Z"
KNOWN_KINDS = frozenset(get_args(ErrorType))

# No route is made before its schemas.
share_models()


class Request(BaseModel):
    """A body. Fields that are not known here are ignored, as Infisical ignores them."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, str_strip_whitespace=False)


def left_out(**settings: Any) -> Any:
    """A field that may be left out, but not be null: None stands for what was not sent."""
    return Field(default_factory=lambda: None, **settings)


class StrictRequest(Request):
    """A body, or a part of one, whose unknown fields are refused, so that a misspelt option is no silent default."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest(cls, body: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(body)
        except ValidationError as error:
            helpful = [_helpful(cls, found) for found in error.errors()]
            raise ValidationError.from_exception_data(error.title, helpful) from None


def known_names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def nearest_name(model: type[BaseModel], name: str) -> str:
    """The field that a misspelt name is most like, or ""."""
    by_lower = {known.lower(): known for known in known_names(model)}
    plain = name.replace("_", "").lower()
    return next((by_lower[near] for near in get_close_matches(plain, by_lower, n=1, cutoff=0.6)), "")


def _helpful(model: type[BaseModel], found: ErrorDetails) -> InitErrorDetails:
    """An error as it is, or, where a field of this very model is unknown, with what was probably meant."""
    kind: str | PydanticCustomError = found["type"]
    if found["type"] == "extra_forbidden" and len(found["loc"]) == 1:
        nearest = nearest_name(model, str(found["loc"][0]))
        hint = f" Did you mean {nearest}?" if nearest else f" There are: {', '.join(known_names(model))}."
        kind = PydanticCustomError("extra_forbidden", "There is no such field.{hint}", {"hint": hint})
    elif found["type"] == "extra_forbidden" or found["type"] not in KNOWN_KINDS:
        kind = PydanticCustomError(found["type"], found["msg"])
    details = InitErrorDetails(type=kind, loc=found["loc"], input=found["input"])
    if isinstance(kind, str) and "ctx" in found:
        details["ctx"] = found["ctx"]
    return details


class Answer(BaseModel):
    """A part of an answer. Only what was set is sent, in the order in which it is declared."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


def _format(at: datetime) -> str:
    return at.astimezone(UTC).strftime(TIME_FORMAT)


Timestamp = Annotated[
    datetime,
    PlainSerializer(_format, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME]}),
]


def one_of(*words: str) -> Any:
    """A text that is one of these, in the document; where it comes from knows no others."""
    return Field(json_schema_extra={"enum": list(words)})


class Problem(Answer):
    """The envelope of every error."""

    req_id: str = Field(examples=["0f9f1c5d2b7e4c3a8d6e5f4a3b2c1d0e"])
    status_code: int = Field(examples=[404])
    message: str = Field(examples=["There is no sync with the ID 3c90c3cc-0d44-4b50-8888-8dd25736052a."])
    error: str = Field(examples=["NotFound"])


class Issue(Answer):
    """What is wrong with one field. `path` leads to it."""

    code: str = Field(examples=["string_too_long"])
    path: list[str | int] = Field(examples=[["name"]])
    message: str = Field(examples=["String should have at most 256 characters"])


class Issues(Answer):
    """The envelope of a request that breaks the rules of its fields."""

    req_id: str = Field(examples=["0f9f1c5d2b7e4c3a8d6e5f4a3b2c1d0e"])
    status_code: int = Field(examples=[422])
    message: list[Issue]
    error: str = Field(examples=["ValidationFailure"])


def with_errors(answer: Any, *statuses: int) -> dict[int, Any]:
    """The answer of a route and the errors that it may end in."""
    errors: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, *statuses), Problem)
    return {200: answer} | errors | {422: Issues, 429: Problem, 503: Problem}
