"""Whole packs: against soundfile and soxr, any number of jobs, killed at any moment, added to, refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
import soxr

from audiolect.data.dataset import Dataset, open_dataset
from audiolect.data.fingerprints import recordings_fingerprint
from audiolect.data.problems import load_problems
from audiolect.errors import AlreadyExists, DatasetError, StorageError, TooManyProblems, UsageError
from audiolect.folder_lock import hold_folder
from audiolect.loader import pack_parts, pack_writer
from audiolect.loader.pack_check import check_pack
from audiolect.loader.pack_format import read_card, read_index
from audiolect.loader.pack_plan import PackSettings
from audiolect.loader.pack_writer import write_pack

SETTINGS = PackSettings(rate_hz=16000, max_shard_bytes=150_000)
MakeSounds = Callable[..., Dataset]


def noise(seed: int, num_samples: int, level: float = 0.3, channels: int = 1) -> np.ndarray:
    return level * np.random.default_rng(seed).uniform(-1, 1, (num_samples, channels))


def some_sounds(count: int) -> dict[str, Any]:
    """Odd lengths, several rates and formats; some so loud that they need a scale."""
    rates, suffixes = [8000, 16000, 44100], ["wav", "flac"]
    return {
        f"{i:03d}.{suffixes[i % 2]}": (
            noise(i, 1 + 997 * i % 35_000, 1.0 if i % 5 == 4 else 0.3, 1 + i % 2),
            rates[i % 3],
        )
        for i in range(count)
    }


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_parts, "PART_BYTES", 100_000)


def content(folder: Path) -> dict[str, bytes]:
    assert folder.is_dir()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def values(folder: Path) -> dict[str, np.ndarray]:
    """Every recording of a PCM pack by the formula of docs/formats.md, without the reader of this package."""
    card = json.loads((folder / "pack.json").read_text())
    found = {}
    for row in pl.read_parquet(folder / card["index"]["name"]).iter_rows(named=True):
        data = (folder / card["shards"][row["shard"]]["name"]).read_bytes()
        entry = data[row["start_byte"] : row["start_byte"] + row["num_bytes"]]
        assert hashlib.blake2b(entry, digest_size=16).hexdigest() == row["hash"]
        found[row["recording_id"]] = np.frombuffer(entry, "<i2").astype(np.float64) / 32768 * row["scale"]
        assert len(found[row["recording_id"]]) == row["num_samples"]
    return found


def test_a_pack_holds_what_soundfile_and_soxr_give(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(14))
    report = write_pack(dataset, tmp_path / "pack", SETTINGS)
    found = values(tmp_path / "pack")
    assert list(found) == dataset.recordings["recording_id"].to_list()
    scales = read_index(tmp_path / "pack", report.card)["scale"]
    assert 0 < scales.filter(scales > 1).len() < 14
    for (name, samples), scale in zip(found.items(), scales, strict=True):
        sound, rate_hz = soundfile.read(dataset.audio_root / name.removeprefix("s/"), always_2d=True)
        mono = sound.mean(axis=1)
        if rate_hz != 16000:
            mono = soxr.resample(np.append(mono, np.zeros(9)), rate_hz, 16000, "HQ")[: -(-len(mono) * 16000 // rate_hz)]
        assert samples == pytest.approx(mono, abs=1.01 * scale / 32768)


def test_the_card_says_what_is_there(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(14))
    folder = tmp_path / "pack"
    write_pack(dataset, folder, SETTINGS)
    card = read_card(folder)
    assert len(card.shards) > 1
    assert card.fingerprint == recordings_fingerprint(dataset.recordings) == dataset.card.fingerprint
    assert (card.dataset, card.dataset_version, card.rate_hz, card.codec) == ("sounds", "1", 16000, "pcm")
    assert max(shard.num_bytes for shard in card.shards) <= 150_000
    names = {"pack.json", "index.parquet", "problems.jsonl"}
    names |= {shard.name for shard in card.shards} | {f"shard-{i:05d}.crc" for i in range(len(card.shards))}
    assert set(content(folder)) == names
    assert {path.name for path in tmp_path.iterdir()} == {"pack", "sounds", "sounds-audio"}
    assert check_pack(folder).damages == ()


def test_jobs_do_not_change_a_byte(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(14))
    for jobs in (1, 2):
        write_pack(dataset, tmp_path / f"pack{jobs}", PackSettings(16000, max_shard_bytes=150_000, jobs=jobs))
    assert content(tmp_path / "pack1") == content(tmp_path / "pack2")


def test_flac_holds_the_same_samples(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(9))
    write_pack(dataset, tmp_path / "pcm", SETTINGS)
    write_pack(dataset, tmp_path / "flac", PackSettings(16000, codec="flac", max_shard_bytes=250_000))
    card = read_card(tmp_path / "flac")
    index = read_index(tmp_path / "flac", card)
    wanted = values(tmp_path / "pcm")
    for row in index.iter_rows(named=True):
        with (tmp_path / "flac" / card.shards[row["shard"]].name).open("rb") as file:
            file.seek(row["start_byte"])
            (tmp_path / "one.flac").write_bytes(file.read(row["num_bytes"]))
        found, rate_hz = soundfile.read(tmp_path / "one.flac", dtype="int16")
        assert rate_hz == 16000
        assert np.array_equal(found.astype(np.float64) / 32768 * row["scale"], wanted[row["recording_id"]])
    assert index.height == len(wanted) == 9


class Killed(BaseException):
    """What stands for SIGKILL here: nobody catches it."""


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Counts every call that changes the disk for good, and dies in the one asked for, before it happens."""
    state = {"calls": 0, "dies_at": -1}

    def watch(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            if state["calls"] == state["dies_at"]:
                raise Killed
            state["calls"] += 1
            return real(*arguments, **more)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in (
        (os, "fsync"),
        (Path, "rename"),
        (Path, "replace"),
        (shutil, "rmtree"),
        (pack_writer, "remove_part"),
        (pack_writer, "make_part"),
        (pack_writer, "write_card"),
        (pack_writer, "save_problems"),
    ):
        watch(owner, name)
    yield state
    state["dies_at"] = -1


@pytest.mark.parametrize("kind", ["new", "overwritten", "added to"])
def test_killed_at_every_step_the_next_run_ends_the_same(
    make_sounds: MakeSounds, tmp_path: Path, killer: dict[str, int], kind: str
) -> None:
    sounds = some_sounds(7)
    few = make_sounds(dict(list(sounds.items())[:3]))
    base = tmp_path / "base"
    write_pack(few, base, SETTINGS)
    dataset = make_sounds(sounds)
    settings = PackSettings(16000, max_shard_bytes=150_000, overwrite=kind == "overwritten")

    def fresh(name: str) -> Path:
        folder = tmp_path / name
        if kind != "new":
            shutil.copytree(base, folder)
        return folder

    killer["calls"] = 0
    write_pack(dataset, fresh("whole"), settings)
    steps, wanted = killer["calls"], content(tmp_path / "whole")
    assert steps > 20
    for step in range(steps):
        target = fresh("torn")
        before = content(target) if kind != "new" else None
        killer.update(calls=0, dies_at=step)
        with pytest.raises(Killed):
            write_pack(dataset, target, settings)
        killer["dies_at"] = -1
        if (target / "pack.json").is_file():  # whatever is there is a whole pack, the old one or the new one
            assert check_pack(target).damages == ()
        elif before is not None:
            assert (tmp_path / "torn.replaced").is_dir()
        write_pack(dataset, target, settings)
        assert content(target) == wanted, f"killed at step {step}"
        assert {path.name for path in tmp_path.iterdir()} <= {"base", "whole", "torn", "sounds", "sounds-audio"}
        shutil.rmtree(target)


SCRIPT = """
import sys
from pathlib import Path
from audiolect.data.dataset import open_dataset
from audiolect.loader import pack_parts
from audiolect.loader.pack_plan import PackSettings
from audiolect.loader.pack_writer import write_pack
if __name__ == "__main__":
    pack_parts.PART_BYTES = 100_000
    print("begin", flush=True)
    settings = PackSettings(16000, max_shard_bytes=150_000, jobs=2)
    write_pack(open_dataset(sys.argv[1]), Path(sys.argv[2]), settings)
"""


def test_a_real_kill_9_at_random_moments(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(40))
    write_pack(dataset, tmp_path / "whole", SETTINGS)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    target, state = tmp_path / "torn", tmp_path / "torn.unfinished" / "unfinished"
    rng = random.Random(0)
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, str(script), str(dataset.folder), str(target)], start_new_session=True
        )
        lines = (state / "journal.jsonl").read_bytes().count(b"\n") if (state / "journal.jsonl").exists() else 0
        while process.poll() is None:  # until the journal has grown, then a little longer
            journal = state / "journal.jsonl"
            if journal.exists() and journal.read_bytes().count(b"\n") > lines:
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.02))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        assert not target.exists() or process.returncode == 0
    assert kills > 0
    report = write_pack(dataset, target, SETTINGS)
    assert report.num_resumed > 0 or report.num_added == 0
    assert content(target) == content(tmp_path / "whole")


