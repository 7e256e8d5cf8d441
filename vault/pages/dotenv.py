"""Adding many secrets at once from the text of a `.env` file: paste or upload, look at what would change, confirm.

Between the two steps the values are in the preview's page, sealed for this person, folder and hour: in no session, no
table and in clear nowhere. With JavaScript the preview appears below the text, which stays as it was typed.
"""

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from django.contrib.admin.models import CHANGE
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from vault import editing
from vault.dotenv import LineError, parse
from vault.errors import EditingError, VaultError
from vault.forms import DotenvForm
from vault.keeping import Keeper
from vault.models import Folder
from vault.pages.access import allowed, done, page, parents_of, user_of
from vault.pages.folders import get_folder

MAX_SECRETS = 2000


@sensitive_variables()
@sensitive_post_parameters("text", "kept")
@allowed("vault.add_secret", "vault.change_secret")
def add_dotenv(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_folder(folder_id)
    if "kept" in request.POST:
        return _apply(request, folder)
    form = DotenvForm(request.POST, request.FILES) if request.method == "POST" else DotenvForm()
    if not form.is_valid():
        return _show(request, folder, form)
    parsed = parse(form.cleaned_data["content"])
    return _preview(request, folder, parsed.values, line_errors=parsed.errors)


@sensitive_variables()
def _preview(
    request: HttpRequest,
    folder: Folder,
    values: Mapping[str, str],
    *,
    line_errors: list[LineError] | None = None,
    note: str = "",
) -> HttpResponse:
    context: dict[str, object] = {"line_errors": line_errors or [], "note": note}
    if len(values) > MAX_SECRETS:
        refusal = f"These are {len(values):,} secrets; at most {MAX_SECRETS:,} can be added at once."
        return _show(request, folder, DotenvForm(), refusal=refusal)
    try:
        preview = editing.preview_secrets(folder, values)
    except VaultError as error:
        return _show(request, folder, DotenvForm(), refusal=error.message, **context)
    if not values and not line_errors:
        context["refusal"] = "There is no KEY=value in this text."
    token = _keeper(request, folder).keep({"values": dict(values), "preview": asdict(preview)})
    return _show(request, folder, DotenvForm(), preview=preview, kept=token, **context)


@sensitive_variables()
def _apply(request: HttpRequest, folder: Folder) -> HttpResponse:
    data = _keeper(request, folder).open(request.POST["kept"])
    if not isinstance(data, dict):
        return _show(request, folder, DotenvForm(), refusal="This preview is no longer valid. Enter the text again.")
    values: dict[str, str] = data["values"]
    try:
        preview = editing.preview_secrets(folder, values)
        if asdict(preview) != data["preview"]:
            note = "The folder was changed since the last preview. Nothing was written; this is what would change now."
            return _preview(request, folder, values, note=note)
        if request.POST.get("only") == "new":
            values = {key: values[key] for key in preview.created}
        written = editing.set_secrets(folder, values, user=user_of(request))
    except EditingError as error:
        return _preview(request, folder, values, note=error.message)
    counts = f"{len(written.created)} added, {len(written.changed)} changed, {len(written.unchanged)} as before"
    return done(request, folder, CHANGE, f"Secrets from .env text: {counts}.", go_to=folder)


def _show(request: HttpRequest, folder: Folder, form: DotenvForm, **context: object) -> HttpResponse:
    title = f"Add secrets to {folder.path} from .env text"
    return page(request, "dotenv", title=title, folder=folder, parents=parents_of(folder), form=form, **context)


def _keeper(request: HttpRequest, folder: Folder) -> Keeper:
    return Keeper(user_of(request).pk, "dotenv", folder.id)
