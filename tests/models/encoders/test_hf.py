"""Encoders that hear waveforms: transformers' own outputs, no influence of neighbours, windows, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from audiolect.errors import UsageError
from audiolect.models.encoders.hf import KINDS, HfEncoder, HfSettings, build_hf
from audiolect.models.load_reports import kept_reports

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


DROPOUTS = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout")


def small(kind: str, window_seconds: float = 30.0, **config: Any) -> HfEncoder:
    torch.manual_seed(0)
    more = {"conv_dim": [16] * 13, "squeeze_factor": 2} if kind.startswith("sew") else {}
    return build_hf(
        HfSettings(config={"model_type": kind, **SMALL, **more, **config}, window_seconds=window_seconds)
    ).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_change_nothing(kind: str, alone_and_together: Callable[..., float]) -> None:
    assert alone_and_together(small(kind), [12_000, 9_000, 12_000, 300, 0]) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_takes_part_and_no_step_depends_on_chance(kind: str) -> None:
    encoder = small(kind, **dict.fromkeys(DROPOUTS, 0.0)).train()
    waveforms, lengths = 0.1 * torch.randn(2, 6000), torch.tensor([6000, 6000])
    once, twice = encoder(waveforms, lengths), encoder(waveforms, lengths)
    assert torch.equal(once.frames, twice.frames)
    once.frames.sum().backward()
    assert [name for name, weight in encoder.named_parameters() if weight.grad is None] == []


def test_a_recognisers_folder_gives_its_encoder_with_its_preparation(tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = Wav2Vec2ForCTC(Wav2Vec2Config(**SMALL, vocab_size=40)).eval()
    whole.save_pretrained(tmp_path)
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True)
    extractor.save_pretrained(tmp_path)
    encoder = build_hf(HfSettings(source=str(tmp_path))).eval()
    waveform = 0.1 * torch.randn(8000) + 0.3
    prepared = torch.as_tensor(extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt")["input_values"])
    with torch.inference_mode():
        theirs = whole.wav2vec2(prepared).last_hidden_state[0]
        ours = encoder(waveform[None], torch.tensor([8000]))
    assert theirs.abs().max() > 0.1
    torch.testing.assert_close(ours.frames[0], theirs, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.pooled[0], theirs.mean(dim=0), rtol=0, atol=1e-5)
    (report,) = kept_reports(encoder).values()
    assert report.report.missing == ()

    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    plain = build_hf(HfSettings(source=str(tmp_path))).eval()
    assert (encoder.normalize, plain.normalize, plain.rate_hz) == (True, False, 16_000)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(UsageError, match=r"does not say how it wants(.|\n)*preprocessor_config\.json"):
        build_hf(HfSettings(source=str(tmp_path)))


def test_a_longer_recording_is_heard_in_windows() -> None:
    encoder = small("hubert", window_seconds=0.5)
    waveform = 0.1 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = encoder(waveform, torch.tensor([16_000]))
        halves = encoder(waveform.reshape(2, -1), torch.tensor([8000, 8000]))
    torch.testing.assert_close(whole.frames[0], halves.frames.flatten(0, 1), rtol=0, atol=1e-5)


def test_an_empty_batch_is_an_empty_output() -> None:
    heard = small("wavlm")(torch.zeros(0, 0), torch.zeros(0, dtype=torch.int64))
    assert (heard.pooled.shape, heard.mask.shape[0]) == ((0, 32), 0)


def test_what_is_saved_builds_the_same_architecture(tmp_path: Path) -> None:
    encoder = small("wavlm")
    encoder.normalize = False
    encoder.save_parts(tmp_path)
    again = build_hf(HfSettings(source="absent"), tmp_path)
    shapes = [{name: t.shape for name, t in one.state_dict().items()} for one in (encoder, again)]
    assert len(shapes[0]) > 20
    assert shapes[0] == shapes[1]
    assert not again.normalize


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs its architecture(.|\n)*wav2vec2 or hubert"):
        build_hf(HfSettings())
    with pytest.raises(UsageError, match="needs its architecture"):
        build_hf(HfSettings(config={"model_type": "bert"}))
    with pytest.raises(UsageError, match=r"does not read(.|\n)*did you mean 'hidden_size'"):
        build_hf(HfSettings(config={"model_type": "hubert", "hiden_size": 32}))
    with pytest.raises(UsageError, match="no features"):
        small("hubert").encode_features(torch.zeros(1, 3, 4), torch.tensor([3]))
    with pytest.raises(ValidationError, match="one of source and config"):
        HfSettings(source="a", config={})
