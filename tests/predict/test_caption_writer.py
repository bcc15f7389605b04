"""A captioner behind arrays and texts: the same texts as the model itself, alone and in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from audiolect.config import parse_config
from audiolect.errors import UsageError
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner, save_captioner
from audiolect.models.generation import generate
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict.caption_writer import is_captioner, open_caption_writer
from audiolect.predict.run_model import locate_model

MODEL = {
    "name": "captioner",
    "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
    "bridge": {"layers": 1, "heads": 2},
    "decoder": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
}
STYLE = "tones > caption: "


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Captioner]:
    torch.manual_seed(0)
    model = build_captioner(parse_config(MODEL, CaptionerSettings, "here"), ["a high tone", "a low tone"]).eval()
    model.styles = {STYLE}
    save_captioner(model, tmp_path / "model")
    return tmp_path / "model", model


def test_it_writes_what_the_model_writes(saved: tuple[Path, Captioner]) -> None:
    folder, model = saved
    opened = open_caption_writer(locate_model(folder))
    assert (opened.writer.rate_hz, opened.writer.styles) == (16000, {STYLE})
    assert (opened.settings.policy, opened.settings.max_seconds) == ("pad", None)
    assert opened.generation == GenerationSettings()
    assert len(opened.writer.identity.checkpoint_hash) == 32
    waves = np.random.default_rng(0).standard_normal((3, 9000)).astype(np.float32)
    lengths = np.array([9000, 1600, 5000], np.int64)
    for row, length in enumerate(lengths):
        waves[row, length:] = 0
    settings = GenerationSettings(method="beam", num_beams=3, num_outputs=2, max_tokens=6)
    found = opened.writer.write(waves, lengths, STYLE, ("a", "b", "c"), settings)
    expected = generate(model, torch.from_numpy(waves), torch.from_numpy(lengths), [STYLE] * 3, settings)
    assert [[text for text, _ in texts] for texts in found] == [
        [" ".join(one.text.split()) for one in outputs] for outputs in expected
    ]
    for row, length in enumerate(lengths):
        alone = opened.writer.write(waves[row : row + 1, :length], lengths[row : row + 1], STYLE, ("x",), settings)
        assert [text for text, _ in alone[0]] == [text for text, _ in found[row]]
        assert [score for _, score in alone[0]] == pytest.approx([score for _, score in found[row]], abs=1e-4)


def test_a_captioner_is_told_from_what_is_none(saved: tuple[Path, Captioner], tmp_path: Path) -> None:
    assert is_captioner(saved[0])
    assert not is_captioner(tmp_path / "nowhere")
    (tmp_path / "model.yaml").write_text("format: audiolect/dual_encoder\nversion: 1\n", "utf-8")
    assert not is_captioner(tmp_path)


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("format: audiolect/dual_encoder\nversion: 1\n", "utf-8")
    with pytest.raises(UsageError, match=r"does not write captions(.|\n)*audiolect/dual_encoder"):
        open_caption_writer(locate_model(tmp_path))
