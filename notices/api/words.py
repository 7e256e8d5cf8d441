"""Words of notifications that requests may say."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from notices.events import BY_NAME


def _known(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"There is no such event. There are: {', '.join(BY_NAME)}.")
    return name


EventName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(BY_NAME), "examples": ["failed"]})
]
