"""The recipes with the published settings of DCASE systems: they load, and a dry run goes through on miniature data.

Weights cannot be fetched where tests run: encoders of the same family with random weights stand in for them. The real
tables, where they are at hand, show that the recipes find every caption.
"""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call

from audiolect.audio.augment_chain import STANDARD_STEPS, ChainSettings
from audiolect.loader.mixture import mixture_of
from audiolect.loader.mixture_settings import canonical_key
from audiolect.models.captioner_settings import CaptionerSettings
from audiolect.training.recipe import load_recipe
from audiolect.training.stages import load_stages

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
ONE, THREE = "retrieval_clotho.yaml", "retrieval_clotho_audiocaps_macs.yaml"
BERT = "{model_type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}"
# What a machine without the published weights replaces; everything else stays as in the file.
RANDOM = ("model.audio.weights=null", "model.text.source=null", f"model.text.config={BERT}")
# A Whisper of 2 layers from nothing, which hears windows of 30 s as published ones do.
TWO_STAGES, SMALL_WHISPER = "caption_clotho.yaml", "model.whisper=null"
SIZES = {
    "tiny": ("openai/whisper-tiny", 32, 1, 16, 2, 3900, 300),
    "small": ("openai/whisper-small", 16, 2, 4, 8, 1500, 300),
    "large-v2": ("openai/whisper-large-v2", 2, 16, 1, 32, 2200, 200),
}
AUDIOSET_SMALL = 128_456
MACS = "files:\n" + "".join(
    f"- filename: park-paris-{n}-{n}-a.wav\n  annotations:\n"
    f"  - {{annotator_id: 5, sentence: Birds sing {n} times, tags: [birds_singing]}}\n"
    for n in range(3)
)


def sound(path: Path, number: int, rate_hz: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(number).uniform(-0.5, 0.5, rate_hz // 2 + 100 * number), rate_hz)


def clotho(root: Path) -> None:
    for first, (split, count) in enumerate((("development", 4), ("validation", 2), ("evaluation", 2))):
        names = [f"{split} {n}.wav" for n in range(count)]
        rows = [",".join([name, *(f"Water {n} flows in {name[:-4]}" for n in range(5))]) for name in names]
        header = "file_name," + ",".join(f"caption_{n}" for n in range(1, 6))
        (root / f"clotho_captions_{split}.csv").write_text("\n".join([header, *rows, ""]), "utf-8")
        for n, name in enumerate(names):
            sound(root / split / name, 10 * first + n, 44100)


def audiocaps(root: Path) -> None:
    names = [f"{letter * 11}" for letter in "abc"]
    rows = [f"{n},{name},10,A dog barks at {name}" for n, name in enumerate(names)]
    (root / "train.csv").write_text("\n".join(["audiocap_id,youtube_id,start_time,caption", *rows, ""]), "utf-8")
    for n, name in enumerate(names):
        sound(root / "train" / f"{name}.wav", 40 + n, 32000)


def macs(root: Path) -> None:
    (root / "MACS.yaml").write_text(MACS, "utf-8")
    for n in range(3):
        sound(root / "audio" / f"park-paris-{n}-{n}-a.wav", 50 + n, 48000)


def audioset_small(root: Path) -> None:
    names = ["Animal", "Dog", "Bark, yip"]
    rows = [f'{n},/m/{n},"{name}"' for n, name in enumerate(names)]
    (root / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *rows, ""]), "utf-8")
    nodes = [{"id": f"/m/{n}", "name": name, "child_ids": [f"/m/{n + 1}"] * (n < 2)} for n, name in enumerate(names)]
    (root / "ontology.json").write_text(json.dumps(nodes), "utf-8")
    for split, letters in (("train", "klmn"), ("valid", "o")):
        found = [
            {"youtube_id": letter * 11, "start_seconds": 0, "end_seconds": 10, "labels": ["/m/2"],
             "orig_split": "train_unbalanced"}
            for letter in letters
        ]  # fmt: skip
        (root / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found), "utf-8")
        for n, letter in enumerate(letters):
            sound(root / "any" / f"{letter * 11}.wav", 60 + n, 32000)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the clone, with the recipes and miniatures of the corpora, made and packed as their heads say."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    for make in (clotho, audiocaps, macs, audioset_small):
        name, data = make.__name__.replace("_", "-"), folder / "data"
        (data / f"{name}-raw").mkdir(parents=True)
        make(data / f"{name}-raw")
        assert call("prepare", name, data / f"{name}-raw", "--out", data / name, "--jobs", 1) == 0
        for rate_hz, suffix in ((16000, "16k"), (32000, "32k")):
            out = data / f"{name}-{suffix}"
            assert call("pack", data / name, "--rate-hz", rate_hz, "--out", out, "--jobs", 1) == 0
    return folder


