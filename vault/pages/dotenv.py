"""Adding many secrets at once from the text of a `.env` file: paste or upload, look at what would change, confirm.

Between the two steps the values are in the preview's page, sealed for this person, folder and hour: in no session, no
table and in clear nowhere. With JavaScript the preview appears below the text, which stays as it was typed.
"""

from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

from django.contrib.admin.models import CHANGE
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from common.dotenv import CUT, LineError
from vault import editing
from vault.access import Sight, can, place_of, sight
from vault.dotenv import Entry, parse
from vault.errors import EditingError, Invalid, SourceError, VaultError
from vault.forms import DotenvForm
from vault.keeping import Keeper
from vault.loading import load_resolver
from vault.models import Folder
from vault.pages.access import actor_of, allowed, done, page, parents_of, user_of
from vault.pages.effects import Foreseen, look_ahead
from vault.pages.folders import get_folder
from vault.references import Reference, find_references, unescape
from vault.resolution import Resolver
from vault.rules import check_resolvable, check_value, clean_key

MAX_SECRETS = 2000
LITERAL = "References are turned off for this secret, so all of it is taken as text."


@dataclass(frozen=True)
class Row:
    """One key of the preview: what becomes of it, where it stands in the text, and what is worth a look."""

    key: str
    mark: str
    lines: str
    comment: str
    shape: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What the text would do to a folder: the entries as they fit it, and what becomes of each."""

    entries: list[Entry]
    written: editing.Written
    values: dict[str, str] = field(repr=False)
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def changes_anything(self) -> bool:
        return bool(self.written.created or self.written.changed or self.written.commented)


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
    entries, refused = _judge(folder, list(parsed.entries.values()))
    errors = sorted([*parsed.errors, *refused], key=lambda error: error.line)
    return _preview(request, folder, entries, line_errors=errors)


@sensitive_variables()
def _preview(
    request: HttpRequest,
    folder: Folder,
    entries: list[Entry],
    *,
    line_errors: list[LineError] | None = None,
    note: str = "",
) -> HttpResponse:
    context: dict[str, object] = {"line_errors": line_errors or [], "note": note}
    if len(entries) > MAX_SECRETS:
        refusal = f"These are {len(entries):,} secrets; at most {MAX_SECRETS:,} can be added at once."
        return _show(request, folder, DotenvForm(), refusal=refusal)
    try:
        plan = _plan(request, folder, entries)
    except VaultError as error:
        return _show(request, folder, DotenvForm(), refusal=error.message, **context)
    if not entries and not line_errors:
        context["refusal"] = "There is no KEY=value in this text."
    foreseen = _look_ahead(request, folder, plan)
    seen = foreseen.seen if foreseen is not None else ""
    kept = {"entries": [asdict(entry) for entry in entries], "preview": asdict(plan.written), "seen": seen}
    told = _told(request, folder, plan)
    context |= {"foreseen": foreseen, "kept": _keeper(request, folder).keep(kept)}
    context |= {"preview": told.written, "plan": told, "rows": _rows(folder, told, _sees(request, folder))}
    return _show(request, folder, DotenvForm(), **context)


@sensitive_variables()
def _look_ahead(request: HttpRequest, folder: Folder, plan: Plan) -> Foreseen | None:
    """What all of it does in Devin; None where it would be refused, which is said when it is tried."""
    by = actor_of(request)
    try:
        return look_ahead(lambda: editing.set_secrets(folder, plan.values, refuses_circles=True, by=by), by=by)
    except EditingError:
        return None


def may_compare(request: HttpRequest, folder: Folder) -> bool:
    """Whoever may not read a value is not told whether it is the one they guessed."""
    return can(request.user, "vault.reveal_secret", place_of(folder))


def _told(request: HttpRequest, folder: Folder, plan: Plan) -> Plan:
    if may_compare(request, folder):
        return plan
    there = sorted({*plan.written.changed, *plan.written.unchanged})
    return replace(plan, written=editing.Written(created=plan.written.created, changed=there))


@sensitive_variables()
def _apply(request: HttpRequest, folder: Folder) -> HttpResponse:
    data = _keeper(request, folder).open(request.POST["kept"])
    if not isinstance(data, dict):
        return _show(request, folder, DotenvForm(), refusal="This preview is no longer valid. Enter the text again.")
    entries = [Entry(**packed) for packed in data["entries"]]
    try:
        plan = _plan(request, folder, entries)
        foreseen = _look_ahead(request, folder, plan)
        seen = foreseen.seen if foreseen is not None else ""
        if (asdict(plan.written), seen) != (data["preview"], data["seen"]):
            note = "The folder was changed since the last preview. Nothing was written; this is what would change now."
            return _preview(request, folder, entries, note=note)
        values = plan.values
        if request.POST.get("only") == "new":
            values = {key: values[key] for key in plan.written.created}
        comments = {key: comment for key, comment in plan.comments.items() if key in values}
        written = editing.set_secrets(folder, values, comments=comments, refuses_circles=True, by=actor_of(request))
    except EditingError as error:
        return _preview(request, folder, entries, note=error.message)
    counts = f"{len(written.created)} added, {len(written.changed)} changed, {len(written.unchanged)} as before"
    if not may_compare(request, folder):
        counts = f"{len(written.created)} added, {len(written.changed) + len(written.unchanged)} set"
    return done(request, folder, CHANGE, f"Secrets from .env text: {counts}.", go_to=folder)


def _judge(folder: Folder, entries: list[Entry]) -> tuple[list[Entry], list[LineError]]:
    """Those that can be saved, and an error for each of the others."""
    good, refused = [], []
    for entry, fitting in zip(entries, _fit(folder, entries), strict=True):
        try:
            clean_key(entry.key)
            check_value(entry.key, fitting.value)
            if LITERAL not in fitting.notes:
                check_resolvable(entry.key, fitting.value)
        except Invalid as error:
            refused.append(LineError(entry.line, error.message))
        else:
            good.append(entry)
    return good, refused


def _plan(request: HttpRequest, folder: Folder, entries: list[Entry]) -> Plan:
    fitting = _fit(folder, entries)
    values = {entry.key: entry.value for entry in fitting}
    comments = {entry.key: entry.comment for entry in fitting if entry.comment}
    written = editing.preview_secrets(folder, values, comments=comments, by=actor_of(request))
    return Plan(fitting, written, values, comments)


def _fit(folder: Folder, entries: list[Entry]) -> list[Entry]:
    """A secret without references keeps it so: it gets the text as it is, without the vault's escapes."""
    literal = set(folder.secrets.filter(is_literal=True).values_list("key", flat=True))
    return [
        replace(entry, value=unescape(entry.value), notes=(*entry.text_notes, LITERAL))
        if entry.key in literal
        else entry
        for entry in entries
    ]


