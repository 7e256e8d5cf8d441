"""The form of a secret on its pages: opened as it was sent, or with a value that was made in it, and shown."""

from typing import Any, TypedDict, TypeVar

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from vault.access import Place, can
from vault.forms import EditSecretForm, SecretForm
from vault.generating_form import GenerateForm
from vault.keeping import Keeper
from vault.models import Folder, Project, Secret
from vault.pages.access import form_page, url_of, user_of

GENERATE = "generate"


class TagRights(TypedDict):
    """Which tags a form may name."""

    project: Project
    may_add_tags: bool


def tagging(request: HttpRequest, folder: Folder) -> TagRights:
    return {
        "project": folder.environment.project,
        "may_add_tags": can(request.user, "vault.add_tag", Place(folder.environment.project_id)),
    }


Kind = TypeVar("Kind", bound=SecretForm)


@sensitive_variables()
def open_form(
    request: HttpRequest, kind: type[Kind], folder: Folder, *, keeper: Keeper, initial: dict[str, Any] | None = None
) -> tuple[Kind, GenerateForm]:
    """Where a value is to be made, all else comes back as it was typed, and nothing of it is judged or saved."""
    tags = tagging(request, folder)
    if GENERATE not in request.POST:
        return kind(request.POST or None, initial=initial, keeper=keeper, **tags), GenerateForm()
    sent, maker = kind(request.POST, keeper=keeper, **tags), GenerateForm(request.POST)
    form = kind(initial=sent.as_typed(), keeper=keeper, **tags)
    if maker.is_valid():
        form.put_value(*maker.make())
    elif (value := sent.value_entered()) is not None:
        form.put_value(value)
    return form, maker


def open_edit(request: HttpRequest, secret: Secret) -> tuple[EditSecretForm, GenerateForm]:
    keeper = Keeper(user_of(request).pk, "edit", secret.id)
    return open_form(request, EditSecretForm, secret.folder, keeper=keeper, initial=initial_of(secret))


def initial_of(secret: Secret) -> dict[str, Any]:
    initial = {name: getattr(secret, name) for name in ("key", "comment", "is_literal", "version")}
    return initial | EditSecretForm.initial_of(secret)


@sensitive_variables()
def show_in_form(request: HttpRequest, secret: Secret, value: str) -> EditSecretForm:
    """The form to edit a secret, with the value that was revealed."""
    keeper = Keeper(user_of(request).pk, "edit", secret.id)
    form = EditSecretForm(initial=initial_of(secret), keeper=keeper, **tagging(request, secret.folder))
    form.show_value(value)
    return form


def edit_words(secret: Secret) -> dict[str, str]:
    return {"title": f"Edit {secret.key}", "submit": "Save"}


def secret_form(
    request: HttpRequest, form: SecretForm, maker: GenerateForm, *, back: Folder | Secret, **context: Any
) -> HttpResponse:
    context = {"cancel_url": url_of(back), **context}
    return form_page(request, form, maker=maker, back=back, template="secret_form", **context)
