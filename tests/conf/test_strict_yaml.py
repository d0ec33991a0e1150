from __future__ import annotations

import pytest

from conf.errors import SettingsError
from conf.strict_yaml import MOST_LEVELS, MOST_VALUES, read_yaml, yaml_value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", r"`a` stands twice \(line 3, column 1\)"),
        ("a: {b: 1, b: 1}", r"`b` stands twice \(line 1, column 11\)"),
        ("a: " + "[" * 500, f"nested more than {MOST_LEVELS} levels deep"),
        ("a: &a {b: *a}", r"`\*a` stands for something that it is a part of"),
        ("a: 2026-02-30", r"`2026-02-30` cannot be read as timestamp; write text in quotes \(line 1, column 4\)"),
        ("a: !!int x", "`x` cannot be read as int"),
        ("a: !!float", "cannot be read as float"),
        ("a: " + "1" * 5_000, "cannot be read as int"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a: b\n---\nc: d", "found another document"),
        ("a: \0", "unacceptable character #x0000"),
    ],
)
def test_what_a_person_would_not_write_is_refused_with_its_place(text, said):
    with pytest.raises(ValueError, match=said):
        yaml_value(text)


def test_a_few_lines_that_stand_for_millions_of_values_are_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for below, name in zip("abcdef", "bcdefg", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]")
    with pytest.raises(ValueError, match=f"more than {MOST_VALUES:,} values"):
        yaml_value("\n".join(lines))


def test_what_is_said_once_and_used_twice_counts_twice():
    assert yaml_value("a: &files {format: csv}\nb: {<<: *files, format: tsv}\nc: *files") == {
        "a": {"format": "csv"},
        "b": {"format": "tsv"},
        "c": {"format": "csv"},
    }


def test_a_file_that_is_no_utf8_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"name: \xff")
    with pytest.raises(SettingsError, match=r"mine\.yaml cannot be read as YAML: 'utf-8' codec"):
        read_yaml(path)
