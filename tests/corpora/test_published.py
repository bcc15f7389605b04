"""What the published corpora share: finding tables, numbers in cells, and joining the audio in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiolect.corpora.download_card import SegmentCoverage, SplitCoverage, new_card, write_download_card
from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal
from audiolect.corpora.published import Declared, find_file, number_or_none, relative_name, take_in, wrong_layout
from audiolect.data.dataset import Dataset, open_dataset, read_problems, verify_dataset
from audiolect.data.records import Example
from audiolect.errors import DatasetError, TooManyProblems
from audiolect.progress import silent_progress

INFO = CorpusInfo("toy", "1", "CC0", "nobody")


def declared(*names: str) -> Declared:
    drafts = [Draft(f"toy/{name}", f"train/{name}.wav", split="train") for name in names]
    examples = [Example(f"toy/{name}#c", f"toy/{name}", "train", "AudioCaptioning", "", ("a",)) for name in names]
    return Declared(drafts, examples, names={f"toy/{name}": (name,) for name in names})


def write_audio(root: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / path, np.random.default_rng(number).uniform(-0.5, 0.5, 80), 8000)
    return root


def take(root: Path, what: Declared, options: IntakeOptions | None = None, **sizes: int) -> Dataset:
    return take_in(INFO, root / "in", what, root / "out", options or IntakeOptions(), silent_progress, sizes=sizes)


def test_missing_audio_is_counted_listed_and_left_out(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "a.wav")
    dataset = take(tmp_path, declared("a", "b"))
    verify_dataset(dataset)
    assert dataset.recordings["path"].to_list() == ["a.wav"]
    assert dataset.examples["recording_id"].to_list() == ["toy/a"]
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (1, 2)
    assert [(p.reason, p.where) for p in read_problems(dataset)] == [("missing", "toy/b")]


def test_coverage_is_of_the_published_size_or_of_a_longer_table(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "a.wav")
    assert take(tmp_path, declared("a", "b"), train=500).card.coverage.expected == 500
    again = IntakeOptions(overwrite=True)
    assert take(tmp_path, declared("a", "b"), again, train=1).card.coverage.expected == 2


def test_two_files_of_one_name_are_a_warning(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "x/a.wav", "y/a.wav")
    dataset = take(tmp_path, declared("a"))
    (problem,) = read_problems(dataset)
    assert (problem.reason, problem.severity) == ("duplicate-path", "warning")
    assert "x/a.wav is taken, y/a.wav" in problem.detail


def test_without_any_audio_there_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetError, match="none of the audio that they name was found"):
        take(tmp_path, declared("a"))
    assert not (tmp_path / "out").exists()


def test_without_a_look_at_audio_every_draft_stays_where_it_should_be(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "other/a.wav")
    info = replace(INFO, nominal=Nominal(3, 8000))
    options = IntakeOptions(no_audio=True)
    sizes = {"train": 5}
    dataset = take_in(
        info, tmp_path / "in", declared("a", "b"), tmp_path / "out", options, silent_progress, sizes=sizes
    )
    verify_dataset(dataset)
    assert dataset.recordings["path"].to_list() == ["train/a.wav", "train/b.wav"]
    assert dataset.recordings["num_samples"].to_list() == [24_000, 24_000]
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (0, 5)
    assert read_problems(dataset) == []


def test_the_coverage_of_a_download_stands_on_the_card(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "a.wav")
    coverage = SegmentCoverage(
        available=1,
        expected=2,
        available_ids="a" * 32,
        expected_ids="b" * 32,
        statuses={"ok": 1, "unavailable": 1},
        splits={"train": SplitCoverage(available=1, expected=2)},
    )
    card = new_card("toy", "CC0", "https://example.org").model_copy(update={"coverage": coverage})
    write_download_card(tmp_path / "in", card)
    dataset = take(tmp_path, declared("a", "b"))
    assert dataset.card.notes["download"] == coverage.model_dump(mode="json")
    assert open_dataset(tmp_path / "out").card.notes["download"] == dataset.card.notes["download"]
    write_download_card(tmp_path / "in", card.model_copy(update={"coverage": None}))
    again = take(tmp_path, declared("a", "b"), IntakeOptions(overwrite=True))
    assert "download" not in again.card.notes


@pytest.mark.parametrize("text", ["{", "{}", '{"format": "audiolect/download", "version": 1, "producer": "x"}'])
def test_a_download_card_that_cannot_be_read_is_a_warning(tmp_path: Path, text: str) -> None:
    write_audio(tmp_path / "in", "a.wav")
    (tmp_path / "in" / "download.json").write_text(text)
    dataset = take(tmp_path, declared("a"))
    (problem,) = read_problems(dataset)
    assert (problem.reason, problem.where, problem.severity) == ("bad-value", "download.json", "warning")


def test_missing_audio_counts_against_the_limit(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "a.wav")
    with pytest.raises(TooManyProblems, match="2 of"):
        take(tmp_path, declared("a", "b", "c"), IntakeOptions(max_problems=1))


def test_the_first_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "b.csv").write_text("x")
    assert find_file(tmp_path, ["a.csv", "b.csv"], ["", "csv"]) == tmp_path / "csv" / "b.csv"
    assert find_file(tmp_path, ["b.csv"]) is None
    assert relative_name(tmp_path / "csv" / "b.csv", tmp_path) == "csv/b.csv"
    assert relative_name(Path("elsewhere/b.csv"), tmp_path) == "b.csv"


def test_the_letter_says_what_is_there(tmp_path: Path) -> None:
    arguments = {"expected": "tables", "looked_for": ["a.csv"], "url": "https://example.org"}
    assert wrong_layout("Toy", tmp_path, **arguments).found == "an empty folder"
    for number in range(7):
        (tmp_path / f"f{number}").mkdir()
    letter = wrong_layout("Toy", tmp_path, **arguments)
    assert letter.found == "f0/, f1/, f2/, f3/, f4/ and 2 more"
    assert "looked for a.csv" in str(letter)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("30", 30.0), (" 1.5", 1.5), (0, 0.0), ("", None), ("nan", None), ("-1", None), (None, None), ("inf", None)],
)
def test_numbers_in_cells(cell: object, number: float | None) -> None:
    assert number_or_none(cell) == number


def test_missing_audio_can_be_refused(tmp_path: Path) -> None:
    write_audio(tmp_path / "in", "a.wav")
    refusing = IntakeOptions(refuse_missing=True)
    with pytest.raises(DatasetError, match="audio of 2 recordings is missing") as caught:
        take(tmp_path, declared("a", "b", "c"), refusing)
    assert "--missing list" in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert take(tmp_path, declared("a"), refusing).recordings.height == 1
