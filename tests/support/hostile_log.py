"""A simulated log whose names and ids are attacks: each would show wherever it were taken literally."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MARK = "PWNED"
"""What a script of ours would set the title to, or a command of ours would write."""
ATTACKS = (
    f"\"><script>document.title='{MARK}'</script>",
    f"<img src=x onerror=\"document.title='{MARK}'\">",
    f"</script><script>document.title='{MARK}'</script>",
    f"'-(document.title='{MARK}')-'",
    f"</style><svg onload=document.title='{MARK}'>",
    f"javascript:document.title='{MARK}'",
    "{{ 7 * 191 }}{% for x in [1] %}1337{% endfor %}${7*191}<%= 7*191 %>",
    f"\x1b]0;{MARK}\x07\x1b[31mred\x1b[2J\x9b31m",
    "[red]loud[/red] [/] [link=https://evil.example]here[/link]",
    f"first line\nerror: forged {MARK} line",
    f"$(touch {MARK}) `touch {MARK}` ; touch {MARK} | touch {MARK}",
    f"../../../../{MARK}",
    "=cmd|' /C calc'!A0",
    "x' or 1=1 --",
    "\u202edesrever\u2066 \u2028split",
    "<!channel> <https://evil.example|click> [click](https://evil.example) ![p](https://evil.example/p.png)",
    "%s%n%(name)s {0} {name}",
    "NULL\\",
)


def spoil(folder: Path) -> None:
    """Put attacks into the place of values in one day's landing files of the simulated log, the same each day."""
    _spoil_csv(folder / "impressions.csv", {"placement": 0, "device": 3, "ad_id": 5, "user_id": 2})
    _spoil_parquet(folder / "ads.parquet", {"ad_id": 5, "campaign_id": 1, "advertiser_id": 7, "category": 4})
    _spoil_parquet(folder / "users.parquet", {"user_id": 2, "country": 8})
    _spoil_parquet(folder / "candidates.parquet", {"placement": 0, "device": 3, "ad_id": 5, "user_id": 2})
    with (folder / "clicks.jsonl").open("a", encoding="utf-8") as file:  # a row that nobody can use, to be quoted
        file.write(json.dumps({"impression_id": ATTACKS[9], "click_time": ATTACKS[0]}) + "\n")
        file.write(f"{ATTACKS[7]} {ATTACKS[0]}\n".replace("\n", " ") + "\n")


def attacked(column: str, shift: int) -> Callable[[str], str]:
    """Which attack a value becomes. Half of the ids, and all values of other columns, so that large slices are."""

    def change(value: str) -> str:
        if not value:
            return value
        number = sum(map(ord, value))
        attack = ATTACKS[(number + shift) % len(ATTACKS)]
        if column.endswith("_id"):
            return f"{attack}{value}" if number % 2 else value
        return f"{attack} {value}"

    return change


def _spoil_csv(file: Path, columns: dict[str, int]) -> None:
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    header = rows[0]
    changes = {header.index(name): attacked(name, shift) for name, shift in columns.items()}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in rows[1:]:
            whole = len(row) == len(header)
            writer.writerow([changes[at](text) if whole and at in changes else text for at, text in enumerate(row)])


def _spoil_parquet(file: Path, columns: dict[str, int]) -> None:
    table = pq.read_table(file)
    for name, shift in columns.items():
        change = attacked(name, shift)
        values = [None if value is None else change(value) for value in table[name].to_pylist()]
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(values, pa.string()))
    pq.write_table(table, file)
