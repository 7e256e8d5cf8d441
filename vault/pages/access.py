"""What all pages share: the permission check, the frame around a page, and the note in the admin's log."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.reversing import address_of
from vault.access import PermsAt, can
from vault.access import place_of as place_in_vault
from vault.editing import Actor
from vault.effects import noting_what_starts, what_started
from vault.elsewhere import page_of
from vault.errors import VaultError
from vault.models import Environment, Folder, Project, Secret
from vault.pages.places import demand_named
from vault.pages.undo import undo_button

# Each asks how it stands, once a second.
STARTS_SHOWN = 5

View = TypeVar("View", bound=Callable[..., HttpResponse])


def allowed(*permissions: str) -> Callable[[View], View]:
    """Lets only those in who have all of these permissions, at the place that the address names.

    A page of a project is for whoever may see something in it; what it shows is the view's to choose.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            demand_named(request.user, permissions, kwargs)
            with noting_what_starts():
                return view(request, *args, **kwargs)

        return cast(View, check)

    return decorate


def user_of(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    return Actor.by_person(user_of(request))


def page(request: HttpRequest, template: str, *, title: str, **context: Any) -> HttpResponse:
    row = next((context[name] for name in ("secret", "folder", "project", "place") if context.get(name)), None)
    frame = {**admin.site.each_context(request), "title": title, **context}
    if parents := context.get("parents"):
        frame["parents"] = [each for each in parents if can(request.user, "vault.view_folder", place_in_vault(each))]
    if isinstance(row, Project | Environment | Folder | Secret):
        frame["perms"] = PermsAt(request.user, place_in_vault(row))
    return TemplateResponse(request, f"admin/vault/{template}.html", frame)


def form_page(
    request: HttpRequest, form: Form, *, title: str, submit: str, back: Model, template: str = "form", **context: Any
) -> HttpResponse:
    """A page with one form; `back` is the project, folder or secret that it belongs to."""
    return page(request, template, title=title, form=form, submit=submit, **place_of(back), **context)


def place_of(back: Model) -> dict[str, Any]:
    """Where a page belongs: for its crumbs, and for the way back."""
    place = {"place": back, "back_url": url_of(back)}
    folder = back.folder if isinstance(back, Secret) else back
    return place | {"folder": folder, "parents": parents_of(folder)} if isinstance(folder, Folder) else place


def parents_of(folder: Folder) -> list[Folder]:
    """The folders above, from the root down, in one query."""
    parts = folder.path.strip("/").split("/")[:-1]
    paths = ["/" + "/".join(parts[:count]) for count in range(len(parts) + 1)]
    return (
        []
        if folder.is_root
        else list(
            Folder.objects.filter(environment_id=folder.environment_id, path__in=paths).select_related("environment")
        )
    )


def done(request: HttpRequest, row: Model, flag: int, message: str, *, go_to: Model, url: str = "") -> HttpResponse:
    """Notes what was done to a row, says so, and goes on."""
    LogEntry.objects.log_actions(user_of(request).pk, [row], flag, change_message=message, single_object=True)
    _tell(request, [row], flag, message)
    return HttpResponseRedirect(url or url_of(go_to))


def done_to_many(request: HttpRequest, rows: Sequence[Model], flag: int, message: str, *, go_to: Model) -> HttpResponse:
    """The same of many, each of which gets the line into its history."""
    LogEntry.objects.log_actions(user_of(request).pk, rows, flag, change_message=message)
    _tell(request, rows, flag, message)
    return HttpResponseRedirect(url_of(go_to))


def _tell(request: HttpRequest, rows: Sequence[Model], flag: int, message: str) -> None:
    undo = undo_button(user_of(request), [row.pk for row in rows]) if flag == DELETION else ""
    messages.success(request, format_html("{}{}{}", message, told_starts(request), undo))


def told_starts(request: HttpRequest) -> SafeString:
    """What the change has started, as links for whoever may follow them; with scripts, how each stands."""
    started = what_started(user_of(request))
    if not started:
        return SafeString("")
    links = format_html_join(
        ", ",
        '<a href="{}">{}</a> <span data-refresh-url="{}" data-refresh-every="1000"></span>',
        [(one.url, one.reader, one.live_url) for one in started[:STARTS_SHOWN]],
    )
    more = len(started) - STARTS_SHOWN
    return format_html(" Queued: {}{}.", links, f" and {more} more" if more > 0 else "")


def refuse(form: Form, error: VaultError) -> None:
    """Puts a refusal at its field, or at the top if the form has no such field."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


def url_of(row: Model) -> str:
    if isinstance(row, Project) and not row.is_kept_here:
        return page_of(row)
    names = {Project: "project", Folder: "folder", Secret: "secret"}
    return address_of(f"admin:vault_{names[type(row)]}_page", row.pk)
