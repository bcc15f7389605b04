"""The parts of a captioner: a published Whisper is taken whole or refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from audiolect.errors import UsageError
from audiolect.models.caption_tokenizer import train_caption_tokenizer
from audiolect.models.captioner_parts import build_parts, save_parts
from audiolect.models.captioner_settings import CaptionerSettings
from audiolect.models.load_reports import kept_reports


@pytest.fixture
def folder(whisper_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be spoiled."""
    shutil.copytree(whisper_folder, tmp_path / "whisper")
    return tmp_path / "whisper"


def parts(folder: Path, **changes: Any) -> Any:
    return build_parts(CaptionerSettings(whisper=str(folder), **changes), ())


def test_sizes_tokens_and_hearing_are_those_of_the_source(folder: Path) -> None:
    made = parts(folder)
    assert made.decoder.shape.layers == 2
    assert made.decoder.shape.vocabulary == made.tokenizer.size
    assert made.decoder.most_tokens == 80
    assert made.encoder.settings.length == "window"
    assert parts(folder, length="recording").encoder.settings.length == "recording"
    assert parts(folder, dropout=0.25).decoder.shape.dropout == 0.25


def test_both_halves_say_what_they_have_matched(folder: Path) -> None:
    made = parts(folder)
    for half in (made.encoder, made.decoder):
        (kept,) = kept_reports(half).values()
        assert kept.source == str(folder)
        assert len(kept.report.matched) > 10
        assert kept.report.missing == kept.report.unexpected == ()
    scratch = parts(folder, encoder_from_scratch=True, decoder_from_scratch=True)
    assert kept_reports(scratch.encoder) == kept_reports(scratch.decoder) == {}


def test_saved_parts_need_no_source(folder: Path, tmp_path: Path) -> None:
    made = parts(folder)
    save_parts(made, tmp_path / "parts")
    shutil.rmtree(folder)
    again = build_parts(CaptionerSettings(whisper=str(folder)), (), tmp_path / "parts")
    assert again.decoder.shape == made.decoder.shape
    assert again.tokenizer.prefix("a > b: ") == made.tokenizer.prefix("a > b: ")
    assert {name: one.shape for name, one in again.encoder.state_dict().items()} == {
        name: one.shape for name, one in made.encoder.state_dict().items()
    }


def test_a_missing_tensor_is_named(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    del state["model.decoder.layers.1.fc1.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lacks weights(.|\n)*1 missing: model.decoder.layers.1.fc1.weight"):
        parts(folder)


def test_another_shape_is_refused(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    state["model.decoder.layers.1.fc1.weight"] = torch.zeros(3, 3)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"cannot be opened|of another shape"):
        parts(folder)


@pytest.mark.parametrize(("size", "words"), [(400, "has 3.. tokens"), (270, "starts with token")])
def test_a_tokenizer_of_another_model_is_refused(folder: Path, captions: list[str], size: int, words: str) -> None:
    longer = [*captions, "an aeroplane crosses the sky while somebody whistles an old melody in the garden"]
    train_caption_tokenizer(longer, size, min_count=1).save(folder)
    with pytest.raises(UsageError, match=rf"does not match the weights(.|\n)*{words}"):
        parts(folder)


def test_what_is_no_whisper_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        parts(tmp_path)
