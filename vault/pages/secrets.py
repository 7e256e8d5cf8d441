"""A secret's page, and adding, editing, revealing, restoring and deleting it. Only `reveal` shows a value."""

from copy import copy
from typing import TypedDict
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from vault import editing
from vault.editing import Actor
from vault.errors import EditingError, VaultError
from vault.forms import EditSecretForm, SecretForm
from vault.keeping import Keeper
from vault.models import Folder, Project, Secret
from vault.pages.access import actor_of, allowed, done, form_page, page, parents_of, refuse, url_of, user_of
from vault.pages.asking import (
    CARRY,
    EditQuestion,
    ask_about,
    ask_about_edit,
    ask_first,
    keep_up,
    lines_of_reach,
    update,
)
from vault.pages.deleting import confirm_deletion
from vault.pages.folders import get_folder
from vault.pages.references import broken_references_of, find_all_lookalikes
from vault.reading import reveal
from vault.referrers import find_referrers


class TagRights(TypedDict):
    project: Project
    may_add_tags: bool


# The key that stands for any, before one is typed.
EXAMPLE = "KEY"


def get_secret(secret_id: UUID) -> Secret:
    rows = Secret.objects.select_related("folder__environment__project", "updated_by")
    return get_object_or_404(rows, id=secret_id)


@allowed("vault.view_secret")
def secret_page(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    return _show(request, get_secret(secret_id))


def _show(request: HttpRequest, secret: Secret, **context: object) -> HttpResponse:
    return page(
        request,
        "secret",
        title=secret.key,
        secret=secret,
        folder=secret.folder,
        parents=parents_of(secret.folder),
        versions=secret.versions.select_related("created_by").defer("sealed_value"),
        references=secret.references.all(),
        referrers=find_referrers(secret),
        broken=broken_references_of(secret),
        lookalikes=find_all_lookalikes([secret], secret.folder),
        **context,
    )


@sensitive_variables()
@sensitive_post_parameters("value", "kept")
@allowed("vault.add_secret")
def add_secret(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, by = get_folder(folder_id), actor_of(request)
    keeper = Keeper(user_of(request).pk, "add", folder.id)
    form = SecretForm(request.POST or None, keeper=keeper, **tagging(request, folder))
    question: EditQuestion | None = None
    if form.is_valid():
        key = form.cleaned_data["key"]
        try:
            question = ask_about(request, lambda: add(form, folder, by=by), only_grave=True)
            if question is None:
                add(form, folder, by=by)
                return done(request, folder.secrets.get(key=key), ADDITION, f"Added {key}.", go_to=folder)
        except EditingError as error:
            refuse(form, error)
    if form.is_bound:
        form.keep_value()
    title = f"Add a secret to {folder.path}"
    reach = {"reach": [] if question else lines_of_reach(folder, EXAMPLE), "example": EXAMPLE}
    return form_page(
        request, form, title=title, submit="Add secret", back=folder, question=question, template="secret_form", **reach
    )


@sensitive_variables()
def add(form: SecretForm, folder: Folder, *, by: Actor) -> None:
    key = form.cleaned_data["key"]
    with transaction.atomic():
        editing.set_secrets(
            folder,
            {key: form.value_entered() or ""},
            comments={key: form.cleaned_data["comment"]},
            literal={key: form.cleaned_data["is_literal"]},
            must_exist=False,
            refuses_circles=True,
            by=by,
        )
        keep_up(folder.secrets.get(key=key), form.upkeep, before=editing.Upkeep(), by=by)


def tagging(request: HttpRequest, folder: Folder) -> TagRights:
    """Which tags a form may name."""
    return {"project": folder.environment.project, "may_add_tags": request.user.has_perm("vault.add_tag")}


@sensitive_variables()
@sensitive_post_parameters("value", "kept")
@allowed("vault.change_secret")
def edit_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    initial = {name: getattr(secret, name) for name in ("key", "comment", "is_literal", "version")}
    keeper = Keeper(user_of(request).pk, "edit", secret.id)
    initial |= EditSecretForm.initial_of(secret)
    form = EditSecretForm(request.POST or None, initial=initial, keeper=keeper, **tagging(request, secret.folder))
    question: EditQuestion | None = None
    if form.is_valid():
        try:
            question = ask_about_edit(request, form, secret)
            if question is None:
                changed = update(form, secret, by=actor_of(request), carries=request.POST.get("references") == CARRY)
                message = f"Saved {changed.key}; it is at version {changed.version}."
                return done(request, changed, CHANGE, message, go_to=changed)
        except VaultError as error:
            refuse(form, error)
            form.data["version"] = str(get_secret(secret_id).version)
    if form.is_bound:
        form.keep_value()
    reach = [] if question else lines_of_reach(secret.folder, secret.key)
    title = f"Edit {secret.key}"
    return form_page(
        request,
        form,
        title=title,
        submit="Save",
        back=secret,
        question=question,
        template="secret_form",
        reach=reach,
    )


@sensitive_variables()
@require_POST
@allowed("vault.view_secret", "vault.reveal_secret")
def reveal_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    version = _version_in(request) or secret.version
    try:
        value = reveal(secret, user_of(request), version=version)
    except VaultError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(url_of(secret))
    response = _show(request, secret, revealed=value, is_empty=not value, revealed_version=version)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@allowed("vault.change_secret")
def restore_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret, version, by = get_secret(secret_id), _version_in(request), actor_of(request)
    title = f"Restore version {version} of {secret.key}?"
    try:
        if asked := ask_first(
            request, lambda: editing.restore_version(copy(secret), version, by=by), title=title, back=secret
        ):
            return asked
        restored = editing.restore_version(secret, version, by=by)
    except VaultError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(url_of(secret))
    message = f"Restored version {version} of {secret.key}; it is now version {restored.version}."
    return done(request, restored, CHANGE, message, go_to=restored)


@allowed("vault.delete_secret")
def delete_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    return confirm_deletion(
        request,
        secret,
        name=secret.key,
        contents=[f"{secret.key} in {secret.folder}, with all versions"],
        delete=lambda row: editing.delete_secret(row, by=actor_of(request)),
        go_to=secret.folder,
        referrers=find_referrers(secret),
    )


def _version_in(request: HttpRequest) -> int:
    """The version that a form asks for, or 0, which no secret has."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
