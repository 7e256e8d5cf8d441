"""How a key that changes its name is told, everywhere alike."""

from collections.abc import Iterable


def told_rename(former_keys: Iterable[str], key: str) -> str:
    """`A → PROD_A`; the key alone where it had no other before."""
    former = ", ".join(former_keys)
    return f"{former} → {key}" if former else key
