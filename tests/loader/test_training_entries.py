"""A mixture from its file to batches, out of packs and out of audio files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from saved_tables import save_tables

from audiolect.data.records import Example, Recording, Turn
from audiolect.errors import DatasetError, StorageError, UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.batching import TrainingBatches
from audiolect.loader.mixture import Mixture, open_mixture
from audiolect.loader.training_entries import open_sources, training_entries

RATE_HZ = 8000
COUNT = 12  # of the split train; 2 more are of the split test

MIX = """
data:
  w: {dataset: world, pack: PACK}
mixture:
  epochs: 4
  seed: 3
  entries:
    w-AudioCaptioning/train: {prefix_prob: 0.5, captions: CAPTIONS}
    w-EventTagging/train: {weight: 2.0}
    w-AQA/train: {augmentations: {gain: 0.5, mix: 0.5}}
"""


def sounds() -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(2)
    return [rng.integers(-9000, 9000, 2000 + 997 * number).astype(np.int16) for number in range(COUNT + 2)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A dataset ``world``: captions, labels and questions on 12 recordings; recording 1 is made from recording 0."""
    audio = tmp_path / "audio"
    audio.mkdir()
    recordings, examples = [], []
    for number, samples in enumerate(sounds()):
        soundfile.write(audio / f"{number}.wav", samples, RATE_HZ, subtype="PCM_16")
        split = "train" if number < COUNT else "test"
        name = f"w/{number}"
        parent = "w/0" if number == 1 else None
        recordings.append(
            Recording(name, f"{number}.wav", len(samples), RATE_HZ, 1, "pcm", 1, parent_id=parent, split=split)
        )
        captions = tuple(f"Sound {number}, take {take}." for take in range(2))
        examples.append(Example(f"{name}/c", name, split, "AudioCaptioning", "describe", captions))
        examples.append(Example(f"{name}/t", name, split, "EventTagging", "tags", ("dog", "rain", f"label {number}")))
        turns = (Turn("what?", "a dog"), Turn("where?", "outside"))
        examples.append(Example(f"{name}/q", name, split, "AQA", "which?", ("dog",), ("dog", "cat"), turns))
    save_tables(tmp_path / "world", recordings, examples, name="w", audio_root=audio)
    return tmp_path


def opened(home: Path, pack: str = "null", captions: str = "one") -> Mixture:
    (home / "mix.yaml").write_text(MIX.replace("PACK", pack).replace("CAPTIONS", captions))
    return open_mixture(home / "mix.yaml")


def read(mixture: Mixture, epoch: int = 0, **values: Any) -> list[Batch]:
    config = BatchSettings(**{"rate_hz": RATE_HZ, "crop_seconds": 0.5, "batch_size": 5, "threads": 2} | values)
    entries = training_entries(mixture.entries, open_sources(mixture, RATE_HZ))
    with TrainingBatches(mixture.plan, entries, config).epoch(epoch) as stream:
        return list(stream)


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [
        {
            "key": batch.entry_keys[batch.entry[at]],
            "number": int(batch.recording_ids[at].removeprefix("w/")),
            "wave": batch.waveforms[at, : batch.lengths[at]],
            "start": int(batch.starts[at]),
            **{
                name: getattr(batch, name)[at]
                for name in ("prompts", "answers", "references", "options", "turns", "answer_index")
            },
            **{name: int(getattr(batch, name)[at]) for name in ("recording_keys", "caption_keys", "pass_index")},
        }
        for batch in batches
        for at in range(len(batch))
    ]


