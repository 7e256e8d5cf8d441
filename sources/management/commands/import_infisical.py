"""`manage.py import_infisical`: copies a whole project of Infisical into the vault, by a plan that it prints first."""

import sys
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.models import Action
from audit.writing import note
from connections.models import Connection
from sources.contents import Left
from sources.copying.copying import (
    Changed,
    Choice,
    Prepared,
    Wish,
    check_may_be_written,
    find_target,
    name_new,
    outcome,
    prepare,
    write,
)
from sources.copying.forms import split_slugs
from sources.copying.plan import DIFFERS, Plan
from sources.errors import SourceError
from sources.infisical.kind import INFISICAL
from sources.linking import prove
from vault.editing import Actor
from vault.errors import VaultError
from vault.models import Project

SOMETHING_TO_COPY = 2
COMMAND_LINE = "(command line)"


class Command(BaseCommand):
    help = (
        "Copies a project of Infisical into the vault: environments, folders, secrets with comments, imports and "
        "references. Prints the plan and asks; writes all of it or nothing, and deletes nothing. Prints no value. Ends "
        "with 0 once it is copied or if nothing is to be, with 1 if it is refused; with --plan, with 2 if something "
        "would be copied."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", required=True, metavar="NAME", help="The connection to Infisical.")
        parser.add_argument("--project", required=True, metavar="ID_OR_SLUG", help="The project in Infisical.")
        parser.add_argument(
            "--into", required=True, metavar="NAME", help="Slug or name of a project of the vault; else a new one."
        )
        parser.add_argument(
            "--environment", action="append", default=[], metavar="SLUG", help="Only this one; may be repeated."
        )
        parser.add_argument("--replace", action="store_true", help="Replace what differs in the vault; else it stays.")
        parser.add_argument("--leave-out", action="store_true", help="Leave out what the vault does not take.")
        parser.add_argument("--plan", action="store_true", help="Print the plan and write nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--actor", metavar="USERNAME", help="Who is noted down for it; must be a user.")

    def handle(self, *args: Any, **options: Any) -> None:
        choice = Choice(replaces=options["replace"], leaves_out=options["leave_out"])
        actor = find_actor(options["actor"])
        try:
            prepared = prepare(wish_of(options), self.tell)
            self.print_plan(prepared.drafted.plan)
            if options["plan"]:
                self.end_plan(prepared.drafted.plan)
            elif prepared.drafted.plan.changes_anything:
                check_may_be_written(prepared, choice)
                self.confirm(prepared.drafted.plan, choice, is_agreed=options["yes"])
                self.stdout.write(carry_out(prepared, choice, by=actor))
            else:
                check_may_be_written(prepared, choice)
                self.stdout.write("Nothing to copy: all of it is in the vault.")
        except (SourceError, VaultError) as error:
            raise CommandError(error.message) from None
        except Changed as error:
            raise CommandError(f"{error} Run it again to see the plan of now.") from None

    def tell(self, step: str, count: int, total: int) -> None:
        if count == 0:
            self.stderr.write(f"{step}: {total}.")

    def print_plan(self, plan: Plan) -> None:
        for slug, mark in plan.environments:
            self.stdout.write(f"environment {slug} ({mark})")
        for folder in plan.folders:
            secrets = f"{folder.new} new, {folder.differs} differ, {folder.same} as before"
            more = f"{folder.imports} imports, {folder.references} references"
            self.stdout.write(f"folder {folder.place} ({folder.mark}): {secrets}; {more}")
        for row in plan.rows:
            self.stdout.write(f"{'~ differs' if row.mark == DIFFERS else '+ new'} {row.place} {row.name}")
        self.print_left("! hidden", plan.hidden)
        self.print_left("! not taken", plan.refused)
        self.print_left("Note:", plan.dangling)
        self.print_left("Note:", plan.left)
        counts = plan.counts
        self.stdout.write(f"{counts['new']} new, {counts['differs']} differ, {counts['same']} as before.")

    def print_left(self, sign: str, rows: list[Left]) -> None:
        for row in rows:
            self.stdout.write(f"{sign} {row.where} {row.what}: {row.why}")

    def end_plan(self, plan: Plan) -> None:
        self.stdout.write("Nothing was written: this was the plan.")
        if plan.changes_anything:
            raise SystemExit(SOMETHING_TO_COPY)

    def confirm(self, plan: Plan, choice: Choice, *, is_agreed: bool) -> None:
        if is_agreed:
            return
        if not sys.stdin.isatty():
            raise CommandError("Nothing was written. To copy what is shown above, add --yes.")
        differing = "replaced" if choice.replaces else "kept"
        question = f"Copy this, as shown above? What differs ({plan.counts[DIFFERS]}) is {differing}. Type yes: "
        if input(question) != "yes":
            raise CommandError("Nothing was written.")


def carry_out(prepared: Prepared, choice: Choice, *, by: Actor) -> str:
    is_new = prepared.wish.into is None
    with transaction.atomic():
        project = write(prepared, choice, by=by)
        told = outcome(prepared, choice)
        _note(prepared, project, told, by=by, action=Action.ADDED if is_new else Action.CHANGED)
    return f"{told} It is the project {project.slug}."


def _note(prepared: Prepared, project: Project, told: str, *, by: Actor, action: Action) -> None:
    wish = prepared.wish
    who = by.user.get_username() if by.user is not None else COMMAND_LINE
    detail = f"{told} From {wish.remote.name or wish.remote.id}, by the connection {wish.connection}."
    note(who, action, kind="project", object_id=project.pk, name=project.name, detail=detail)


def wish_of(options: dict[str, Any]) -> Wish:
    connection = Connection.objects.filter(name=options["connection"], app=INFISICAL.app).first()
    if connection is None:
        names = ", ".join(Connection.objects.filter(app=INFISICAL.app).values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no connection {options['connection']} to Infisical. There is: {names}.")
    into = find_target(options["into"])
    name, slug = ("", "") if into is not None else name_new(options["into"], "")
    remote = prove(connection, options["project"], patience=None).remote
    environments = tuple(slug for text in options["environment"] for slug in split_slugs(text))
    return Wish(connection, remote, environments, into, name, slug)


def find_actor(username: str | None) -> Actor:
    if not username:
        return Actor.on_command_line()
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {username}. Name one, or leave --actor out.")
    return Actor.on_command_line(user)
