"""Slugs and organization ids: what passes and what does not."""

import pytest
from django.core.exceptions import ValidationError

from common.patterns import validate_org_id, validate_slug


@pytest.mark.parametrize("text", ["a", "7", "my-project", "a-1-b"])
def test_a_slug(text: str) -> None:
    validate_slug(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a_b", "a b", "a.b", "ä", "a\n", "a-\n"])
def test_no_slug(text: str) -> None:
    with pytest.raises(ValidationError, match="single hyphens"):
        validate_slug(text)


@pytest.mark.parametrize("text", ["org-1", "org-a_B-9", "org--", "org-" + "x" * 124])
def test_an_organization_id(text: str) -> None:
    validate_org_id(text)


@pytest.mark.parametrize("text", ["", "org-", "ORG-1", "org_1", "org-a/b", "org-a b", "org-1\n", "org-" + "x" * 125])
def test_no_organization_id(text: str) -> None:
    with pytest.raises(ValidationError, match='starts with "org-"'):
        validate_org_id(text)
