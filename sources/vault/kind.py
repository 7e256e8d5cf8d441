"""The built-in vault among the kinds of sources."""

from sources.kinds import Kind, Opening
from sources.vault.source import VaultSource
from vault import models


def open_vault(opening: Opening) -> VaultSource:
    return VaultSource(opening.project_id, opening.project_slug)


VAULT = Kind(name=models.VAULT, label="Built-in vault", open=open_vault)
