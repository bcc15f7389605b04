"""Parts and merges: what comes over, what is kept once, and what cannot be one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.data.check_state import read_facts, read_fingerprints
from audiolect.data.checks import CheckReport, CheckSettings, check_dataset
from audiolect.data.dataset import Dataset, filter_dataset, open_dataset, read_problems, read_table, save_dataset
from audiolect.data.merging import merge_datasets, save_as
from audiolect.data.problems import Problem
from audiolect.data.quarantine import Entry, read_quarantine, without_quarantined, write_quarantine
from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
from audiolect.errors import AlreadyExists, DatasetError, UsageError


def recording(name: str, **changes: Any) -> Recording:
    base = Recording(f"c/{name}", f"{name}.wav", 8000, 16000, 1, "wav/pcm_16", 64, split="train", labels=("dog",))
    return replace(base, **changes)


def example(name: str, **changes: Any) -> Example:
    return replace(Example(f"c/{name}/q", f"c/{name}", "train", "AQA", "?", ("yes",)), **changes)


def dataset(folder: Path, names: str, **changes: Any) -> Dataset:
    folder.mkdir()
    facts: dict[str, Any] = {
        "name": folder.name,
        "corpus_version": "1.0",
        "license": "CC0",
        "citation": "who?",
        "audio_root": folder / "audio",
        "recordings": recordings_frame(recording(name) for name in names),
        "examples": examples_frame(example(name) for name in names),
        "num_expected": 10,
        "command": "audiolect prepare",
        "problems": [Problem("empty", f"{folder.name}.wav")],
        "extra_tables": {"events": pl.DataFrame({"recording_id": [f"c/{name}" for name in names], "at": 1})},
    }
    save_dataset(folder, **{**facts, **changes})
    return open_dataset(folder)


def ids(frame: pl.DataFrame) -> list[str]:
    return frame.to_series(0).to_list()


def test_a_part_keeps_the_facts_and_says_where_it_is_from(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "ab", notes={"seed": 7})
    part = save_as(filter_dataset(whole, "recording_id == 'c/b'"), tmp_path / "P", command="audiolect subset")
    assert ids(part.recordings) == ["c/b"]
    assert ids(part.examples) == ["c/b/q"]
    assert part.audio_root == tmp_path / "A" / "audio"
    assert read_problems(part) == read_problems(whole)
    assert read_table(part, "events")["recording_id"].to_list() == ["c/b"]
    card = part.card
    assert (card.name, card.license, card.coverage.expected, card.command) == ("A", "CC0", 10, "audiolect subset")
    assert card.extra_tables == {"events": 1}
    assert card.notes["seed"] == 7
    assert card.notes["where"] == ["recording_id == 'c/b'"]
    source = card.notes["made_from"]
    assert isinstance(source, list)
    assert source[0] == {
        "name": "A",
        "folder": str(tmp_path / "A"),
        "license": "CC0",
        "fingerprint": card.fingerprint,  # of the part itself: the filter had been applied
        "examples_fingerprint": card.examples_fingerprint,
        "command": "audiolect prepare",
    }


def test_a_copy_under_another_name(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "ab")
    copy = save_as(whole, tmp_path / "B", name="mine", notes={"why": "a test"})
    assert copy.card.name == "mine"
    assert copy.card.notes["why"] == "a test"
    assert copy.card.fingerprint == whole.card.fingerprint
    assert copy.card.examples_fingerprint == whole.card.examples_fingerprint


def test_a_dataset_is_not_written_over_itself_or_its_audio(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "ab")
    for out in (tmp_path / "A", tmp_path / "A" / "audio", tmp_path):
        with pytest.raises(DatasetError, match="cannot be written over"):
            save_as(whole, out, overwrite=True)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "A", target_is_directory=True)
    with pytest.raises(DatasetError, match="cannot be written over"):
        merge_datasets([whole], link, name="m", overwrite=True)
    assert open_dataset(tmp_path / "A").recordings.height == 2


def test_an_existing_folder_needs_overwrite(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "ab")
    save_as(whole, tmp_path / "B")
    with pytest.raises(AlreadyExists):
        save_as(filter_dataset(whole, "recording_id == 'c/a'"), tmp_path / "B")
    part = save_as(filter_dataset(whole, "recording_id == 'c/a'"), tmp_path / "B", overwrite=True)
    assert part.recordings.height == 1


def test_two_merged(tmp_path: Path) -> None:
    one = dataset(tmp_path / "A", "ab")
    two = dataset(
        tmp_path / "B",
        "de",
        license="CC-BY-4.0",
        citation="they",
        recordings=recordings_frame([recording("d", split="test"), recording("e")]),
        examples=examples_frame([example("d", split="test"), example("e")]),
    )
    merged = merge_datasets([one, two], tmp_path / "M", name="m", command="audiolect merge")
    assert merged.audio_root == tmp_path
    assert merged.recordings.select("recording_id", "path", "split").rows() == [
        ("c/a", "A/audio/a.wav", "train"),
        ("c/b", "A/audio/b.wav", "train"),
        ("c/d", "B/audio/d.wav", "test"),
        ("c/e", "B/audio/e.wav", "train"),
    ]
    assert ids(merged.examples) == ["c/a/q", "c/b/q", "c/d/q", "c/e/q"]
    card = merged.card
    assert (card.name, card.corpus_version) == ("m", "A 1.0 + B 1.0")
    assert (card.license, card.citation) == ("CC0; CC-BY-4.0", "who?\nthey")
    assert card.coverage.expected == 20
    assert card.problems == {"empty": 2}
    assert read_table(merged, "events")["recording_id"].to_list() == ["c/a", "c/b", "c/d", "c/e"]
    sources = card.notes["made_from"]
    assert isinstance(sources, list)
    assert [source["fingerprint"] for source in sources if isinstance(source, dict)] == [
        one.card.fingerprint,
        two.card.fingerprint,
    ]


def test_what_stands_in_both_is_kept_once(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    one = dataset(tmp_path / "A", "ab", audio_root=audio)
    more = [example("b"), example("b", example_id="c/b/other"), example("d")]
    two = dataset(tmp_path / "B", "bd", audio_root=audio, examples=examples_frame(more))
    merged = merge_datasets([one, two], tmp_path / "M", name="m")
    assert merged.audio_root == audio
    assert ids(merged.recordings) == ["c/a", "c/b", "c/d"]
    assert merged.recordings["path"].to_list() == ["a.wav", "b.wav", "d.wav"]
    assert ids(merged.examples) == ["c/a/q", "c/b/q", "c/b/other", "c/d/q"]
    assert read_table(merged, "events")["recording_id"].to_list() == ["c/a", "c/b", "c/d"]
    assert merged.card.coverage.expected is None
    assert merged.card.license == "CC0"


def test_parts_merge_back_to_the_whole(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "abde")
    parts = [filter_dataset(whole, f"recording_id {sign} 'c/b'") for sign in ("<=", ">")]
    merged = merge_datasets(parts, tmp_path / "M", name="A")
    assert merged.card.fingerprint == whole.card.fingerprint
    assert merged.card.examples_fingerprint == whole.card.examples_fingerprint
    assert merged.recordings.equals(whole.recordings)


def test_one_alone_and_none(tmp_path: Path) -> None:
    whole = dataset(tmp_path / "A", "ab")
    assert merge_datasets([whole], tmp_path / "M", name="m").card.fingerprint == whole.card.fingerprint
    with pytest.raises(UsageError, match="no datasets to merge"):
        merge_datasets([], tmp_path / "N", name="n")


@pytest.mark.parametrize(
    ("changes", "letter"),
    [
        (
            {"recordings": recordings_frame([recording("b", labels=("cat",), fold=2)])},
            r"1 ids stand for different[\s\S]*B, column recording_id[\s\S]*of c/b the fold was None"
            r"[\s\S]*fold 2; differing columns: fold, labels; first ids: c/b",
        ),
        ({"audio_root": Path("B")}, r"column recording_id[\s\S]*the path was"),
        (
            {"examples": examples_frame([example("b", answers=("no",))])},
            r"column example_id[\s\S]*the answers was \['yes'\][\s\S]*answers \['no'\]",
        ),
        ({"extra_tables": {"events": pl.DataFrame({"recording_id": ["c/b"]})}}, "different columns"),
    ],
)
def test_an_id_for_different_things(tmp_path: Path, changes: dict[str, Any], letter: str) -> None:
    audio = tmp_path / "audio"
    one = dataset(tmp_path / "A", "ab", audio_root=audio)
    two = dataset(tmp_path / "B", "b", **{"audio_root": audio, **changes})
    with pytest.raises(DatasetError, match=letter):
        merge_datasets([one, two], tmp_path / "M", name="m")
    assert not (tmp_path / "M").exists()


# What a check has found out


def sounding(folder: Path, names: str) -> Dataset:
    """A dataset of noise, one second each, whose last recording is silent."""
    (folder.parent / f"{folder.name} audio").mkdir()
    for name in names:
        level = 0 if name == names[-1] else 1000
        samples = np.random.default_rng(ord(name)).integers(-level, level + 1, 16000).astype(np.int16)
        soundfile.write(folder.parent / f"{folder.name} audio" / f"{name}.wav", samples, 16000)
    rows = [
        replace(recording(name), num_samples=16000, num_bytes=32044, recording_id=f"{folder.name}/{name}")
        for name in names
    ]
    asked = [
        example(name, recording_id=f"{folder.name}/{name}", example_id=f"{folder.name}/{name}/q") for name in names
    ]
    return dataset(
        folder,
        names,
        audio_root=folder.parent / f"{folder.name} audio",
        recordings=recordings_frame(rows),
        examples=examples_frame(asked),
        extra_tables={},
    )


def checked(data: Dataset) -> CheckReport:
    return check_dataset(data, data.folder / "check", CheckSettings())


def test_a_check_of_what_was_made_decodes_nothing_again(tmp_path: Path) -> None:
    whole = sounding(tmp_path / "A", "abcd")
    whole_report = checked(whole)
    assert (whole_report.num_decoded, len(whole_report.quarantined)) == (4, 1)
    part = save_as(filter_dataset(whole, "recording_id != 'A/a'"), tmp_path / "P")
    assert read_fingerprints(part).keys() == {"A/b", "A/c", "A/d"}
    assert [entry.id for entry in read_quarantine(part.folder / "check" / "quarantine.jsonl")] == ["A/d"]
    assert without_quarantined(part).recordings["recording_id"].to_list() == ["A/b", "A/c"]
    again = save_as(filter_dataset(part, "recording_id != 'A/b'"), tmp_path / "Q")
    report = checked(again)
    assert (report.num_recordings, report.num_decoded) == (2, 0)
    assert [entry.id for entry in report.quarantined] == ["A/d"]
    assert not (again.folder / "check" / "unfinished").exists()
    kept = read_facts(whole.folder / "check").filter(pl.col("recording_id").is_in(["A/c", "A/d"]))
    assert read_facts(again.folder / "check").equals(kept)


def test_a_file_that_changed_since_is_decoded_again(tmp_path: Path) -> None:
    whole = sounding(tmp_path / "A", "abc")
    checked(whole)
    part = save_as(whole, tmp_path / "P")
    soundfile.write(whole.audio_path("a.wav"), np.full(16000, 0.25, np.float32), 16000)
    report = checked(part)
    assert report.num_decoded == 1
    assert {problem.reason for problem in report.problems if problem.where == "A/a"} == {"dc-offset"}


def test_a_merge_takes_over_what_each_source_knows(tmp_path: Path) -> None:
    one, two, three = (sounding(tmp_path / name, "ab") for name in "ABC")
    checked(one)
    checked(two)
    merged = merge_datasets([one, two, three], tmp_path / "M", name="m")
    assert read_fingerprints(merged).keys() == {"A/a", "A/b", "B/a", "B/b"}
    left = without_quarantined(merged)
    assert left.recordings["recording_id"].to_list() == ["A/a", "B/a", "C/a", "C/b"]
    report = checked(merged)
    assert (report.num_recordings, report.num_decoded) == (6, 2)
    assert [entry.id for entry in report.quarantined] == ["A/b", "B/b", "C/b"]


def test_nothing_is_carried_where_nothing_is_known(tmp_path: Path) -> None:
    whole = sounding(tmp_path / "A", "abc")
    assert not (save_as(whole, tmp_path / "P").folder / "check").exists()
    checked(whole)
    rest = save_as(without_quarantined(whole), tmp_path / "Q")
    assert sorted(path.name for path in (rest.folder / "check").iterdir()) == ["unfinished"]
    write_quarantine(whole.folder / "check" / "quarantine.jsonl", [Entry("recording", "A/a", ("no",))], name="o",
                     fingerprint="0" * 32)  # fmt: skip
    other = save_as(whole, tmp_path / "R")
    assert sorted(path.name for path in (other.folder / "check").iterdir()) == ["unfinished"]
