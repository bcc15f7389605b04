"""A check finds every fault that was planted, and none in clean data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from saved_tables import save_tables

from audiolect.corpora.audio_listing import list_audio
from audiolect.corpora.intake import IntakeOptions
from audiolect.corpora.soundworld import corpus as soundworld
from audiolect.data import checks
from audiolect.data.audio_checks import AudioFacts, look_at_all
from audiolect.data.audio_faults import Limits
from audiolect.data.card import CardFacts, make_card, write_card
from audiolect.data.check_state import read_facts, read_fingerprints
from audiolect.data.checks import CheckReport, CheckSettings, check_dataset, check_decoding, check_folder
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.data.problems import load_problems
from audiolect.data.quarantine import read_quarantine, without_quarantined
from audiolect.data.records import NO_CODEC, Example, Recording, examples_frame, recordings_frame
from audiolect.data.table_checks import LabelSet
from audiolect.data.tables import write_table
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.storage import read_json

RATE_HZ = 16000
ESC10 = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "esc10"
QUICK = CheckSettings(limits=Limits(0.1, 20))


def sound(seed: int, seconds: float = 3.0) -> np.ndarray:
    """Tones that change several times a second, as 16-bit numbers."""
    rng = np.random.default_rng(seed)
    times = np.arange(RATE_HZ // 8) / RATE_HZ
    tones = [
        rng.uniform(0.1, 0.4) * np.sin(2 * np.pi * rng.uniform(200, 3000) * times) for _ in range(int(seconds * 8))
    ]
    noise = 0.01 * rng.standard_normal(len(tones) * len(times))
    return np.rint(32768 * (np.concatenate(tones) + noise)).astype(np.int16)


def write(path: Path, samples: np.ndarray, **how: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE_HZ, **how)


def plant(root: Path) -> dict[str, str]:
    """A folder with one of each fault of audio; file → reason."""
    clean = sound(0)
    for index in range(4):
        write(root / f"clean-{index}.wav", sound(100 + index))
    (root / "empty.wav").write_bytes(b"")
    (root / "text.wav").write_text("<html>404</html>")
    write(root / "no-samples.wav", clean[:0])
    write(root / "truncated.wav", clean)
    os.truncate(root / "truncated.wav", 20000)
    write(root / "broken.flac", sound(1))
    data = bytearray((root / "broken.flac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    (root / "broken.flac").write_bytes(data)
    write(root / "more-than-header.wav", sound(2))
    data = bytearray((root / "more-than-header.wav").read_bytes())
    data[40:44] = struct.pack("<I", 40000)
    (root / "more-than-header.wav").write_bytes(data)
    write(root / "silent.wav", np.zeros(RATE_HZ, np.int16))
    write(root / "nearly-silent.flac", np.random.default_rng(3).integers(-3, 4, RATE_HZ).astype(np.int16))
    write(root / "clipped.wav", np.clip(sound(4) / 8192, -1, 1))
    write(root / "offset.wav", sound(5) // 2 + np.int16(3000))
    not_finite = sound(6).astype(np.float32) / 32768
    not_finite[77] = np.nan
    write(root / "nan.wav", not_finite, subtype="FLOAT")
    write(root / "short.wav", sound(7)[:800])
    write(root / "long.wav", np.tile(sound(8), 8))
    write(root / "twice.wav", sound(9))
    write(root / "twice-again.flac", sound(9))
    write(root / "like.wav", sound(10))
    write(root / "like-again.ogg", 0.6 * sound(10)[RATE_HZ // 4 :] / 32768)
    return {
        "empty.wav": "empty",
        "text.wav": "unreadable",
        "no-samples.wav": "no-samples",
        "truncated.wav": "truncated",
        "broken.flac": "unreadable",
        "more-than-header.wav": "length-mismatch",
        "silent.wav": "silent",
        "nearly-silent.flac": "silent",
        "clipped.wav": "clipped",
        "offset.wav": "dc-offset",
        "nan.wav": "not-finite",
        "short.wav": "too-short",
        "long.wav": "too-long",
        "twice.wav": "exact-duplicate",
        "like.wav": "near-duplicate",
    }


def found_in(report: CheckReport) -> dict[str, str]:
    assert len({problem.where for problem in report.problems}) == len(report.problems)
    return {problem.where: problem.reason for problem in report.problems}


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_planted_fault_of_a_folder_is_found(tmp_path: Path, jobs: int) -> None:
    planted = plant(tmp_path / "sounds")
    settings = replace(QUICK, jobs=jobs)
    report = check_folder(tmp_path / "sounds", list_audio(tmp_path / "sounds"), tmp_path / "out", settings)
    assert found_in(report) == planted
    assert report.num_recordings == report.num_decoded == 21
    warned = {"clipped.wav", "offset.wav", "twice.wav", "like.wav"}
    assert {problem.where for problem in report.errors} == set(planted) - warned
    assert {entry.id for entry in report.quarantined} == set(planted) - warned
    assert report.summary.num_decoded == 21 - 5


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    plant(tmp_path / "sounds")
    out = tmp_path / "out"
    report = check_folder(tmp_path / "sounds", list_audio(tmp_path / "sounds"), out, replace(QUICK, command="me"))
    assert sorted(path.name for path in out.iterdir()) == [
        "check.json",
        "facts.parquet",
        "problems.jsonl",
        "quarantine.jsonl",
    ]
    assert load_problems(out / "problems.jsonl") == list(report.problems)
    assert read_quarantine(out / "quarantine.jsonl") == list(report.quarantined)
    assert read_facts(out).height == 21
    summary = read_json(out / "check.json")
    assert (summary["format"], summary["version"], summary["command"]) == ("audiolect/check", 2, "me")
    assert summary["problems"]["silent"] == 2
    assert (summary["num_errors"], summary["num_warnings"]) == (11, 4)
    assert summary["summary"]["rates"] == {"16000": 16}


def test_nothing_is_decoded_twice(tmp_path: Path) -> None:
    root, out = tmp_path / "sounds", tmp_path / "out"
    plant(root)
    first = check_folder(root, list_audio(root), out, QUICK)
    again = check_folder(root, list_audio(root), out, QUICK)
    # What could not be read is tried again.
    assert again.num_decoded == 4
    assert again.problems == first.problems
    write(root / "clean-0.wav", np.zeros(RATE_HZ, np.int16))
    changed = check_folder(root, list_audio(root), out, QUICK)
    assert changed.num_decoded == 5
    assert found_in(changed)["clean-0.wav"] == "silent"
    assert check_folder(root, list_audio(root), out, replace(QUICK, afresh=True)).num_decoded == 21
    # Other limits need no decoding.
    assert "long.wav" not in found_in(check_folder(root, list_audio(root), out, replace(QUICK, limits=Limits())))


def test_clean_audio_has_no_faults(tmp_path: Path) -> None:
    for index in range(5):
        write(tmp_path / "sounds" / f"{index}.flac", sound(200 + index))
    report = check_folder(tmp_path / "sounds", list_audio(tmp_path / "sounds"), tmp_path / "out", QUICK)
    assert report.problems == report.quarantined == ()
    assert report.as_dict()["problems"] == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only some systems take names that are no Unicode text")
def test_names_that_are_no_unicode_text_are_told_of(tmp_path: Path) -> None:
    root = tmp_path / "sounds"
    write(root / "a.wav", sound(1))
    (root / "a.wav").rename(os.fsdecode(os.fsencode(root) + b"/caf\xe9.wav"))
    write(root / "b.wav", sound(2))
    report = check_folder(root, list_audio(root), tmp_path / "out", QUICK)
    assert [(p.reason, p.where) for p in report.problems] == [("bad-value", "caf\\udce9.wav")]
    assert load_problems(tmp_path / "out" / "problems.jsonl") == list(report.problems)
    assert report.num_decoded == 1


def test_a_folder_without_audio(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no audio to check"):
        check_folder(tmp_path, [], tmp_path / "out", QUICK)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_is_not_written_to(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", sound(1))
    with pytest.raises(AlreadyExists):
        check_folder(tmp_path, ["a.wav"], tmp_path, QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


# Datasets


def faulty_dataset(folder: Path) -> tuple[Dataset, dict[str, str]]:
    """A dataset folder by other hands, with one of each fault of tables and files; place → reason."""
    root = folder / "audio"
    rows, planted = [], {}
    for index in range(30):
        write(root / f"{index:02d}.wav", sound(300 + index, 1.0))
        size = (root / f"{index:02d}.wav").stat().st_size
        facts = look_at_all([checks.Request(f"x/{index:02d}", f"{index:02d}.wav")], root)[0]
        rows.append(
            Recording(
                f"x/{index:02d}", f"{index:02d}.wav", RATE_HZ, RATE_HZ, 1, "wav/pcm_16", size,
                pcm_hash=facts.pcm_hash, split="train" if index % 2 else "test", labels=("dog",),
            )
        )  # fmt: skip

    def spoil(index: int, reason: str, **changes: object) -> None:
        rows[index] = replace(rows[index], **changes)
        planted[rows[index].recording_id] = reason

    (root / "00.wav").unlink()
    planted["x/00"] = "missing"
    spoil(1, "length-mismatch", num_samples=RATE_HZ + 1)
    spoil(2, "length-mismatch", num_samples=RATE_HZ - 1, pcm_hash=None)
    spoil(3, "rate-mismatch", sample_rate_hz=44100)
    spoil(4, "changed", pcm_hash="0" * 32)
    spoil(5, "unknown-label", labels=("dog", "dragon"))
    rows.append(replace(rows[6], path="07.wav", pcm_hash=rows[7].pcm_hash, split="train"))
    planted["x/06"] = "duplicate-id"
    write(root / "more" / "orphan.wav", sound(399))
    planted["more/orphan.wav"] = "orphan"

    def asked(name: str, of: str, answer: str, split: str = "test") -> Example:
        return Example(name, of, split, "AudioCaptioning", "", (answer,))

    examples = [
        asked("good", "x/08", "A dog barks."),
        asked("empty", "x/08", ""),
        asked("short", "x/08", "x"),
        asked("odd", "x/08", "A d\ufffdg barks."),
        asked("unknown", "x/99", "A dog barks."),
        asked("elsewhere", "x/08", "A dog barks.", "train"),
        asked("again", "x/08", "A dog barks."),
        asked("again", "x/10", "A dog barks."),
    ]
    planted |= {
        "empty": "empty-text",
        "short": "one-character-text",
        "odd": "odd-characters",
        "unknown": "no-recording",
        "elsewhere": "split-mismatch",
        "again": "duplicate-id",
    }
    recordings, table = recordings_frame(rows), examples_frame(examples)
    write_table(folder / "recordings.parquet", recordings)
    write_table(folder / "examples.parquet", table)
    write_card(folder, make_card(CardFacts("x", "1", "CC0", "-", "audio"), recordings, table))
    return open_dataset(folder), planted


def test_every_planted_fault_of_a_dataset_is_found(tmp_path: Path) -> None:
    dataset, planted = faulty_dataset(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    settings = replace(QUICK, labels=LabelSet(frozenset({"dog", "cat"}), "labels"))
    report = check_dataset(dataset, tmp_path / "check", settings, files=list_audio(dataset.audio_root))
    found = {problem.where: problem.reason for problem in report.problems if problem.reason != "exact-duplicate"}
    assert found == planted
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    left_out = {(entry.kind, entry.id) for entry in report.quarantined}
    assert left_out == {("recording", f"x/0{index}") for index in (0, 1, 3, 4, 5, 6)} | {
        ("example", name) for name in ("empty", "short", "unknown", "elsewhere", "again")
    }
    rest = without_quarantined(dataset)
    assert rest.recordings.height == 31 - 7
    assert rest.examples["example_id"].to_list() == ["good", "odd"]


def test_tables_that_break_the_rules_end_the_check_early(tmp_path: Path) -> None:
    dataset, _ = faulty_dataset(tmp_path)
    broken = dataset.recordings.with_columns(path=pl.lit("../x.wav"))
    write_table(tmp_path / "recordings.parquet", broken)
    report = check_dataset(open_dataset(tmp_path), tmp_path / "check", QUICK)
    assert {problem.reason for problem in report.errors} >= {"bad-table"}
    assert report.num_decoded == 0
    assert report.num_recordings == 31


def test_audio_that_is_not_there_at_all(tmp_path: Path) -> None:
    faulty_dataset(tmp_path)
    dataset = open_dataset(tmp_path, audio_root=tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="not where its card says"):
        check_dataset(dataset, tmp_path / "check", QUICK)
    assert not (tmp_path / "check").exists()


def test_a_file_that_kills_its_process_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for a killed input becomes a fault like any other."""
    for index in range(3):
        write(tmp_path / "sounds" / f"{index}.wav", sound(index))

    def surviving(function: object, chunks: list[list[checks.Request]], **how: object) -> list[list[AudioFacts]]:
        stand_in = how["stand_in"]
        looked = [look_at_all(chunk, tmp_path / "sounds") for chunk in chunks]
        return [[stand_in(r) if r.path == "1.wav" else f for r, f in zip(chunk, facts, strict=True)]
                for chunk, facts in zip(chunks, looked, strict=True)]  # fmt: skip

    monkeypatch.setattr(checks, "map_surviving", surviving)
    report = check_folder(tmp_path / "sounds", list_audio(tmp_path / "sounds"), tmp_path / "out", QUICK)
    [problem] = report.problems
    assert (problem.where, problem.reason) == ("1.wav", "unreadable")
    assert "died" in problem.detail


