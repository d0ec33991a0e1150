"""A drafted description as YAML text, with a comment on every guess."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from conf.landing import Files
from conf.plain_text import one_line, visible_json

if TYPE_CHECKING:
    from jobs.description.draft import Draft, DraftedColumns
    from jobs.description.profiles import Profile

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
COMMENT_COLUMN = 44
WIDTH = 118
MOST_NAMED = 5


def rendered(draft: Draft) -> str:
    """The whole file."""
    parts = [
        _head(draft),
        _impressions(draft),
        _label(draft),
        _attributes(draft),
        _combinations(draft),
        _candidates(draft),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def quoted(value: str) -> str:
    """A YAML scalar."""
    is_plain = PLAIN.fullmatch(value) and value.lower() not in YAML_WORDS
    return value if is_plain else visible_json(json.dumps(value, ensure_ascii=False))


def listed(values: Sequence[str]) -> str:
    """A YAML list on one line."""
    return f"[{', '.join(map(quoted, values))}]"


def _said(line: str, comment: str) -> str:
    return f"{line.ljust(COMMENT_COLUMN)} # {one_line(comment)}"


def _head(draft: Draft) -> list[str]:
    return [
        "# Drafted by `ctr dataset init` from the first rows of the files. The comments say what was guessed and why:",
        "# check them, then run `ctr dataset check` on this file.",
        f"name: {quoted(draft.name)}",
        'description: ""',
        _said("time_zone: UTC", "check: whose midnight ends a day; times without an offset are read in it"),
        "",
    ]


def _files(layout: Files, count: int, rename: Mapping[str, str], indent: str) -> list[str]:
    lines = [
        _said(f"{indent}files: {quoted(layout.files)}", f"{count} file{'' if count == 1 else 's'} found"),
        f"{indent}format: {layout.format}",
    ]
    if layout.delimiter:
        lines.append(f"{indent}delimiter: {json.dumps(layout.delimiter)}")
    if layout.encoding != "utf-8":
        lines.append(_said(f"{indent}encoding: {layout.encoding}", "bytes that are no UTF-8 were seen"))
    if layout.missing:
        lines.append(_said(f"{indent}missing: {listed(layout.missing)}", "stand where there is no value"))
    if layout.decimal != ".":
        lines.append(_said(f'{indent}decimal: "{layout.decimal}"', "numbers like 1,5 were seen"))
    if layout.header:
        lines.append(_said(f"{indent}header: {listed(layout.header)}", "no header was found: give the columns' names"))
    if layout.where:
        asked = ", ".join(f"{quoted(column)}: {listed(values)}" for column, values in layout.where.items())
        lines.append(_said(f"{indent}where: {{{asked}}}", "the files hold other rows too"))
    if rename:
        named = ", ".join(f"{quoted(new)}: {quoted(old)}" for new, old in rename.items())
        lines += _wrapped(f"{indent}rename: {{{named}}}", indent)
    return lines


def _wrapped(line: str, indent: str) -> list[str]:
    """A flow mapping or list broken into lines that fit."""
    lines, rest = [], line
    while len(rest) > WIDTH and ", " in rest[40:WIDTH]:
        cut = rest.rindex(", ", 40, WIDTH) + 1
        lines.append(rest[:cut])
        rest = f"{indent}    {rest[cut:].strip()}"
    return [*lines, rest]


def _time(profile: Profile) -> str:
    spelling = profile.time
    if spelling is not None:
        return _said(f"  time: {spelling.to_yaml(quoted(profile.name))}", spelling.words)
    line = f"  time: {{column: {quoted(profile.name)}, unit: s, origin: 2020-01-01}}"
    return _said(line, "numbers from 0 on, taken for seconds; check unit and origin")


def _context(columns: DraftedColumns, indent: str) -> list[str]:
    lines = []
    if columns.categorical:
        lines += _wrapped(f"{indent}categorical: {listed(columns.categorical)}", indent)
    if columns.numeric:
        lines += _wrapped(f"{indent}numeric: {listed(columns.numeric)}", indent)
    return lines


def _left_out(columns: DraftedColumns, indent: str) -> list[str]:
    lines = []
    for reason, names in columns.left_out.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        lines.append(f"{indent}# left out, {reason}: {one_line(', '.join(names[:MOST_NAMED]))}{more}")
    return lines


def _impressions(draft: Draft) -> list[str]:
    table = draft.roles.impressions
    time = table.event_time
    assert time is not None
    layout = table.files.layout
    lines = ["impressions:", *_files(layout, len(table.files.files), draft.context.rename, "  ")]
    lines.append(_said(f"  id: {listed(draft.id)}", draft.id_reason))
    for name, profile in (("user", draft.user), ("ad", draft.ad)):
        if profile is not None:
            lines.append(_said(f"  {name}: {quoted(profile.name)}", f"by its name; {profile.distinct:,} in the sample"))
        else:
            lines.append(f"  # {name}: no column was found that names the {name}")
        if profile is not None and name == "user" and profile.missing:
            lines.append(_said("  anonymous: anonymous", f"{profile.missing:.1%} of the rows name no user"))
    lines.append(_time(time))
    context = _context(draft.context, "    ")
    if context:
        lines += [_said("  context:", "known when the ad is chosen? what is not belongs under outcomes"), *context]
    lines += _left_out(draft.context, "  ")
    if draft.outcomes:
        lines.append(_said("  outcomes:", "known only after the impression: never features"))
        lines += [_said(f"    - {quoted(name)}", reason) for name, reason in draft.outcomes.items()]
    return [*lines, ""]


def _label(draft: Draft) -> list[str]:
    clicks, label = draft.roles.clicks, draft.roles.impressions.label
    if clicks is None:
        assert label is not None
        lines = ["label:", "  kind: inline", _said(f"  column: {quoted(label.name)}", label.reason)]
        if label.clicked_if != "value":
            lines.append(f"  clicked_if: {label.clicked_if}")
        elif label.clicked != "1":
            lines.append(f"  clicked: {json.dumps(label.clicked)}")
        return [*lines, ""]
    assert draft.click_time is not None
    return [
        "label:",
        "  kind: click_log",
        *_files(clicks.files.layout, len(clicks.files.files), {}, "  "),
        _said(f"  id: {listed(draft.click_id)}", f"the same as {', '.join(draft.id)} of the impressions"),
        _time(draft.click_time),
        _said(f"  window: {draft.window}", draft.window_reason),
        "",
    ]


def _attributes(draft: Draft) -> list[str]:
    lines = []
    for title, (table, key, column, columns) in draft.attributes.items():
        lines += [f"  {quoted(title)}:", *_files(table.files.layout, len(table.files.files), columns.rename, "    ")]
        lines.append(_said(f"    key: {quoted(key)}", f"`{column}` has the same values"))
        if column != key:
            lines.append(f"    key_column: {quoted(column)}")
        context = _context(columns, "      ")
        lines += ["    columns:", *context] if context else []
        if columns.dates:
            lines.append(_said(f"    dates: {listed(columns.dates)}", "features get the age in days"))
        lines += _left_out(columns, "    ")
    unused = [
        f"# not used: {one_line(table.files.layout.files)} shares no key with the impressions"
        for table in draft.roles.unused
    ]
    return [*(["attributes:", *lines] if lines else []), *unused, *([""] if lines or unused else [])]


def _combinations(draft: Draft) -> list[str]:
    lines = [_said("histories:", "whose past clicks tell something; `parent` stands in where there are few")]
    for name, (keys, parent) in draft.histories.items():
        above = f", parent: {quoted(parent)}" if parent else ""
        lines.append(f"  {quoted(name)}: {{keys: {listed(keys)}{above}}}")
    if draft.slices:
        lines.append(_said(f"slices: {listed(draft.slices)}", "quality is also measured for each value of these"))
    if draft.crosses:
        lines.append(f"crosses: [{', '.join(listed(cross) for cross in draft.crosses)}]")
    return [*lines, ""]


def _candidates(draft: Draft) -> list[str]:
    table, columns = draft.roles.candidates, draft.candidate_columns
    if table is None or columns is None:
        comment = "no file of candidates was found: the next day's impressions are scored as if not yet clicked"
        return [f"# {comment}", "candidates: {kind: replay}"]
    lines = ["candidates:", "  kind: landing"]
    lines += _files(table.files.layout, len(table.files.files), columns.rename, "  ")
    for name, column in (("user", draft.candidate_user), ("ad", draft.candidate_ad)):
        lines += [f"  {name}: {quoted(column)}"] if column else []
    context = _context(columns, "    ")
    return [*lines, *(["  context:", *context] if context else [])]
