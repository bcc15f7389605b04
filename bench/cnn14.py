"""What training Cnn14 costs: batches of 8 recordings of 10 s at 32 kHz, forward and backward.

Ours is the whole step: waveforms, log-mel, encoder, projection, InfoNCE against ready text vectors, gradients; in bf16
autocast where the processor multiplies it fast, else in float32. The peer with a bar is the encoder alone on a ready
log-mel, with a plain sum as its loss: features and loss may cost 8% on top. The other peer is the same network written
plainly, in torch's default memory layout and float32. The bar of 3.3 recordings per second holds for processors with
bf16; on others the figure stands without one. Memory is the greatest resident memory during one step above what was
resident before it (weights and their gradients were), as Linux counts it; there is no figure elsewhere.

    python bench/cnn14.py [--quick] [--json]
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

SECONDS = 10
RATE_HZ = 32000
BAR_OF_BARE = 1 / 1.08
RECORDINGS_PER_SECOND_WITH_BF16 = 3.3


def plain_cnn14() -> nn.Module:
    """Cnn14's twelve convolutions and its head in torch's default layout: (B, 1, F, M) to (B, 2048)."""
    from torch import nn

    layers: list[nn.Module] = []
    before = 1
    for channels in (64, 128, 256, 512, 1024, 2048):
        for width in (before, channels):
            layers += [nn.Conv2d(width, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True)]
        layers += [nn.AvgPool2d(2)] if channels < 2048 else []
        layers += [nn.Dropout(0.2)]
        before = channels
    return nn.Sequential(*layers)


class Steps:
    """The steps that are measured, over one encoder and one batch."""

    def __init__(self, batch: int) -> None:
        import torch

        from audiolect.models.encoders.cnn14 import Cnn14, Cnn14Settings
        from audiolect.models.features import frame_counts, log_mel
        from audiolect.training.precision import multiplies_bf16_fast

        torch.manual_seed(0)
        self.batch = batch
        self.bf16 = multiplies_bf16_fast()
        self.encoder = Cnn14(Cnn14Settings()).train()
        self.projection = torch.nn.Linear(2048, 1024)
        self.plain = plain_cnn14().train()
        self.plain_head = torch.nn.Linear(2048, 2048)
        self.waveforms = 0.1 * torch.randn(batch, SECONDS * RATE_HZ)
        self.lengths = torch.full((batch,), SECONDS * RATE_HZ)
        self.texts = torch.nn.functional.normalize(torch.randn(batch, 1024), dim=1)
        self.features = log_mel(self.waveforms, self.encoder.features)
        self.frames = frame_counts(self.lengths, self.encoder.features)

    def autocast(self) -> AbstractContextManager[Any]:
        """bf16 where it is fast."""
        import torch

        return torch.autocast("cpu", torch.bfloat16) if self.bf16 else nullcontext()

    def whole(self) -> None:
        """From waveforms to gradients."""
        from torch.nn.functional import normalize

        from audiolect.training.losses import info_nce

        with self.autocast():
            pooled = self.encoder(self.waveforms, self.lengths).pooled
            audio = normalize(self.projection(pooled).float(), dim=1)
        info_nce(audio, self.texts, 1 / 0.07).backward()

    def bare(self) -> None:
        """From a ready log-mel to gradients of a sum."""
        with self.autocast():
            pooled = self.encoder.encode_features(self.features, self.frames).pooled
        pooled.sum().backward()

    def in_default_layout(self) -> None:
        """The same network written plainly, in float32."""
        frames: Tensor = self.plain(self.features[:, None]).mean(dim=3)
        pooled = self.plain_head(frames.amax(dim=2) + frames.mean(dim=2)).relu()
        pooled.sum().backward()

    def rate_of(self, step: Callable[[], None]) -> Callable[[], float]:
        """Recordings per second of one step, its gradients new."""

        def rate() -> float:
            for module in (self.encoder, self.projection, self.plain, self.plain_head):
                module.zero_grad(set_to_none=False)
            start = time.perf_counter()
            step()
            return self.batch / (time.perf_counter() - start)

        return rate


def peak_megabytes(step: Callable[[], None]) -> float:
    """The greatest resident memory during a step, above that before it."""
    # What earlier steps have freed is still resident, and would hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_kilobytes("VmRSS")
    step()
    return (_status_kilobytes("VmHWM") - before) / 1024


def _status_kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def memory_figures(steps: Steps) -> list[harness.Figure]:
    """A whole step, with blocks kept and with blocks computed again."""
    kept = peak_megabytes(steps.whole)
    steps.encoder.gradient_checkpointing = True
    steps.whole()
    again = peak_megabytes(steps.whole)
    steps.encoder.gradient_checkpointing = False
    peers = (harness.Peer("blocks computed again", again, kept / again, None, None),)
    return [harness.Figure(f"Memory of a step, {steps.batch} x {SECONDS} s", "MB", kept, kept, kept, peers)]


def main() -> int:
    """Measure every row."""
    options = harness.arguments("What training Cnn14 costs.", threads=None)
    batch, repeats = (2, 3) if options.quick else (8, 5)
    steps = Steps(batch)
    precision = "bf16" if steps.bf16 else "float32"
    speed = harness.compare_rates(
        f"Cnn14 training step, {batch} x {SECONDS} s, {precision}",
        steps.rate_of(steps.whole),
        {
            "encoder alone, ready log-mel": steps.rate_of(steps.bare),
            "default layout, float32": steps.rate_of(steps.in_default_layout),
        },
        unit="recordings/s",
        bar=BAR_OF_BARE,
        repeats=repeats,
    )
    limit = RECORDINGS_PER_SECOND_WITH_BF16
    if steps.bf16:
        rate = harness.at_least("Cnn14 training rate", speed.ours, limit, unit="recordings/s")
    else:
        peers = (harness.Peer("bar of processors with bf16", limit, speed.ours / limit, None, None),)
        rate = harness.Figure(
            "Cnn14 training rate, no bf16 here", "recordings/s", speed.ours, speed.lowest, speed.highest, peers
        )
    memory = memory_figures(steps) if os.access("/proc/self/clear_refs", os.W_OK) else []
    return harness.finish([speed, rate, *memory], options.json)


if __name__ == "__main__":
    sys.exit(main())
