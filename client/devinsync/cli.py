"""The commands: what `manage.py` does on the server, and `run`, which starts a program with a folder's secrets."""

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from devinsync import __version__
from devinsync.api import Api, Failed, clean_url, keep_credentials
from devinsync.plans import changes_of, lines_of, lines_of_sync

SIGNS = {"create": "+", "change": "~", "delete": "-"}
DIFFERENT = 2
LONGEST_WAIT = 60
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def main(arguments: list[str] | None = None) -> None:
    options = build_parser().parse_args(arguments)
    try:
        status = options.command(options)
    except Failed as error:
        print(error, file=sys.stderr)
        status = 1
    except BrokenPipeError:
        status = 1
    raise SystemExit(status)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devinsync", description=__doc__)
    parser.add_argument("--version", action="version", version=f"devinsync {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Any, help_text: str, *, answers: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=function)
        if answers:
            added.add_argument("--json", action="store_true", help="Print JSON, for programs.")
        return added

    command("login", login, "Try a token and keep it.", answers=False).add_argument("url", metavar="URL")
    add_file_options(command("plan", plan, "What applying a file, or a run of a sync, would do."), applies=False)
    add_file_options(command("apply", apply, "Make connections, syncs and sync sets as a file says."), applies=True)
    command("export", export, "Print all connections, syncs and sync sets as YAML.")
    syncing = command("sync", sync, "Start a run of a sync.")
    syncing.add_argument("sync", metavar="SYNC", help="PROJECT/NAME or ID.")
    syncing.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="Tell how the run ended.")
    syncing.add_argument("--confirm-deletions", action="store_true", help="Let it delete more than its guard allows.")
    listing = command("runs", runs, "List the latest runs of a sync.")
    listing.add_argument("sync", metavar="SYNC", help="PROJECT/NAME or ID.")
    listing.add_argument("--limit", type=int, default=20, metavar="N")
    running = command("run", run, "Start a command with a folder's secrets in its environment.", answers=False)
    running.add_argument("--project", required=True, metavar="SLUG|ID")
    running.add_argument("--environment", "--env", required=True, metavar="SLUG")
    running.add_argument("--path", default="/", metavar="PATH")
    running.add_argument("program", nargs="+", metavar="COMMAND", help="After --: the command and its arguments.")
    return parser


