"""The JSON Schema of the document that `export` prints and `apply` takes, made from the columns that it fills."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from connections.models import Connection
from syncs.editing.comparison import CONNECTION_NAMES, SYNC_NAMES
from syncs.editing.declared_parts import parts
from syncs.editing.declared_sharing import SHARED_WITH
from syncs.models import DevinSync

HELP = {
    "name": "What it is called; unique, for syncs in their project.",
    "previous_name": "What it was called before. It is renamed, instead of another one made.",
    "shared_with": "The slugs of the projects whose members see it and use it. Left out, it stays as it is.",
    "api_key_env": "An environment variable that holds the API key where this document is applied.",
    "project": "The slug of the project.",
    "source_connection": "Of a project that is kept in another source: the connection that it is linked by.",
    "environment": "The slug of the environment that is read.",
    "path": "The folder that is read.",
    "connection": "The name of the connection that is written through.",
    "base_url": "The address of Devin's API.",
    "proxy": "A proxy of its own, without a login.",
    "ca_certificate": "PEM of a private authority: then no other is trusted.",
    "description": "For people.",
    "org_id": "The Devin organization that is written to.",
    "organization": "Its name instead of org_id, where the connection tells names and one organization has it.",
}


def declaration_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Connections, syncs and sync sets of DevinSync",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "connections": _list_of(entry_schema(Connection, CONNECTION_NAMES, required=["name"])),
            "syncs": _list_of(entry_schema(DevinSync, SYNC_NAMES, required=["name", "project"])),
            **{part.key: _list_of(part.schema()) for part in parts()},
        },
    }


def _list_of(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": entry}


def entry_schema(model: type[models.Model], names: tuple[str, ...], *, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {name: _property(model, name, is_required=name in required) for name in names},
    }


def _property(model: type[models.Model], name: str, *, is_required: bool) -> dict[str, Any]:
    if name == SHARED_WITH:
        return {"type": ["array", "null"], "items": {"type": "string"}, "description": HELP[name]}
    columns = {field.name: field for field in model._meta.fields if not field.is_relation}
    field = columns.get(name)
    schema: dict[str, Any] = {"type": "string"} if field is None else _type_of(field)
    help_text = HELP.get(name) or str(getattr(field, "help_text", ""))
    if not is_required:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema and not is_required:
        schema["enum"] = [*schema["enum"], None]
    return schema | ({"description": help_text} if help_text else {})


def _type_of(field: "models.Field[Any, Any]") -> dict[str, Any]:
    if isinstance(field, models.BooleanField):
        return {"type": "boolean"}
    if isinstance(field, models.IntegerField):
        least = [each.limit_value for each in field.validators if isinstance(each, MinValueValidator)]
        most = [each.limit_value for each in field.validators if isinstance(each, MaxValueValidator)]
        return {"type": "integer", "minimum": max(least, default=0), "maximum": min(most)}
    schema: dict[str, Any] = {"type": "string", "maxLength": field.max_length}
    return schema | ({"enum": [value for value, _ in field.flatchoices]} if field.choices else {})
