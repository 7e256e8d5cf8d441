"""The OpenAPI document: what Ninja makes of the routes, completed with what holds for all of them."""

from copy import deepcopy
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from api.resources.base import EXAMPLE_ID

HEADERS = {
    401: ("WWW-Authenticate", "How to authenticate."),
    429: ("Retry-After", "Seconds to wait."),
    503: ("Retry-After", "Seconds to wait."),
}
REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "Names the request in logs, runs and answers; made here if it is not sent.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
}
PLAIN = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}
OFTEN_SENT = {"projectId", "secretPath", "secretValue"}
IN_PATHS = {
    "environment": "dev",
    "folder_path": "/my-secrets",
    "org_id": "org-sandbox",
    "connection_name": "my-devin-connection",
    "secret_name": "DB_URL",
    "slug": "dev",
    "sync_name": "my-devin-sync",
}
DEEPEST = 8


class Document(OpenAPISchema):
    """What Ninja makes of the routes. It has a model for each answer of each, but most answer the same few errors."""

    def _create_schema_from_model(self, model: Any, *places: Any, **options: Any) -> tuple[dict[str, Any], bool]:
        fields = getattr(model, "model_fields", {})
        if list(fields) != ["response"] or places:
            return super()._create_schema_from_model(model, *places, **options)
        made: dict[Any, tuple[dict[str, Any], bool]] = self.__dict__.setdefault("_made", {})
        answer = (fields["response"].annotation, *sorted(options.items()))
        if answer not in made:
            made[answer] = super()._create_schema_from_model(model, **options)
        return made[answer]


def complete(document: dict[str, Any], *, server: str) -> dict[str, Any]:
    """Adds where the API is, and to each operation its headers and examples of what is sent and answered."""
    document = deepcopy(document) | {"servers": [{"url": server, "description": "This DevinSync."}]}
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            _complete_operation(operation, schemas)
    return document


def _complete_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    operation["parameters"] = [*map(_with_example, operation.get("parameters", [])), REQUEST_ID]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        # A body that may be left out is not one that may be null; generated clients trip over the latter.
        content["schema"] = next(iter(content["schema"].get("anyOf", [])), content["schema"])
        content["example"] = example_of(content["schema"], schemas)
    for status, response in operation["responses"].items():
        response["headers"] = _headers_of(int(status))
        for content in response.get("content", {}).values():
            content["example"] = example_of(content["schema"], schemas)


def _with_example(parameter: dict[str, Any]) -> dict[str, Any]:
    """A place in a path always needs something to put there. Ninja copies a schema's list of examples to where OpenAPI
    has one example, or some by name."""
    examples = parameter.get("examples", [])
    plain = {name: part for name, part in parameter.items() if name != "examples"}
    if parameter["in"] == "path":
        return plain | {"example": examples[0] if examples else IN_PATHS.get(parameter["name"], EXAMPLE_ID)}
    return plain | ({"example": examples[0]} if examples else {})


def _headers_of(status: int) -> dict[str, Any]:
    headers = {"X-Request-Id": {"description": "Names this request.", "schema": {"type": "string"}}}
    if status in HEADERS:
        name, description = HEADERS[status]
        headers[name] = {"description": description, "schema": {"type": "string"}}
    return headers


def example_of(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """An example from the examples of a schema's parts; what may be left out is left out."""

    def inner(part: dict[str, Any]) -> Any:
        return example_of(part, schemas, depth + 1) if depth < DEEPEST else None

    if "$ref" in schema:
        return inner(schemas[schema["$ref"].rsplit("/", 1)[-1]])
    own = [*schema.get("examples", []), *schema.get("enum", [])]
    own += [schema[word] for word in ("const", "default") if word in schema]
    if own:
        return own[0]
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return inner(choices[0]) if _is_telling(choices[0]) or {"type": "null"} not in choices else None
    if "properties" in schema:
        return {name: inner(part) for name, part in _parts(schema).items()}
    return [inner(schema.get("items", {}))] if schema.get("type") == "array" else _plain(schema)


def _parts(schema: dict[str, Any]) -> dict[str, Any]:
    """What must be sent and what most people will send; where nothing must, the first part that has an example."""
    parts: dict[str, Any] = schema["properties"]
    required = schema.get("required", [])
    telling = [name for name, part in parts.items() if any(map(_is_telling, part.get("anyOf", [part])))]
    shown = {*required, *(set(telling) & OFTEN_SENT)} or set(telling[:1])
    return {name: part for name, part in parts.items() if name in shown}


def _is_telling(schema: dict[str, Any]) -> bool:
    return bool(schema.get("examples") or schema.get("$ref"))


def _plain(schema: dict[str, Any]) -> Any:
    if schema.get("format") == "uuid":
        return EXAMPLE_ID
    return {} if schema.get("type") == "object" else PLAIN.get(str(schema.get("type")))
