"""Connections in the admin: a list of which work, a form whose credentials only go in, and "Test connection"."""

import time
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from common.lacking import demand_rights
from common.returning import way_on, with_query
from connections.errors import ConnectionFailed
from connections.expiry import LAST, Expiry
from connections.forms import ConnectionForm, Verdict, form_for
from connections.key_asking import ask_beside
from connections.key_life import EXPIRING, told_of
from connections.models import ChangedMeanwhile, Connection
from connections.organization_admin import ask_for_organizations, organizations_of
from connections.reach import USE, VIEW, may, may_anywhere, within_reach
from connections.registry import KINDS, app_choices, kind_named
from connections.repointing import why_it_stays
from connections.rotation.giving_up import why_it_is_kept
from connections.rotation.pages import ROTATE_CONNECTION, key_page, key_progress
from connections.rotation.telling import told_of_rotation
from connections.rotation.troubles import troubled
from connections.users import users_of
from connections.ways import WAY
from encryption import DecryptionError
from theme.badges import badge, in_words
from theme.lists import LightRows
from theme.times import moment

# All connections of one click are asked one after the other, and a person waits.
PATIENCE_FOR_MANY = 20.0
STATE = (
    "State",
    {
        "fields": (
            *("validation", "key_expiry", "key_rotation", "principal", "organization", "organizations"),
            *("used_by", "version", "updated_at"),
        )
    },
)

NOT_ROTATED = ("not-rotated", "Its rotation failed or stands still")
NETWORK = "Network"
WHERE = ("base_url", *(entry.name for entry in WAY))

# Columns of a connection that is seen by what it is shared with alone.
SHOWN_TO_MEMBERS = ("name", "description", "app", "is_valid")

VALIDATION_STATES = {True: "valid", False: "failed", None: "not-tested"}


class ValidationFilter(admin.SimpleListFilter):
    title = "last validation"
    parameter_name = "validation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, in_words(state)) for state in VALIDATION_STATES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        states = [is_valid for is_valid, state in VALIDATION_STATES.items() if state == self.value()]
        return queryset.filter(is_valid=states[0]) if states else queryset


class AppFilter(admin.SimpleListFilter):
    title = "app"
    parameter_name = "app"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return app_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(app=self.value()) if self.value() else queryset


class ExpiryFilter(admin.SimpleListFilter):
    title = "key"
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((state, words) for state, (words, _) in EXPIRING.items()), NOT_ROTATED]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == NOT_ROTATED[0]:
            return queryset.filter(pk__in=troubled().order_by().values("connection"))
        chosen = EXPIRING.get(self.value() or "")
        return queryset.filter(chosen[1]()) if chosen else queryset


