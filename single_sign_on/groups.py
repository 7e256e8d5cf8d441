"""The groups that a provider gives, at each log-in: what the claim names is added, what it names no more is taken away.

Given by hand stays by hand: a group that somebody had before the provider named it is theirs whatever the provider
says later. What is taken away is only what a provider gave, and no other provider gives.
"""

import logging
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group, User

from common.single_sign_on_settings import SUPERUSER, ProviderSettings
from single_sign_on.models import Identity

log = logging.getLogger(__name__)


def named_by(one: ProviderSettings, claims: dict[str, Any]) -> set[str]:
    """Names of groups here, and perhaps `superuser`. A claim may be a list or a single text; nothing else counts."""
    said = claims.get(one.groups_claim)
    there = {said} if isinstance(said, str) else {text for text in said or () if isinstance(text, str)}
    return {here for name, here in one.groups if name in there}


def give(identity: Identity, names: Collection[str]) -> list[str]:
    """Sets the person's groups to it. Returns the changes in words, to be written down."""
    user = identity.user
    wanted = set(Group.objects.filter(name__in=names))
    for missing in sorted(set(names) - {group.name for group in wanted} - {SUPERUSER}):
        log.warning("a provider's groups lead to “%s”, which is no group here: correct SSO_…_GROUPS", missing)
    held, given = set(user.groups.all()), set(identity.groups.all())
    elsewhere = set(Group.objects.filter(pk__in=_given_elsewhere(identity)))
    added, removed = wanted - held, (given & held) - wanted - elsewhere
    user.groups.add(*added)
    user.groups.remove(*removed)
    # One that was given by hand is not the provider's to take, and one that a hand took is its to give again.
    identity.groups.set(added | (wanted & (given | elsewhere)))
    told = [f"Added to {group.name}." for group in sorted(added, key=str)]
    told += [f"Removed from {group.name}." for group in sorted(removed, key=str)]
    return told + _give_all(identity, user, is_wanted=SUPERUSER in names)


def _given_elsewhere(identity: Identity) -> list[int]:
    others = Identity.objects.filter(user=identity.user).exclude(pk=identity.pk)
    return [pk for pk in others.values_list("groups", flat=True) if pk is not None]


def _give_all(identity: Identity, user: User, *, is_wanted: bool) -> list[str]:
    if is_wanted and not user.is_superuser:
        user.is_superuser = identity.made_superuser = True
        told = ["Made a superuser."]
    elif not is_wanted and identity.made_superuser:
        identity.made_superuser = False
        others = Identity.objects.filter(user=user, made_superuser=True).exclude(pk=identity.pk)
        told = [] if others.exists() or not user.is_superuser else ["No superuser any more."]
        user.is_superuser = user.is_superuser and not told
    else:
        return []
    user.save(update_fields=["is_superuser"])
    identity.save(update_fields=["made_superuser"])
    return told
