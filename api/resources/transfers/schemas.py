"""What is copied or moved where, and what that did."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from api.http.forms import Switch
from api.http.queries import FolderQuery
from api.resources.base import Answer, StrictRequest, left_out
from api.resources.places import Id, InEnvironment, Path, Slug
from api.resources.secrets.schemas import SecretKey
from vault.editing import Retold, Transferred
from vault.models import ROOT

MOST_KEYS = 500
Keys = Annotated[list[SecretKey], Field(min_length=1, max_length=MOST_KEYS, examples=[["DB_URL"]])]
References = Annotated[
    Switch, Field(description="Let the references that this cuts name the new place, where they can.")
]


class Destination(StrictRequest):
    project_id: Id | None = Field(None, description="Another project; without it, the same one.")
    environment: Annotated[Slug, Field(examples=["dev"])]


class SecretsDestination(Destination):
    secret_path: Path = Field(ROOT, description="The folder to put them into. One that is missing is made.")


class FolderDestination(Destination):
    path: Path = Field(ROOT, description="The folder to put it into. One that is missing is made.")


class TransferSecrets(InEnvironment):
    secret_path: Path = ROOT
    secret_keys: Keys
    destination: SecretsDestination


class CopySecrets(TransferSecrets):
    overwrite: Switch = Field(False, description="A secret of the same key gets a new version. Else it stays.")


class MoveSecrets(TransferSecrets):
    update_references: References = True


class TransferFolder(InEnvironment):
    path: Path
    destination: FolderDestination


class MoveFolder(TransferFolder):
    update_references: References = True


class CutReference(Answer):
    """A reference that leads elsewhere or nowhere afterwards; `becomes` is what leads there again, if anything can."""

    secret_key: str = Field(examples=["API_URL"])
    environment: str = Field(examples=["dev"])
    secret_path: str = Field(examples=["/my-secrets"])
    reference: str = Field(examples=["${dev.my-secrets.DB_URL}"])
    becomes: str | None = Field(examples=["${prod.my-secrets.DB_URL}"])

    @classmethod
    def of(cls, retold: Retold) -> Self:
        secret = retold.edge.secret
        return cls(
            secret_key=secret.key,
            environment=secret.folder.environment.slug,
            secret_path=secret.folder.path,
            reference=str(retold.edge.reference),
            becomes=str(retold.new) if retold.new is not None else None,
        )


class Transfer(Answer):
    """By keys, or for a folder by the paths of it and those below; `kept` were there already and stay."""

    environment: str = Field(examples=["prod"])
    path: str = Field(examples=["/my-secrets"])
    created: list[str] = Field(examples=[["DB_URL"]])
    replaced: list[str]
    unchanged: list[str]
    kept: list[str]
    references: list[CutReference] = left_out(description="Only of a move: those of secrets that you may see.")
    unseen_references: int = left_out(description="How many others there are, where there are any.", examples=[1])

    @classmethod
    def of(cls, done: Transferred, *, cut: Sequence[Retold] | None = None) -> Self:
        """`cut` are the references of a move that may be told of; None of a copy."""
        answer = cls(
            environment=done.target.environment.slug,
            path=done.target.path,
            created=done.created,
            replaced=done.replaced,
            unchanged=done.unchanged,
            kept=done.kept,
        )
        if cut is not None:
            answer.references = [CutReference.of(each) for each in cut]
            if unseen := len(done.retold) - len(cut):
                answer.unseen_references = unseen
        return answer


class OneTransfer(Answer):
    transfer: Transfer


class ExportQuery(FolderQuery):
    format: Literal["dotenv", "json"] = Field("dotenv", description="What the text is.")
    values: Literal["resolved", "stored"] = Field(
        "resolved",
        description="As Devin gets them, with imports and references; or the folder's own secrets as they are stored.",
    )


class ExportOut(Answer):
    file_name: str = Field(examples=["web-shop-dev-my-secrets.env"])
    format: Literal["dotenv", "json"]
    count: int = Field(examples=[2])
    content: str = Field(examples=["DB_URL=postgres://db.example.com/shop\n"], repr=False)


class OneExport(Answer):
    export: ExportOut
