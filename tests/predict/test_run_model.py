"""A trained model as an Embedder: real weights, small ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audiolect.embedding_files import read_embeddings
from audiolect.errors import ConfigError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.models.clap import DualEncoder, DualEncoderSettings, build_dual_encoder, save_model
from audiolect.models.weights_hash import weights_hash
from audiolect.predict.prediction import PredictRequest, predict
from audiolect.predict.run_model import HEARD_SECONDS, TorchEmbedder, locate_model, open_run_model, with_changes
from audiolect.storage import file_header, fingerprint_file, write_json, write_yaml
from audiolect.text.label_prompts import DEFAULT_TEMPLATES
from audiolect.training.run_folder import (
    CARD_NAME,
    CHECKPOINT_CARD,
    CHECKPOINT_KIND,
    CHECKPOINT_VERSION,
    CONFIG_NAME,
    RUN_KIND,
    RUN_VERSION,
    checkpoint_path,
    write_pointer,
)

SETTINGS = {
    "audio": {"name": "small", "width": 4},
    "text": {"name": "transformer", "width": 16, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1},
    "projection": {"size": 12},
}


def small_model() -> DualEncoder:
    torch.manual_seed(5)
    settings = DualEncoderSettings.model_validate(SETTINGS)
    return build_dual_encoder(settings, ["a low tone", "a high tone is played", "the sound of a middle tone"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one checkpoint, trained on crops of 1.5 s."""
    folder = tmp_path_factory.mktemp("runs") / "tones"
    checkpoint = checkpoint_path(folder, 40)
    save_model(small_model(), checkpoint)
    files = {
        path.relative_to(checkpoint).as_posix(): fingerprint_file(path)
        for path in checkpoint.rglob("*")
        if path.is_file()
    }
    write_json(
        checkpoint / CHECKPOINT_CARD, file_header(CHECKPOINT_KIND, CHECKPOINT_VERSION) | {"step": 40, "files": files}
    )
    recipe: dict[str, Any] = {
        "training": {"seed": 3, "batches": {"policy": "crop", "crop_seconds": 1.5}},
        "mixture": {"seed": 8},
        "evaluation": {"batches": None},
    }
    write_yaml(folder / CONFIG_NAME, file_header(RUN_KIND, RUN_VERSION) | {"recipe": recipe})
    write_json(folder / CARD_NAME, file_header(RUN_KIND, RUN_VERSION) | {"recipe_folder": "."})
    write_pointer(folder, "last", 40)
    return folder


def test_a_run_tells_who_it_is_and_how_it_hears(run: Path) -> None:
    opened = open_run_model(run)
    identity = opened.embedder.identity
    assert (identity.run, identity.checkpoint, identity.step) == ("tones", "best", 40)
    assert identity.seeds == {"training": 3, "mixture": 8}
    assert identity.checkpoint_hash == weights_hash(small_model())
    assert (opened.settings.policy, opened.settings.window_seconds) == ("windows", 1.5)
    assert opened.settings.rate_hz == opened.embedder.rate_hz == 32000
    assert opened.templates == DEFAULT_TEMPLATES
    assert open_run_model(run, "40").embedder.identity.checkpoint == "40"


def test_vectors_do_not_depend_on_the_batch(run: Path) -> None:
    embedder = open_run_model(run).embedder
    rng = np.random.default_rng(0)
    lengths = rng.integers(8000, 48000, 33)
    waveforms = np.zeros((33, 48000), np.float32)
    for row, length in enumerate(lengths):
        waveforms[row, :length] = 0.1 * rng.standard_normal(length)
    together = embedder.embed_audio(waveforms, lengths)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4  # else nothing could go wrong
    for row in (0, 7, 32):
        length = int(lengths[row])
        alone = embedder.embed_audio(waveforms[row : row + 1, :length].copy(), lengths[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)
    texts = ["a low tone", "the sound of a high tone that is played", "tone"]
    many = embedder.embed_texts(texts)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(embedder.embed_texts([text])[0], many[row], atol=1e-5)


def test_predicting_with_it(tmp_path: Path, tones: Any, run: Path) -> None:
    dataset = tones.tone_dataset(tmp_path / "tones", 6, seconds=lambda i: 1.0 + 0.4 * i)
    opened = open_run_model(run)
    for name in ("one", "two"):
        source = open_audio_files(dataset, opened.embedder.rate_hz)
        predict(PredictRequest(settings=opened.settings), dataset, opened.embedder, source, tmp_path / name)
    one, two = (read_embeddings(tmp_path / name) for name in ("one", "two"))
    assert one.recordings.shape == (6, 12)
    assert (one.recordings == two.recordings).all()
    assert (one.texts == two.texts).all()
    assert one.card.preprocessing["window_seconds"] == 1.5


def test_a_model_alone(tmp_path: Path) -> None:
    save_model(small_model(), tmp_path / "m")
    opened = open_run_model(tmp_path / "m")
    assert opened.embedder.identity.step is None
    assert opened.settings.window_seconds == HEARD_SECONDS
    assert isinstance(opened.embedder, TorchEmbedder)
    with pytest.raises(UsageError, match="no steps to choose from"):
        open_run_model(tmp_path / "m", "40")


def test_changes_of_the_command_line(run: Path) -> None:
    settings = open_run_model(run).settings
    assert with_changes(settings, window_seconds=None, batch_size=None) == settings
    changed = with_changes(settings, window_seconds=3.0, batch_size=5)
    assert (changed.window_seconds, changed.batch_size, changed.policy) == (3.0, 5, "windows")
    with pytest.raises(ConfigError, match="window_seconds"):
        with_changes(settings, window_seconds=-1.0, batch_size=None)


def test_no_run(tmp_path: Path, run: Path) -> None:
    with pytest.raises(UsageError, match="This is no run"):
        open_run_model(tmp_path / "gone")
    with pytest.raises(UsageError, match="no such checkpoint"):
        open_run_model(run, "41")


def test_several_processes_are_refused_before_they_write_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(small_model(), tmp_path)
    for count in ("1", None):
        monkeypatch.setenv("WORLD_SIZE", count) if count else monkeypatch.delenv("WORLD_SIZE")
        assert locate_model(tmp_path).folder == tmp_path
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match=r"Only a training is shared(.|\n)*found: 2"):
        locate_model(tmp_path)
