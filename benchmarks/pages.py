"""Every page of the admin and every answer of the API that reads, on a large installation: statements, time, size.

Walked are the site's own routes, so that a new page is measured without being named here; the parts of an address are
filled in with the rows that have most below them.
"""

import gc
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.html import format_html

from benchmarks.estate import Estate, Size, build
from benchmarks.site import Site

REPEATS = 3
YARDSTICK = 200
CONVERTED = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
ADMIN = "admin/"
API = "api/"
# What a browser asks for as part of a page, and what a person types, by the page's name.
LOOKED_FOR = {
    "syncs_devinsync_changelist": ("q=app-42", "sync_status__exact=failed", "needs=person", "p=20"),
    "syncs_syncrun_changelist": ("q=app-42", "status__exact=failed", "sync_name=app-42", "p=200"),
    "syncs_syncrunchange_changelist": ("q=DB_URL", "outcome__exact=done"),
    "syncs_managedsecret_changelist": ("q=app-42",),
    "vault_secret_changelist": ("q=SECRET_00042",),
    "vault_folder_page": ("q=SECRET_00042", "page=50"),
    "vault_project_page": ("q=app-42", "page=20"),
    "audit_entry_changelist": ("q=app-42",),
    "search": ("q=app-42",),
    "search_results": ("q=app-42",),
}


@dataclass(frozen=True)
class Measured:
    name: str
    status: int
    queries: int
    # The quickest of a few: what a busy machine adds is none of the page's.
    seconds: float
    processor: float
    size: int
    # The processor's time by that of a piece of work beside it, which is always the same: a busy machine slows both.
    effort: float = 0.0


