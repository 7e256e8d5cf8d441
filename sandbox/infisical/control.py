"""The page of the stand-in, and the one thing to do there: change a secret, of which the webhooks are told."""

import html
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sandbox.infisical.api import problem
from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import Project
from sandbox.wire import Answer, Request

if TYPE_CHECKING:
    from sandbox.infisical.server import InfisicalSandbox

HTML = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'"}


def answer_control(sandbox: "InfisicalSandbox", request: Request) -> Answer:
    """`GET /` is the page; `PUT /_sandbox/secrets` takes {"project", "environment", "path", "key", "value"}, and
    `PUT /_sandbox/webhooks` {"url", "secret"}.
    """
    if request.method == "PUT" and request.path == "/_sandbox/secrets":
        return put_secret(sandbox, request.json())
    if request.method == "PUT" and request.path == "/_sandbox/webhooks":
        return put_webhook(sandbox, request.json())
    if request.method != "GET":
        return problem(405, "Method Not Allowed", "The page is only looked at.")
    query = {name: values[-1] for name, values in parse_qs(request.query).items()}
    return Answer(200, headers=HTML, body=page(sandbox, query.get("secretPath", "")).encode())


def put_secret(sandbox: "InfisicalSandbox", body: object) -> Answer:
    given = body if isinstance(body, dict) else {}
    texts = [given.get(name) for name in ("project", "environment", "path", "key", "value")]
    if not all(isinstance(text, str) for text in texts):
        return problem(400, "BadRequest", "Send project (its slug), environment, path, key and value as JSON.")
    slug, environment, path, key, value = (str(text) for text in texts)
    project = next((each for each in sandbox.world.projects.values() if each.slug == slug), None)
    if project is None or project.folder(environment, path) is None:
        return problem(404, "NotFound", "There is no such project, environment or folder.")
    sandbox.world.put(project, environment, path, **{key: value})
    sandbox.tell(project, environment, path)
    return Answer(200, {"changed": key})


def put_webhook(sandbox: "InfisicalSandbox", body: object) -> Answer:
    """In place of those there were."""
    given = body if isinstance(body, dict) else {}
    url, secret = given.get("url"), given.get("secret")
    if not isinstance(url, str) or not isinstance(secret, str):
        return problem(400, "BadRequest", "Send url and secret as JSON.")
    sandbox.webhooks[:] = [Webhook(url, secret)]
    return Answer(200, {"webhooks": len(sandbox.webhooks)})


def page(sandbox: "InfisicalSandbox", path: str) -> str:
    """Which keys are where; no value."""
    lines = ["<!doctype html><title>Infisical stand-in</title><h1>A stand-in for Infisical</h1>"]
    lines.append("<p>It serves the routes that DevinSync reads, and shows keys only. Change a secret by:</p><pre>")
    example = {"project": "acme-shop", "environment": "dev", "path": "/checkout", "key": "DB_URL", "value": "new"}
    lines.append(html.escape(f"curl -X PUT {sandbox.url}/_sandbox/secrets -d '{json.dumps(example)}'") + "</pre>")
    for project in sandbox.world.projects.values():
        lines.append(f"<h2>{html.escape(project.name)} ({html.escape(project.slug)}, {project.id})</h2><ul>")
        lines += [f"<li>{html.escape(line)}</li>" for line in folders_of(project) if path in line]
        lines.append("</ul>")
    return "\n".join(lines)


def folders_of(project: Project) -> list[str]:
    return [
        f"{environment.slug}:{folder.path} has {', '.join(secret.key for secret in folder.secrets) or 'nothing'}"
        for environment in project.environments.values()
        for folder in environment.folders.values()
    ]