def _sees(request: HttpRequest, folder: Folder) -> Sight | None:
    return sight(request.user, "vault.view_secret", folder.environment.project_id)


def _rows(folder: Folder, plan: Plan, sees: Sight | None) -> list[Row]:
    marks = dict.fromkeys(plan.written.created, "new") | dict.fromkeys(plan.written.changed, "changed")
    order = {"new": 0, "changed": 1, "": 2}
    missing = _missing_references(folder, plan, sees)
    rows = [
        Row(
            key=entry.key,
            mark=marks.get(entry.key, ""),
            lines=f"line {entry.line}" if entry.last_line == entry.line else f"lines {entry.line} to {entry.last_line}",
            comment=entry.comment,
            shape=(*entry.shape, *_remarks(entry, is_dead=bool(missing.get(entry.key)))),
            notes=(*entry.notes, *missing.get(entry.key, ())),
        )
        for entry in plan.entries
    ]
    return sorted(rows, key=lambda row: order[row.mark])


def _remarks(entry: Entry, *, is_dead: bool) -> list[str]:
    """In a word or two, what the notes say at length."""
    cut = ["the text after # is cut off"] if CUT in entry.notes else []
    return [*cut, "refers to nothing"] if is_dead else cut


def _missing_references(folder: Folder, plan: Plan, sees: Sight | None) -> dict[str, list[str]]:
    """By key, what lacks for the references that would lead nowhere; none where the folder can't be read now."""
    try:
        # Of the text's references none is noted yet.
        resolver, _ = load_resolver(folder, whole_project=True, sees=sees)
        return {
            entry.key: [
                f"{reference} leads nowhere: {resolver.describe_missing(folder.id, reference)}"
                for reference in find_references(entry.value)
                if not _leads_somewhere(resolver, folder, reference, plan.values)
            ]
            for entry in plan.entries
            if LITERAL not in entry.notes
        }
    except SourceError:
        return {}


def _leads_somewhere(resolver: Resolver, folder: Folder, reference: Reference, new: dict[str, str]) -> bool:
    """Also to what this text brings."""
    is_here = (reference.environment_slug, reference.path) == (folder.environment.slug, folder.path)
    return (
        reference.is_weak
        or reference.inner in new
        or (is_here and reference.key in new)
        or resolver.find(folder.id, reference) is not None
    )


def _show(request: HttpRequest, folder: Folder, form: DotenvForm, **context: object) -> HttpResponse:
    title = f"Add secrets to {folder.path} from .env text"
    context |= {"form": form, "may_compare": may_compare(request, folder)}
    return page(request, "dotenv", title=title, folder=folder, parents=parents_of(folder), **context)


def _keeper(request: HttpRequest, folder: Folder) -> Keeper:
    return Keeper(user_of(request).pk, "dotenv", folder.id)