@admin.register(Connection)
class ConnectionAdmin(LightRows, admin.ModelAdmin[Connection]):
    form = ConnectionForm
    list_display = ("name", "to", "base_url", "principal_and_organization", "validation", "expiry", "in_use")
    list_filter = (AppFilter, ValidationFilter, ExpiryFilter)
    list_select_related = ("key_life",)
    search_fields = ("name", "description", "base_url", "org_id", "principal_name")
    # Suggestions in a form forget the order of the model.
    ordering = ("name",)
    list_per_page = 50
    empty_text = (
        "A connection holds the credentials for a service: the API key of a Devin service user, with which syncs write "
        "to Devin, or what a source of secrets asks for."
    )
    readonly_fields = (
        "api_key_end",
        "way_there",
        "validation",
        "key_expiry",
        "key_rotation",
        "principal",
        "organization",
        "organizations",
        "used_by",
        "version",
        "updated_at",
    )
    actions = ("test_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        connections: QuerySet[Any] = within_reach(request.user, rows=super().get_queryset(request))
        counted: QuerySet[Any] = connections.annotate(
            sync_count=Count("syncs", distinct=True), project_count=Count("linked_projects", distinct=True)
        )
        return counted

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        connection: Any = super().get_object(request, *args, **kwargs)
        if connection is not None:
            # A column is told who looks at it in no other way.
            connection.looked_at_by = request.user
        return connection

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_anywhere(request.user, VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Whoever sees it by what it is shared with sees its name and how it is, and no more (`get_fieldsets`)."""
        if super().has_view_permission(request, obj):
            return True
        return may_anywhere(request.user, VIEW) if obj is None else may(request.user, VIEW, obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        sees_all = request.user.has_perm(VIEW)
        return self.list_display if sees_all else ("name", "to", "principal_and_organization", "validation", "expiry")

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields if request.user.has_perm(VIEW) else ("name", "description")

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        app, method = _chosen(request) if obj is None else (obj.app, obj.method)
        kind, form = kind_named(app), form_for(app, method)
        if obj is not None and not request.user.has_perm(VIEW):
            return (
                (None, {"fields": ("name", "description")}),
                (kind.label, {"fields": ("base_url",)}),
                ("State", {"fields": ("validation", "key_expiry", "principal", "organization")}),
            )
        if obj is not None and not self.has_change_permission(request, obj):
            return (
                (None, {"fields": ("name", "description")}),
                (kind.label, {"fields": ("base_url", "api_key_end", "concurrency")}),
                (NETWORK, {"fields": ("way_there",)}),
                STATE,
            )
        way = [entry.name for entry in WAY]
        entered = [entry.name for entry in (*form.parameters, *form.credentials) if entry.name not in way]
        editable = (
            (None, {"fields": ("name", "description", "seen_version")}),
            (kind.label, {"fields": ("base_url", *entered, "key_expires_on", "concurrency")}),
            (NETWORK, {"fields": way}),
        )
        return editable if obj is None else (*editable, STATE)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by the credentials: even sealed they are nobody's to guess at. Nor by what is not shown."""
        is_shown = request.user.has_perm(VIEW) or lookup.partition("__")[0] in SHOWN_TO_MEMBERS
        return is_shown and "credentials" not in lookup and super().lookup_allowed(lookup, value, request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """It tells of everybody who shares it."""
        demand_rights(request.user, VIEW)
        return super().history_view(request, object_id, extra_context)

    def has_use_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        return may_anywhere(request.user, USE) if obj is None else may(request.user, USE, obj)

    # Saving

    @method_decorator(sensitive_post_parameters())
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask the service about new credentials first, then do as Django does.

        Django runs the whole view of a POST inside one transaction, form validation included. A network call in there
        would hold the database's write lock for as long as the service takes. So the form is validated once before
        that, the service is asked, and the form inside the transaction is told the answer.
        """
        obj = None if object_id is None else self.get_object(request, object_id)
        context = {
            "may_test": obj is not None and self.has_use_permission(request, obj),
            "may_share": obj is not None and self.has_change_permission(request, obj),
            "may_rotate": request.user.has_perm(VIEW) and request.user.has_perm(ROTATE_CONNECTION),
            **(extra_context or {}),
        }
        if object_id is None:
            context["kinds"] = _offered(request)
        if request.method == "POST":
            request.verdict = self._ask(request, object_id)  # type: ignore[attr-defined]
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except ChangedMeanwhile as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def get_form(self, request: HttpRequest, obj: Connection | None = None, change: bool = False, **kwargs: Any) -> Any:
        app, method = _chosen(request) if obj is None else (obj.app, obj.method)
        form = super().get_form(request, obj, change, **{**kwargs, "form": form_for(app, method)})
        verdict = getattr(request, "verdict", None)
        refusal = "" if obj is None else why_it_stays(obj, request.user.has_perm)
        return type(form.__name__, (form,), {"verdict": verdict, "refusal": refusal})

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Names the old and the new address: that is what one looks for in the log."""
        if add or not form.move:
            return super().construct_change_message(request, form, formsets, add)
        others = [str(form.fields[name].label or name) for name in form.changed_data if name not in WHERE]
        return f"Changed {form.move}{''.join(f', {name}' for name in others)}."

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        if form.given_credentials:
            obj.set_credentials(form.given_credentials)
            obj.describe_as(form.verdict.identity)
            messages.success(request, obj.kind.known(obj.describe_principal()))
        obj.save()
        if form.enters_expiry:
            obj.life.enter(form.expires_at)
        if form.is_moved and (count := obj.syncs.count()):
            waiting = "1 sync that uses it waits" if count == 1 else f"{count} syncs that use it wait"
            messages.warning(request, f"{waiting} until somebody has looked at the plan at {obj.where}.")

    def response_add(self, request: HttpRequest, obj: Connection, post_url_continue: str | None = None) -> HttpResponse:
        """Back to where a connection was wanted, with this one."""
        back = way_on(request)
        if not back or not {"_addanother", "_continue"}.isdisjoint(request.POST):
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"Added the connection {obj.name}.", messages.SUCCESS)
        return HttpResponseRedirect(with_query(back, connection=str(obj.pk)))

    def _ask(self, request: HttpRequest, object_id: str | None) -> Verdict | None:
        """None if there is nothing to ask: no new credentials, a mistake in the form, or no permission."""
        obj = None if object_id is None else self.get_object(request, object_id)
        if object_id is not None and obj is None:
            return None
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            return None
        form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        if not form.is_valid() or not form.given_credentials:
            return None
        candidate = form.save(commit=False)
        candidate.set_credentials(form.given_credentials)
        try:
            return Verdict(identity=candidate.identify())
        except ConnectionFailed as error:
            return Verdict(error=error)

    # Testing

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test_view)
        ask = self.admin_site.admin_view(ask_for_organizations)
        key, progress = self.admin_site.admin_view(key_page), self.admin_site.admin_view(key_progress)
        return [
            path("<uuid:object_id>/test/", test, name="connections_connection_test"),
            path("<uuid:object_id>/organizations/", ask, name="connections_connection_organizations"),
            path("<uuid:object_id>/key/", key, name="connections_connection_key"),
            path("<uuid:object_id>/key/progress/", progress, name="connections_connection_key_progress"),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The button: it asks the service about the stored credentials at the stored address, and nothing else."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        connection = self.get_object(request, str(object_id))
        if connection is None or not (
            self.has_view_permission(request, connection) and self.has_use_permission(request, connection)
        ):
            raise Http404
        self._test(request, connection)
        return HttpResponseRedirect(reverse("admin:connections_connection_change", args=[connection.pk]))

    @admin.action(description="Test connection", permissions=["use"])
    def test_selected(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        ends_at = time.monotonic() + PATIENCE_FOR_MANY
        for number, connection in enumerate(within_reach(request.user, USE, rows=queryset)):
            if time.monotonic() >= ends_at:
                left = queryset.count() - number
                self.message_user(
                    request, f"{left} not tested: the others took too long. Choose fewer.", messages.WARNING
                )
                return
            self._test(request, connection)

    def _test(self, request: HttpRequest, connection: Connection) -> None:
        try:
            connection.verify()
        except (ConnectionFailed, DecryptionError) as error:
            self.message_user(request, f"“{connection.name}” does not work. {error}", messages.ERROR)
        else:
            ask_beside(connection)
            who = connection.describe_principal()
            told = f"“{connection.name}” works. The {connection.kind.secret_words} is {who}."
            self.message_user(request, told, messages.SUCCESS)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What keeps a connection is named and counted, not listed: there may be thousands."""
        rows = list(objs)
        keeping: list[str] = []
        for row in rows:
            for users in users_of(row, request.user):
                keeping += [f"{row.name}: {users.kind.one} {user}" for user in users.named]
                keeping += [f"{row.name}: {users.words_of_more}"] if users.more else []
            keeping += [problem] if (problem := why_it_is_kept(row)) else []
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, lacking, keeping

    # Columns

    @admin.display(description="app", ordering="app")
    def to(self, connection: Connection) -> str:
        return connection.kind.label

    @admin.display(description="who the key is", ordering="principal_name")
    def principal_and_organization(self, connection: Connection) -> str:
        if not connection.principal_type:
            return "not known yet"
        if connection.app != Connection.App.DEVIN:
            return self.principal(connection)
        where = self.organization(connection) or "any organization"
        return format_html("{}<br>{}", connection.principal_name or self.principal(connection), where)

    @admin.display(description="who the key is")
    def principal(self, connection: Connection) -> str:
        return connection.describe_principal(organization=False) or "not known yet"

    @admin.display(description="organization", empty_value="any")
    def organization(self, connection: Connection) -> str | None:
        return format_html('<code class="ds-nowrap">{}</code>', connection.org_id) if connection.org_id else None

    @admin.display(description="organizations")
    def organizations(self, connection: Connection) -> SafeString | str:
        return organizations_of(connection) if connection.app == Connection.App.DEVIN else "–"

    @admin.display(description="last validated", ordering="validated_at")
    def validation(self, connection: Connection) -> str:
        return format_html(
            '{} <span class="ds-muted">{}</span>{}',
            badge(VALIDATION_STATES[connection.is_valid]),
            moment(connection.validated_at, otherwise=""),
            format_html(" <div>{}</div>", connection.validation_message) if connection.validation_message else "",
        )

    @admin.display(description="key expires", ordering=Coalesce("key_life__expires_at", Value(LAST)))
    def expiry(self, connection: Connection) -> SafeString | str:
        life = connection.life
        if life.expires_at is None:
            return "never" if life.is_told else "–"
        end = Expiry(life.expires_at)
        return badge(end.tone, end.words) if end.tone else moment(life.expires_at)

    @admin.display(description="key expires")
    def key_expiry(self, connection: Connection) -> SafeString | str:
        return told_of(connection)

    @admin.display(description="key rotation")
    def key_rotation(self, connection: Connection) -> SafeString | str:
        return told_of_rotation(connection) if connection.app == Connection.App.DEVIN else "–"

    @admin.display(description="in use by", ordering="sync_count")
    def in_use(self, connection: Any) -> str:
        if count := connection.project_count:
            return f"{count} project{'' if count == 1 else 's'}"
        count = connection.sync_count
        return f"{count} sync{'' if count == 1 else 's'}"

    @admin.display(description="in use by")
    def used_by(self, connection: Any) -> str:
        used = users_of(connection, connection.looked_at_by)
        links = [_link(user) for users in used for user in users.named]
        more = [users.words_of_more for users in used if users.more]
        return format_html_join(", ", "{}", ((each,) for each in (*links, *more))) or "nothing yet"

    @admin.display(description="way there")
    def way_there(self, connection: Connection) -> str:
        return connection.way.strip() or "the installation's usual one"

    @admin.display(description="credentials")
    def api_key_end(self, connection: Connection) -> str:
        if not connection.sealed_credentials:
            return "none"
        return f"ends in …{connection.credentials_hint}" if connection.credentials_hint else "stored"


def _chosen(request: HttpRequest) -> tuple[str, str]:
    """The app and the method that the add page is for; Devin's where it is not said."""
    for kind in KINDS:
        for method in kind.methods if kind.name == request.GET.get("app") else ():
            if request.GET.get("method", method.name) == method.name:
                return kind.name, method.name
    return KINDS[0].name, KINDS[0].methods[0].name


def _offered(request: HttpRequest) -> list[dict[str, Any]]:
    """The apps and methods to choose from, each with its link, which keeps what else the address says."""
    chosen = _chosen(request)
    offered = []
    for kind in KINDS:
        for method in kind.methods:
            query = request.GET.copy()
            query["app"], query["method"] = kind.name, method.name
            label = kind.label if len(kind.methods) == 1 else f"{kind.label} ({method.label})"
            is_chosen = chosen == (kind.name, method.name)
            offered.append({"label": label, "summary": kind.summary, "query": query.urlencode(), "chosen": is_chosen})
    return offered


def _link(obj: Any) -> str:
    """A link to an object's page, or its name where it has none."""
    try:
        url = reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])
    except NoReverseMatch:
        return str(obj)
    return format_html('<a href="{}">{}</a>', url, obj)
