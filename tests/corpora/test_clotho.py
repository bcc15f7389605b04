"""Clotho: a miniature of the published layout with its quirks, and the real tables, as published and as curated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.corpora.clotho import SIZES, declare, prepare
from audiolect.data.dataset import read_problems, read_table, verify_dataset
from audiolect.errors import TableError

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "clotho"
HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
DEVELOPMENT = HEADER + (
    ' Ambience Birds.wav,The the birds,"Birds, ""tweeting""",c  d,It echos,plain\n'
    "Café.001.wav,one,two,three,four,five\n"
)
EVALUATION = HEADER + "rain.wav,e1,e2,e3,e4,e5\n"
METADATA = (
    "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license\n"
    'Ambience Birds.wav,birds;field recording;birds,123,https://freesound.org/s/123,"[1024, 845524]",someone,CC0\n'
    "Café.001.wav,café,Not found,Not found,Not found,José,CC BY 3.0\n"
)
RULES = ("edge-spaces", "double-spaces", "doubled-words", "echoes", "file-names")


def make_corpus(root: Path, *, below: str = "", encoding: str = "iso-8859-1") -> Path:
    (root / below).mkdir(parents=True)
    (root / "clotho_captions_development.csv").write_text(DEVELOPMENT, "utf-8")
    (root / "clotho_captions_evaluation.csv").write_text(EVALUATION, "utf-8-sig")
    (root / "clotho_metadata_development.csv").write_text(METADATA, encoding)
    paths = ("development/ Ambience Birds.wav", "development/Cafe\u0301.001.wav", "evaluation/rain.wav")
    for number, path in enumerate((*paths, "development/rain.wav")):
        full = root / below / path
        full.parent.mkdir(exist_ok=True)
        soundfile.write(full, np.random.default_rng(number).uniform(-0.5, 0.5, 441), 44100)
    return root


@pytest.mark.parametrize("below", ["", "audiofolder", "clotho_audio_files"])
def test_a_miniature(tmp_path: Path, below: str) -> None:
    dataset = prepare(make_corpus(tmp_path / "clotho", below=below), tmp_path / "out")
    verify_dataset(dataset)
    assert dataset.recordings["recording_id"].to_list() == [
        "clotho/development/Ambience Birds",
        "clotho/development/Café.001",
        "clotho/evaluation/rain",
    ]
    prefix = f"{below}/" * bool(below)
    assert dataset.recordings["path"].to_list() == [
        prefix + "development/ Ambience Birds.wav",
        prefix + "development/Cafe\u0301.001.wav",
        prefix + "evaluation/rain.wav",
    ]
    columns = ("source_id", "group", "labels", "title", "license", "split")
    assert dataset.recordings.select(columns).rows() == [
        ("freesound:123", "freesound:123", ["birds", "field recording"], "Ambience Birds", "CC0", "development"),
        (None, None, ["café"], "Café.001", "CC BY 3.0", "development"),
        (None, None, [], "rain", None, "evaluation"),
    ]
    assert dataset.examples["answers"].to_list()[0] == [
        "The the birds",
        'Birds, "tweeting"',
        "c  d",
        "It echos",
        "plain",
    ]
    assert read_table(dataset, "attribution").rows() == [
        ("clotho/development/Ambience Birds", "someone", "https://freesound.org/s/123", "CC0", 1024, 845524),
        ("clotho/development/Café.001", "José", "Not found", "CC BY 3.0", None, None),
    ]
    assert dataset.card.coverage.expected == 3839 + 1045
    assert dataset.card.notes["metadata_encoding"] == {"development": "iso-8859-1"}
    assert [(p.reason, p.where, p.severity) for p in read_problems(dataset)] == [
        ("missing", "clotho_metadata_evaluation.csv", "warning")
    ]


def test_metadata_that_somebody_has_made_utf8_is_read_too(tmp_path: Path) -> None:
    declared = declare(make_corpus(tmp_path / "clotho", encoding="utf-8"))
    assert declared.notes["metadata_encoding"] == {"development": "utf-8"}
    assert declared.drafts[1].labels == ("café",)


def test_curation_lists_every_change(tmp_path: Path) -> None:
    dataset = prepare(make_corpus(tmp_path / "clotho"), tmp_path / "out", curate=True)
    assert dataset.examples["answers"].to_list()[0] == ["The birds", 'Birds, "tweeting"', "c d", "It echoes", "plain"]
    assert read_table(dataset, "curation").rows() == [
        (
            "clotho/development/Ambience Birds",
            "file_name",
            ["file-names"],
            " Ambience Birds.wav",
            "Ambience Birds.wav",
        ),
        ("clotho/development/Ambience Birds", "caption_1", ["doubled-words"], "The the birds", "The birds"),
        ("clotho/development/Ambience Birds", "caption_3", ["double-spaces"], "c  d", "c d"),
        ("clotho/development/Ambience Birds", "caption_4", ["echoes"], "It echos", "It echoes"),
    ]
    assert dataset.card.notes["curation"] == {"file-names": 1, "doubled-words": 1, "double-spaces": 1, "echoes": 1}


