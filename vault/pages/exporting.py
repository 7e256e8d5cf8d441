"""Taking a folder's values away as a file: asked for by a form, sent once, and noted."""

from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from vault.errors import SourceError
from vault.exporting import DOTENV, FORMATS, JSON, export
from vault.pages.access import allowed, page, place_of, user_of
from vault.pages.folders import get_folder

RESOLVED, STORED = "resolved", "stored"
TYPES = {DOTENV: "text/plain; charset=utf-8", JSON: "application/json"}


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        choices=[(to, name) for to, (name, _) in FORMATS.items()], initial=DOTENV, widget=forms.RadioSelect
    )
    values = forms.ChoiceField(
        choices=[
            (RESOLVED, "As Devin gets them: imports merged, references replaced by what they refer to"),
            (STORED, "As they are stored: this folder's own secrets, with ${…} and comments"),
        ],
        initial=RESOLVED,
        widget=forms.RadioSelect,
    )


@sensitive_variables()
@allowed("vault.view_folder", "vault.view_secret", "vault.reveal_secret")
def export_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, refusal = get_folder(folder_id), ""
    form = ExportForm(request.POST or None)
    if form.is_valid():
        to, resolved = form.cleaned_data["format"], form.cleaned_data["values"] == RESOLVED
        try:
            made = export(folder, user_of(request), to=to, resolved=resolved)
        except SourceError as error:
            refusal = error.message
        else:
            sent = {"Content-Disposition": f'attachment; filename="{made.file_name}"', "Cache-Control": "no-store"}
            return HttpResponse(made.text, content_type=TYPES[to], headers=sent)
    return page(
        request, "export", title=f"Export the secrets of {folder.path}", form=form, refusal=refusal, **place_of(folder)
    )