def add_file_options(parser: argparse.ArgumentParser, *, applies: bool) -> None:
    parser.add_argument("target", metavar="FILE" if applies else "FILE|SYNC")
    parser.add_argument("--prune", action="store_true", help="Delete what the file does not name.")
    parser.add_argument("--remove-secrets", action="store_true", help="Remove from Devin what syncs leave behind.")
    parser.add_argument("--exit-code", action="store_true", help="End with 2 if there are differences, 1 for errors.")
    if applies:
        parser.add_argument(
            "--dry-run", action="store_true", help="Print the difference and each sync's plan; change nothing."
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask before deleting.")


def login(options: argparse.Namespace) -> int:
    url = clean_url(options.url)
    token = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    Api(url, token).ask("POST", "/v1/auth/checkAuth")
    print(f"Logged in to {url}. Kept in {keep_credentials(url, token)}.")
    return 0


def plan(options: argparse.Namespace) -> int:
    if not is_file(options.target):
        return plan_run(options)
    compared = Api.from_environment().ask("POST", "/v1/sync-declaration/plan", body_of(options), plan="true")
    return tell(compared, options)


def plan_run(options: argparse.Namespace) -> int:
    api = Api.from_environment()
    found = api.ask("POST", f"/v1/secret-syncs/devin/{find_sync(api, options.target)['id']}/plan")["plan"]
    changes = changes_of(found)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(*lines_of(found), sep="\n")
    if not options.exit_code:
        return 0
    return 1 if any(change["action"] == "refuse" for change in changes) else DIFFERENT if changes else 0


def apply(options: argparse.Namespace) -> int:
    if options.dry_run:
        return plan(options) if is_file(options.target) else missing(options.target)
    api, body = Api.from_environment(), body_of(options)
    planned = api.ask("POST", "/v1/sync-declaration/plan", body)
    doomed = [each for each in planned["differences"] if each["action"] == "delete"]
    if doomed and not options.yes:
        confirm(doomed)
    confirmed = [f"{each['kind']} {each['name']}" for each in doomed]
    applied = api.ask("POST", "/v1/sync-declaration/apply", body | {"confirmedDeletions": confirmed})
    return tell(applied, options)


def confirm(doomed: list[dict[str, Any]]) -> None:
    lines = (line for each in doomed for line in lines_of_difference(each))
    print("To delete:", *lines, sep="\n", file=sys.stderr)
    if not sys.stdin.isatty():
        raise Failed("Nothing was changed. To delete them, add --yes.")
    if input("Type yes: ") != "yes":
        raise Failed("Nothing was changed.")


def tell(compared: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(compared, indent=2))
    else:
        for warning in compared["warnings"]:
            print(f"Note: line {warning['line']}: {warning['message']}")
        # An older server draws no plans.
        plans = {each["name"]: each for each in compared.get("plans", [])}
        for each in compared["differences"]:
            print(*lines_of_difference(each), sep="\n")
            if each["kind"] == "sync" and each["name"] in plans:
                print(*(f"    {line}" for line in lines_of_sync(plans[each["name"]])), sep="\n")
        if not compared["differences"]:
            print("Nothing to change.")
    return DIFFERENT if options.exit_code and compared["differences"] else 0


def lines_of_difference(each: dict[str, Any]) -> Iterator[str]:
    yield f"{SIGNS[each['action']]} {each['kind']} {each['name']}"
    for field in each["fields"]:
        now = "" if each["action"] == "create" else f"{field['now']!r} -> "
        yield f"    {field['name']}: {now}{field['wanted']!r}"


def export(options: argparse.Namespace) -> int:
    document = Api.from_environment().ask("GET", "/v1/sync-declaration")["document"]
    text = (
        json.dumps(document, indent=2)
        if options.json
        else yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    )
    print(text.rstrip("\n"))
    return 0


def sync(options: argparse.Namespace) -> int:
    api = Api.from_environment()
    found = find_sync(api, options.sync)
    confirmed = "true" if options.confirm_deletions else "false"
    path, wait = f"/v1/secret-syncs/devin/{found['id']}", min(options.wait, LONGEST_WAIT)
    started = api.ask("POST", f"{path}/sync-secrets", wait=wait, confirmDeletions=confirmed)["secretSync"]
    if options.json:
        print(json.dumps(started, indent=2))
    else:
        print(f"{started['name']}: {started['syncStatus']}. {started['lastSyncMessage'] or ''}".rstrip())
    return 1 if options.wait and started["syncStatus"] != "succeeded" else 0


def runs(options: argparse.Namespace) -> int:
    api = Api.from_environment()
    path = f"/v1/secret-syncs/devin/{find_sync(api, options.sync)['id']}/runs"
    found = api.ask("GET", path, limit=max(1, min(options.limit, 100)))["syncRuns"]
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for each in found:
        print(
            "  ".join(filter(None, (each["queuedAt"], each["id"], each["trigger"], each["outcome"], each["message"])))
        )
    return 0


def run(options: argparse.Namespace) -> int:
    """The command takes this process's place: its signals and its status are its own."""
    secrets = read_secrets(Api.from_environment(), options)
    unfit = [name for name in secrets if not NAME.fullmatch(name)]
    if unfit:
        raise Failed(f"No environment variable can be called {', '.join(sorted(unfit))}. Nothing was started.")
    own = {name: value for name, value in os.environ.items() if not name.startswith("DEVINSYNC_")}
    sys.stdout.flush()
    try:
        os.execvpe(options.program[0], options.program, own | secrets)  # noqa: S606 - what the person asked for
    except OSError as error:
        raise Failed(f"Could not start {options.program[0]}: {type(error).__name__}.") from None


def read_secrets(api: Api, options: argparse.Namespace) -> dict[str, str]:
    """As a sync would send them: own ones win, then the last import; a dead reference is an error."""
    project = "projectId" if is_id(options.project) else "projectSlug"
    place = {project: options.project, "environment": options.environment, "secretPath": options.path}
    wishes = {"expandSecretReferences": "true", "includeImports": "true", "viewSecretValue": "true"}
    answer = api.ask("GET", "/v4/secrets", **place, **wishes)
    listed = [each for source in answer["imports"] for each in source["secrets"]] + answer["secrets"]
    broken = sorted({each["secretKey"] for each in listed if each.get("unresolvedReferences")})
    if broken:
        raise Failed(f"References in {', '.join(broken)} lead nowhere. Nothing was started.")
    return {each["secretKey"]: each["secretValue"] for each in listed}


def find_sync(api: Api, text: str) -> dict[str, Any]:
    if is_id(text):
        return dict(api.ask("GET", f"/v1/secret-syncs/devin/{text}")["secretSync"])
    slug, _, name = text.rpartition("/")
    projects = api.ask("GET", "/v1/projects")["projects"]
    chosen = [each["id"] for each in projects if slug in ("", each["slug"])]
    syncs = [each for id_ in chosen for each in api.ask("GET", "/v1/secret-syncs", projectId=id_)["secretSyncs"]]
    found = [each for each in syncs if each["name"] == name]
    if len(found) != 1:
        raise Failed(
            f"There is no sync {text}." if not found else f"Several projects have {text}. Name PROJECT/{text}."
        )
    return dict(found[0])


def body_of(options: argparse.Namespace) -> dict[str, Any]:
    text = read_text(options.target)
    return {
        "document": text,
        "keys": keys_named_in(text),
        "prune": options.prune,
        "removeSecrets": options.remove_secrets,
    }


def keys_named_in(text: str) -> dict[str, str]:
    """The environment variables that the connections of the file name, as far as they are set."""
    try:
        # Aliases of aliases make a document of a few lines as large as one likes; the server takes none.
        has_aliases = any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
        document = None if has_aliases else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        # The server says what is wrong, and where.
        return {}
    listed = document.get("connections") if isinstance(document, dict) else None
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    names = {each["api_key_env"] for each in entries if isinstance(each.get("api_key_env"), str)}
    return {name: os.environ[name] for name in sorted(names) if os.environ.get(name)}


def read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"Could not read {name}: {type(error).__name__}.") from None


def missing(name: str) -> int:
    raise Failed(f"There is no file {name}.")


def is_file(name: str) -> bool:
    return name == "-" or name.endswith((".yaml", ".yml")) or Path(name).is_file()


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
