"""AST: transformers' own outputs, windows, and no influence of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from audiolect.errors import UsageError
from audiolect.models.encoders.ast import AstEncoder, AstSettings, build_ast

# 100 frames of 16 kHz: 16240 samples
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_length": 100,
}


@pytest.fixture(scope="module")
def encoder() -> AstEncoder:
    torch.manual_seed(0)
    return build_ast(AstSettings(config=SMALL)).eval()


# The lowest triangle of 128 lies between two Fourier bins; the extractor says so.
@pytest.mark.filterwarnings("ignore:At least one mel filter:UserWarning")
@pytest.mark.parametrize("num_samples", [16_240, 9_000])
def test_outputs_equal_transformers(encoder: AstEncoder, num_samples: int) -> None:
    waveform = 0.1 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0))
    extractor = ASTFeatureExtractor(max_length=100)
    features = extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        theirs = encoder.model(torch.as_tensor(features))
        ours = encoder(waveform[None], torch.tensor([num_samples]))
    torch.testing.assert_close(ours.pooled, theirs.pooler_output, rtol=0, atol=1e-5)
    # 12 patches high, 9 long: patch t covers frames 10 t to 10 t + 15
    patches = theirs.last_hidden_state[0, 2:].reshape(12, 9, 32).mean(dim=0)
    # 54 frames: patches 0 to 4 cover them
    count = 9 if num_samples == 16_240 else 5
    assert ours.mask.tolist() == [[True] * count]
    torch.testing.assert_close(ours.frames[0], patches[:count], rtol=0, atol=1e-5)


def test_neighbours_change_nothing(encoder: AstEncoder, alone_and_together: Callable[..., float]) -> None:
    assert alone_and_together(encoder, [16_240, 9_000, 40_000, 300, 0]) < 1e-5


def test_a_longer_recording_is_heard_in_windows(encoder: AstEncoder) -> None:
    waveform = 0.1 * torch.randn(1, 2 * 16_240, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = encoder(waveform, torch.tensor([2 * 16_240]))
        halves = encoder(waveform.reshape(2, -1), torch.tensor([16_240, 16_240]))
    torch.testing.assert_close(whole.pooled[0], halves.pooled.mean(dim=0), rtol=0, atol=1e-5)
    torch.testing.assert_close(whole.frames[0], halves.frames.flatten(0, 1), rtol=0, atol=1e-5)


def test_a_classifiers_folder_gives_its_encoder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = ASTForAudioClassification(ASTConfig(**SMALL)).eval()
    whole.save_pretrained(tmp_path)
    encoder = build_ast(AstSettings(source=str(tmp_path))).eval()
    features = torch.randn(1, 100, 128)
    with torch.inference_mode():
        theirs = whole.audio_spectrogram_transformer(features).pooler_output
        ours = encoder.encode_features(features, torch.tensor([100])).pooled
    assert torch.equal(ours, theirs)


def test_what_is_saved_builds_the_same_architecture(encoder: AstEncoder, tmp_path: Path) -> None:
    encoder.save_parts(tmp_path)
    again = build_ast(AstSettings(source="absent"), tmp_path)
    shapes = [{name: t.shape for name, t in one.state_dict().items()} for one in (encoder, again)]
    assert len(shapes[0]) > 20
    assert shapes[0] == shapes[1]


def test_more_frames_than_a_window_are_refused(encoder: AstEncoder) -> None:
    with pytest.raises(UsageError, match="more frames than AST hears"):
        encoder.encode_features(torch.zeros(1, 101, 128), torch.tensor([101]))
