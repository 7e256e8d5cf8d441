"""Who may do what where: rights for all of an installation, and memberships of single projects.

An installation-wide right, as Django's groups give it, is a right everywhere. A membership gives its role's rights in
one project, or in some environments and below some folders of it. `can` answers for one place, `visible` for rows.
"""

from vault.access.asking import NOWHERE, PermsAt, at, demand_at, has_members, is_hidden_from_some, projects_with
from vault.access.grants import Place, Sight, can, can_somewhere, can_within, forget_grants, sight
from vault.access.visible import place_of, register_visible, visible, where

__all__ = [
    "NOWHERE",
    "PermsAt",
    "Place",
    "Sight",
    "at",
    "can",
    "can_somewhere",
    "can_within",
    "demand_at",
    "forget_grants",
    "has_members",
    "is_hidden_from_some",
    "place_of",
    "projects_with",
    "register_visible",
    "sight",
    "visible",
    "where",
]
