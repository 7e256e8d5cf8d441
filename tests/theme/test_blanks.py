"""Rows that are drawn from one shape."""

import re
from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse
from django.utils.safestring import mark_safe

from theme.blanks import MARK, draw_rows
from vault.pages.secret_rows import BLANKS

SHAPE = "admin/vault/secret_row.html"


class Everything:
    def __getitem__(self, name: str) -> "Everything":
        return self


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.get("/")


def row(pk: UUID, key: str, **also: object) -> Mapping[str, object]:
    usual = {"marks": "", "comment": "–", "version": 3, "changed": "today"}
    return {"pk": pk, "key": key, **usual, **also}


def drawn(request: HttpRequest, *rows: Mapping[str, object]) -> str:
    return draw_rows(SHAPE, request, {"perms": Everything()}, rows, blanks=BLANKS)


def without_tokens(drawn: str) -> str:
    """Each form's is masked anew."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=)"\w+"', r"\1", drawn)


def test_each_row_is_as_its_template_would_draw_it(request_: HttpRequest) -> None:
    first, second = row(uuid4(), "A"), row(uuid4(), "B", comment="of B")

    told = drawn(request_, first, second)

    alone = [render_to_string(SHAPE, {"perms": Everything(), "blank": each}, request_) for each in (first, second)]
    assert without_tokens(told) == without_tokens("".join(alone))
    assert reverse("admin:vault_secret_edit", args=[second["pk"]]) in told


def test_what_is_filled_in_is_escaped_and_not_filled_in_again(request_: HttpRequest) -> None:
    told = drawn(request_, row(uuid4(), "A", comment=f"<b>{MARK.format('key')}", marks=mark_safe("<i>due</i>")))

    assert f"&lt;b&gt;{MARK.format('key')}" in told
    assert "<i>due</i>" in told


def test_no_row_is_nothing(request_: HttpRequest) -> None:
    assert drawn(request_) == ""