@dataclass
class Walk:
    estate: Estate
    client: Client = field(init=False)
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        from api.models import ApiToken

        self.client = Client(SERVER_NAME="localhost", raise_request_exception=False)
        self.client.force_login(self.estate.user, backend="django.contrib.auth.backends.ModelBackend")
        self.headers = {"Authorization": f"Bearer {ApiToken.issue(self.estate.user, 'bench')[1]}"}

    def ask(self, name: str, address: str, **body: Any) -> Measured:
        queries = self._count(address, **body)
        seconds, processor, efforts = [], [], []
        for _ in range(REPEATS):
            before = time_yardstick()
            started, used = time.perf_counter(), time.thread_time()
            answer = self._send(address, **body)
            seconds.append(time.perf_counter() - started)
            processor.append(time.thread_time() - used)
            efforts.append(processor[-1] / (before + time_yardstick()))
        took = min(seconds), min(processor)
        return Measured(name, answer.status_code, queries, *took, len(answer.content), median(efforts))

    def _count(self, address: str, **body: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            self._send(address, **body)
        return len(captured)

    def _send(self, address: str, **body: Any) -> Any:
        headers = self.headers if address.startswith("/api/") else {}
        if body:
            return self.client.post(address, body, content_type="application/json", headers=headers)
        return self.client.get(address, headers=headers)


def time_yardstick() -> float:
    """The processor's time that it takes, about a millisecond: of texts and calls, as pages are made of."""
    used = time.thread_time()
    "".join(format_html('<b title="{}">{}</b>', number, f"{number:,}") for number in range(YARDSTICK))
    return time.thread_time() - used


def set_out(site: Site, size: Size) -> Walk:
    # It tells of each address that only takes something.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    settings.API_RATE_PER_MINUTE = 0
    call_command("collectstatic", interactive=False, verbosity=0)
    walk = Walk(build(site, size))
    # As the web process does before it serves; else pages pay for what the benchmark itself keeps.
    gc.collect()
    gc.freeze()
    return walk


def measure(site: Site, size: Size) -> Iterator[Measured]:
    """One after another, each as soon as it is measured; of what answers with a page."""
    walk = set_out(site, size)
    estate = walk.estate
    for name, address in (*admin_pages(estate), *api_reads(estate)):
        measured = walk.ask(name, address)
        if measured.status == 200:
            yield measured
    yield walk.ask("POST plan of {sync_id}", f"/api/v1/secret-syncs/devin/{estate.sync.pk}/plan", x=1)


# Addresses


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    """The name and the pattern of each route."""
    for part in resolver.url_patterns:
        pattern = before + str(part.pattern)
        if isinstance(part, URLResolver):
            yield from routes(part, pattern)
        elif isinstance(part, URLPattern) and part.name and "(?P<" not in pattern:
            yield str(part.name), pattern


def admin_pages(estate: Estate) -> Iterator[tuple[str, str]]:
    for name, pattern in routes(get_resolver()):
        if not pattern.startswith(ADMIN) or "logout" in name:
            continue
        address = fill(estate, name, pattern)
        if address is None:
            continue
        yield name, address
        for query in LOOKED_FOR.get(name, ()):
            yield f"{name}?{query}", f"{address}?{query}"
    field_ = "app_label=syncs&model_name=devinsync&field_name=connection"
    yield "autocomplete", f"/admin/autocomplete/?{field_}"


def fill(estate: Estate, name: str, pattern: str) -> str | None:
    """The address, or None where there is no row for a part of it."""
    values = {part["name"]: value_of(estate, name, part["name"]) for part in CONVERTED.finditer(pattern)}
    if None in values.values():
        return None
    return "/" + CONVERTED.sub(lambda part: str(values[part["name"]]), pattern)


def value_of(estate: Estate, name: str, part: str) -> object:
    secret = estate.large.secrets.first()
    known: dict[str, object] = {
        "folder_id": estate.large.pk,
        "environment_id": estate.environment.pk,
        "project_id": estate.project.pk,
        "secret_id": secret.pk if secret else None,
        "secret_name": secret.key if secret else None,
        "connection_id": estate.sync.connection_id,
        "connection_name": estate.sync.connection.name,
        "sync_id": estate.sync.pk,
        "sync_name": estate.sync.name,
        "run_id": estate.run.pk,
        "slug": estate.environment.slug if "/environments/" in name else estate.project.slug,
        "environment": estate.environment.slug,
        "folder_path": "large",
        "step": "source",
        "what": "remove",
        "pk": estate.run.pk if "syncrun" in name else estate.sync.pk,
    }
    return known[part] if part in known else row_of(estate, name) if part in ("object_id", "id") else None


def row_of(estate: Estate, name: str) -> object:
    own: dict[str, Any] = {
        "syncs_devinsync": estate.sync,
        "syncs_syncrun": estate.run,
        "vault_project": estate.project,
    }
    kind = "_".join(name.split("_")[:2])
    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in apps.get_models()}
    row = own.get(kind) or (models[kind]._default_manager.first() if kind in models else None)
    return row.pk if row is not None else None


def api_reads(estate: Estate) -> Iterator[tuple[str, str]]:
    from api.app import api

    project, place = f"projectId={estate.project.pk}", "environment=prod&secretPath=/large"
    queries: dict[str, tuple[str, ...]] = {
        "/api/v1/secret-syncs": (project, f"{project}&limit=50", f"{project}&limit=50&offset=4000"),
        "/api/v1/secret-syncs/devin": (f"{project}&limit=50",),
        "/api/v1/secret-syncs/devin/{sync_id}/runs": ("", "limit=100&offset=10"),
        "/api/v4/secrets": (f"{project}&{place}", f"{project}&{place}&viewSecretValue=false"),
    }
    for path, item in api.get_openapi_schema()["paths"].items():
        address = fill(estate, path, path.replace("{", "<").replace("}", ">").lstrip("/"))
        if "get" not in item or address is None:
            continue
        taken = {part["name"]: part for part in item["get"].get("parameters", []) if part["in"] == "query"}
        usual = [project] if "projectId" in taken else []
        if "environment" in taken:
            usual.append(place if "secretPath" in taken else "environment=prod&path=/")
        for query in queries.get(path, ("&".join(usual),)):
            shown = query.replace(str(estate.project.pk), "…")
            yield f"GET {path}{'?' + shown if query else ''}", f"{address}{'?' + query if query else ''}"
