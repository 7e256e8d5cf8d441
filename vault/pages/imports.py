"""Adding, moving and removing the imports of a folder."""

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
from vault.pages.access import actor_of, allowed, done, form_page, refuse, url_of
from vault.pages.folders import get_folder


@allowed("vault.add_secretimport")
def add_import(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    form = ImportForm(folder, request.POST or None)
    if form.is_valid():
        source = form.cleaned_data["source"]
        try:
            editing.add_import(folder, source, by=actor_of(request))
        except EditingError as error:
            refuse(form, error)
        else:
            return done(request, folder, CHANGE, f"Added the import of {source}.", go_to=folder)
    return form_page(request, form, title=f"Add an import to {folder.path}", submit="Add import", back=folder)


@require_POST
@allowed("vault.change_secretimport")
def move_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    row = _get_import(import_id)
    try:
        step = {"up": -1, "down": 1}[request.POST.get("direction", "")]
    except KeyError:
        messages.error(request, "Nothing was moved: the direction is up or down.")
        return HttpResponseRedirect(url_of(row.folder))
    editing.move_import(row, row.position + step, by=actor_of(request))
    return done(request, row.folder, CHANGE, f"Moved the import of {row.source}.", go_to=row.folder)


@require_POST
@allowed("vault.delete_secretimport")
def delete_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    row = _get_import(import_id)
    editing.delete_import(row, by=actor_of(request))
    return done(request, row.folder, CHANGE, f"Removed the import of {row.source}.", go_to=row.folder)


def _get_import(import_id: UUID) -> SecretImport:
    rows = SecretImport.objects.select_related("folder__environment", "source__environment")
    return get_object_or_404(rows, id=import_id)