# Clean data


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("made") / "world"
    return soundworld.prepare(folder, num_recordings=60, seed=11, options=IntakeOptions())


def test_soundworld_is_clean(world: Dataset, tmp_path: Path) -> None:
    labels = LabelSet(frozenset(world.recordings["labels"].explode()), "soundworld")
    settings = CheckSettings(labels=labels)
    report = check_dataset(world, tmp_path / "check", settings, files=list_audio(world.audio_root))
    assert report.problems == ()
    assert (report.num_recordings, report.num_examples) == (60, world.examples.height)
    assert without_quarantined(world, tmp_path / "check" / "quarantine.jsonl") is world
    words = read_fingerprints(world, tmp_path / "check")
    assert list(words) == world.recordings["recording_id"].to_list()
    assert all(len(each) for each in words.values())
    assert check_decoding(world) == []


def test_decoding_alone_lists_the_errors(world: Dataset, tmp_path: Path) -> None:
    copy = tmp_path / "world"
    shutil.copytree(world.folder, copy)
    dataset = open_dataset(copy)
    first, second = dataset.recordings["path"][:2]
    (dataset.audio_root / first).write_bytes(b"")
    os.truncate(dataset.audio_root / second, 9000)
    found = check_decoding(dataset)
    assert [(p.reason, p.where) for p in found] == [
        ("empty", dataset.recordings["recording_id"][0]),
        ("truncated", dataset.recordings["recording_id"][1]),
    ]
    assert not (copy / "check").exists()


