"""How a notice reaches people: posted to a webhook, sent by e-mail. It takes a bounded time and never fails a task."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from airflow.sdk.exceptions import AirflowNotFoundException

from conf.plain_text import in_chat, one_line
from conf.settings import NotificationSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """What people are told: one line, the reasons, where to look; `facts` are the same for a machine."""

    line: str
    reasons: tuple[str, ...] = ()
    link: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of it as lines of plain text, in which chat services find no mention and no link but ours."""
        told = [in_chat(self.line), *(f"- {in_chat(reason)}" for reason in self.reasons)]
        return "\n".join([*told, *filter(None, [self.link])])

    def body(self, *, only_text: bool) -> dict[str, Any]:
        """The JSON object that a webhook gets."""
        rest = {} if only_text else {**self.facts, "reasons": list(self.reasons), "link": self.link}
        return {"text": self.text, **rest}

    def html(self) -> str:
        """The same for an e-mail."""
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        link = f'<p><a href="{escape(self.link, quote=True)}">{escape(self.link)}</a></p>' if self.link else ""
        return f"<p>{escape(self.line)}</p><ul>{reasons}</ul>{link}"


class NotDelivered(Exception):
    """A notice did not reach anybody. The message names no address: parts of it may be secret."""


def deliver(notice: Notice, settings: NotificationSettings) -> None:
    """Bring the notice to everybody that the settings name. What goes wrong is logged, without any address."""
    ways: dict[str, tuple[object, Callable[[Notice, NotificationSettings], None]]] = {
        "webhook": (settings.webhook, post),
        "e-mail": (settings.email, mail),
    }
    for name, (receiver, way) in ways.items():
        if not receiver:
            continue
        try:
            within(settings.timeout_seconds, lambda way=way: way(notice, settings))  # type: ignore[misc]
            log.info("Told by %s: %s", name, one_line(notice.line))
        except (NotDelivered, AirflowNotFoundException) as error:
            log.warning("Nobody was told by %s: %s", name, error)
        except Exception as error:  # messages of other errors may hold the address
            log.warning("Nobody was told by %s: %s", name, type(error).__name__)


def within(seconds: float, action: Callable[[], None]) -> None:
    """Run the action and wait for it so long, not longer: a receiver may send a byte now and then for ever.

    Raises:
        NotDelivered: it is not done by then.
    """
    errors: list[Exception] = []

    def run() -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NotDelivered(f"no answer within {seconds:g} s")
    if errors:
        raise errors[0]


def post(notice: Notice, settings: NotificationSettings) -> None:
    """Post the notice to the webhook. The answer's body is not read, and redirections are not followed.

    Raises:
        NotDelivered: the webhook refused it.
    """
    import httpx

    # At its usual level it logs each request with the whole address.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    body = notice.body(only_text=settings.only_text)
    with httpx.stream("POST", address_of(settings.webhook), json=body, timeout=settings.timeout_seconds) as answer:
        if not answer.is_success:
            raise NotDelivered(f"the webhook answered {answer.status_code}")


def address_of(template: str) -> str:
    """The webhook's address, with what `{{ conn.NAME.password }}` and the like stand for in Airflow."""
    from airflow.sdk.execution_time.context import ConnectionAccessor
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(conn=ConnectionAccessor())


def mail(notice: Notice, settings: NotificationSettings) -> None:
    """Send the notice by e-mail, through Airflow's connection to an SMTP server."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    connection = settings.smtp_connection
    message = SmtpNotifier(
        to=list(settings.email), subject=one_line(notice.line), html_content=notice.html(), smtp_conn_id=connection
    )
    message.notify({})
