"""A secret's page, and adding, editing, restoring and deleting it. None of it shows a value."""

from collections.abc import Iterable
from copy import copy
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from vault import editing
from vault.access import can, place_of, sight
from vault.editing import Actor
from vault.effects import failures_of
from vault.errors import EditingError, VaultError
from vault.forms import SecretForm
from vault.keeping import Keeper
from vault.models import Folder, Secret
from vault.pages.access import actor_of, allowed, done, page, parents_of, refuse, url_of, user_of
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
from vault.pages.secret_forms import edit_words, open_edit, open_form, secret_form
from vault.referrers import find_referrers

# The key that stands for any, before one is typed.
EXAMPLE = "KEY"


def get_secret(secret_id: UUID) -> Secret:
    rows = Secret.objects.select_related("folder__environment__project", "updated_by")
    return get_object_or_404(rows, id=secret_id)


@allowed("vault.view_secret")
def secret_page(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    return show_secret(request, get_secret(secret_id))


def show_secret(request: HttpRequest, secret: Secret, **context: object) -> HttpResponse:
    sees = sight(request.user, "vault.view_secret", secret.folder.environment.project_id)
    return page(
        request,
        "secret",
        title=secret.key,
        secret=secret,
        folder=secret.folder,
        parents=parents_of(secret.folder),
        versions=secret.versions.select_related("created_by").defer("sealed_value"),
        references=secret.references.all(),
        referrers=seen_of(request, find_referrers(secret)),
        broken=broken_references_of(secret, sees),
        failures=failures_of(secret.pk, user_of(request)),
        lookalikes=find_all_lookalikes([secret], secret.folder),
        **context,
    )


@sensitive_variables()
@sensitive_post_parameters("value", "kept")
@allowed("vault.add_secret")
def add_secret(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, by = get_folder(folder_id), actor_of(request)
    form, maker = open_form(request, SecretForm, folder, keeper=Keeper(user_of(request).pk, "add", folder.id))
    question: EditQuestion | None = None
    if form.is_valid():
        key = form.cleaned_data["key"]
        try:
            question = ask_about(request, lambda: add(form, folder, by=by), only_grave=True)
            if question is None:
                add(form, folder, by=by)
                went = done(request, folder.secrets.get(key=key), ADDITION, f"Added {key}.", go_to=folder)
                return redirect(request.path) if "another" in request.POST else went
        except EditingError as error:
            refuse(form, error)
    if form.is_bound:
        form.keep_value()
    shown = {"title": f"Add a secret to {folder.path}", "submit": "Add secret", "another": "Save and add another"}
    reach = {"reach": [] if question else lines_of_reach(folder, EXAMPLE, by=actor_of(request)), "example": EXAMPLE}
    return secret_form(request, form, maker, back=folder, question=question, **shown, **reach)


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


@sensitive_variables()
@sensitive_post_parameters("value", "kept")
@allowed("vault.change_secret")
def edit_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    form, maker = open_edit(request, secret)
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
    reach = [] if question else lines_of_reach(secret.folder, secret.key, by=actor_of(request))
    return secret_form(request, form, maker, back=secret, question=question, reach=reach, **edit_words(secret))


@require_POST
@allowed("vault.change_secret")
def restore_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret, version, by = get_secret(secret_id), version_in(request), actor_of(request)
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
        referrers=seen_of(request, find_referrers(secret)),
    )


def seen_of(request: HttpRequest, secrets: Iterable[Secret]) -> list[Secret]:
    """Those that the user sees where they are."""
    return [each for each in secrets if can(request.user, "vault.view_secret", place_of(each))]


def version_in(request: HttpRequest) -> int:
    """The version that a form asks for, or 0, which no secret has."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
