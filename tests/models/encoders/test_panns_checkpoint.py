"""Checkpoints of PANNs: loaded whole, with their front end recognised, or refused."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models.encoders.cnn14 import Cnn14, Cnn14Settings, build_cnn14
from audiolect.models.encoders.panns_checkpoint import FRONT_END, check_front_end, front_end_weights, load_panns
from audiolect.models.front_end import FrontEndSettings, front_end
from audiolect.models.load_reports import kept_reports
from audiolect.models.mel_settings import PRESETS


@pytest.fixture(scope="module")
def state(published_state: Callable[[str], dict[str, Tensor]]) -> dict[str, Tensor]:
    """As published, with the front end of PANNs made by the formulas of its own libraries."""
    bins, samples = np.meshgrid(np.arange(513), np.arange(1024), indexing="ij")
    window = librosa.filters.get_window("hann", 1024, fftbins=True)
    transform = np.exp(-2j * np.pi * bins * samples / 1024) * window
    bank = librosa.filters.mel(sr=32000, n_fft=1024, n_mels=64, fmin=50, fmax=14000).T
    front = {
        "spectrogram_extractor.stft.conv_real.weight": torch.tensor(transform.real[:, None], dtype=torch.float32),
        "spectrogram_extractor.stft.conv_imag.weight": torch.tensor(transform.imag[:, None], dtype=torch.float32),
        "logmel_extractor.melW": torch.tensor(bank),
    }
    return published_state("cnn14") | front


@pytest.fixture(scope="module")
def checkpoint(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "Cnn14_mAP=0.431.pth"
    torch.save({"iteration": 600000, "model": state}, path)
    return path


def test_a_published_file_loads_whole(checkpoint: Path, state: dict[str, Tensor]) -> None:
    encoder = Cnn14(Cnn14Settings(classifier=True))
    report = load_panns(encoder, checkpoint)
    assert set(report.ignored) == set(FRONT_END)
    assert set(report.matched) | set(report.ignored) == set(state)
    own = encoder.state_dict()
    assert set(own) == set(report.matched)
    assert all(torch.equal(own[name], state[name]) for name in own)


def test_a_configuration_names_its_checkpoint_and_the_classifier_may_stay_behind(
    checkpoint: Path, state: dict[str, Tensor]
) -> None:
    encoder = build_cnn14(Cnn14Settings(weights=str(checkpoint)))
    own = encoder.state_dict()
    assert len(own) == len(state) - 3 - 2
    assert all(torch.equal(own[name], state[name]) for name in own)
    kept = kept_reports(nn.Sequential(encoder))["0"]
    assert kept.source == str(checkpoint)
    assert set(kept.report.ignored) == {*FRONT_END, "fc_audioset.weight", "fc_audioset.bias"}
    assert f"weights_sha256: {hashlib.sha256(checkpoint.read_bytes()).hexdigest()}" in kept.text()
    # A saved model brings its weights itself.
    assert not torch.equal(
        build_cnn14(Cnn14Settings(weights="absent.pth"), checkpoint.parent).fc1.weight, own["fc1.weight"]
    )


def test_a_pinned_file_is_held_against_its_hash_before_it_is_read(checkpoint: Path, tmp_path: Path) -> None:
    pinned = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    encoder = build_cnn14(Cnn14Settings(weights=str(checkpoint), weights_sha256=pinned))
    assert f"sha256 {pinned}, as weights_sha256 has it" in kept_reports(nn.Sequential(encoder))["0"].text()
    other = tmp_path / "other.pth"
    other.write_bytes(b"not a state dict")
    with pytest.raises(DamagedFile, match="another hash than is stated"):
        build_cnn14(Cnn14Settings(weights=str(other), weights_sha256=pinned))
    with pytest.raises(ValidationError):
        Cnn14Settings(weights_sha256="md5:1234")


def test_the_front_end_is_a_transform_and_a_filter_bank(state: dict[str, Tensor]) -> None:
    ours = front_end_weights(PRESETS["panns-32k"])
    assert tuple(ours) == FRONT_END
    for name in FRONT_END:
        torch.testing.assert_close(ours[name], state[name], rtol=0, atol=1e-5)
    # by hand: the window at a quarter is 1/2, the angle of bin 1 there a quarter turn
    assert math.isclose(float(ours[FRONT_END[0]][1, 0, 256]), 0.0, abs_tol=1e-7)
    assert math.isclose(float(ours[FRONT_END[1]][1, 0, 256]), -0.5, abs_tol=1e-7)


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"sample_rate_hz": 16000, "fmax_hz": 8000.0}, "melW differs"),
        ({"n_fft": 512}, "has the shape"),
        ({"fmin_hz": 0.0}, "melW differs"),
    ],
)
def test_another_front_end_is_refused(state: dict[str, Tensor], differing: dict[str, float], words: str) -> None:
    settings = front_end(FrontEndSettings.model_validate(differing))
    with pytest.raises(UsageError, match="another log-mel") as caught:
        check_front_end(state, settings, where="here")
    assert words in str(caught.value.found)


def test_a_front_end_of_nothing_is_refused(state: dict[str, Tensor]) -> None:
    broken = state | {FRONT_END[2]: torch.full((513, 64), torch.nan)}
    with pytest.raises(UsageError, match="another log-mel"):
        check_front_end(broken, PRESETS["panns-32k"], where="here")


def test_a_state_dict_without_a_front_end_passes(state: dict[str, Tensor]) -> None:
    bare = {name: tensor for name, tensor in state.items() if name not in FRONT_END}
    check_front_end(bare, PRESETS["panns-32k"], where="here")


def test_a_part_is_refused_and_nothing_is_loaded(state: dict[str, Tensor], tmp_path: Path) -> None:
    encoder = Cnn14(Cnn14Settings())
    before = encoder.fc1.weight.clone()
    part = {name: tensor for name, tensor in state.items() if not name.startswith("bn0.bias")}
    part |= {"att_block.att.weight": torch.zeros(1), "fc1.bias": torch.zeros(3)}
    torch.save({"model": part}, tmp_path / "part.pth")
    with pytest.raises(UsageError, match="nothing was loaded") as caught:
        load_panns(encoder, tmp_path / "part.pth")
    found = str(caught.value.found)
    assert "missing: bn0.bias" in found
    assert "unexpected: att_block.att.weight" in found
    assert "fc1.bias: (3,), not (2048,)" in found
    assert torch.equal(encoder.fc1.weight, before)


def test_no_file_and_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        load_panns(Cnn14(Cnn14Settings()), tmp_path / "absent.pth")
    torch.save({"model": {"bn0.weight": torch.zeros(1)}, "callback": print}, tmp_path / "code.pth")
    with pytest.raises(DamagedFile, match="nothing in it was run"):
        load_panns(Cnn14(Cnn14Settings()), tmp_path / "code.pth")
