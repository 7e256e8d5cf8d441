"""A folder's page: its secrets, its imports in order, its subfolders; and adding, editing and deleting folders."""

from copy import copy
from dataclasses import dataclass
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from vault import editing
from vault.access import sight, visible
from vault.editing.folders import with_subfolders
from vault.errors import EditingError, SourceError
from vault.forms import FolderForm, NewFolderForm
from vault.loading import load_resolver
from vault.models import Folder, SecretImport
from vault.pages.access import actor_of, allowed, done, form_page, page, parents_of, refuse, user_of
from vault.pages.asking import EditQuestion, ask_about
from vault.pages.deleting import confirm_deletion, describe_contents
from vault.pages.filtering import Filters, list_secrets
from vault.pages.lines import may_read_lines
from vault.pages.references import broken_references, find_all_lookalikes
from vault.pages.secret_rows import draw_secrets
from vault.pages.trees import FOLDERS_A_PAGE
from vault.pointing import split_readers
from vault.referrers import describe_circle, find_circles
from vault.resolution import Resolver

# What is named beside them: keys of an import, and readers.
NAMED = 100
READERS_NAMED = 20


@dataclass(frozen=True)
class ImportRow:
    """An import as its folder shows it: each key it brings, and whether something else wins over it."""

    row: SecretImport
    keys: list[tuple[str, bool]]

    @property
    def named(self) -> list[tuple[str, bool]]:
        return self.keys[:NAMED]

    @property
    def more(self) -> int:
        """How many are not named."""
        return max(len(self.keys) - NAMED, 0)


def get_folder(folder_id: UUID) -> Folder:
    return get_object_or_404(Folder.objects.select_related("environment__project", "parent"), id=folder_id)


@allowed("vault.view_folder", "vault.view_secret")
def folder_page(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    listed = list_secrets(folder, Filters.of(request), request.GET.get("page"))
    subfolders = folder.subfolders.annotate(secret_count=Count("secrets")).order_by("path")
    readers, unseen_readers = split_readers(Folder.objects.filter(id=folder.id), user_of(request))
    return page(
        request,
        "folder",
        title=folder.name or folder.environment.name,
        folder=folder,
        parents=parents_of(folder),
        lookalikes=find_all_lookalikes(listed.secrets, folder),
        rows=draw_secrets(request, folder, listed.secrets),
        **listed.context,
        **read_shape(folder, user_of(request)),
        subfolders=Paginator(subfolders, FOLDERS_A_PAGE).get_page(request.GET.get("folders")),
        readers=readers[:READERS_NAMED],
        more_readers=len(readers[READERS_NAMED:]),
        unseen_readers=unseen_readers,
        has_lines=may_read_lines(request.user, folder),
    )


def read_shape(folder: Folder, user: User) -> dict[str, object]:
    """What it imports, and which of its references lead nowhere or round; or why that can't be told.

    Of what the user does not see nothing is told, also not whether it is there.
    """
    sees = sight(user, "vault.view_secret", folder.environment.project_id)
    try:
        resolver, _ = load_resolver(folder, sees=sees)
        return {
            "imports": list_imports(folder, resolver, user),
            "broken": broken_references(folder, resolver, sees=sees),
            "circles": list_circles(folder, resolver),
        }
    except SourceError as error:
        return {"problem": error.message}


def list_circles(folder: Folder, resolver: Resolver) -> list[str]:
    rows = folder.secrets.filter(references__isnull=False).select_related("folder__environment").distinct()
    circles = find_circles(rows.defer("sealed_value"), resolver)
    return [describe_circle([step.key for step in steps]) for steps in circles]


def list_imports(folder: Folder, resolver: Resolver, user: User) -> list[ImportRow]:
    rows = []
    shown = resolver.visible(folder.id)
    for row in visible(user, folder.imports.select_related("source__environment")):
        brought = sorted(resolver.visible(row.source_id).items())
        rows.append(ImportRow(row, [(key, shown[key].id != secret.id) for key, secret in brought]))
    return rows


@allowed("vault.add_folder")
def add_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    parent = get_folder(folder_id)
    form = NewFolderForm(request.POST or None)
    if form.is_valid():
        path = parent.prefix + form.cleaned_data["path"].strip().strip("/")
        try:
            folder = editing.create_folder(
                parent.environment, path, description=form.cleaned_data["description"], by=actor_of(request)
            )
        except EditingError as error:
            refuse(form, error)
        else:
            return done(request, folder, ADDITION, f"Added the folder {folder.path}.", go_to=folder)
    return form_page(request, form, title=f"Add a folder in {parent.path}", submit="Add folder", back=parent)


@allowed("vault.change_folder")
def edit_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    title = f"Edit {folder.path}"
    form = FolderForm(request.POST or None, initial={"name": folder.name, "description": folder.description})
    if folder.is_root:
        del form.fields["name"]
    question: EditQuestion | None = None
    if form.is_valid():
        fields, by = form.cleaned_data, actor_of(request)
        try:
            question = ask_about(request, lambda: editing.update_folder(copy(folder), **fields, by=by))
            if question is None:
                editing.update_folder(folder, **fields, by=by)
                return done(request, folder, CHANGE, f"Changed the folder {folder.path}.", go_to=folder)
        except EditingError as error:
            refuse(form, error)
    back = get_folder(folder_id)
    warning = "References name a folder by its path. Those that use the old name stop working when it changes."
    warning = "" if folder.is_root else warning
    return form_page(request, form, title=title, submit="Save", back=back, warning=warning, question=question)


@allowed("vault.delete_folder", "vault.delete_secret")
def delete_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    return confirm_deletion(
        request,
        folder,
        name=f"the folder {folder.path}",
        contents=describe_contents(with_subfolders(folder)),
        delete=lambda row: editing.delete_folder(row, by=actor_of(request)),
        go_to=folder.parent or folder,
    )
