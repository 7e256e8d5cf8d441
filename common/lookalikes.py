"""What is pasted where a `.env` is expected: JSON, YAML, and key material without quotes. Pure; nothing of it is told.

Key material may have lines that look like KEY=value, since base64 ends in equals signs, so all of it is skipped:

    -----BEGIN PRIVATE KEY-----      KEY=-----BEGIN RSA PRIVATE KEY-----     MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw…
    MIIEvQIBADANBgkqhkiG9w0BAQ…      MIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzE…        SjAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R…
    -----END PRIVATE KEY-----        -----END RSA PRIVATE KEY-----            4/ZiAbyBRA==
"""

import re

from common.key_material import looks_like_key_material

BEGIN = re.compile(r"-----BEGIN [^\n]|---- BEGIN SSH2|PuTTY-User-Key-File-")
END = re.compile(r"-----END [^\n]*|---- END SSH2[^\n]*|Private-MAC:[^\n]*")
# Where material starts: at the start of a line, or of a value without quotes.
START = re.compile(rf"[ \t]*(?:(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=[ \t]*)?(?:{BEGIN.pattern})")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# A line of base64 in a file has 64 or 76 letters, or 70; what is shorter is its last one, unless it is a key.
FULL_LINE = 40
EMPTY_VALUE = re.compile(r"[A-Z][A-Z0-9_]*=|[a-z]+(?:_[a-z0-9]+)*=")
JSON = re.compile(r"\s*(?:\{|\[\s*[\[{\"])")
YAML = re.compile(r"[ \t]*(?:- +)?[A-Za-z_\"'][A-Za-z0-9_ .\"'-]*:(?:[ \t][^\n]*)?|---[ \t]*|%YAML[^\n]*")
ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=", re.MULTILINE)
FIRST = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*+")

LOOKS_LIKE_JSON = "This looks like JSON. Write KEY=value, each on a line of its own."
LOOKS_LIKE_YAML = "This looks like YAML. Write KEY=value, each on a line of its own."


def describe_format(text: str) -> tuple[int, str] | None:
    """The line at which another format starts, and its name in a sentence; None for what may be a `.env`."""
    match = FIRST.match(text)
    start = match.end() if match else 0
    line = text.count("\n", 0, start) + 1
    if JSON.match(text, start):
        return line, LOOKS_LIKE_JSON
    first = text[start : _end_of_line(text, start)].rstrip()
    if YAML.fullmatch(first) and not BEGIN.search(first) and not ASSIGNMENT.search(text):
        return line, LOOKS_LIKE_YAML
    return None


def is_key_material(line: str) -> bool:
    """Whether a line is a part of key material by its looks."""
    return bool(BEGIN.search(line) or END.search(line)) or _is_random(line)


def _is_random(line: str) -> bool:
    line = line.strip()
    return len(line) >= FULL_LINE and BASE64.fullmatch(line) is not None and looks_like_key_material(line)


def end_of_material(text: str, at: int) -> int:
    """Where the text goes on after key material that starts at a line without a quote before it; 0 if none does."""
    end = _end_of_line(text, at)
    line = text[at:end]
    if begin := START.match(line):
        if END.search(line, begin.end()):
            return 0
        closing = END.search(text, end)
        return _end_of_line(text, closing.end()) + 1 if closing else len(text) + 1
    return _end_of_base64(text, end + 1) if _is_random(line) else 0


def _end_of_base64(text: str, at: int) -> int:
    while at < len(text):
        end = _end_of_line(text, at)
        line = text[at:end].strip()
        is_last = len(line) < FULL_LINE
        if not BASE64.fullmatch(line) or (is_last and EMPTY_VALUE.fullmatch(line)):
            break
        at = end + 1
        if is_last:
            break
    return at


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
