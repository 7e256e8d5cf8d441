"""One model for each kind of answer. Ninja makes one for each status of each route: 1,600, of which 71 differ."""

from functools import cache
from typing import Any

from ninja.operation import Operation

_model_of = Operation._create_response_model


@cache
def _shared(answer: Any) -> Any:
    # What the operation is makes no difference to it.
    return _model_of(None, answer)  # type: ignore[arg-type]


def share_models() -> None:
    """Called before the first route is made. What a start took for these was a quarter of it."""

    def model_of(operation: Operation, answer: Any) -> Any:
        return _shared(answer)

    Operation._create_response_model = model_of  # type: ignore[assignment, method-assign]
