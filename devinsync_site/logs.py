"""Log lines: one JSON object a line, with the request's id where there is one, and no local variables ever."""

import json
import logging
from datetime import UTC, datetime

from common.request_ids import current_request_id


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    `json.dumps` escapes line breaks and all that is not ASCII, so text from outside cannot forge a second line or turn
    a terminal around.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            line["request_id"] = request_id
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
