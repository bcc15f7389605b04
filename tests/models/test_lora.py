"""LoRA: nothing at first, merged without a change, saved and loaded, refused where it does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiolect.errors import DamagedFile, UsageError
from audiolect.models.adapt import FreezingSettings, apply_freezing
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner, load_captioner, save_captioner
from audiolect.models.captioner_settings import LoraSettings
from audiolect.models.lora import add_lora, has_lora, load_adapter, merge_lora, save_adapter

pytest.importorskip("peft", reason="the extra lora is not installed")
LORA = LoraSettings(rank=2, alpha=8, targets=["q_proj", "fc1"], dropout=0.0)
Sounds = tuple[Tensor, Tensor]


def captioner(folder: Path, **options: Any) -> Captioner:
    torch.manual_seed(0)
    return build_captioner(CaptionerSettings(whisper=str(folder), **options)).eval()


def trained(folder: Path, sounds: Sounds, captions: list[str], lora: LoraSettings = LORA) -> Captioner:
    made = captioner(folder, lora=lora)
    optimiser = torch.optim.SGD([one for one in made.parameters() if one.requires_grad], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        made.loss(*sounds, [""] * 8, captions).loss.backward()
        optimiser.step()
    return made


def loss(model: Captioner, sounds: Sounds, captions: list[str]) -> Tensor:
    with torch.no_grad():
        return model.loss(*sounds, [""] * 8, captions).loss


def test_at_first_nothing_changes_and_little_trains(whisper_folder: Path, sounds: Sounds, captions: list[str]) -> None:
    plain, made = captioner(whisper_folder), captioner(whisper_folder, lora=LORA)
    torch.testing.assert_close(loss(made, sounds, captions), loss(plain, sounds, captions))
    count = sum(one.numel() for one in made.parameters() if one.requires_grad)
    # q_proj: 2 in the encoder, 4 in the decoder, 2 × (32 + 32) each; fc1: 2 × (32 + 64) and 2 × (32 + 48), twice
    assert count == 6 * 128 + 2 * 192 + 2 * 160
    with pytest.raises(UsageError, match="holds fixed"):
        apply_freezing(made, FreezingSettings(train=["decoder.layer_norm"]))


def test_merging_changes_no_output(whisper_folder: Path, sounds: Sounds, captions: list[str]) -> None:
    made = trained(whisper_folder, sounds, captions)
    before = loss(made, sounds, captions)
    assert abs(before - loss(captioner(whisper_folder), sounds, captions)) > 1e-2
    names = set(dict(captioner(whisper_folder).named_parameters()))
    made.merge()
    torch.testing.assert_close(loss(made, sounds, captions), before, atol=1e-5, rtol=0)
    assert set(dict(made.named_parameters())) == names
    assert made.settings.lora is None
    assert sorted(name for name, one in made.named_parameters() if not one.requires_grad) == [
        "encoder.model.embed_positions.weight"
    ]
    with pytest.raises(UsageError, match="no low-rank updates"):
        merge_lora(made)


def test_a_saved_model_has_its_updates(
    tmp_path: Path, whisper_folder: Path, sounds: Sounds, captions: list[str]
) -> None:
    made = trained(whisper_folder, sounds, captions)
    save_captioner(made, tmp_path)
    expected = loss(made, sounds, captions)
    again = load_captioner(tmp_path)
    assert has_lora(again)
    torch.testing.assert_close(loss(again, sounds, captions), expected)
    merged = captioner(whisper_folder, start=str(tmp_path))
    assert not has_lora(merged)
    torch.testing.assert_close(loss(merged, sounds, captions), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bias", ["none", "all"])
def test_an_adapter_goes_onto_the_weights_of_its_training(
    tmp_path: Path, whisper_folder: Path, sounds: Sounds, captions: list[str], bias: Any
) -> None:
    lora = LORA.model_copy(update={"bias": bias})
    made = trained(whisper_folder, sounds, captions, lora)
    save_adapter(made, lora, tmp_path)
    assert (tmp_path / "adapter_config.json").is_file()
    assert (tmp_path / "adapter_model.safetensors").stat().st_size < 40_000
    again = captioner(whisper_folder)
    assert load_adapter(again, tmp_path) == lora
    torch.testing.assert_close(loss(again.eval(), sounds, captions), loss(made, sounds, captions))
    other = captioner(whisper_folder)
    with torch.no_grad():
        other.decoder.embed_tokens.weight += 0.1
    with pytest.raises(UsageError, match="other weights"):
        load_adapter(other, tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"no")
    with pytest.raises(DamagedFile):
        load_adapter(captioner(whisper_folder), tmp_path)


def test_what_does_not_fit_gets_a_letter(whisper_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends with 'q_projj'(.|\n)*did you mean q_proj"):
        captioner(whisper_folder, lora=LoraSettings(targets=["q_projj"]))
    with pytest.raises(UsageError, match="already"):
        add_lora(captioner(whisper_folder, lora=LORA), LORA)
    with pytest.raises(UsageError, match="no low-rank updates to save"):
        save_adapter(captioner(whisper_folder), LORA, tmp_path)
