"""A YAML document whose parts know their lines, so that what is wrong can be found. Reads text, nothing else.

Null is empty: a name without a value says nothing, or the empty text.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

HEAD = "tag:yaml.org,2002:"
LONGEST = 1_000_000
# Deeper than any document goes. The time that YAML takes to read grows with the square of it.
DEEPEST = 20
LONGEST_NUMBER = 40
OPENS = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
ALIASES = "The document has aliases (*name). Write out what they stand for."
TOO_DEEP = f"The document goes more than {DEEPEST} levels deep. No part of it is so deep."
# Written in C, where it is there: four times as quick.
Plain: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Fault:
    """What is wrong in a document, what to do, and the line that says it; 0 where there are no lines."""

    message: str
    line: int = 0

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}" if self.line else self.message


class BadDeclaration(Exception):
    """Says all that is wrong in the document."""

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = [Fault(each) if isinstance(each, str) else each for each in faults]
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Entry(dict[str, Any]):
    """Names with values. `line` is where it begins, `lines` where each of its names stands."""

    def __init__(self, values: Mapping[str, Any] = {}, *, line: int = 0, lines: Mapping[str, int] = {}) -> None:
        super().__init__(values)
        self.line = line
        self.lines = lines

    def line_of(self, name: str) -> int:
        return self.lines.get(name, self.line)


class _Loader(Plain):  # type: ignore[misc]
    """YAML's safe types, with lines; a name that comes twice in one place is refused."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[Fault] = []


def _construct_entry(loader: _Loader, node: yaml.MappingNode) -> Entry:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        name, line = loader.construct_object(key_node, deep=True), key_node.start_mark.line + 1
        name = str(name) if isinstance(name, Hashable) else ""
        if name in values:
            loader.faults.append(Fault(f"{name} stands here and in line {lines[name]}. Keep one of them.", line))
            continue
        values[name], lines[name] = loader.construct_object(value_node, deep=True), line
    return Entry(values, line=node.start_mark.line + 1, lines=lines)


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    if len(node.value) > LONGEST_NUMBER:
        told = f"This number has more than {LONGEST_NUMBER} characters. If it is a text, put it in quotes."
        loader.faults.append(Fault(told, node.start_mark.line + 1))
        return 0
    is_whole = node.tag == f"{HEAD}int"
    return loader.construct_yaml_int(node) if is_whole else loader.construct_yaml_float(node)


def _construct_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    text = str(loader.construct_scalar(node))
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        told = "This text has characters that cannot be stored: NUL, or half of a surrogate pair."
        loader.faults.append(Fault(told, node.start_mark.line + 1))
        return ""
    return text


_Loader.add_constructor(f"{HEAD}map", _construct_entry)
_Loader.add_constructor(f"{HEAD}int", _construct_number)
_Loader.add_constructor(f"{HEAD}float", _construct_number)
_Loader.add_constructor(f"{HEAD}str", _construct_text)


def read_document(text: str) -> Any:
    """What the text says, with each mapping an `Entry`. Raises BadDeclaration."""
    if len(text) > LONGEST:
        raise BadDeclaration(f"The document has more than {LONGEST:,} characters. Divide it.")
    try:
        _check_tokens(text)
        loader = _Loader(text)
        document = loader.get_single_data()
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise BadDeclaration(f"The document is not valid YAML{place}.") from None
    if loader.faults:
        raise BadDeclaration(*loader.faults)
    return document


def _check_tokens(text: str) -> None:
    """Before anything is made of them: aliases of aliases make a document of a few lines as large as one likes, and
    brackets in brackets one that is read for hours. Raises BadDeclaration."""
    depth = 0
    for token in yaml.scan(text, Loader=Plain):
        if isinstance(token, yaml.AliasToken):
            raise BadDeclaration(Fault(ALIASES, token.start_mark.line + 1))
        depth += isinstance(token, OPENS) - isinstance(token, CLOSES)
        if depth > DEEPEST:
            raise BadDeclaration(Fault(TOO_DEEP, token.start_mark.line + 1))