@pytest.mark.parametrize("pack", ["null", "pack"])
def test_texts_and_sound_of_all_tasks(home: Path, make_pack: Callable[..., Any], pack: str) -> None:
    make_pack(sounds(), "pack", ids=[f"w/{number}" for number in range(COUNT + 2)], rate_hz=RATE_HZ)
    found = rows(read(opened(home, pack)))
    kinds = {"AudioCaptioning": COUNT, "EventTagging": 2 * COUNT, "AQA": COUNT}
    assert {kind: sum(kind in row["key"] for row in found) for kind in kinds} == kinds
    for row in found:
        number = row["number"]
        assert number < COUNT
        if "AQA" not in row["key"]:
            whole = sounds()[number].astype(np.float32) / 32768
            assert np.array_equal(row["wave"], whole[row["start"] : row["start"] + 4000])
        if "Captioning" in row["key"]:
            assert row["references"] == (f"Sound {number}, take 0.", f"Sound {number}, take 1.")
            assert row["answers"] == row["references"][row["answer_index"]]
        elif "Tagging" in row["key"]:
            assert (row["answers"], row["answer_index"]) == (f"dog, rain, label {number}", 0)
        else:
            assert (row["answers"], row["options"]) == ("dog", ("dog", "cat"))
            assert row["turns"] == (("what?", "a dog"), ("where?", "outside"))


def test_a_pack_and_audio_files_give_the_same_batches(home: Path, make_pack: Callable[..., Any]) -> None:
    make_pack(sounds()[:COUNT][::-1], "pack", ids=[f"w/{n}" for n in range(COUNT)][::-1], rate_hz=RATE_HZ)
    packed, plain = (read(opened(home, pack), epoch=1, policy="pad") for pack in ("pack", "null"))
    assert len(packed) == len(plain) == 10
    for one, other in zip(packed, plain, strict=True):
        assert one.example_ids == other.example_ids
        assert one.waveforms.tobytes() == other.waveforms.tobytes()
        assert (one.prompts, one.answers) == (other.prompts, other.answers)


def test_prefixes_are_those_of_the_mixture(home: Path) -> None:
    mixture = opened(home)
    (entry,) = [entry for entry in mixture.entries if "Captioning" in entry.key]
    with_prefix = 0
    for epoch in range(4):
        for row in rows(read(mixture, epoch)):
            expected = False
            if "Captioning" in row["key"]:
                (expected,) = entry.has_prefix(np.array([3 * row["number"]]), np.array([row["pass_index"]]))
            assert row["prompts"].startswith("The task is audio captioning. ") == expected
            with_prefix += expected
    assert 12 < with_prefix < 36


def test_all_captions_of_all_recordings_in_one_pass(home: Path) -> None:
    found = [row for row in rows(read(opened(home, captions="all"))) if "Captioning" in row["key"]]
    pairs = sorted((row["number"], int(row["answer_index"])) for row in found)
    assert pairs == [(number, take) for number in range(COUNT) for take in range(2)]


def test_keys_tell_what_belongs_together(home: Path) -> None:
    found = [row for row in rows(read(opened(home))) if "AQA" in row["key"]]
    keys = {row["number"]: row["recording_keys"] for row in found}
    assert keys[0] == keys[1]
    assert len(set(keys.values())) == COUNT - 1
    assert len({row["caption_keys"] for row in found}) == 1


def test_entries_of_one_dataset_share_a_table(home: Path) -> None:
    mixture = opened(home)
    sources = open_sources(mixture, RATE_HZ)
    entries = training_entries(mixture.entries, sources)
    assert len({id(entry.table) for entry in entries}) == 1
    assert len({id(source) for source in sources}) == 1


def test_a_pack_of_another_split_or_of_other_spans_is_refused(home: Path, make_pack: Callable[..., Any]) -> None:
    make_pack(sounds()[6:], "half", ids=[f"w/{number}" for number in range(6, COUNT + 2)], rate_hz=RATE_HZ)
    with pytest.raises(DatasetError, match=r"6 of 12 recordings(.|\n)*w/0(.|\n)*audiolect pack"):
        read(opened(home, "half"))
    shorter = [samples[:-1] for samples in sounds()]
    make_pack(shorter, "old", ids=[f"w/{number}" for number in range(COUNT + 2)], rate_hz=RATE_HZ)
    with pytest.raises(DatasetError, match="other spans"):
        read(opened(home, "old"))
    with pytest.raises(StorageError):
        read(opened(home, "nowhere"))


def test_every_entry_needs_its_source(home: Path) -> None:
    mixture = opened(home)
    with pytest.raises(UsageError, match="needs its source"):
        training_entries(mixture.entries, open_sources(mixture, RATE_HZ)[:1])
