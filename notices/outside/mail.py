"""Mail by the SMTP server that the installation names."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from notices.outside.answers import Answer, of_smtp
from notices.outside.doors import Doors


def send(order: dict[str, Any], doors: Doors) -> Answer:
    """To all addresses of the channel at once. One that is refused leaves the others their mail, and is said."""
    message = _compose(order)
    try:
        with _server(order) as server:
            refused = server.send_message(message, to_addrs=order["to"])
    except OSError as error:
        # All of smtplib's own errors are OSErrors too.
        return _why(error, doors)
    some = f", but {len(refused)} of {len(order['to'])} addresses were refused" if refused else ""
    return Answer(True, f"SMTP 250: taken{some}")


def _why(error: OSError, doors: Doors) -> Answer:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return of_smtp(max(code for code, _ in error.recipients.values()))
    if isinstance(error, smtplib.SMTPResponseException):
        return of_smtp(error.smtp_code)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Answer(False, "the mail server knows no STARTTLS or no log-in: see SMTP_SECURITY and SMTP_USER")
    if isinstance(error, ssl.SSLError):
        return Answer(False, "the mail server's TLS certificate or protocol was not accepted")
    usual = "the mail server did not answer in time, broke off, or was not there"
    return Answer(False, doors.problem or usual, may_pass=not doors.has_refused)


def _compose(order: dict[str, Any]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = order["from"], ", ".join(order["to"]), order["title"]
    message["Date"] = formatdate()
    # The same at each attempt, so that a second one can be told from a second message.
    message["Message-ID"] = f"<{order['id']}@devinsync>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(order["text"])
    return message


@contextmanager
def _server(order: dict[str, Any]) -> Iterator[smtplib.SMTP]:
    smtp = order["smtp"]
    context = ssl.create_default_context(cafile=order["ca_file"] or None)
    if smtp["security"] == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(smtp["host"], smtp["port"], timeout=order["seconds"], context=context)
    else:
        server = smtplib.SMTP(smtp["host"], smtp["port"], timeout=order["seconds"])
    with server:
        if smtp["security"] == "starttls":
            server.starttls(context=context)
        if smtp["user"]:
            server.login(smtp["user"], smtp["password"])
        yield server
