"""Hands a message over by a program of its own (`notices.outside`), and says what came of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings

from common import clock
from connections.proxies import Proxy
from encryption import DecryptionError
from notices.asking import MOST_TOGETHER
from notices.choices import Way
from notices.messages import Message, body_of, message_of, signature
from notices.models import Channel, Delivery
from notices.outside.answers import Answer

NO_MAIL_SERVER = "there is no mail server: set SMTP_HOST and MAIL_FROM"


def send(delivery: Delivery) -> Answer:
    """One attempt. Asks the database before, and nothing while it waits for others."""
    channel = delivery.channel
    try:
        order = _order(channel, message_of(delivery), str(delivery.pk))
    except DecryptionError as error:
        return Answer(False, f"The channel's address could not be read. {error}")
    if channel.way == Way.MAIL and not (settings.SMTP_HOST and settings.MAIL_FROM):
        return Answer(False, NO_MAIL_SERVER)
    told = _outside(order)
    return Answer(**told) if told else Answer(False, f"nothing came of it in {_deadline():g} seconds", may_pass=True)


def service_at(address: str) -> str:
    """The name of the service that an address of Apprise is of; "" if of none. Nothing is sent."""
    told = _outside({"what": "describe", "address": address})
    return str(told.get("service", "")) if told else ""


def _order(channel: Channel, message: Message, delivery_id: str) -> dict[str, Any]:
    own: dict[str, Any]
    if channel.way == Way.MAIL:
        smtp = {name: getattr(settings, f"SMTP_{name.upper()}") for name in ("host", "port", "user", "password")}
        smtp["security"] = settings.SMTP_SECURITY
        to = channel.address().split()
        own = {"what": "mail", "to": to, "from": settings.MAIL_FROM, "smtp": smtp, "id": delivery_id}
    elif channel.way == Way.WEBHOOK:
        body = body_of(message)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "DevinSync",
            "X-DevinSync-Delivery": delivery_id,
            "X-DevinSync-Signature": signature(channel.secret(), body, clock.now()),
        }
        own = {"what": "webhook", "address": channel.address(), "body": body, "headers": headers}
    else:
        # A digest has no page of its own for each of what may be hundreds.
        parts = [asdict(part) for part in message.parts] if len(message.parts) <= MOST_TOGETHER else []
        own = {"what": "service", "address": channel.address(), "mood": message.mood, "parts": parts}
    return {"title": message.title, "text": message.text, **own}


def _outside(order: Mapping[str, Any]) -> dict[str, Any]:
    """What the program says; {} if it said nothing, or took too long and was ended."""
    given = {**order, "listed": _listed(), "ca_file": settings.OUTBOUND_CA_BUNDLE, "seconds": _deadline() / 3}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "notices.outside"],
            input=json.dumps(given),
            cwd=settings.BASE_DIR,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_deadline(),
            check=False,
        )
        told: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return {}
    return told


def _deadline() -> float:
    """Of one attempt in all, in seconds; one wait in it has a third."""
    return float(settings.NOTIFY_DEADLINE.total_seconds())


def _listed() -> list[str]:
    """Hosts that the operator has named, so that they may be in a private network."""
    listed = [*settings.NOTIFY_HOSTS]
    if settings.SMTP_HOST:
        listed.append(_entry(settings.SMTP_HOST, settings.SMTP_PORT))
    if settings.OUTBOUND_PROXY:
        proxy = Proxy.parse(settings.OUTBOUND_PROXY)
        listed.append(_entry(proxy.host, proxy.port))
    return listed


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _environment() -> dict[str, str]:
    """None of ours, which has keys; and the proxy, in the words that libraries understand."""
    given = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC"}
    if settings.OUTBOUND_PROXY:
        given |= {"HTTPS_PROXY": settings.OUTBOUND_PROXY, "NO_PROXY": "localhost,127.0.0.1,::1"}
    return given
