"""The routes under `/_sandbox/` by which other processes of this machine look into the sandbox and steer it.

Answers show digests of values, never values.
"""

import ipaddress
import re
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.api import problem
from sandbox.checking import BadInstruction, allow, check, texts
from sandbox.directory import ApiKey
from sandbox.faults import Rule, build_rule
from sandbox.organization import Duplicates, Organization, Secret, SecretMissing
from sandbox.settings import Settings
from sandbox.wire import Answer, Request
from sandbox.world import World

CHANGEABLE = {"key", "note", "secret_type", "access_type", "is_sensitive", "created_at", "updated_at", "updated_by"}
PUTTABLE = CHANGEABLE | {"value", "secret_id", "created_by"}


@dataclass(frozen=True)
class NewOrganization:
    org_id: str
    name: str = ""


def is_allowed(request: Request, peer: str) -> bool:
    """Whether it comes from this machine and was not made by a web page, under another name or from another origin."""
    return "origin" not in request.headers and is_here(request, peer)


def is_here(request: Request, peer: str) -> bool:
    """Whether it comes from this machine, and asks for it by a name of this machine."""
    return ipaddress.ip_address(peer).is_loopback and names_this_machine(request.headers.get("host", ""))


def names_this_machine(host: str) -> bool:
    """Whether a Host header, with or without a port, is `localhost` or an address of loopback."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def answer_control(world: World, request: Request) -> Answer:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        return problem(400, "Send a JSON object.")
    try:
        return route(world, request, body)
    except SecretMissing as error:
        return problem(404, f"There is no secret {error}.")
    except (LookupError, ValueError) as error:
        return problem(400, str(error))


def route(world: World, request: Request, body: dict[str, Any]) -> Answer:
    match request.method, request.path.removeprefix("/_sandbox/").split("/"):
        case "GET", ["log"]:
            return show_log(world, dict(parse_qsl(request.query)))
        case "POST", ["reset"]:
            reset(world, body)
        case "POST", ["configure"]:
            configure(world, body)
        case "GET", ["faults"]:
            return Answer(200, [describe_rule(rule) for rule in world.faults.rules()])
        case "POST", ["release"]:
            world.faults.release()
        case "GET", ["organizations"]:
            return Answer(200, [describe_organization(one) for one in world.directory.organizations()])
        case "POST", ["organizations"]:
            declare(world, body)
        case method, ["organizations", org_id, *rest]:
            return route_organization(world.organization(org_id), method, rest, body)
        case _:
            return problem(404, "The sandbox has no such control route.")
    return Answer(200, {"ok": True})


def route_organization(organization: Organization, method: str, rest: list[str], body: dict[str, Any]) -> Answer:
    match method, rest:
        case "GET", []:
            secrets = [describe_secret(secret) for secret in organization.secrets()]
            return Answer(200, {**describe_organization(organization), "secrets": secrets})
        case "POST", ["secrets"]:
            wanted = {"key": None, **check(allow(body, PUTTABLE), Secret)}
            if wanted.get("value") is None:
                wanted["value"] = ""
            return Answer(200, describe_secret(organization.put(**wanted)))
        case "PATCH", ["secrets", secret_id]:
            wanted = check(allow(body, CHANGEABLE | {"value"}), Secret)
            return Answer(200, describe_secret(organization.change(secret_id, **wanted)))
        case "DELETE", ["secrets", secret_id]:
            return Answer(200, describe_secret(organization.delete(secret_id)))
        case "POST", ["refuse" | "accept" as verb]:
            for key in texts(allow(body, {"keys"}), "keys"):
                organization.refuse_value(key) if verb == "refuse" else organization.accept_value(key)
            return Answer(200, {"ok": True})
    return problem(404, "The sandbox has no such control route.")


def show_log(world: World, query: dict[str, str]) -> Answer:
    after = query.get("after", "0")
    if not re.fullmatch("[0-9]{1,9}", after):
        raise BadInstruction("after must be the number of a request.")
    entries = world.log.requests(query.get("method"), key=query.get("key"), after=int(after))
    return Answer(200, {"requests": [entry.as_json() for entry in entries]})


def reset(world: World, body: dict[str, Any]) -> None:
    """Everything, or with {"traffic": true} only requests, limits and faults."""
    wanted = allow(body, {"traffic"}).get("traffic", False)
    if not isinstance(wanted, bool):
        raise BadInstruction("traffic must be true or false.")
    if wanted:
        world.clear_traffic()
    else:
        world.reset()


def configure(world: World, body: dict[str, Any]) -> None:
    """Settings by name; `faults`, if given, takes the place of the script as it stands."""
    wanted = allow(body, {setting.name for setting in fields(Settings)} | {"faults"})
    faults = wanted.pop("faults", None)
    check(wanted, Settings)
    for each in wanted.get("ip_ranges", []):
        ipaddress.ip_network(each)
    if faults is not None:
        if not isinstance(faults, list):
            raise BadInstruction("faults must be a list of rules.")
        rules = [build_rule(options) for options in faults]
        world.faults.clear()
        for rule in rules:
            world.faults.add_rule(rule)
    if "duplicates" in wanted:
        wanted["duplicates"] = Duplicates(wanted["duplicates"])
    for name, value in wanted.items():
        setattr(world.settings, name, value)


def declare(world: World, body: dict[str, Any]) -> None:
    allow(body, {"organizations", "keys", "revoke"})
    revoked = texts(body, "revoke")
    organizations = [checked(one, NewOrganization, required="org_id") for one in listed(body, "organizations")]
    keys = [checked(one, ApiKey, required="token") for one in listed(body, "keys")]
    for organization in organizations:
        world.directory.declare_organization(**organization)
    for key in keys:
        world.directory.declare_key(**key)
    for token in revoked:
        world.directory.revoke_key(token)


def listed(body: dict[str, Any], name: str) -> list[Any]:
    found = body.get(name, [])
    if not isinstance(found, list):
        raise BadInstruction(f"{name} must be a list of objects.")
    return found


def checked(given: Any, shape: type, *, required: str) -> dict[str, Any]:
    wanted = check(allow(given, {one.name for one in fields(shape)}), shape)
    if not wanted.get(required):
        raise BadInstruction(f"Each needs its {required}.")
    return wanted


def describe_organization(organization: Organization) -> dict[str, object]:
    return {"org_id": organization.org_id, "name": organization.name, "count": len(organization.secrets())}


def describe_secret(secret: Secret) -> dict[str, object]:
    return {**secret.as_item(), "sha256": secret.sha256}


def describe_rule(rule: Rule) -> dict[str, object]:
    when = {name: getattr(rule, name) for name in ("method", "key", "org", "request", "times", "rate", "seed", "met")}
    return {**when, "kinds": [fault.kind for fault in rule.faults]}
