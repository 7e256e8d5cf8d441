"""`/api/v3/secrets` and `/api/v4/secrets`: the same, but for their defaults: v4 expands and imports by itself."""

from collections.abc import Container, Sequence
from itertools import chain
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Body, Query
from ninja.utils import contribute_operation_callback

from api.auth.callers import Bearer, Caller, caller_of
from api.http.conditional import declare_conditional, not_modified
from api.http.errors import NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.http.queries import OfSecrets, Recursive, SecretQuery
from api.resources import resource
from api.resources.base import with_errors
from api.resources.secrets.answers import get_secret, list_secrets, reject_personal, tag_of, unresolved_in
from api.resources.secrets.edits import create_secrets, delete_secrets, update_secret, update_secrets
from api.resources.secrets.schemas import (
    CreateSecret,
    CreateSecrets,
    DeleteSecret,
    DeleteSecrets,
    ImportedSecret,
    InBatch,
    Kind,
    ListedSecrets,
    ManySecrets,
    NewSecret,
    OneSecret,
    SecretPlace,
    UpdateSecret,
    UpdateSecrets,
)
from vault.access import place_of, visible
from vault.models import Folder, Secret

v3 = resource("Secrets (v3)")
v4 = resource("Secrets (v4)")

ADD, CHANGE, DELETE = "vault.add_secret", "vault.change_secret", "vault.delete_secret"

Version = Annotated[int | None, Query(None, ge=1, le=2_000_000_000, description="An earlier version.")]
Batched = TypeVar("Batched", bound=InBatch)
View = Annotated[bool, Query(True, alias="viewSecretValue", description="false masks the value.")]
KindQuery = Annotated[Kind, Query("shared", alias="type")]


def says_yes(request: HttpRequest) -> bool:
    """What is meant where a client does not say whether to expand references and to look at imports."""
    match = request.resolver_match
    return match is not None and match.route.startswith("api/v4/")


def by_folder(
    caller: Caller, place: SecretPlace, secrets: Sequence[Batched], *permissions: str
) -> list[tuple[Folder, list[Batched]]]:
    """The secrets of a batch with the folders that they are in: the batch's, unless they name another."""
    paths = {secret.secret_path or place.secret_path for secret in secrets}
    folders = {path: place.folder_at(caller, path, *permissions) for path in paths}
    groups: dict[Folder, list[Batched]] = {}
    for secret in secrets:
        groups.setdefault(folders[secret.secret_path or place.secret_path], []).append(secret)
    return list(groups.items())


def wishes_of(request: HttpRequest, query: SecretQuery) -> dict[str, Any]:
    says = says_yes(request)
    return {
        "reveals": query.view_secret_value,
        "expands": query.expands(default=says),
        "imports": query.imports(default=says),
    }


def name_unresolved(response: HttpResponse, secrets: Sequence[ImportedSecret]) -> None:
    if keys := unresolved_in(secrets):
        response["X-Unresolved-References"] = keys


def list_all_secrets(
    request: HttpRequest, response: HttpResponse, query: OfSecrets, recursive: Recursive
) -> ListedSecrets | HttpResponse:
    """The secrets of a folder and, apart, of its imports: own ones win, then the last import."""
    caller, wishes = caller_of(request), wishes_of(request, query)
    folder = query.get_folder(caller)
    caller.require_at(place_of(folder), "vault.view_secret")
    etag = tag_of(caller, folder, recursive=recursive, filters=query.filters, **wishes)
    chosen = query.chosen(folder.environment.project_id)
    if same := not_modified(request, etag):
        return same
    only = None if chosen is None else set(chosen.values_list("id", flat=True))
    answer = list_secrets(caller, folder, recursive=recursive, only=only, **wishes)
    response["ETag"] = etag
    imported = chain.from_iterable(each.secrets for each in answer.imports)
    name_unresolved(response, [*answer.secrets, *imported])
    return answer


@idempotent
def create_many_secrets(request: HttpRequest, body: CreateSecrets) -> ManySecrets:
    """Creates many secrets, all or none."""
    reject_personal(*(secret.type for secret in body.secrets))
    caller = caller_of(request)
    with transaction.atomic():
        created = [create_secrets(caller, folder, new) for folder, new in by_folder(caller, body, body.secrets, ADD)]
    return ManySecrets(secrets=list(chain.from_iterable(created)))


def update_many_secrets(request: HttpRequest, body: UpdateSecrets) -> ManySecrets:
    """Changes many secrets, all or none."""
    reject_personal(*(secret.type for secret in body.secrets))
    caller = caller_of(request)
    needed = (CHANGE, ADD) if body.mode == "upsert" else (CHANGE,)
    with transaction.atomic():
        updated = [
            update_secrets(caller, folder, changes, mode=body.mode)
            for folder, changes in by_folder(caller, body, body.secrets, *needed)
        ]
    return ManySecrets(secrets=list(chain.from_iterable(updated)))