def test_esc10_has_odd_lengths_and_two_recordings_twice(tmp_path: Path) -> None:
    if not (ESC10 / "audio").is_dir():
        pytest.skip("ESC-10 is not here")
    report = check_folder(ESC10 / "audio", list_audio(ESC10 / "audio"), tmp_path / "out", CheckSettings(jobs=2))
    assert report.errors == []
    found = {problem.where: problem.reason for problem in report.problems}
    # One recording is clipped. Of two Freesound uploads there is a second version, once in another fold.
    assert found == {
        "5-186924-A-12.ogg": "clipped",
        "2-30322-A-12.ogg": "near-duplicate",
        "5-151085-A-20.ogg": "near-duplicate",
    }
    lengths = report.summary.lengths
    assert lengths is not None
    assert lengths.usual_seconds == pytest.approx(5.0, abs=0.001)
    assert (round(lengths.shortest_seconds, 2), round(lengths.longest_seconds, 2)) == (3.64, 7.24)
    assert lengths.num_usual + lengths.num_odd == 400
    assert [odd.recording_id for odd in lengths.odd[:3]] == [
        "1-17808-B-12.ogg", "1-172649-F-40.ogg", "4-164661-B-12.ogg",
    ]  # fmt: skip
    assert report.summary.rates == {44100: 400}


