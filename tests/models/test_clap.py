"""The dual encoder: vectors, temperature, training, and its files."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from audiolect.config import dump_config, parse_config
from audiolect.errors import ConfigError, DamagedFile, DatasetError, StorageError, UnknownVersion, UsageError
from audiolect.models.adapt import FreezingSettings, apply_freezing, check_plan
from audiolect.models.clap import (
    DualEncoder,
    DualEncoderSettings,
    TemperatureSettings,
    build_dual_encoder,
    load_model,
    save_model,
)
from audiolect.storage import read_yaml, write_yaml

CAPTIONS = ["a dog barks", "rain falls", "a bell rings twice", "wind"]
SECTION: dict[str, Any] = {
    "audio": {"name": "small", "width": 2},
    "text": {"name": "transformer", "width": 16, "layers": 1, "heads": 2, "vocabulary": 280, "min_count": 1},
    "projection": {"size": 12},
}


def settings(**changes: Any) -> DualEncoderSettings:
    return parse_config({**SECTION, **changes}, DualEncoderSettings, where="recipe.yaml")


def model(**changes: Any) -> DualEncoder:
    torch.manual_seed(0)
    return build_dual_encoder(settings(**changes), CAPTIONS)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    lengths = torch.tensor([16000, 9000, 16000, 4000])
    return torch.randn(4, 16000) * (torch.arange(16000) < lengths[:, None]), lengths


@torch.no_grad()
def test_vectors_have_length_one_and_eval_mode_repeats_them() -> None:
    made = model().eval()
    for vectors in (made.embed_audio(*batch()), made.embed_texts(CAPTIONS)):
        assert vectors.shape == (4, made.embedding_size) == (4, 12)
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    assert torch.equal(made.embed_audio(*batch()), made.embed_audio(*batch()))
    assert torch.equal(made.embed_texts(CAPTIONS), made.embed_texts(CAPTIONS))


@torch.no_grad()
def test_alone_or_among_32_others_a_recording_has_the_same_vector() -> None:
    made = model().eval()
    lengths = torch.randint(500, 32000, (33,))
    waveforms = torch.randn(33, 32000)
    together = made.embed_audio(waveforms, lengths)
    alone = torch.cat([made.embed_audio(waveforms[i : i + 1, :n], lengths[i : i + 1]) for i, n in enumerate(lengths)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_windows_become_the_mean_of_their_vectors() -> None:
    made = model().eval()
    windows = torch.randn(2, 3, 8000)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    found = made.embed_windows(windows, mask)
    eight = torch.full((3,), 8000)
    first = normalize(made.embed_audio(windows[0], eight).mean(dim=0), dim=0)
    torch.testing.assert_close(found[0], first, atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1], made.embed_audio(windows[1, :1], eight[:1])[0], atol=1e-6, rtol=0)
    lengths = torch.tensor([[8000, 8000, 2000], [8000, 0, 0]])
    vectors = made.embed_audio(windows[0], lengths[0])
    weighed = normalize((vectors * torch.tensor([4.0, 4.0, 1.0])[:, None]).sum(dim=0), dim=0)
    torch.testing.assert_close(made.embed_windows(windows, mask, lengths)[0], weighed, atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="no window"):
        made.embed_windows(windows, torch.zeros(2, 3, dtype=torch.bool))


def test_the_scale_is_the_inverse_of_the_temperature_and_held_at_its_largest() -> None:
    made = model(temperature={"initial": 0.05, "largest": 25.0})
    assert made.scale().item() == pytest.approx(20)
    optimiser = torch.optim.SGD([made.log_scale], lr=1.0)
    for _ in range(3):  # pushed up far beyond
        optimiser.zero_grad()
        (-made.scale()).backward()
        optimiser.step()
    assert made.scale().item() == pytest.approx(25)
    optimiser.zero_grad()
    made.scale().backward()
    optimiser.step()  # and it comes back at once, since it has not gone further
    assert made.scale().item() < 20
    with torch.no_grad():
        made.log_scale.fill_(9)
    assert made.eval().scale().item() == pytest.approx(25)
    assert made.log_scale.item() == 9  # eval mode changes nothing


def test_a_fixed_temperature_does_not_train() -> None:
    made = model(temperature={"learnable": False})
    assert not made.log_scale.requires_grad
    assert made.scale().item() == pytest.approx(1 / 0.07)
    assert made.logit_bias is None
    assert model(temperature={"bias": -10.0}).logit_bias.item() == -10  # type: ignore[union-attr]


def test_forward_gives_a_loss_its_parts_and_everything_a_gradient() -> None:
    made = model(projection={"size": 12, "hidden": 20, "activation": "relu", "dropout": 0.1},
                 temperature={"bias": -1.0})  # fmt: skip
    output = made(*batch(), CAPTIONS)
    logits = output.scale * output.audio @ output.text.T + output.bias
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    without = [name for name, parameter in made.named_parameters() if parameter.grad is None]
    assert without == []
    assert logits.shape == (4, 4)


def test_it_learns_to_match_four_pairs() -> None:
    made = model(audio={"name": "small", "width": 4, "dropout": 0.0, "spec_augment": None}).train()
    waveforms, lengths = batch()
    optimiser = torch.optim.Adam(made.parameters(), lr=3e-3)
    for _ in range(25):
        output = made(waveforms, lengths, CAPTIONS)
        loss = torch.nn.functional.cross_entropy(output.scale * output.audio @ output.text.T, torch.arange(4))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2 * math.log(4)


def test_frozen_norms_stay_in_eval_mode_in_training() -> None:
    made = model()
    plan = apply_freezing(made, FreezingSettings(freeze=["audio"]))
    made.train()
    before = copy.deepcopy(made.audio.state_dict())
    output = made(*batch(), CAPTIONS)
    (output.audio * output.text).sum().backward()
    check_plan(made, plan)
    assert all(torch.equal(before[name], value) for name, value in made.audio.state_dict().items())


@torch.no_grad()
def test_a_saved_model_is_the_same_model(tmp_path: Path) -> None:
    made = model(temperature={"bias": -3.0}).eval()
    made.audio.input_norm.running_mean.normal_()
    save_model(made, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert not again.training
    assert again.settings == made.settings
    assert torch.equal(again.embed_audio(*batch()), made.embed_audio(*batch()))
    assert torch.equal(again.embed_texts(CAPTIONS), made.embed_texts(CAPTIONS))
    assert again.scale() == made.scale()
    files = sorted(str(path.relative_to(tmp_path / "m")) for path in (tmp_path / "m").rglob("*") if path.is_file())
    assert files == ["model.safetensors", "model.yaml", "parts/text/tokenizer.json"]
    save_model(again, tmp_path / "m")  # over itself
    assert load_model(tmp_path / "m").settings == made.settings


def test_random_weights_of_a_configuration_are_saved_with_it(tmp_path: Path) -> None:
    config = {"model_type": "bert", "vocab_size": 300, "hidden_size": 8, "num_hidden_layers": 1,
              "num_attention_heads": 1, "intermediate_size": 8}  # fmt: skip
    made = model(text={"name": "huggingface", "config": config, "frozen": True}).eval()
    save_model(made, tmp_path)
    again = load_model(tmp_path)
    torch.testing.assert_close(again.embed_texts(CAPTIONS), made.embed_texts(CAPTIONS))
    assert again.text.frozen


def test_a_training_can_start_from_a_saved_model_of_the_same_shapes(tmp_path: Path) -> None:
    made = model()
    save_model(made, tmp_path)
    started = model(start=str(tmp_path), temperature={"largest": 50.0})
    assert started.training
    assert started.settings.temperature.largest == 50
    assert all(
        torch.equal(a, b) for a, b in zip(started.state_dict().values(), made.state_dict().values(), strict=True)
    )
    with pytest.raises(UsageError, match="do not fit"):
        model(start=str(tmp_path), projection={"size": 5})
    with pytest.raises(DamagedFile, match="does not exist"):
        model(start=str(tmp_path / "nowhere"))


def test_folders_that_are_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match=r"model\.yaml"):
        load_model(tmp_path)
    save_model(model(), tmp_path)
    card = read_yaml(tmp_path / "model.yaml")
    write_yaml(tmp_path / "model.yaml", {**card, "version": 99})
    with pytest.raises(UnknownVersion, match="99"):
        load_model(tmp_path)
    write_yaml(tmp_path / "model.yaml", {**card, "settings": {**card["settings"], "projections": {}}})
    with pytest.raises(ConfigError, match=r"projections[\s\S]*projection"):
        load_model(tmp_path)
    write_yaml(tmp_path / "model.yaml", {**card, "settings": {**card["settings"], "projection": {"size": 13}}})
    with pytest.raises(UsageError, match=r"audio_projection[\s\S]*\(12, 16\), not \(13, 16\)"):
        load_model(tmp_path)
    write_yaml(tmp_path / "model.yaml", card)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(StorageError, match=r"model\.safetensors"):
        load_model(tmp_path)


def test_captions_are_needed_where_the_tokenizer_is_made_of_them() -> None:
    with pytest.raises(DatasetError, match="no captions"):
        build_dual_encoder(settings())


@pytest.mark.parametrize(
    ("section", "letter"),
    [
        ({"audo": {}}, r"audo[\s\S]*audio"),
        ({"audio": {"name": "small", "widht": 4}}, r"widht[\s\S]*width"),
        ({"temperature": {"inital": 0.1}}, r"inital[\s\S]*initial"),
        ({"temperature": {"initial": 0.001}}, "above largest"),
        ({"projection": {"size": 0}}, "at least 1"),
    ],
)
def test_misspelt_and_impossible_settings_are_refused(section: dict[str, Any], letter: str) -> None:
    with pytest.raises(ConfigError, match=letter):
        parse_config(section, DualEncoderSettings, where="recipe.yaml")


def test_settings_are_written_with_every_default() -> None:
    text = dump_config(DualEncoderSettings())
    assert "hop_samples: 640" in text
    assert TemperatureSettings().largest == 100
