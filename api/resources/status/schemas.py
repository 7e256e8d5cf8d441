"""What Infisical's clients ask before anything else."""

from typing import Literal

from pydantic import Field

from api.resources.base import Answer, Timestamp


class Status(Answer):
    """Of what Infisical tells here, what is true of any DevinSync: nothing of this one is told to strangers."""

    date: Timestamp
    message: Literal["Ok"]
    invite_only_signup: bool = Field(examples=[True])
    redis_configured: bool = Field(examples=[True])