# A check that is killed


SCRIPT = """
import sys
from pathlib import Path
from audiolect.corpora.audio_listing import list_audio
from audiolect.data import check_state
from audiolect.data.checks import CheckSettings, check_folder

check_state._FLUSH_SECONDS = 0.0
root = Path(sys.argv[1])
check_folder(root, list_audio(root), Path(sys.argv[2]), CheckSettings())
"""


def test_a_check_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    root, out = tmp_path / "sounds", tmp_path / "out"
    for index in range(10):
        write(root / f"{index:03d}.wav", sound(index, 1.0))
    for index in range(10, 300):
        shutil.copy(root / f"{index % 10:03d}.wav", root / f"{index:03d}.wav")
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), str(out)])
    deadline = time.monotonic() + 60
    while not list(out.glob("unfinished/part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "check.json").exists()
    resumed = check_folder(root, list_audio(root), out, CheckSettings())
    assert 0 < resumed.num_decoded < 300
    whole = check_folder(root, list_audio(root), tmp_path / "whole", CheckSettings())
    assert whole.num_decoded == 300
    assert resumed.problems == whole.problems
    assert len(resumed.problems) == 290
    assert read_facts(out).equals(read_facts(tmp_path / "whole"))
    assert not (out / "unfinished").exists()


def test_the_summary_is_plain_json(tmp_path: Path) -> None:
    write(tmp_path / "sounds" / "a.wav", sound(1))
    report = check_folder(tmp_path / "sounds", ["a.wav"], tmp_path / "out", QUICK)
    assert json.loads(json.dumps(report.as_dict()))["num_recordings"] == 1


def test_quarantined_words_of_people_stay(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write(folder / "audio" / "a.wav", sound(1))
    size = (folder / "audio" / "a.wav").stat().st_size
    row = Recording("x/a", "a.wav", 3 * RATE_HZ, RATE_HZ, 1, "wav/pcm_16", size)
    dataset = save_tables(folder, [row], name="x")
    check_dataset(dataset, folder / "check", QUICK)
    path = folder / "check" / "quarantine.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "recording", "id": "x/a", "reasons": ["no dog"], "by": "Ada"}\n')
    report = check_dataset(dataset, folder / "check", QUICK)
    assert [entry.by for entry in report.quarantined] == ["Ada"]


def test_of_recordings_made_from_tables_alone_the_tables_are_checked(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    recordings = [
        Recording(f"t/{n}", f"{n}.wav", 320000, 32000, 1, NO_CODEC, 0, split="train", labels=("dog",)) for n in "ab"
    ]
    examples = [
        Example("t/a#1", "t/a", "train", "AudioCaptioning", "describe", ("a dog",)),
        Example("t/b#1", "t/b", "train", "AudioCaptioning", "describe", ("x",)),
    ]
    dataset = save_tables(folder, recordings, examples, audio_root=tmp_path / "nowhere")
    report = check_dataset(dataset, folder / "check", QUICK)
    assert (report.num_recordings, report.num_decoded, report.num_without_audio) == (2, 0, 2)
    assert [(problem.reason, problem.where) for problem in report.problems] == [("one-character-text", "t/b#1")]
    assert without_quarantined(open_dataset(folder)).recordings.height == 2
    with pytest.raises(DatasetError, match="no audio at hand to decode"):
        check_decoding(dataset)
