"""Secrets, folders, projects and connections that answer a question, all of them in one statement.

The best of each are chosen in a statement within it, so that only they are joined with where they are. No column but
names is searched or loaded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Concat
from django.urls import reverse

from connections.models import Connection
from search.hits import Group, Hit, group
from search.question import Question
from vault.access import can_somewhere, visible
from vault.models import Folder, Project, Secret

PLACE = Concat("environment__slug", Value(":"), "path", output_field=CharField())


@dataclass(frozen=True)
class Table:
    """`rights` are those that the pages it leads to ask for. A row's name is the first of `columns`, each of which may
    answer; `also` is one that has all the words that count."""

    title: str
    icon: str
    rights: tuple[str, ...]
    page: str
    rows: Callable[[], QuerySet[Any]]
    columns: tuple[str, ...]
    detail: Any
    also: str = ""
    in_list: str = ""

    def answer(self, question: Question, user: User) -> QuerySet[Any]:
        """Of each of the best that the user sees: the kind, its ID, name and detail, and how well it answers."""
        chosen = question.best(visible(user, self.rows()), *self.columns, also=self.also).values("pk")
        rows: QuerySet[Any] = (
            self.rows()
            .filter(pk__in=chosen)
            .order_by()
            .annotate(
                kind=Value(self.title, output_field=CharField()),
                label=Concat(self.columns[0], Value(""), output_field=CharField()),
                detail=self.detail,
                rank=question.ranks(*self.columns),
            )
            .values_list("kind", "pk", "label", "detail", "rank")
        )
        return rows


def folders() -> QuerySet[Folder]:
    return Folder.objects.annotate(place=PLACE, whole=Concat("environment__project__name", Value(" "), F("place")))


TABLES = (
    Table(
        "Secrets",
        "key",
        ("vault.view_secret",),
        "vault_secret_page",
        Secret.objects.all,
        ("key",),
        Concat(
            "folder__environment__project__name",
            Value(" · "),
            "folder__environment__slug",
            Value(":"),
            "folder__path",
            output_field=CharField(),
        ),
        in_list="vault_secret",
    ),
    Table(
        "Folders",
        "folder",
        ("vault.view_folder", "vault.view_secret"),
        "vault_folder_page",
        folders,
        ("place", "name"),
        Concat("environment__project__name", Value(""), output_field=CharField()),
        also="whole",
    ),
    Table(
        "Projects",
        "vault",
        ("vault.view_project", "vault.view_environment", "vault.view_folder"),
        "vault_project_page",
        lambda: Project.objects.annotate(whole=Concat("name", Value(" "), "slug")),
        ("name", "slug"),
        Concat("slug", Value(""), output_field=CharField()),
        also="whole",
    ),
    Table(
        "Connections",
        "connection",
        ("connections.view_connection",),
        "connections_connection_change",
        Connection.objects.all,
        ("name",),
        Concat("base_url", Value(""), output_field=CharField()),
    ),
)


def find_named(question: Question, user: User) -> Iterator[Group]:
    tables = [table for table in TABLES if all(can_somewhere(user, right) for right in table.rights)]
    answers = [table.answer(question, user) for table in tables]
    rows = list(answers[0].union(*answers[1:], all=True)) if answers else []
    for table in tables:
        own = [row for row in rows if row[0] == table.title]
        own.sort(key=lambda row: (row[4], row[2], row[3]))
        hits = [Hit(label, reverse(f"admin:{table.page}", args=[pk]), detail) for _, pk, label, detail, _ in own]
        yield group(table.title, table.icon, hits, all_url=question.in_list(table.in_list) if table.in_list else "")
