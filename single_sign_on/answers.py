"""Answers of providers of SAML, between their arrival and the browser's coming for them: each once, for a minute.

They are signed by this installation, so that whoever may write into the database can still answer for nobody.
"""

import hashlib
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.cleaning import delete_some, register_cleaner
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.models import Answer
from single_sign_on.tokens import Refused

FETCHED_WITHIN = timedelta(minutes=1)
# Longer than an answer counts: until then its row says that it was used.
KEPT = timedelta(hours=1)
SALT = "single_sign_on.answers"


def keep(one: ProviderSettings, asked: str, claims: dict[str, Any]) -> None:
    """Raises Refused if there was an answer already."""
    key = _key(one, asked)
    said = signing.dumps(claims, salt=f"{SALT}/{key}", compress=True)
    try:
        with transaction.atomic():
            Answer.objects.create(key=key, said=said, kept_until=timezone.now() + KEPT)
    except IntegrityError:
        raise Refused("it was answered before: begin again") from None


def take(one: ProviderSettings, asked: str) -> dict[str, Any]:
    """The claims, once. Raises Refused."""
    key = _key(one, asked)
    said = Answer.objects.filter(key=key).values_list("said", flat=True).first()
    if not said or not Answer.objects.filter(key=key, said=said).update(said=""):
        raise Refused("this log-in is over: begin again")
    try:
        claims: dict[str, Any] = signing.loads(said, salt=f"{SALT}/{key}", max_age=FETCHED_WITHIN)
    except signing.BadSignature:
        raise Refused("this log-in took too long: begin again") from None
    return claims


def clean_some() -> bool:
    return delete_some(Answer.objects.filter(kept_until__lt=timezone.now()))


def register() -> None:
    register_cleaner("old answers of single sign-on", clean_some)


def _key(one: ProviderSettings, asked: str) -> str:
    return hashlib.sha256(f"{one.issuer}\n{asked}".encode()).hexdigest()
