"""Infisical's references as the vault's. Pure; errors name the reference, never the text around it.

in Infisical            in the vault
${KEY} ${dev.a.KEY}     the same
${@shop.dev.KEY}        ${dev.KEY} where shop is the project itself; another project is refused
$${KEY}                 $$${KEY}: Infisical has no escape, so this is a dollar before a reference
${HOME:-/root}          $${HOME:-/root}: no reference, so its text
"""

import re

from vault.references import parse_reference

DOLLARS = re.compile(r"(?<!\$)(\$+)\{")
INNER = re.compile(r"\s*([\w.@/-]+)\s*\}")
# What stands before a reference within a reference, where the outer one is one.
NESTED = re.compile(r"[\w.@/\s-]*\$\{")


class Untranslatable(ValueError):
    """Says why, as the end of a sentence about the secret."""


def translate(text: str, *, project_slug: str) -> str:
    """The value that the vault resolves as Infisical would. Raises Untranslatable."""
    done, at = [], 0
    for opening in DOLLARS.finditer(text):
        if opening.start() < at:
            continue
        count, stop = len(opening[1]), opening.end()
        done.append(text[at : opening.start()])
        if inner := INNER.match(text, stop):
            done.append("$$" * (count - 1) + "${" + _inner(inner[1], project_slug) + "}")
            stop = inner.end()
        elif NESTED.match(text, stop):
            raise Untranslatable("has a reference within a reference, which the vault does not have")
        else:
            done.append("$$" * count + "{")
        at = stop
    return "".join([*done, text[at:]])


def _inner(inner: str, project_slug: str) -> str:
    if inner.startswith("@"):
        slug, _, rest = inner[1:].partition(".")
        if slug != project_slug or not rest:
            raise Untranslatable(f"refers to another project by ${{{inner}}}, which the vault does not do")
        inner = rest
    reference = parse_reference(inner)
    if reference is None or reference.is_weak:
        raise Untranslatable(f"has the reference ${{{inner}}}, which can be none in the vault")
    return inner
