"""A YAML document whose parts know their lines, so that what is wrong can be found. Reads text, nothing else.

Null is empty: a name without a value says nothing, or the empty text.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

HEAD = "tag:yaml.org,2002:"
LONGEST = 1_000_000


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


class _Loader(yaml.SafeLoader):
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


_Loader.add_constructor(f"{HEAD}map", _construct_entry)


def read_document(text: str) -> Any:
    """What the text says, with each mapping an `Entry`. Raises BadDeclaration."""
    if len(text) > LONGEST:
        raise BadDeclaration(f"The document has more than {LONGEST:,} characters. Divide it.")
    try:
        # Aliases of aliases make a document of a few lines as large as one likes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise BadDeclaration("The document has aliases (*name). Write out what they stand for.")
        loader = _Loader(text)
        document = loader.get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise BadDeclaration(f"The document is not valid YAML{place}.") from None
    if loader.faults:
        raise BadDeclaration(*loader.faults)
    return document
