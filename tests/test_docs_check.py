"""docs/formats.md on the files of a check: every file, key, column and reason that is written, and no other."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.audio import source
from audiolect.audio.scan import SILENCE_DB
from audiolect.corpora.audio_listing import list_audio
from audiolect.data import (
    audio_checks,
    audio_faults,
    check_state,
    check_summary,
    checks,
    duplicate_checks,
    table_checks,
    text_checks,
)
from audiolect.data.check_state import FACTS_SCHEMA, FactsStore
from audiolect.data.checks import CheckSettings, check_folder
from audiolect.data.problems import REASONS, Problem
from audiolect.data.quarantine import Entry
from audiolect.storage import read_json, read_jsonl

DOCS = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text("utf-8")
HEADER = {"format", "version", "producer"}
TYPES = {
    "text": pl.String(),
    "i16": pl.Int16(),
    "i32": pl.Int32(),
    "i64": pl.Int64(),
    "f64": pl.Float64(),
    "binary": pl.Binary(),
}
CHECKERS = (audio_checks, audio_faults, checks, duplicate_checks, source, table_checks, text_checks)


def section() -> str:
    (found,) = re.findall(r"^## A check: .*?(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL)
    return found


def part(heading: str) -> str:
    """What stands below a heading of the section."""
    (found,) = re.findall(rf"^### {re.escape(heading)}.*?\n(.*?)(?=^### |\Z)", section(), re.MULTILINE | re.DOTALL)
    return found


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a text, each as rows of cells, without header and rule."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [rows[2:] for rows in found if rows]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished check of a folder with one silent file."""
    root = tmp_path_factory.mktemp("check")
    (root / "sounds").mkdir()
    rng = np.random.default_rng(0)
    for name, level in (("a", 0.1), ("b", 0.1), ("silent", 0.0)):
        soundfile.write(root / "sounds" / f"{name}.wav", level * rng.standard_normal(16000), 16000)
    check_folder(root / "sounds", list_audio(root / "sounds"), root / "out", CheckSettings())
    return root / "out"


def test_the_files_are_those_of_the_drawing(checked: Path, tmp_path: Path) -> None:
    drawn = re.findall(r"^ {2,4}([\w.*-]+/?) {2,}", section(), re.MULTILINE)
    assert drawn[:4] == ["check.json", "problems.jsonl", "quarantine.jsonl", "facts.parquet"]
    assert sorted(drawn[:4]) == sorted(path.name for path in checked.iterdir())
    assert drawn[4:] == ["unfinished/", "state.json", "part-*.parquet"]
    store = FactsStore(tmp_path / "begun")
    store.add([audio_checks.lost_facts(audio_checks.Request("a", "a.wav"), "missing", "")])
    store.flush()
    begun = sorted(path.name for path in (tmp_path / "begun" / "unfinished").iterdir())
    assert [re.sub(r"part-.*\.parquet", "part-*.parquet", name) for name in begun] == ["part-*.parquet", "state.json"]
    assert set(read_json(tmp_path / "begun" / "unfinished" / "state.json")) == HEADER | {"afresh"}


def test_the_versions(checked: Path) -> None:
    assert f"(`audiolect/check`, version {check_state.VERSION})" in section()
    assert f"check {check_state.VERSION}" in re.findall(r"Versions that are read: (.*)", DOCS)[0]
    assert read_json(checked / "check.json")["version"] == check_state.VERSION
    header = next(read_jsonl(checked / "quarantine.jsonl"))
    assert f"(`{header['format']}`, version {header['version']})" in section()
    assert set(header) == HEADER | {"dataset", "fingerprint"}


def test_the_columns_of_the_facts() -> None:
    (rows,) = tables(part("facts.parquet"))
    documented = {}
    for names, kinds, _ in rows:
        of_name = re.sub(r", null.*", "", kinds).split(", ")
        each = named(names)
        documented |= dict(zip(each, of_name * len(each) if len(of_name) == 1 else of_name, strict=False))
    assert list(documented) == list(FACTS_SCHEMA)
    assert {name: TYPES[kind] for name, kind in documented.items()} == FACTS_SCHEMA


def test_the_keys_of_a_line_of_the_quarantine(checked: Path) -> None:
    (rows,) = tables(part("quarantine.jsonl"))
    keys = [named(row[0])[0] for row in rows]
    assert keys == [item.name for item in fields(Entry)]
    _, line = read_jsonl(checked / "quarantine.jsonl")
    assert sorted(line) == sorted(keys)
    assert line["reasons"] == ["silent"]


def test_the_keys_of_the_summary(checked: Path) -> None:
    written = read_json(checked / "check.json")
    top, of_summary, of_lengths = (
        [key for row in rows for key in named(row[0])] for rows in tables(part("check.json"))
    )
    assert sorted(top) == sorted(written)
    assert sorted(of_summary) == sorted(written["summary"])
    assert sorted(of_lengths) == sorted(written["summary"]["lengths"])
    limits = next(row for row in tables(part("check.json"))[0] if row[0] == "`limits`")
    assert named(limits[2]) == list(written["limits"])
    odd = next(row for row in tables(part("check.json"))[2] if row[0] == "`odd`")
    assert named(odd[2]) == [item.name for item in fields(check_summary.OddLength)]


def test_every_reason_that_a_check_can_give() -> None:
    (rows,) = tables(part("problems.jsonl"))
    documented = {reason for row in rows for reason in named(row[0])}
    texts = [Path(module.__file__ or "").read_text("utf-8") for module in CHECKERS]
    given = {
        node.value
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and node.value in REASONS
    }
    assert len(documented) > 25
    assert documented == given
    severities = {row[1] for row in rows}
    assert severities == {"error", "warning"}
    assert {item.name for item in fields(Problem)} == {"reason", "where", "detail", "severity"}


def test_the_limits() -> None:
    rows = {reason: row[2] for row in tables(part("problems.jsonl"))[0] for reason in named(row[0])}
    assert f"−{-SILENCE_DB:.0f} dB" in rows["silent"]
    assert str(audio_faults.Limits().shortest_seconds) in rows["too-short"]
    assert (audio_faults.CLIPPED_SHARE, audio_faults.CLIPPED_SECONDS) == (0.001, 0.01)
    assert "a thousandth of the samples, or 10 ms" in rows["clipped"]
    assert f"the mean of the mix-down is {audio_faults.DC_OFFSET} or more" in rows["dc-offset"]
    assert audio_faults.DC_SHARE == duplicate_checks.LEAST_OVERLAP == 0.5
    assert "half of the rms" in rows["dc-offset"]
    assert f"correlate by {duplicate_checks.LEAST_CORRELATION} or more over half" in rows["near-duplicate"]
    assert check_summary.PADDED_SECONDS == 1.0
    assert check_summary.ODD_SECONDS == 0.01