def delete_many_secrets(request: HttpRequest, body: Annotated[DeleteSecrets, Body()]) -> ManySecrets:
    """Deletes many secrets, all or none."""
    reject_personal(*(secret.type for secret in body.secrets))
    caller = caller_of(request)
    with transaction.atomic():
        deleted = [
            delete_secrets(caller, folder, [secret.secret_key for secret in doomed])
            for folder, doomed in by_folder(caller, body, body.secrets, DELETE)
        ]
    return ManySecrets(secrets=list(chain.from_iterable(deleted)))


def get_secret_by_id(
    request: HttpRequest, response: HttpResponse, secret_id: UUID, view: View
) -> OneSecret | HttpResponse:
    """One secret by its ID, as it is stored."""
    rows = visible(caller_of(request).user, Secret.objects.select_related("folder__environment"))
    secret = rows.filter(pk=secret_id).first()
    if secret is None:
        raise NotFoundError(f"There is no secret with the ID {secret_id}.")
    wishes: dict[str, Any] = {"reveals": view, "expands": False, "imports": False}
    return answer_one(request, response, secret.folder, secret.key, **wishes)


def get_one_secret(
    request: HttpRequest,
    *,
    response: HttpResponse,
    secret_name: str,
    query: OfSecrets,
    kind: KindQuery,
    version: Version,
) -> OneSecret | HttpResponse:
    """One secret by its key."""
    reject_personal(kind)
    folder, wishes = query.get_folder(caller_of(request)), wishes_of(request, query)
    chosen = query.chosen(folder.environment.project_id)
    only = None if chosen is None else set(chosen.filter(key=secret_name).values_list("id", flat=True))
    return answer_one(request, response, folder, secret_name, version=version, only=only, **wishes)


def answer_one(
    request: HttpRequest,
    response: HttpResponse,
    folder: Folder,
    key: str,
    *,
    version: int | None = None,
    only: Container[UUID] | None = None,
    **wishes: Any,
) -> OneSecret | HttpResponse:
    caller = caller_of(request)
    caller.require_at(place_of(folder), "vault.view_secret")
    etag = tag_of(caller, folder, key=key, version=version, **wishes)
    if same := not_modified(request, etag):
        return same
    found = get_secret(caller, folder, key, version=version, only=only, **wishes)
    response["ETag"] = etag
    name_unresolved(response, [found])
    return OneSecret(secret=found)


@idempotent
def create_one_secret(request: HttpRequest, secret_name: str, body: CreateSecret) -> OneSecret:
    """Creates a secret."""
    reject_personal(body.type)
    caller = caller_of(request)
    sent = {name: getattr(body, name) for name in NewSecret.model_fields if name in CreateSecret.model_fields}
    new = NewSecret.model_construct(**sent | {"secret_key": secret_name, "secret_path": None})
    created = create_secrets(caller, body.folder_at(caller, body.secret_path, ADD), [new])
    return OneSecret(secret=created[0])


def update_one_secret(request: HttpRequest, secret_name: str, body: UpdateSecret) -> OneSecret:
    """Changes the value, the comment or the key of a secret."""
    reject_personal(body.type)
    caller = caller_of(request)
    folder = body.folder_at(caller, body.secret_path, CHANGE)
    return OneSecret(secret=update_secret(caller, folder, secret_name, body))


def delete_one_secret(request: HttpRequest, secret_name: str, body: Annotated[DeleteSecret, Body()]) -> OneSecret:
    """Deletes a secret with its versions."""
    reject_personal(body.type)
    caller = caller_of(request)
    deleted = delete_secrets(caller, body.folder_at(caller, body.secret_path, DELETE), [secret_name])
    return OneSecret(secret=deleted[0])


ROUTES: tuple[tuple[str, str, str, Any, Any, tuple[int, ...]], ...] = (
    # method, path in v3, path in v4, view, answer, further errors
    ("GET", "/raw", "", list_all_secrets, ListedSecrets, ()),
    ("POST", "/batch/raw", "/batch", create_many_secrets, ManySecrets, (409,)),
    ("PATCH", "/batch/raw", "/batch", update_many_secrets, ManySecrets, ()),
    ("DELETE", "/batch/raw", "/batch", delete_many_secrets, ManySecrets, ()),
    ("GET", "/raw/id/{secret_id}", "/id/{secret_id}", get_secret_by_id, OneSecret, ()),
    ("GET", "/raw/{secret_name}", "/{secret_name}", get_one_secret, OneSecret, ()),
    ("POST", "/raw/{secret_name}", "/{secret_name}", create_one_secret, OneSecret, (409,)),
    ("PATCH", "/raw/{secret_name}", "/{secret_name}", update_one_secret, OneSecret, ()),
    ("DELETE", "/raw/{secret_name}", "/{secret_name}", delete_one_secret, OneSecret, ()),
)
for view in (list_all_secrets, get_secret_by_id, get_one_secret):
    contribute_operation_callback(view, declare_conditional)
PERMISSIONS = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}

for method, v3_path, v4_path, view, answer, errors in ROUTES:
    answering = view if method == "GET" else foreseeable(view)
    for router, path in ((v3, v3_path), (v4, v4_path)):
        bearer = Bearer(f"vault.{PERMISSIONS[method]}_secret", by_place=True)
        answers = with_errors(answer, *errors) | ({304: None} if method == "GET" else {})
        router.api_operation([method], path, auth=bearer, response=answers)(answering)
