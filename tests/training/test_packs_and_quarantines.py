"""The data of a training from packs instead of files, without what is quarantined, and divided among ranks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audiolect.data.dataset import open_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import AudiolectError
from audiolect.loader.pack_plan import PackSettings
from audiolect.loader.pack_writer import write_pack
from audiolect.training.recipe import load_recipe
from audiolect.training.training_data import TrainingData, open_training_data, training_captions

MakeRecipe = Callable[..., Path]
TRAIN, VAL = "tones-AudioCaptioning/train", "tones-AudioCaptioning/val"


def opened(path: Path, *overrides: str, keep_quarantined: bool = False) -> TrainingData:
    return open_training_data(load_recipe(path, overrides), path.parent, where=path, keep_quarantined=keep_quarantined)


@pytest.fixture
def own_tones(make_tones: Callable[..., Path], tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return make_tones(folder)


@pytest.mark.parametrize("keep", [False, True])
def test_what_is_quarantined_is_left_out_and_counted(recipe: MakeRecipe, own_tones: Path, keep: bool) -> None:
    entries = [Entry("example", f"tones/{name}#c", ("too quiet",)) for name in ("train-03", "train-05", "val-01")]
    (own_tones / "check").mkdir()
    card = open_dataset(own_tones).card
    write_quarantine(own_tones / "check" / "quarantine.jsonl", entries, name=card.name, fingerprint=card.fingerprint)
    data = opened(recipe(data={"tones": {"dataset": "own"}}), keep_quarantined=keep)
    facts = data.facts()["tones"]
    assert facts["entries"][TRAIN] == {"num_items": 24 if keep else 22, "num_quarantined": 0 if keep else 2}
    assert facts["validation"][VAL] == {"num_examples": 8 if keep else 7, "num_quarantined": 0 if keep else 1}
    captions = set(training_captions(data.mixture))
    assert "a clear note number 2" in captions
    assert ("a bright whistle number 3" in captions) is keep


def test_a_pack_sounds_like_the_files_it_was_made_of(recipe: MakeRecipe, tones: Path, own_tones: Path) -> None:
    write_pack(open_dataset(own_tones), own_tones.parent / "pack", PackSettings(rate_hz=16000))
    files = list(opened(recipe()).validation[0].batches(0, 1))
    packed = list(opened(recipe(data={"tones": {"dataset": "own", "pack": "pack"}})).validation[0].batches(0, 1))
    assert len(packed) == len(files) == 2
    for one, other in zip(packed, files, strict=True):
        assert one.example_ids == other.example_ids
        np.testing.assert_allclose(one.waveforms, other.waveforms, atol=2 / 32768)
    # A dataset that nothing is trained on has its pack opened as well.
    both = {"tones": {"dataset": str(tones)}, "o": {"dataset": "own", "pack": "pack"}}
    only = opened(recipe(data=both), "evaluation.validation=[o-AudioCaptioning/val]").validation[0]
    np.testing.assert_array_equal(next(iter(only.batches(0, 1))).waveforms, packed[0].waveforms)


def test_ranks_share_the_batches_of_an_epoch(recipe: MakeRecipe) -> None:
    data = opened(recipe())
    assert data.batches().num_batches(0) == 4  # 24 examples, 6 in a global batch
    alone = [sorted(batch.example_ids) for batch in data.batches().epoch(0)]
    ranks = [[batch.example_ids for batch in data.batches(rank, 2).epoch(0)] for rank in range(2)]
    assert [sorted([*one, *other]) for one, other in zip(*ranks, strict=True)] == alone
    assert len({name for batch in alone for name in batch}) == 24


@pytest.mark.parametrize("override", ["data.tones.dataset=nowhere", "data.tones.pack=nowhere"])
def test_what_is_not_there_is_told(recipe: MakeRecipe, override: str) -> None:
    with pytest.raises(AudiolectError, match="nowhere"):
        opened(recipe(), override)
