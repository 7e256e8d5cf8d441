"""The ground of all schemas: camelCase outside, snake_case inside."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
EXAMPLE_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
EXAMPLE_TIME = "2026-04-20T05:31:56Z"


class Request(BaseModel):
    """A body. Unknown fields are refused, so that a misspelt option is no silent default."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, str_strip_whitespace=False)


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
    return {200: answer} | errors | {422: Issues, 429: Problem}
