"""The intake: what is broken is left out with its examples and listed; the folder is written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from audiolect.corpora.intake import CorpusInfo, Draft, IntakeOptions, Nominal, intake, writable_text
from audiolect.data.dataset import Dataset, read_problems, read_table, verify_dataset
from audiolect.data.problems import Problem
from audiolect.data.records import Example
from audiolect.errors import AlreadyExists, DatasetError, StorageError, TooManyProblems, UsageError

INFO = CorpusInfo("mine", "1.0", "CC0", "Somebody, 2024")
RATE_HZ = 8000


def make_audio(root: Path, *names: str) -> list[Draft]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(len(name)).uniform(-0.5, 0.5, 800)
        soundfile.write(root / name, samples, RATE_HZ)
    return [Draft(f"mine/{name}", name, split="train") for name in names]


def captions(drafts: list[Draft]) -> list[Example]:
    return [
        Example(f"{draft.recording_id}#c", draft.recording_id, draft.split, "AudioCaptioning", "", ("a sound",))
        for draft in drafts
    ]


def take_in(tmp_path: Path, drafts: list[Draft], **changes: Any) -> Dataset:
    options = IntakeOptions(**{name: changes.pop(name) for name in list(changes) if name in IntakeOptions.__slots__})
    values = {"info": INFO, "root": tmp_path / "audio", "examples": captions(drafts), "out": tmp_path / "out"} | changes
    return intake(drafts=drafts, options=options, **values)


def reasons(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.reason, problem.where) for problem in read_problems(dataset)]


def test_good_recordings_are_all_taken_in(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "b.wav", "a.flac", "deep/\u00e9t\u00e9, caf\u00e9.ogg")
    dataset = take_in(tmp_path, drafts, command="audiolect prepare", notes={"x": 1})
    verify_dataset(dataset)
    assert dataset.folder == tmp_path / "out"
    assert dataset.recordings["path"].to_list() == [draft.path for draft in drafts]
    assert dataset.examples["recording_id"].to_list() == [draft.recording_id for draft in drafts]
    assert dataset.recordings["pcm_hash"].null_count() == 0
    assert dataset.audio_root == tmp_path / "audio"
    card = dataset.card
    assert (card.name, card.license, card.command, card.notes) == ("mine", "CC0", "audiolect prepare", {"x": 1})
    assert (card.coverage.available, card.coverage.expected, card.problems) == (3, 3, {})


def test_the_number_of_jobs_does_not_matter(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav", "b.wav", "c.wav")
    (tmp_path / "audio" / "b.wav").write_bytes(b"")
    one = take_in(tmp_path, drafts, out=tmp_path / "one")
    two = take_in(tmp_path, drafts, out=tmp_path / "two", jobs=2)
    assert one.recordings.equals(two.recordings)
    assert one.card == two.card
    assert reasons(one) == reasons(two) == [("empty", "mine/b.wav")]


def test_what_is_broken_is_left_out_with_its_examples(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav", "b.wav", "c.wav")
    (tmp_path / "audio" / "b.wav").write_text("no sound")
    (tmp_path / "audio" / "c.wav").unlink()
    table = pl.DataFrame({"recording_id": [draft.recording_id for draft in drafts], "author": ["x", "y", "z"]})
    given = [Problem("bad-row", "t.csv:9", "ragged")]
    dataset = take_in(tmp_path, drafts, problems=given, extra_tables={"attribution": table})
    verify_dataset(dataset)
    assert dataset.recordings["recording_id"].to_list() == ["mine/a.wav"]
    assert dataset.examples["recording_id"].to_list() == ["mine/a.wav"]
    assert reasons(dataset) == [("bad-row", "t.csv:9"), ("unreadable", "mine/b.wav"), ("missing", "mine/c.wav")]
    assert dataset.card.problems == {"bad-row": 1, "missing": 1, "unreadable": 1}
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (1, 3)
    assert read_table(dataset, "attribution")["author"].to_list() == ["x"]


def test_the_published_number_wins(tmp_path: Path) -> None:
    info = CorpusInfo("mine", "", "", "", num_expected=2000)
    dataset = take_in(tmp_path, make_audio(tmp_path / "audio", "a.wav"), info=info)
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (1, 2000)


def test_of_two_with_one_id_the_first_counts(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav", "b.wav")
    twice = [drafts[0], Draft("mine/a.wav", "b.wav", split="train")]
    dataset = take_in(tmp_path, twice)
    assert dataset.recordings["path"].to_list() == ["a.wav"]
    assert dataset.examples.height == 1
    (problem,) = read_problems(dataset)
    assert (problem.reason, problem.where) == ("duplicate-id", "mine/a.wav")
    assert problem.detail == "b.wav is left out, a.wav has the id already"


def test_of_two_examples_with_one_id_the_first_counts(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav")
    (first,) = captions(drafts)
    dataset = take_in(tmp_path, drafts, examples=[first, replace(first, answers=("another",))])
    assert dataset.examples["answers"].to_list() == [["a sound"]]
    assert reasons(dataset) == [("duplicate-id", "mine/a.wav#c")]


def test_one_file_under_two_ids_is_a_warning_and_its_spans_are_none(tmp_path: Path) -> None:
    make_audio(tmp_path / "audio", "a.wav")
    drafts = [Draft("1", "a.wav"), Draft("2", "a.wav"), Draft("3", "a.wav", 0, 100), Draft("4", "a.wav", 100, 100)]
    dataset = take_in(tmp_path, drafts, max_problems=0)
    assert dataset.recordings.height == 4
    assert reasons(dataset) == [("duplicate-path", "2")]


def test_too_many_problems_stop_it_and_leave_nothing(tmp_path: Path) -> None:
    drafts = [Draft(f"mine/{number}", f"{number}.wav") for number in range(5)]
    (tmp_path / "audio").mkdir()
    with pytest.raises(TooManyProblems, match="3 of 5 things have problems, more than the limit of 2"):
        take_in(tmp_path, drafts, max_problems=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio"]


def test_given_problems_count_towards_the_limit(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav")
    given = [Problem("bad-row", "t.csv:2")]
    with pytest.raises(TooManyProblems):
        take_in(tmp_path, drafts, problems=given, max_problems=0)
    assert take_in(tmp_path, drafts, problems=given, max_problems=1).card.problems == {"bad-row": 1}


def test_a_dataset_without_recordings_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match="No recording is left") as caught:
        take_in(tmp_path, [Draft("mine/broken", "broken.wav")])
    assert "1. First: mine/broken: broken.wav: " in (caught.value.found or "")
    with pytest.raises(DatasetError, match="none declared"):
        take_in(tmp_path, [])
    assert not (tmp_path / "out").exists()


def test_tables_without_any_audio_are_told_from_a_wrong_folder(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    drafts = [Draft("mine/a", "a.wav"), Draft("mine/b", "b.wav")]
    with pytest.raises(DatasetError, match="The tables were read, and none of the audio") as caught:
        take_in(tmp_path, drafts)
    found = caught.value.found or ""
    assert found.startswith("2 audio files were looked for in ")
    assert "it holds no audio file. First: mine/a: a.wav: " in found
    assert "--no-audio" not in (caught.value.fix or "")  # an import, say: not every format states lengths
    make_audio(tmp_path / "audio", "c.wav", "d.wav", "e.wav")
    command = "audiolect prepare mine audio --out out"
    with pytest.raises(DatasetError, match="of the 3 that stand there none is one of them") as caught:
        take_in(tmp_path, drafts, command=command, info=replace(INFO, download_name="mine"))
    assert f"audiolect download mine {tmp_path / 'audio'}" in (caught.value.fix or "")
    assert f"{command} --no-audio" in (caught.value.fix or "")
    assert not (tmp_path / "out").exists()


def test_no_audio_is_looked_at_where_that_is_asked(tmp_path: Path) -> None:
    make_audio(tmp_path / "audio", "a.wav")
    drafts = [Draft("mine/a", "a.wav"), Draft("mine/b", "b.wav", stated_seconds=2.0), Draft("mine/a", "x.wav")]
    info = replace(INFO, nominal=Nominal(10, 1000))
    dataset = take_in(tmp_path, drafts, no_audio=True, info=info, notes={"x": 1})
    verify_dataset(dataset)
    assert dataset.recordings.select("recording_id", "num_samples", "codec").rows() == [
        ("mine/a", 10_000, "unknown"),
        ("mine/b", 2000, "unknown"),
    ]
    assert dataset.examples.height == 2
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (0, 3)
    assert dataset.card.notes["x"] == 1
    assert str(dataset.card.notes["lengths"]).startswith("nominal: as the tables state for 1 of 2 recordings, 10 s")
    assert reasons(dataset) == [("duplicate-id", "mine/a")]


def test_recordings_without_any_length_are_listed_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    drafts = [Draft("mine/a", "a.wav"), Draft("mine/b", "b.wav", stated_seconds=2.0)]
    dataset = take_in(tmp_path, drafts, no_audio=True)
    assert reasons(dataset) == [("missing-value", "mine/a")]
    with pytest.raises(DatasetError, match="No recording is left") as caught:
        take_in(tmp_path, drafts[:1], no_audio=True, out=tmp_path / "other")
    assert "no length is stated" in (caught.value.found or "")


def test_an_existing_folder_is_safe(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav", "b.wav")
    before = take_in(tmp_path, drafts[:1])
    with pytest.raises(AlreadyExists, match="--overwrite"):
        take_in(tmp_path, drafts)
    with pytest.raises(DatasetError):
        take_in(tmp_path, [Draft("mine/none", "none.wav")], overwrite=True)
    verify_dataset(before)  # what failed has not touched it
    assert take_in(tmp_path, drafts, overwrite=True).recordings.height == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("not ours")
    with pytest.raises(StorageError, match="was not made by audiolect"):
        take_in(tmp_path, drafts, out=tmp_path / "other", overwrite=True)


@pytest.mark.parametrize("out", ["audio", ".", "audio/../audio"])
def test_the_audio_cannot_be_replaced_by_its_dataset(tmp_path: Path, out: str) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav")
    with pytest.raises(UsageError, match="in the place of the audio"):
        take_in(tmp_path, drafts, out=tmp_path / out, overwrite=True)
    assert (tmp_path / "audio" / "a.wav").is_file()


def test_without_hashing_nothing_is_decoded(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav")
    assert take_in(tmp_path, drafts, hash_audio=False).recordings["pcm_hash"].to_list() == [None]


def test_progress_is_told_of_each_recording(tmp_path: Path) -> None:
    told: list[Any] = []

    @contextmanager
    def progress(what: str, *, total: int | None, unit: str) -> Iterator[Any]:
        told.append((what, total, unit))
        yield told.append

    drafts = [*make_audio(tmp_path / "audio", "a.wav", "b.wav"), Draft("mine/none", "none.wav")]
    take_in(tmp_path, drafts, progress=progress)
    assert told == [("decoding", 3, "recordings"), 1, 1, 1]


def test_texts_that_no_file_can_hold_are_listed(tmp_path: Path) -> None:
    good, *_ = drafts = [*make_audio(tmp_path / "audio", "a.wav"), Draft("mine/b\udcff", "b\udcff.wav")]
    examples = [*captions([good]), Example("mine/a#2", good.recording_id, "train", "AudioCaptioning", "", ("x\ud800",))]
    dataset = take_in(tmp_path, drafts, examples=examples)
    assert dataset.recordings.height == dataset.examples.height == 1
    assert reasons(dataset) == [("bad-value", "mine/b\\udcff"), ("bad-value", "mine/a#2")]
    assert writable_text("caf\u00e9 \ud800") == "caf\u00e9 \\ud800"


def test_an_example_about_nothing_declared_is_refused(tmp_path: Path) -> None:
    drafts = make_audio(tmp_path / "audio", "a.wav")
    examples = [Example("e", "mine/other", "train", "AudioCaptioning", "", ("x",))]
    with pytest.raises(DatasetError, match="unknown recordings"):
        take_in(tmp_path, drafts, examples=examples)
    assert not (tmp_path / "out").exists()


def test_a_file_that_may_not_be_read_is_a_problem() -> None:
    """Root may read everything, so as root the test takes the rights of nobody for a moment."""
    if not hasattr(os, "seteuid"):
        pytest.skip("this system has no users in the sense of POSIX")
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o777)
        drafts = make_audio(folder / "audio", "open.wav", "secret.wav")
        (folder / "audio" / "secret.wav").chmod(0)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            dataset = take_in(folder, drafts)
        finally:
            if is_root:
                os.seteuid(0)
        (problem,) = read_problems(dataset)
        assert (problem.reason, problem.where) == ("unreadable", "mine/secret.wav")
        assert "may not be read" in problem.detail
        assert dataset.recordings["path"].to_list() == ["open.wav"]
    finally:
        shutil.rmtree(folder)
