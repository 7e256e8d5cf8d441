"""What is changed, and the tests that are meant to notice it. Those that wait long for something are left out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    changed: tuple[str, ...]
    """Patterns of modules."""
    tests: tuple[str, ...]


TARGETS = {
    "guard": Target(
        changed=("syncs/engine/guard.py",),
        tests=("tests/syncs/engine/test_guard.py",),
    ),
    "plan": Target(
        changed=("syncs/engine/plan.py",),
        tests=("tests/syncs/engine/test_plan.py", "tests/syncs/engine/test_whole_plans.py"),
    ),
    "resolution": Target(
        changed=("vault/resolution.py",),
        tests=("tests/vault/test_resolution.py", "tests/vault/test_references.py"),
    ),
    "encryption": Target(
        changed=("encryption/*.py",),
        tests=("tests/encryption",),
    ),
    "apply": Target(
        changed=("syncs/engine/apply.py",),
        tests=("tests/syncs/engine/test_apply.py",),
    ),
}
