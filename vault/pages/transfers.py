"""Asking where secrets and folders shall go. What that would do is shown, here and in Devin; then just that is done."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse

from common.refusals import note_lacking
from vault.access import Place, can
from vault.editing import Retold, Transferred
from vault.editing.telling import seen_references
from vault.errors import NotAllowed, VaultError
from vault.models import Environment, Folder
from vault.pages.access import actor_of, done, page, place_of, refuse, user_of
from vault.pages.effects import Foreseen, enumerate_names, look_ahead
from vault.rules import clean_path
from vault.transfer_forms import DestinationForm

# Of references that are cut, as many as anybody reads.
NAMED = 20
# Carries it out at an environment and a path, if it is what was seen; None where nothing was shown.
Transfer = Callable[[Environment, str, str | None], Transferred]


@dataclass(frozen=True)
class Asked:
    """What a page asks: its words, what its form sends again, who reads what is moved, and why nothing can be asked."""

    folder: Folder
    title: str
    submit: str
    past: str
    names: list[str]
    keys: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    leaves: bool = False
    refusal: str = ""

    @property
    def more(self) -> int:
        return max(len(self.keys) - NAMED, 0)


@dataclass(frozen=True)
class Preview:
    """What would be done in the vault, and what that does in Devin."""

    done: Transferred
    foreseen: Foreseen
    # Of the references that are cut, those whose secrets the person sees.
    told: list[Retold]

    @property
    def seen(self) -> str:
        return f"{self.done.digest}:{self.foreseen.seen}"

    @property
    def lines(self) -> list[str]:
        target = self.done.target
        told = (
            (self.done.created, f"new in {target}"),
            (self.done.replaced, f"replaced in {target}, as a new version"),
            (self.done.kept, f"left as it is in {target}, where it is already"),
            (self.done.unchanged, f"the same in {target} already"),
        )
        return [f"{len(names):,} {what}: {enumerate_names(names)}" for names, what in told if names]

    @property
    def following(self) -> list[Retold]:
        return [one for one in self.told if one.new is not None][:NAMED]

    @property
    def cut(self) -> list[Retold]:
        return [one for one in self.told if one.new is None][:NAMED]

    @property
    def more(self) -> int:
        return len(self.told) - len(self.following) - len(self.cut)

    @property
    def unseen(self) -> int:
        return len(self.done.retold) - len(self.told)


def ask(request: HttpRequest, asked: Asked, form: DestinationForm, transfer: Transfer) -> HttpResponse:
    preview: Preview | None = None
    if form.is_valid() and not asked.refusal:
        environment, path = form.cleaned_data["environment"], form.cleaned_data["path"]
        try:
            _check_may_make(request, environment, path)
            preview = _look(request, lambda: transfer(environment, path, None))
            if request.POST.get("seen") == preview.seen:
                return _finish(request, asked, transfer(environment, path, preview.done.digest))
        except VaultError as error:
            preview = None
            refuse(form, error)
    return page(
        request, "transfer", title=asked.title, asked=asked, form=form, preview=preview, **place_of(asked.folder)
    )


def _look(request: HttpRequest, transfer: Callable[[], Transferred]) -> Preview:
    results: list[Transferred] = []
    by = actor_of(request)
    foreseen = look_ahead(lambda: results.append(transfer()), by=by)
    return Preview(results[-1], foreseen, seen_references(results[-1].retold, by))


def _check_may_make(request: HttpRequest, environment: Environment, path: str) -> None:
    path = clean_path(path)
    there = Place(environment.project_id, environment.slug, path)
    if not can(request.user, "vault.add_folder", there) and not environment.folders.filter(path=path).exists():
        note_lacking(["vault.add_folder"], there)
        raise NotAllowed(
            f"There is no folder {environment.slug}:{path}. To make it takes the permission vault.add_folder, which "
            "you lack.",
            field="path",
        )


def _finish(request: HttpRequest, asked: Asked, made: Transferred) -> HttpResponse:
    """One line in the history of each end that has changed."""
    message = f"{asked.past} {enumerate_names(asked.names)} from {asked.folder} to {made.target}."
    if asked.leaves:
        LogEntry.objects.log_actions(
            user_of(request).pk, [asked.folder], CHANGE, change_message=message, single_object=True
        )
    return done(request, made.target, CHANGE, message, go_to=made.target)
