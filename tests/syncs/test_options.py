"""Every option of a sync is there on every face: none can be forgotten."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator
from django.db import models
from django.test import Client
from django.urls import reverse
from pydantic.alias_generators import to_camel

from accounts.roles import ADMINISTRATOR
from connections.models import Connection
from syncs.models import DevinSync
from syncs.options import OPTIONS, KeyLinesField
from syncs.words import column, help_of, label_of
from tests.api.conftest import make_caller, make_user
from tests.syncs.conftest import Manage
from tests.syncs.wizard_walk import Walk, step_url
from vault.models import Folder

ROOT = Path(__file__).resolve().parents[2]
# The API takes no other value than the only one there is.
CHANGEABLE = tuple(name for name in OPTIONS if name != "initial_sync_behavior")


def other_value(name: str) -> Any:
    """One that is allowed and not the default."""
    field = column(name)
    default = field.get_default()
    if field.choices:
        return next(value for value, _ in field.flatchoices if value != default)
    if isinstance(field, models.BooleanField):
        return not default
    if isinstance(field, KeyLinesField):
        return "DB_URL=DATABASE_URL" if name == "key_renames" else f"{name}_*"
    if isinstance(field, models.CharField):
        return "OTHER_{{secretKey}}"
    return min(limit.limit_value for limit in field.validators if isinstance(limit, MaxValueValidator))


def test_has_what_a_face_needs_of_each() -> None:
    for name in OPTIONS:
        assert label_of(name)
        assert help_of(name).endswith("."), name
        assert column(name).get_default() is not None


def test_the_wizard_asks_for_each_and_its_review_tells_it(
    client: Client, admin_user: User, folder: Folder, connection: Connection
) -> None:
    client.force_login(admin_user)
    walk = Walk(client, folder, connection, options={name: other_value(name) for name in CHANGEABLE})
    walk.begin()
    walk.answer("source", "destination")

    page = client.get(step_url("options")).content.decode()

    assert [name for name in OPTIONS if f'name="options-{name}"' not in page] == []
    walk.answer("options", "details")
    sync = client.get(step_url("review")).context["sync"]
    assert {name: getattr(sync, name) for name in CHANGEABLE} == {name: other_value(name) for name in CHANGEABLE}


def test_the_edit_form_has_each(client: Client, admin_user: User, sync: DevinSync) -> None:
    client.force_login(admin_user)

    page = client.get(reverse("admin:syncs_devinsync_settings", args=[sync.pk])).content.decode()

    assert [name for name in OPTIONS if f'name="{name}"' not in page] == []


@pytest.mark.parametrize("name", CHANGEABLE)
def test_the_api_takes_answers_and_keeps_each(name: str, sync: DevinSync) -> None:
    caller = make_caller(make_user("somebody", ADMINISTRATOR))
    options = {"initialSyncBehavior": "overwrite-destination", to_camel(name): other_value(name)}
    address = f"/api/v1/secret-syncs/devin/{sync.pk}"

    answer = caller.patch(address, {"syncOptions": options})

    assert answer["secretSync"]["syncOptions"][to_camel(name)] == other_value(name)
    assert getattr(DevinSync.objects.get(), name) == other_value(name)
    caller.patch(address, {"syncOptions": {"initialSyncBehavior": "overwrite-destination", "autoSyncEnabled": True}})
    assert getattr(DevinSync.objects.get(), name) == column(name).get_default(), "what is left out is the default"


def test_the_api_document_explains_each_in_the_words_of_the_forms() -> None:
    from api.app import api

    reverse("api:openapi-json")
    schemas = api.get_openapi_schema()["components"]["schemas"]

    for name in OPTIONS:
        for schema in ("SyncOptionsIn", "SyncOptions"):
            assert schemas[schema]["properties"][to_camel(name)]["description"].startswith(help_of(name))


@pytest.mark.parametrize("name", CHANGEABLE)
def test_a_declaration_exports_and_applies_each(name: str, sync: DevinSync, manage: Manage, tmp_path: Path) -> None:
    document = yaml.safe_load(manage("export"))
    assert document["syncs"][0][name] == column(name).get_default()
    document["syncs"][0][name] = other_value(name)
    file = tmp_path / "syncs.yaml"
    file.write_text(yaml.safe_dump(document))

    manage("apply", str(file))

    assert getattr(DevinSync.objects.get(), name) == other_value(name)


def test_the_guide_to_the_api_names_each() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()

    assert [name for name in OPTIONS if not re.search(rf"\b{to_camel(name)}\b", guide)] == []
