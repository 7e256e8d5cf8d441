"""Logging in as a machine identity, and renewing and revoking the access token."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.resources.base import EXAMPLE_ID, Answer, Request

EXAMPLE_TOKEN = "dsa_0123456789ab_…"  # noqa: S105


# What a file or a shell added at its end is none of it: three refused log-ins would lock the program out.
Credential = StringConstraints(max_length=255, strip_whitespace=True)


class LogIn(Request):
    client_id: Annotated[str, Credential, Field(examples=[EXAMPLE_ID])]
    client_secret: Annotated[str, Credential, Field(examples=["dsc_0123456789ab_…"], repr=False)]
    sub_organization_name: Annotated[str, StringConstraints(max_length=255)] | None = Field(
        None, description="Accepted and not used: there is one organization."
    )


class TokenIn(Request):
    access_token: Annotated[str, Credential, Field(examples=[EXAMPLE_TOKEN], repr=False)]


class LoggedIn(Answer):
    """`expiresIn` and `accessTokenMaxTTL` are seconds."""

    access_token: str = Field(examples=[EXAMPLE_TOKEN])
    expires_in: int = Field(examples=[2592000])
    access_token_max_ttl: int = Field(alias="accessTokenMaxTTL", examples=[2592000])
    token_type: Literal["Bearer"]


class Revoked(Answer):
    message: str = Field(examples=["The access token is revoked."])


class Checked(Answer):
    message: str = Field(examples=["Authenticated"])