def test_what_is_published_stands_in_them() -> None:
    one, three = load_recipe(ROOT / "recipes" / ONE), load_recipe(ROOT / "recipes" / THREE)
    assert (one.mixture.epochs, one.training.batches.size, one.training.optimizer.weight_decay) == (100, 32, 0)
    assert one.training.optimizer.learning_rate == pytest.approx(8.14665e-4)
    # The least rate is 1e-6.
    assert one.training.schedule.final * one.training.optimizer.learning_rate == pytest.approx(1e-6, rel=0.01)
    assert (three.training.batches.size, three.training.batches.crop_seconds) == (128, 10)
    assert (three.training.optimizer.learning_rate, three.training.clip_norm) == (1e-4, None)
    assert three.mixture.captions == "all"


@pytest.mark.parametrize(("name", "whole"), [(ONE, False), (THREE, True)])
def test_a_dry_run_goes_through(name: str, whole: bool, clone: Path) -> None:
    torch = pytest.importorskip("torch")
    from audiolect.training.dry_run import dry_run

    text = ("model.text.cache=null",) if name == ONE else ()
    seen = dry_run(clone / "recipes" / name, clone / "runs" / "x", (*RANDOM, *text))
    assert 0 < seen.first_loss < 20
    assert seen.validation == {"clotho-AudioCaptioning/validation": 2}
    draws = {entry.key: entry.draws for entry in seen.plan.entries}
    if whole:
        assert draws == {
            "audiocaps-AudioCaptioning/train": 3,
            "clotho-AudioCaptioning/development": 20,
            "macs-AudioCaptioning/all": 3,
        }
        assert seen.freezing.num_trainable == seen.freezing.num_parameters
    else:
        assert draws == {"clotho-AudioCaptioning/development": 4}
        # The first convolution of Cnn14 (1 × 64 × 3 × 3) is frozen, and the text tower.
        assert seen.freezing.num_parameters - seen.freezing.num_trainable >= 576
    assert seen.freezing.num_trainable > 79_000_000
    assert torch.is_grad_enabled()
    assert not (clone / "runs").exists()


def overrides_of(size: str) -> list[str]:
    """The overrides that the head of the recipe names for a size; none for that of the file itself."""
    lines = [line.removeprefix("#") for line in (ROOT / "recipes" / TWO_STAGES).read_text("utf-8").splitlines()]
    at = next((n for n, line in enumerate(lines) if line.split()[:1] == [size] and "=" in line), None)
    if at is None:
        return []
    rest = itertools.takewhile(lambda line: "=" in line and len(line) - len(line.lstrip()) > 5, lines[at + 1 :])
    return [*lines[at].split()[1:], *" ".join(rest).split()]


