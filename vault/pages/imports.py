"""Adding, moving and removing the imports of a folder."""

from copy import copy
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from vault import editing
from vault.errors import EditingError
from vault.forms import ImportForm
from vault.models import SecretImport
from vault.pages.access import actor_of, allowed, done, form_page, refuse, url_of, user_of
from vault.pages.asking import EditQuestion, ask_about, ask_first
from vault.pages.folders import get_folder


@allowed("vault.add_secretimport")
def add_import(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    form = ImportForm(folder, user_of(request), request.POST or None)
    question: EditQuestion | None = None
    if form.is_valid():
        source, by = form.cleaned_data["source"], actor_of(request)
        try:
            question = ask_about(request, lambda: editing.add_import(folder, source, by=by))
            if question is None:
                editing.add_import(folder, source, by=by)
                return done(request, folder, CHANGE, f"Added the import of {source}.", go_to=folder)
        except EditingError as error:
            refuse(form, error)
    title = f"Add an import to {folder.path}"
    return form_page(request, form, title=title, submit="Add import", back=folder, question=question)


@require_POST
@allowed("vault.change_secretimport")
def move_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    row = _get_import(import_id)
    try:
        step = {"up": -1, "down": 1}[request.POST.get("direction", "")]
    except KeyError:
        messages.error(request, "Nothing was moved: the direction is up or down.")
        return HttpResponseRedirect(url_of(row.folder))
    by, position = actor_of(request), row.position + step
    title = f"Move the import of {row.source}?"
    if asked := ask_first(
        request, lambda: editing.move_import(copy(row), position, by=by), title=title, back=row.folder
    ):
        return asked
    editing.move_import(row, position, by=by)
    return done(request, row.folder, CHANGE, f"Moved the import of {row.source}.", go_to=row.folder)


@require_POST
@allowed("vault.delete_secretimport")
def delete_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    row = _get_import(import_id)
    by, title = actor_of(request), f"Remove the import of {row.source}?"
    if asked := ask_first(request, lambda: editing.delete_import(copy(row), by=by), title=title, back=row.folder):
        return asked
    editing.delete_import(row, by=by)
    return done(request, row.folder, CHANGE, f"Removed the import of {row.source}.", go_to=row.folder)


def _get_import(import_id: UUID) -> SecretImport:
    rows = SecretImport.objects.select_related("folder__environment", "source__environment")
    return get_object_or_404(rows, id=import_id)
