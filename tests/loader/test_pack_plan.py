"""What is packed and what forbids it, found out without decoding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import AlreadyExists, DatasetError, FilterError, StorageError, UsageError
from audiolect.loader import pack_plan
from audiolect.loader.pack_plan import PackSettings, check_room, plan_pack
from audiolect.loader.pack_writer import write_pack

SETTINGS = PackSettings(rate_hz=16000)
LENGTHS = {"a.wav": (8000, 1000), "b.wav": (16000, 2001), "c.wav": (44100, 4410), "d.wav": (44100, 1)}


@pytest.fixture
def dataset(make_sounds: Callable[..., Dataset]) -> Dataset:
    sounds: dict[str, Any] = {name: (np.full(count, 0.1), rate) for name, (rate, count) in LENGTHS.items()}
    return make_sounds(sounds, split_of=lambda name: "test" if name == "b.wav" else "train")


def quarantine(dataset: Dataset, *names: str) -> None:
    path = dataset.folder / "check" / "quarantine.jsonl"
    path.parent.mkdir(exist_ok=True)
    entries = [Entry("recording", name, ("clipped", "silent")) for name in names]
    write_quarantine(path, entries, name=dataset.card.name, fingerprint=dataset.card.fingerprint)


def test_lengths_are_foretold(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_pack(dataset, tmp_path / "pack", SETTINGS)
    assert plan.pending["recording_id"].to_list() == ["s/a.wav", "s/b.wav", "s/c.wav", "s/d.wav"]
    assert plan.pending["packed_samples"].to_list() == [2000, 2001, 1600, 1]
    assert plan.pending["packed_bytes"].to_list() == [4000, 4002, 3200, 2]
    assert plan.seconds == pytest.approx(1000 / 8000 + 2001 / 16000 + 0.1 + 1 / 44100)
    assert (plan.num_selected, plan.num_packed, plan.base) == (4, 0, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sounds", "sounds-audio"]


def test_split_and_filter_choose(dataset: Dataset, tmp_path: Path) -> None:
    def chosen(**asked: Any) -> list[str]:
        plan = plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, **asked))
        return plan.pending["recording_id"].to_list()

    assert chosen(split="test") == ["s/b.wav"]
    assert chosen(where="sample_rate_hz == 44100") == ["s/c.wav", "s/d.wav"]
    assert chosen(split="train", where="num_samples > 100") == ["s/a.wav", "s/c.wav"]
    with pytest.raises(DatasetError, match="nothing to pack"):
        chosen(split="test", where="num_samples > 9999")
    with pytest.raises(UsageError, match="no split named 'tset'"):
        chosen(split="tset")
    with pytest.raises(FilterError):
        chosen(where="colour == 3")


def test_an_empty_dataset_has_nothing_to_pack(make_sounds: Callable[..., Dataset], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing to pack"):
        plan_pack(make_sounds({}), tmp_path / "pack", SETTINGS)


def test_quarantined_recordings_are_left_out_and_counted(dataset: Dataset, tmp_path: Path) -> None:
    quarantine(dataset, "s/b.wav", "s/c.wav")
    plan = plan_pack(dataset, tmp_path / "pack", SETTINGS)
    assert plan.pending["recording_id"].to_list() == ["s/a.wav", "s/d.wav"]
    assert [(each.reason, each.where, each.detail) for each in plan.quarantined] == [
        ("quarantined", "s/b.wav", "clipped, silent"),
        ("quarantined", "s/c.wav", "clipped, silent"),
    ]
    report = write_pack(dataset, tmp_path / "pack", SETTINGS)
    assert dict(report.card.left_out) == {"quarantined": 2}
    kept = plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, keep_quarantined=True))
    assert kept.pending["recording_id"].to_list() == ["s/b.wav", "s/c.wav"]
    assert (kept.num_packed, kept.quarantined) == (2, ())


def test_what_is_packed_may_be_quarantined_later(dataset: Dataset, tmp_path: Path) -> None:
    write_pack(dataset, tmp_path / "pack", SETTINGS)
    quarantine(dataset, "s/b.wav")
    plan = plan_pack(dataset, tmp_path / "pack", SETTINGS)
    assert plan.pending.is_empty()
    assert plan.quarantined == ()


def test_all_quarantined_is_a_letter(dataset: Dataset, tmp_path: Path) -> None:
    quarantine(dataset, "s/b.wav")
    with pytest.raises(DatasetError, match="quarantined"):
        plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, split="test"))


@pytest.mark.parametrize(
    ("codec", "fits", "too_small"), [("pcm", 4002, 4001), ("flac", 4002 + 15 + 16_384, 4002 + 14 + 16_384)]
)
def test_a_recording_longer_than_a_shard(
    dataset: Dataset, tmp_path: Path, codec: str, fits: int, too_small: int
) -> None:
    plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, codec=codec, max_shard_bytes=fits))
    with pytest.raises(UsageError, match="longer than a shard may be") as raised:
        plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, codec=codec, max_shard_bytes=too_small))
    assert raised.value.where == "s/b.wav"
    assert str(raised.value.what).startswith("1 of the recordings is longer")
    assert float(str(raised.value.found).split()[0]) == pytest.approx(fits / 1e9, rel=0.01)
    gigabytes = float(str(raised.value.fix).split()[-1])
    plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, codec=codec, max_shard_bytes=round(gigabytes * 1e9)))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"rate_hz": 0}, "not a sample rate"),
        ({"codec": "mp3"}, "no codec named 'mp3'"),
        ({"max_shard_bytes": 0}, "must hold something"),
        ({"codec": "flac", "rate_hz": 70_001}, "FLAC does not know"),
        ({"codec": "flac", "rate_hz": 700_000}, "FLAC does not know"),
    ],
)
def test_settings_that_make_no_sense(dataset: Dataset, tmp_path: Path, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, **asked))


def test_a_pack_keeps_its_settings(dataset: Dataset, tmp_path: Path) -> None:
    write_pack(dataset, tmp_path / "pack", SETTINGS)
    others: list[dict[str, Any]] = [{"rate_hz": 8000}, {"codec": "flac"}, {"max_shard_bytes": 2_000_000_000}]
    for other in others:
        with pytest.raises(UsageError, match="made with other settings") as raised:
            plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, **other))
        assert raised.value.expected == "--rate-hz 16000 --codec pcm --max-shard-gb 1"
        assert plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, overwrite=True, **other)).base is None


def test_who_adds_need_not_say_the_size_of_shards_again(dataset: Dataset, tmp_path: Path) -> None:
    first = replace(SETTINGS, max_shard_bytes=5000, split="test")
    write_pack(dataset, tmp_path / "pack", first)
    assert plan_pack(dataset, tmp_path / "pack", SETTINGS).max_shard_bytes == 5000
    assert plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, overwrite=True)).max_shard_bytes == 10**9
    assert plan_pack(dataset, tmp_path / "other", SETTINGS).max_shard_bytes == 10**9
    with pytest.raises(UsageError, match="made with other settings"):
        plan_pack(dataset, tmp_path / "pack", replace(SETTINGS, max_shard_bytes=10**9))
    card = write_pack(dataset, tmp_path / "pack", SETTINGS).card
    assert (card.max_shard_bytes, card.num_recordings) == (5000, 4)
    assert [shard.num_bytes for shard in card.shards] == [4002, 4000, 3202]


def test_places_that_a_pack_cannot_have(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letters.txt").touch()
    (tmp_path / "empty").mkdir()
    for place in (dataset.folder, dataset.folder / "pack", tmp_path):
        with pytest.raises(UsageError, match="would lie in one another"):
            plan_pack(dataset, place, SETTINGS)
    with pytest.raises(StorageError, match="where a file stands"):
        plan_pack(dataset, tmp_path / "file", SETTINGS)
    for overwrite in (False, True):
        with pytest.raises(AlreadyExists, match="other things than a pack"):
            plan_pack(dataset, tmp_path / "full", replace(SETTINGS, overwrite=overwrite))
    assert plan_pack(dataset, tmp_path / "empty", SETTINGS).num_selected == 4
    write_pack(dataset, tmp_path / "empty", SETTINGS)


def test_audio_that_is_not_there(dataset: Dataset, tmp_path: Path) -> None:
    dataset.audio_root.rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="not where its card says"):
        plan_pack(dataset, tmp_path / "pack", SETTINGS)


def test_room_is_looked_for(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_pack(dataset, tmp_path / "pack", SETTINGS)
    needed = 4000 + 4002 + 3200 + 2
    monkeypatch.setattr(pack_plan.shutil, "disk_usage", lambda _: type("Usage", (), {"free": needed - 1}))
    with pytest.raises(StorageError, match="no room"):
        check_room(plan, SETTINGS, 0)
    check_room(plan, SETTINGS, 1)
    check_room(plan, replace(SETTINGS, codec="flac"), 0)
