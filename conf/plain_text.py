"""Words of strangers, made fit for where they are shown: values, names of files, reasons that people gave.

A value may hold what a terminal obeys (escape sequences), what forges a line of a log (line breaks), what turns text
round (marks of direction), or markup of the page that shows it. HTML is escaped by the templates; this is for the rest.
"""

from __future__ import annotations

import re
from html import escape

# Control characters of both sets, line and paragraph separators, marks of direction, and halves of characters.
_BREAKS = "\t\n"
_UNSEEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_ANY = re.compile(f"[{_UNSEEN}{_BREAKS}]")
_BUT_BREAKS = re.compile(f"[{_UNSEEN}]")
_WIDE = str.maketrans({"<": "\uff1c", ">": "\uff1e", "&": "\uff06"})
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~|!]|(?<=:)/(?=/)|(?<=www)\.")


def one_line(value: object) -> str:
    """The value as text of one line in which every character can be seen: others as Python spells them."""
    return _ANY.sub(_spelt, str(value))


def visible(text: str) -> str:
    """The same for text of several lines."""
    return _BUT_BREAKS.sub(_spelt, text)


def visible_json(text: str) -> str:
    """The same for JSON, which stays JSON of the same meaning."""
    return _ANY.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def in_markdown(value: object) -> str:
    """The value in a line of Markdown as what it is: no link, no picture, no emphasis, no HTML."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(value))


def in_chat(value: object) -> str:
    """The value in a chat message: `<!channel>` and `<https://...|text>` mean something to Slack and its like."""
    return escape(one_line(value), quote=False)


def in_script(value: object) -> str:
    """The value for a page that puts it between script tags as it stands: wide signs in place of `<`, `>` and `&`."""
    return one_line(value).translate(_WIDE)


def _spelt(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "backslashreplace").decode("ascii")
