"""The algorithm that sync tools publish for Devin, rewritten faithfully, to compare the engine with.

    list every page
    for each desired key, one request at a time
        POST
        taken (409, or 422 for a key that was listed)?  DELETE the old one, POST again
    for each listed key that is not desired
        DELETE

It keeps no record of what it wrote, so it writes every key in every run. It is given all that plain HTTP offers: one
session with kept connections, the largest pages, and no pause of its own. It has no retries, no lease and no crash
safety either, which all cost the engine time.
"""

from collections.abc import Mapping
from typing import Any

import requests

PAGE_SIZE = 200
TIMEOUT = 30.0


def sync(base_url: str, api_key: str, org_id: str, desired: Mapping[str, str]) -> None:
    """Makes the organization's secrets equal to `desired`. Raises requests.RequestException."""
    url = f"{base_url}/v3/organizations/{org_id}/secrets"
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {api_key}"
        existing = {item["key"]: item["secret_id"] for item in list_secrets(session, url)}
        for key, value in desired.items():
            upsert(session, url, key, value, existing.get(key))
        for key in existing.keys() - desired.keys():
            delete(session, url, existing[key])


def list_secrets(session: requests.Session, url: str) -> list[dict[str, Any]]:
    items, query = [], {"first": str(PAGE_SIZE)}
    while True:
        answer = session.get(url, params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        page = answer.json()
        items += page["items"]
        if not page["has_next_page"]:
            return items
        query["after"] = page["end_cursor"]


def upsert(session: requests.Session, url: str, key: str, value: str, old_id: str | None) -> None:
    secret = {"type": "key-value", "key": key, "value": value, "is_sensitive": True}
    answer = session.post(url, json=secret, timeout=TIMEOUT)
    if answer.status_code in (409, 422) and old_id is not None:
        delete(session, url, old_id)
        answer = session.post(url, json=secret, timeout=TIMEOUT)
    answer.raise_for_status()


def delete(session: requests.Session, url: str, secret_id: str) -> None:
    session.delete(f"{url}/{secret_id}", timeout=TIMEOUT).raise_for_status()
