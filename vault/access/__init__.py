"""Who may do what where: rights for all of an installation, and memberships of single projects.

An installation-wide right, as Django's groups give it, is a right everywhere. A membership gives its role's rights in
one project, or in some environments and below some folders of it. `can` answers for one place, `visible` for rows.
"""

from vault.access.grants import Place, Sight, can, can_somewhere, can_within, demand_right, forget_grants, sight
from vault.access.visible import place_of, visible, where

__all__ = [
    "Place",
    "Sight",
    "can",
    "can_somewhere",
    "can_within",
    "demand_right",
    "forget_grants",
    "place_of",
    "sight",
    "visible",
    "where",
]
