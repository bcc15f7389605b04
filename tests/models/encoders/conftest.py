"""Fixtures: the names and shapes of the tensors in the published checkpoints of PANNs, written out as rules.

From the architecture as published: convolutions without bias, batch norms of five tensors, the front end of
torchlibrosa (Fourier transform of 1024 points as two convolutions, filter bank of 64 mel bins), 527 classes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def norm(name: str, channels: int) -> Shapes:
    shapes: Shapes = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes | {f"{name}.num_batches_tracked": ()}


def block(name: str, before: int, after: int, kernel: tuple[int, ...] = (3, 3)) -> Shapes:
    convolutions: Shapes = {
        f"{name}.conv1.weight": (after, before, *kernel),
        f"{name}.conv2.weight": (after, after, *kernel),
    }
    return convolutions | norm(f"{name}.bn1", after) | norm(f"{name}.bn2", after)


def front_end() -> Shapes:
    return {
        "spectrogram_extractor.stft.conv_real.weight": (513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": (513, 1, 1024),
        "logmel_extractor.melW": (513, 64),
    }


def head() -> Shapes:
    return {
        "fc1.weight": (2048, 2048),
        "fc1.bias": (2048,),
        "fc_audioset.weight": (527, 2048),
        "fc_audioset.bias": (527,),
    }


def cnn14() -> Shapes:
    shapes = front_end() | norm("bn0", 64)
    for number, (before, after) in enumerate(
        [(1, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048)], start=1
    ):
        shapes |= block(f"conv_block{number}", before, after)
    return shapes | head()


def wavegram_logmel_cnn14() -> Shapes:
    shapes: Shapes = {"pre_conv0.weight": (64, 1, 11)}
    shapes |= norm("pre_bn0", 64)
    for number, (before, after) in enumerate([(64, 64), (64, 128), (128, 128)], start=1):
        shapes |= block(f"pre_block{number}", before, after, (3,))
    shapes |= block("pre_block4", 4, 64) | cnn14()
    # The wavegram's 64 channels stand beside the log-mel's.
    shapes["conv_block2.conv1.weight"] = (128, 128, 3, 3)
    return shapes


def resnet38() -> Shapes:
    shapes = front_end() | norm("bn0", 64) | block("conv_block1", 1, 64)
    before = 64
    for layer, (channels, count) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=1):
        for index in range(count):
            shapes |= block(f"resnet.layer{layer}.{index}", before, channels)
            if index == 0 and layer > 1:
                shapes[f"resnet.layer{layer}.0.downsample.1.weight"] = (channels, before, 1, 1)
                shapes |= norm(f"resnet.layer{layer}.0.downsample.2", channels)
            before = channels
    return shapes | block("conv_block_after1", 512, 2048) | head()


def random_state(shapes: Shapes) -> dict[str, torch.Tensor]:
    """Random weights of these names and shapes, sized so that activations stay near 1."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(3)
        elif name.startswith("bn0.running"):
            # as of white noise at -20 dB: decibels around -30
            state[name] = torch.full(shape, -30.0 if name.endswith("mean") else 400.0)
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(shape, generator=generator)
        elif len(shape) == 1:
            state[name] = float(name.endswith("weight")) + 0.1 * torch.randn(shape, generator=generator)
        else:
            fan_in = torch.Size(shape[1:]).numel()
            state[name] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
    return state


SHAPES: dict[str, Callable[[], Shapes]] = {
    "cnn14": cnn14,
    "wavegram_logmel_cnn14": wavegram_logmel_cnn14,
    "resnet38": resnet38,
}


@pytest.fixture(scope="session")
def published_shapes() -> Callable[[str], Shapes]:
    """Architecture → name → shape, of every tensor in its checkpoint."""
    return lambda name: SHAPES[name]()


@pytest.fixture(scope="session")
def published_state() -> Callable[[str], dict[str, Tensor]]:
    """Architecture → a state dict as published, with random weights and a random front end."""
    return lambda name: random_state(SHAPES[name]())


@pytest.fixture(scope="session")
def alone_and_together() -> Callable[..., float]:
    """``(encoder, lengths)`` → the greatest difference of any output between a recording alone and in the batch.

    Behind their ends stand NaN; in the encoder's eval mode.
    """

    def difference(encoder: torch.nn.Module, lengths: list[int]) -> float:
        waveforms = 0.1 * torch.randn(len(lengths), max(lengths), generator=torch.Generator().manual_seed(1))
        waveforms[torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]] = torch.nan
        greatest = 0.0
        with torch.inference_mode():
            together = encoder(waveforms, torch.tensor(lengths))
            for row, length in enumerate(lengths):
                alone = encoder(waveforms[row : row + 1, :length], torch.tensor([length]))
                count = int(alone.mask.sum())
                if not bool(alone.mask.all()) or int(together.mask[row].sum()) != count:
                    return float("inf")
                if together.frames[row, count:].any():
                    return float("inf")
                pairs = [(alone.pooled[0], together.pooled[row]), (alone.frames[0], together.frames[row, :count])]
                greatest = max([greatest, *[float((one - other).abs().max()) for one, other in pairs]])
        return greatest

    return difference
