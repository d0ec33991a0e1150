"""The bytes of a text file on their way to a parser: decompressed, UTF-8, and harmless.

Two kinds of damage would take a parser beyond the row that has them: bytes that are no text, and in CSV a quote that
is never closed and so swallows the rows behind it. Both are put into signs that no text contains, and found again in
the parsed rows.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from conf.landing import Files
from jobs.landing.discovery import LandingFile

NO_TEXT = "\ufdd0"
LITERAL_QUOTE = "\ufdd1"
"""Both are noncharacters, which Unicode keeps for the inside of a program."""
MOST_LINES = 200
"""A quote that is not closed within so many lines is taken for a character like any other."""
LINE_END = re.compile(b"\r\n|\n|\r")
LONGEST_FIELD = 16 << 20
FIRST_CHARACTERS = 1 << 20
QUOTE, NEWLINE, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):  # half a surrogate pair, which some encodings can write
        return NO_TEXT.encode(), error.end
    assert isinstance(error, UnicodeDecodeError)
    return NO_TEXT, error.end


codecs.register_error("ctr-mark", _mark)


@dataclass(frozen=True)
class Place:
    """Where in a file a reading begins: bytes and rows (a header counts as one) that stand before it."""

    bytes: int
    row: int


START = Place(0, 0)


def opened(file: LandingFile, layout: Files, begin: Place = START) -> pa.NativeFile:
    """A text file's content as UTF-8; bytes that are no text in its encoding are each put into NO_TEXT.

    Only a file that is not compressed can be read from elsewhere than its start.
    """
    decoder = codecs.getincrementaldecoder(layout.encoding)("ctr-mark")
    plain = PlainText()
    raw = pa.input_stream(str(file.path), compression="detect")
    if begin.bytes:
        raw = pa.OSFile(str(file.path))
        raw.seek(begin.bytes)
    return pa.TransformInputStream(
        raw,
        lambda block: plain.passed(decoder.decode(bytes(block), final=not block.size)).encode("utf-8", "ctr-mark"),
    )


@dataclass
class PlainText:
    """Passes a file's text on, without its byte order mark, and with line feeds where lines end with returns alone.

    The sign that stands for a literal quote is not text either where the file itself has it.
    """

    begun: bool = False
    old: bool | None = None
    """Whether most lines end with a carriage return alone; None until a line has ended."""

    def passed(self, text: str) -> str:
        """The text."""
        if not self.begun:
            text = text.removeprefix("\ufeff")
            self.begun = bool(text)
        if self.old is None:
            unquoted = re.sub('"[^"]*"', "", text[:FIRST_CHARACTERS])
            ends = re.findall(r"\r\n|\n|\r(?!\Z)", unquoted)
            self.old = 2 * ends.count("\r") > len(ends) if ends else None
        text = text.replace("\r", "\n") if self.old else text
        return text.replace(LITERAL_QUOTE, NO_TEXT)


def with_quotes_closed(stream: pa.NativeFile, delimiter: str, columns: int) -> tuple[pa.NativeFile, QuoteGuard]:
    """CSV text in which every quoted value ends; and the guard, which tells whether any did not."""
    guard = QuoteGuard(delimiter, columns)
    return pa.TransformInputStream(stream, lambda block: guard.passed(bytes(block))), guard


def shown(text: str) -> str:
    """Raw text as a person may see it."""
    return text.replace(NO_TEXT, "\ufffd").replace(LITERAL_QUOTE, '"')


@dataclass
class QuoteGuard:
    """Passes CSV text on, block by block, with quotes that open a value and do not close it made plain characters.

    A value over several lines is one if what is quoted ends properly and the row then has as many fields as the header.
    """

    delimiter: str
    columns: int
    found: bool = False
    """Whether any quote was made a plain character."""
    _rest: bytes = field(default=b"", repr=False)

    def passed(self, block: bytes) -> bytes:
        """The text up to the last line that is known to be whole; an empty block ends the file."""
        final = not block
        text = self._rest + block
        if final:
            text += b"" if not text or text.endswith(b"\n") else b"\n"
            self._rest = b""
        else:
            end = text.rfind(b"\n") + 1
            text, self._rest = text[:end], text[end:]
        if b'"' not in text or well_quoted(text, self.delimiter):
            return text
        return self._line_by_line(text, final)

    def _line_by_line(self, text: bytes, final: bool) -> bytes:
        lines = [line + "\n" for line in text.decode().split("\n")[:-1]]
        passed, place = [], 0
        while place < len(lines):
            size = self._lines_of_row(lines, place, final) if '"' in lines[place] else 1
            if size is None:  # the text that has come so far does not tell
                self._rest = "".join(lines[place:]).encode() + self._rest
                break
            if size:
                passed += lines[place : place + size]
            else:
                self.found = True
                passed.append(lines[place].replace('"', LITERAL_QUOTE))
            place += size or 1
        return "".join(passed).encode()

    def _lines_of_row(self, lines: list[str], first: int, final: bool) -> int | None:
        """How many lines the row has that begins with a line; 0 if its quotes do not end, None if more must be seen."""
        last = min(first + MOST_LINES, len(lines))
        csv.field_size_limit(LONGEST_FIELD)  # of the process: Python's own limit is lower than what values have
        row = csv.reader((lines[place] for place in range(first, last)), delimiter=self.delimiter, strict=True)
        try:
            fields = next(row)
        except csv.Error:
            cut = row.line_num == len(lines) - first and last - first < MOST_LINES
            return None if cut and not final else 0
        return row.line_num if row.line_num == 1 or len(fields) == self.columns else 0


def well_quoted(text: bytes, delimiter: str) -> bool:
    """Whether every quote opens a field or closes one, in turn. Where it says no, there need be nothing wrong."""
    plain = np.frombuffer(b"\n" + text.replace(b'""', b"") + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(plain == QUOTE)
    if len(quotes) % 2:
        return False
    before, after = plain[quotes[::2] - 1], plain[quotes[1::2] + 1]
    limits = [ord(delimiter), NEWLINE]
    return bool(np.isin(before, limits).all() and np.isin(after, [*limits, RETURN]).all())


def lines_of(stream: pa.NativeFile, block_bytes: int) -> Iterator[bytes]:
    """The lines of a stream, without their ends: a feed, a return, or both."""
    rest = b""
    while block := stream.read(block_bytes):
        text = rest + block
        held = b"\r" if text.endswith(b"\r") else b""  # a feed may follow in the next block
        *whole, rest = LINE_END.split(text.removesuffix(held))
        yield from whole
        rest += held
    if rest:
        yield rest.removesuffix(b"\r")