@pytest.mark.parametrize("size", SIZES)
def test_the_two_stages_are_the_published_ones(size: str) -> None:
    stages = load_stages(ROOT / "recipes" / TWO_STAGES, overrides_of(size))
    assert stages is not None
    (first, _), (second, which) = stages
    found = [(each.training.batches.size, each.training.accumulate) for each in (first, second)]
    assert isinstance(first.model, CaptionerSettings)
    sizes = (first.model.whisper, *found[0], *found[1], second.training.max_steps, second.evaluation.every_steps)
    assert sizes == SIZES[size]
    assert which == "best"
    rates = [each.training.optimizer.learning_rate for each in (first, second)]
    assert rates == [2e-5, 4e-6]
    assert [each.training.schedule.warmup_steps for each in (first, second)] == [1000, 500]
    assert second.training.freezing.plan == "fc1_only"
    assert list(second.mixture.entries) == ["clotho-AudioCaptioning/development"]
    (fine,) = second.mixture.entries.values()
    assert fine.chain == ChainSettings(1.0, STANDARD_STEPS)
    # Enough epochs of Clotho's captions that the steps, not the epochs, are the end.
    assert second.mixture.epochs * 19195 > 32 * max(steps for *_, steps, _ in SIZES.values())


def test_the_mix_is_12_to_3_to_1() -> None:
    stages = load_stages(ROOT / "recipes" / TWO_STAGES)
    assert stages is not None
    items = {"clotho": 19195, "audiocaps": 49838, "audioset": AUDIOSET_SMALL}
    draws = {
        canonical_key(key).dataset: items[canonical_key(key).dataset] * float(entry.weight)
        for key, entry in stages[0][0].mixture.entries.items()
    }
    assert draws["audiocaps"] / draws["clotho"] == pytest.approx(3, rel=1e-4)
    assert draws["audioset"] / draws["clotho"] == pytest.approx(12, rel=1e-4)


def test_a_dry_run_of_both_stages_goes_through(clone: Path) -> None:
    pytest.importorskip("torch")
    from audiolect.training.dry_run import dry_run

    path = clone / "recipes" / TWO_STAGES
    few = ("training.0.batches.batch_size=4", "model.length=recording")
    stages = load_stages(path, (SMALL_WHISPER, *few))
    assert stages is not None
    first, second = (dry_run(path, clone / "runs" / "x", recipe=recipe) for recipe, _ in stages)
    assert {entry.key for entry in first.plan.entries} == {
        "clotho-AudioCaptioning/development", "audiocaps-AudioCaptioning/train", "audioset-AudioKeywords/train",
    }  # fmt: skip
    assert {entry.key: entry.draws for entry in second.plan.entries} == {"clotho-AudioCaptioning/development": 20}
    assert first.validation == second.validation == {"clotho-AudioCaptioning/validation": 2}
    # All but the places of the encoder's positions, which are sines.
    assert first.freezing.num_parameters - first.freezing.num_trainable == 1500 * 128
    # Two layers of encoder and decoder each: fc1 is 128 × 512 and 512.
    assert second.freezing.num_trainable == 4 * (128 * 512 + 512)
    assert 0 < first.first_loss < 20
    assert 0 < second.first_loss < 20
    assert not (clone / "runs").exists()


def test_every_caption_of_the_real_tables_is_found(clone: Path, tmp_path: Path) -> None:
    if not (REAL / "clotho" / "original").is_dir() or not (REAL / "audiocaps").is_dir():
        pytest.skip("the published tables are not at hand")
    shutil.copytree(clone / "recipes", tmp_path / "recipes")
    shutil.copytree(clone / "data", tmp_path / "data")
    for name, source in (("clotho", "clotho/original"), ("audiocaps", "audiocaps")):
        arguments = ("prepare", name, REAL / source, "--out", tmp_path / "data" / name, "--no-audio", "--overwrite")
        assert call(*arguments) == 0
    found = {}
    for name in (ONE, THREE):
        mixture = mixture_of(load_recipe(tmp_path / "recipes" / name), tmp_path / "recipes", where=name)
        found[name] = {entry.key: entry.examples.num_items for entry in mixture.entries}
    assert found[ONE] == {"clotho-AudioCaptioning/development": 3839}
    assert found[THREE]["clotho-AudioCaptioning/development"] == 19195
    assert found[THREE]["audiocaps-AudioCaptioning/train"] == 49838