def test_parts_that_were_done_are_kept(
    make_sounds: MakeSounds, tmp_path: Path, killer: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_sounds(some_sounds(14))
    decoded: list[str] = []
    real = pack_parts._ENCODERS["pcm"]
    monkeypatch.setitem(
        pack_parts._ENCODERS, "pcm", lambda span, hz, file: decoded.append(span.path.name) or real(span, hz, file)
    )
    killer["dies_at"] = 32
    with pytest.raises(Killed):
        write_pack(dataset, tmp_path / "pack", SETTINGS)
    killer["dies_at"] = -1
    before = list(decoded)
    assert before
    decoded.clear()
    report = write_pack(dataset, tmp_path / "pack", SETTINGS)
    assert 0 < report.num_resumed < 14
    assert len(set(before) & set(decoded)) == 0
    assert len(before) + len(decoded) == 14


def test_new_recordings_are_added_and_nothing_else_changes(make_sounds: MakeSounds, tmp_path: Path) -> None:
    sounds = some_sounds(12)
    first = dict(list(sounds.items())[2:8])
    folder = tmp_path / "pack"
    write_pack(make_sounds(first), folder, SETTINGS)
    before, old = content(folder), values(folder)
    dataset = make_sounds(sounds)
    report = write_pack(dataset, folder, SETTINGS)
    after = content(folder)
    assert report.num_added == 6
    assert {name: after[name] for name in before if name.startswith("shard-")} == {
        name: data for name, data in before.items() if name.startswith("shard-")
    }
    card = read_card(folder)
    assert card.index.name == "index-00002.parquet"
    assert "index.parquet" not in after
    assert card.fingerprint == dataset.card.fingerprint
    found = values(folder)
    assert list(found)[:6] == list(old)
    assert set(found) == {f"s/{name}" for name in sounds}
    write_pack(dataset, tmp_path / "at once", SETTINGS)
    at_once = values(tmp_path / "at once")
    assert all(np.array_equal(found[name], at_once[name]) for name in at_once)
    assert check_pack(folder).damages == ()


def test_nothing_new_changes_nothing(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(5))
    write_pack(dataset, tmp_path / "pack", SETTINGS)
    before = content(tmp_path / "pack")
    report = write_pack(dataset, tmp_path / "pack", SETTINGS)
    assert (report.num_added, report.added_bytes, report.added_shards) == (0, 0, 0)
    assert content(tmp_path / "pack") == before


def test_what_cannot_be_read_is_listed_and_tried_again_when_asked(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(6))
    lost = dataset.audio_root / "003.flac"
    data = lost.read_bytes()
    lost.unlink()
    folder = tmp_path / "pack"
    report = write_pack(dataset, folder, SETTINGS)
    assert dict(report.card.left_out) == {"missing": 1}
    assert [problem.where for problem in load_problems(folder / "problems.jsonl")] == ["s/003.flac"]
    lost.write_bytes(data)
    again = write_pack(dataset, folder, SETTINGS)
    assert again.num_added == 0
    assert [problem.where for problem in again.problems] == ["s/003.flac"]
    retried = write_pack(dataset, folder, PackSettings(16000, max_shard_bytes=150_000, retry=True))
    assert retried.num_added == 1
    assert dict(retried.card.left_out) == {}
    assert load_problems(folder / "problems.jsonl") == []
    assert "s/003.flac" in values(folder)


def test_a_limit_of_problems_stops_and_more_goes_on(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(8))
    for name in ("001.flac", "005.flac"):
        (dataset.audio_root / name).unlink()
    with pytest.raises(TooManyProblems, match="2 of 8"):
        write_pack(dataset, tmp_path / "pack", PackSettings(16000, max_shard_bytes=150_000, max_problems=1))
    assert not (tmp_path / "pack").exists()
    report = write_pack(dataset, tmp_path / "pack", PackSettings(16000, max_shard_bytes=150_000, max_problems=2))
    assert (report.card.num_recordings, report.num_resumed) == (6, 6)


def test_no_audio_at_all_is_a_letter_and_leaves_nothing(make_sounds: MakeSounds, tmp_path: Path) -> None:
    dataset = make_sounds(some_sounds(3))
    for path in dataset.audio_root.iterdir():
        path.unlink()
    with pytest.raises(TooManyProblems, match="None of the 3 recordings can be read"):
        write_pack(dataset, tmp_path / "pack", SETTINGS)
    assert {path.name for path in tmp_path.iterdir()} == {"sounds", "sounds-audio"}


def test_an_unfinished_pack_of_other_settings_is_not_gone_on_with(
    make_sounds: MakeSounds, tmp_path: Path, killer: dict[str, int]
) -> None:
    dataset = make_sounds(some_sounds(8))
    killer["dies_at"] = 15
    with pytest.raises(Killed):
        write_pack(dataset, tmp_path / "pack", SETTINGS)
    killer["dies_at"] = -1
    for other in (
        PackSettings(8000, max_shard_bytes=150_000),
        PackSettings(16000, codec="flac", max_shard_bytes=150_000),
        PackSettings(16000, max_shard_bytes=151_000),
        PackSettings(16000, max_shard_bytes=150_000, where="recording_id != 's/000.wav'"),
    ):
        with pytest.raises(AlreadyExists, match="unfinished pack of other settings"):
            write_pack(dataset, tmp_path / "pack", other)
    write_pack(dataset, tmp_path / "pack", SETTINGS)
    assert check_pack(tmp_path / "pack").damages == ()


def test_another_dataset_is_refused_and_overwritten_when_asked(make_sounds: MakeSounds, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    write_pack(make_sounds(some_sounds(5)), folder, SETTINGS)
    before = content(folder)
    other = make_sounds({"000.wav": (noise(0, 999), 8000), "new.wav": (noise(1, 500), 8000)}, name="other")
    with pytest.raises(DatasetError, match="The pack is of another dataset") as raised:
        write_pack(other, folder, SETTINGS)
    for fact in (other.card.fingerprint, read_card(folder).fingerprint, "4 recordings", "1 with other spans"):
        assert fact in str(raised.value)
    assert content(folder) == before
    write_pack(other, folder, PackSettings(16000, overwrite=True))
    assert set(values(folder)) == {"s/000.wav", "s/new.wav"}
    assert {path.name for path in tmp_path.iterdir()} == {"pack", "sounds", "sounds-audio", "other", "other-audio"}


def test_two_at_once_are_kept_apart(make_sounds: MakeSounds, tmp_path: Path) -> None:
    with (
        hold_folder(tmp_path / "pack.unfinished" / "unfinished"),
        pytest.raises(UsageError, match="Another process is at work"),
    ):
        write_pack(make_sounds(some_sounds(2)), tmp_path / "pack", SETTINGS)


def test_a_place_that_cannot_be_written_is_a_letter(make_sounds: MakeSounds, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_pack(make_sounds(some_sounds(2)), tmp_path / "file" / "pack", SETTINGS)


def test_a_full_disk_in_the_shards_is_a_letter_and_the_work_is_kept(
    make_sounds: MakeSounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_sounds(some_sounds(8))
    real, calls = os.fsync, iter(range(1000))

    def full(descriptor: int) -> None:
        if next(calls) == 6:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="cannot be written"):
            write_pack(dataset, tmp_path / "pack", SETTINGS)
    write_pack(open_dataset(dataset.folder), tmp_path / "pack", SETTINGS)
    assert check_pack(tmp_path / "pack").damages == ()
