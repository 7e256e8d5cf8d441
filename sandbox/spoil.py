"""Answers that are not what they should be; the request itself was carried out."""

from dataclasses import replace

from sandbox.faults import Fault, Kind
from sandbox.wire import Answer

SIGN_IN = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Welcome back</h1></body></html>"

BODIES = {
    Kind.NOT_JSON: ("text/plain", b"upstream said: ok"),
    Kind.HTML: ("text/html; charset=utf-8", SIGN_IN),
    Kind.DEEP_JSON: ("application/json", b"[" * 100_000 + b"]" * 100_000),
}


def spoil(answer: Answer, fault: Fault) -> Answer:
    """The answer with the fault in it; an answer that refuses stays as it is."""
    if answer.status != 200 or answer.body is not None:
        return answer
    if fault.kind in BODIES:
        content_type, body = BODIES[fault.kind]
        return replace(answer, body=body, headers={"Content-Type": content_type})
    if fault.kind is Kind.INVALID_UTF8:
        return replace(answer, body=answer.encode_body().replace(b'":"', b'":"\xff\xfe', 1))
    return replace(answer, content={**answer.content, **changed_members(answer, fault)})


def changed_members(answer: Answer, fault: Fault) -> dict[str, object]:
    match fault.kind:
        case Kind.HUGE:
            return {"padding": "x" * fault.size}
        case Kind.OTHER_KEY:
            return {"key": f"{answer.content['key']}_OTHER"}
        case Kind.NO_ID:
            return {"secret_id": None}
    return {}
