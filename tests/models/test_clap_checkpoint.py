"""CLAP checkpoints of transformers, against transformers' own embeddings from its own features and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    PreTrainedTokenizerFast,
)

from audiolect.errors import UsageError
from audiolect.models.adapt import FreezingSettings, apply_freezing
from audiolect.models.clap import DualEncoder, load_model, save_model
from audiolect.models.clap_checkpoint import clap_settings, load_clap
from audiolect.models.features import PRESETS, log_mel
from audiolect.models.text_tokenizer import train_tokenizer

CAPTIONS = ["a dog barks", "rain falls on a roof", "a bell"]
TEXT = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 40, "initializer_factor": 10.0}  # fmt: skip
AUDIO = {"patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1, 1, 1, 1],
         "num_attention_heads": [1, 1, 2, 2]}  # fmt: skip


def checkpoint(folder: Path, **audio: Any) -> Path:
    torch.manual_seed(0)
    text = ClapTextConfig(**TEXT, projection_dim=24).to_dict()
    config = ClapConfig(
        text_config=text,
        audio_config=ClapAudioConfig(**{**AUDIO, **audio}, projection_dim=24).to_dict(),
        projection_dim=24,
    )
    clap = ClapModel(config)
    with torch.no_grad():
        clap.audio_model.audio_encoder.batch_norm.running_mean.fill_(-40)
        clap.audio_model.audio_encoder.batch_norm.running_var.fill_(400)
        clap.logit_scale_a.fill_(2.5)
        for name, parameter in clap.named_parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.2)
            elif "bias" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    clap.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(CAPTIONS, 300, min_count=1), pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unfused checkpoint with random weights."""
    return checkpoint(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def model(folder: Path) -> DualEncoder:
    return load_clap(folder)


def recordings() -> list[np.ndarray]:
    """3.1 s, 10 s exactly, and 0.4 s, of noise over a tone."""
    rng = np.random.default_rng(0)
    lengths = (148_800, 480_000, 19_200)
    return [
        (0.1 * rng.standard_normal(n) + 0.2 * np.sin(np.arange(n) * 0.05 * (k + 1))).astype(np.float32)
        for k, n in enumerate(lengths)
    ]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    sounds = recordings()
    waveforms = torch.zeros(3, 480_000)
    for row, sound in enumerate(sounds):
        waveforms[row, : len(sound)] = torch.from_numpy(sound)
    return waveforms, torch.tensor([len(sound) for sound in sounds])


@pytest.mark.parametrize("fused", [False, True])
@torch.no_grad()
def test_audio_vectors_are_those_of_transformers_and_its_feature_extractor(tmp_path: Path, fused: bool) -> None:
    source = checkpoint(tmp_path, enable_fusion=fused)
    theirs = ClapModel.from_pretrained(source).eval()
    extractor = ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc", padding="repeatpad")
    inputs = extractor(recordings(), sampling_rate=48000, return_tensors="pt")
    inputs["is_longer"] = torch.zeros(3, 1, dtype=torch.bool)
    expected = theirs.get_audio_features(**inputs).pooler_output
    found = load_clap(source).embed_audio(*batch())
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert float((expected[0] @ expected[1]).abs()) < 0.999  # the three are not one vector


def test_the_features_agree_with_the_extractors() -> None:
    extractor = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    theirs = extractor(recordings(), sampling_rate=48000, return_tensors="pt")["input_features"][:, 0]
    ours = log_mel(*(batch()[0], PRESETS["clap-48k"]), batch()[1], fixed_length=True)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs.float(), atol=1e-2, rtol=0)


@torch.no_grad()
def test_text_vectors_are_those_of_transformers(folder: Path, model: DualEncoder) -> None:
    theirs = ClapModel.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(CAPTIONS, padding=True, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    expected = theirs.get_text_features(**tokens).pooler_output
    torch.testing.assert_close(model.embed_texts(CAPTIONS), expected, atol=1e-5, rtol=0)
    assert float((expected[0] @ expected[1]).abs()) < 0.999
    assert model.scale().item() == pytest.approx(np.exp(2.5))


@torch.no_grad()
def test_a_long_recording_has_one_vector_the_mean_of_its_windows(model: DualEncoder) -> None:
    sound = torch.from_numpy(np.concatenate([recordings()[1], 0.5 * recordings()[1][::-1].copy()]))[None]
    found = model.embed_audio(sound, torch.tensor([960_000]))
    assert torch.equal(found, model.embed_audio(sound, torch.tensor([960_000])))
    ten = torch.tensor([480_000])
    pooled = [model.audio(part, ten).pooled for part in sound.split(480_000, dim=1)]
    expected = torch.nn.functional.normalize(model.audio_projection((pooled[0] + pooled[1]) / 2), dim=-1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_it_is_saved_and_loaded_as_a_model_of_ours(model: DualEncoder, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert torch.equal(again.embed_texts(CAPTIONS), model.embed_texts(CAPTIONS))
    waveforms, lengths = batch()
    assert torch.equal(again.embed_audio(waveforms[:1], lengths[:1]), model.embed_audio(waveforms[:1], lengths[:1]))


def test_a_plan_trains_its_projections_alone(folder: Path) -> None:
    plan = apply_freezing(load_clap(folder), FreezingSettings(freeze=["audio", "text"]))
    assert plan.num_trainable == 2 * (24 * 24 + 24) + (64 * 24 + 24) + (16 * 24 + 24) + 1


def test_what_is_no_clap_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        load_clap(tmp_path / "nowhere")
    BertModel(BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(
        tmp_path
    )
    with pytest.raises(UsageError, match="model_type bert"):
        load_clap(tmp_path)


def test_other_projections_are_refused(folder: Path) -> None:
    config = ClapConfig.from_pretrained(folder)
    config.text_config.projection_hidden_act = "tanh"
    with pytest.raises(UsageError, match="projections of another kind"):
        clap_settings(config, "x")
