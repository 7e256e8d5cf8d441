"""Addresses of many rows on one page, without asking Django's resolver for each, which takes as long as drawing it."""

from functools import lru_cache
from uuid import UUID

from django.urls import get_script_prefix, get_urlconf, reverse

# Stands where the id of a row will; no row has it.
NO_ID = UUID("00000000-0000-0000-0000-00000000b1a9")


def address_of(name: str, pk: UUID) -> str:
    """Of a route that takes nothing but a row's id."""
    return _shape(name, get_script_prefix(), get_urlconf()).replace(str(NO_ID), str(pk))


@lru_cache(maxsize=64)
def _shape(name: str, prefix: str, urlconf: str | None) -> str:
    """What precedes all addresses, and which of them there are, is a thread's own."""
    return reverse(name, args=[NO_ID])