def test_captions_from_another_folder_are_compared(tmp_path: Path) -> None:
    other = tmp_path / "corrected"
    other.mkdir()
    (other / "clotho_captions_development.csv").write_text(
        DEVELOPMENT.replace(" Ambience", "Ambience").replace("echos", "echoes"), "utf-8"
    )
    dataset = prepare(make_corpus(tmp_path / "clotho"), tmp_path / "out", captions=other)
    assert dataset.recordings.height == 2
    assert read_table(dataset, "curation").rows() == [
        ("clotho/development/Ambience Birds", "caption_4", ["given"], "It echos", "It echoes")
    ]
    assert dataset.examples["answers"].to_list()[0][3] == "It echoes"


def test_a_file_of_another_split_is_not_taken(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "clotho")
    (root / "evaluation" / "rain.wav").unlink()
    problems = read_problems(prepare(root, tmp_path / "out"))
    assert ("missing", "clotho/evaluation/rain") in [(p.reason, p.where) for p in problems]


def test_bad_rows_are_listed_with_their_lines(tmp_path: Path) -> None:
    rows = "a.wav,1,2,3,4,\nb.wav,,,,, \na.wav,1,2,3,4,5\n,1,2,3,4,5\nc.wav,1,2\n"
    (tmp_path / "clotho_captions_validation.csv").write_text(HEADER + rows)
    declared = declare(tmp_path)
    assert [len(example.answers) for example in declared.examples] == [4]
    file = "clotho_captions_validation.csv"
    found = Counter((p.where, p.reason, p.severity) for p in declared.problems)
    assert found[f"{file}:2", "empty-text", "warning"] == 1
    assert found[f"{file}:3", "empty-text", "error"] == 1
    assert found[f"{file}:4", "duplicate-id", "error"] == 1
    assert found[f"{file}:5", "missing-value", "error"] == 1
    assert found[f"{file}:6", "bad-row", "error"] == 1


def test_a_missing_caption_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "clotho_captions_validation.csv").write_text("file_name,caption_1\na.wav,x\n")
    with pytest.raises(TableError, match="caption_2"):
        declare(tmp_path)


def test_captions_in_another_encoding_are_told(tmp_path: Path) -> None:
    (tmp_path / "clotho_captions_validation.csv").write_bytes(HEADER.encode() + "é.wav,1,2,3,4,5\n".encode("cp1252"))
    with pytest.raises(TableError, match="not UTF-8"):
        declare(tmp_path)


def test_another_folder_is_told_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "development").mkdir()
    with pytest.raises(TableError, match="not laid out as Clotho") as caught:
        prepare(tmp_path, tmp_path / "out")
    assert "clotho_captions_development.csv" in str(caught.value)
    assert caught.value.found == "development/"


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the Clotho tables are not at {REAL}")
@pytest.mark.parametrize("which", ["original", "curated"])
def test_the_real_tables(which: str) -> None:
    declared = declare(REAL / which)
    assert Counter(draft.split for draft in declared.drafts) == SIZES
    assert {len(example.answers) for example in declared.examples} == {5}
    assert all(problem.severity == "warning" for problem in declared.problems)
    assert all(draft.title == (draft.title or "").strip() for draft in declared.drafts)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the Clotho tables are not at {REAL}")
def test_the_real_tables_curated_by_rule_and_by_hand() -> None:
    by_rule = declare(REAL / "original", curate=True)
    counts = by_rule.notes["curation"]
    assert counts["file-names"] == 3
    assert set(counts) == set(RULES)
    changes = by_rule.tables["curation"].filter(pl.col("column") != "file_name")
    assert all(before != after for before, after in changes.select("before", "after").iter_rows())
    by_hand = declare(REAL / "original", captions=REAL / "curated")
    assert by_hand.tables["curation"].height == by_hand.notes["curation"]["given"] == 34
    differences = by_hand.tables["differences"]
    assert differences.height == by_hand.notes["differences"] > 0
    # By another way: our curated examples against those of the curated tables, caption by caption.
    captions = [
        {example.example_id: example.answers for example in one.examples}
        for one in (by_rule, declare(REAL / "curated"))
    ]
    assert captions[0].keys() == captions[1].keys()
    expected = sorted(
        (name.removesuffix("#AudioCaptioning"), f"caption_{number}", ours, theirs)
        for name in captions[0]
        for number, (ours, theirs) in enumerate(zip(captions[0][name], captions[1][name], strict=True), start=1)
        if ours != theirs
    )
    assert sorted(differences.rows()) == expected
