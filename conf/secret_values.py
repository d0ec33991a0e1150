"""Secrets in settings and messages: what is one, and text without them.

They come from the environment, from Airflow's connections or, against advice, from a settings file. Wherever text
leaves the program, what is known to be secret is put out of it first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
FEWEST_CHARACTERS = 5
"""Shorter values are no secrets, and would be found in every other word."""
WORDS = r"password|passwd|passphrase|secret|token|credential|access[-_.]?key|private[-_.]?key|api[-_.]?key|fernet"
_NAME = re.compile(WORDS, re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*):[^\s'\"]*@", re.IGNORECASE)
_NAME_OF_ONE = rf"(?<![\w.-])[\w.-]*(?:{WORDS}|signature)[\w.-]*"
_NAMED = re.compile(
    rf"(?P<head>(?:{_NAME_OF_ONE}=|['\"]{_NAME_OF_ONE}['\"]:\s*)['\"]?)[^&;,\s'\"}}\])]+", re.IGNORECASE
)
_WEBHOOK = "webhook"


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret."""
    return bool(_NAME.search(name))


def without_secrets(text: str, known: frozenset[str] = frozenset()) -> str:
    """Text without passwords in addresses, values of secret names, and the secrets that are known."""
    text = _NAMED.sub(rf"\g<head>{HIDDEN}", _IN_ADDRESS.sub(rf"\g<head>:{HIDDEN}@", text))
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def shown_settings(content: Any, name: str = "") -> Any:
    """Settings in plain values as they may be shown."""
    if isinstance(content, Mapping):
        return {key: shown_settings(value, str(key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [shown_settings(value, name) for value in content]
    if content and is_secret_name(name):
        return HIDDEN
    if not isinstance(content, str):
        return content
    return _webhook(content) if name == _WEBHOOK else without_secrets(content)


def _webhook(address: str) -> str:
    """A webhook's address: its path is its password, unless it is a template that names where that is kept."""
    parts = urlsplit(address)
    if "{{" in address or not parts.path.strip("/"):
        return without_secrets(address)
    return f"{parts.scheme}://{parts.hostname}/{HIDDEN}"


def known_secrets(variables: Mapping[str, str], content: Any = None) -> frozenset[str]:
    """The secrets in variables of the environment, and in settings in plain values."""
    found = [*_secrets_in(dict(variables), ""), *_secrets_in(content, "")]
    spellings = {spelling for secret in found for spelling in (secret, quote(secret, safe=""), unquote(secret))}
    return frozenset(secret for secret in spellings if len(secret) >= FEWEST_CHARACTERS and secret != HIDDEN)


def _secrets_in(content: Any, name: str) -> Iterator[str]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _secrets_in(value, str(key))
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _secrets_in(value, name)
    elif isinstance(content, str):
        if is_secret_name(name):
            yield content
        if name.lower().endswith(_WEBHOOK) and "{{" not in content:
            yield urlsplit(content).path.strip("/")
        if "://" in content:
            yield from filter(None, [urlsplit(content).password] if _parses(content) else [])


def _parses(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True
