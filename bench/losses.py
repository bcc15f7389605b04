"""What InfoNCE costs in seconds and memory: in blocks beside the plain form, value and gradients.

Embeddings of width 512 in float32, captions near their recordings, scale 20. Memory is the peak of a fresh process less
what it held with the embeddings made and everything warm; the gradients of the embeddings are counted. The peers hold
the matrix of logits: the formula as open_clip writes it on one device (two products, two cross-entropies), and our own
``losses.info_nce``. The bar for memory is an eighth of the plain form's, where that was measured, and otherwise an
eighth of *one* float32 matrix of logits, of which a plain form holds several.

The plain form of 32,768 rows needs about 18 GB. It is measured where a machine has 40 GB to spare; everywhere else the
seconds stand beside those of the bare products: three, which is what a plain form computes.

Before anything is measured, gradients must agree to 1e-5: with the plain form's at 4,096 rows, and at 32,768 rows, for
some of them, with a float64 formula that goes another way.

    python bench/losses.py [--quick] [--json]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

import harness
from audiolect.training.chunked import chunked_info_nce
from audiolect.training.losses import info_nce
from audiolect.training.negatives import PairKeys

WIDTH = 512
SCALE = 20.0
SMALL, LARGE, QUICK = 4096, 32_768, 8192
SHARE = 1 / 8
TOLERANCE = 1e-5
CHECKED_ROWS = 64
_CHILD = "--child"
_PLAIN = "as open_clip, plain"


def main() -> int:
    """Measure and print; with --child NAME SIZE only one case, for its own process."""
    if _CHILD in sys.argv:
        name, size = sys.argv[sys.argv.index(_CHILD) + 1 :][:2]
        print(json.dumps(case(name, int(size))))
        return 0
    options = harness.arguments("What InfoNCE costs.", threads=None)
    large = QUICK if options.quick else LARGE
    check()
    figures = [speed(SMALL, repeats=3 if options.quick else 5)]
    small = {name: child(name, SMALL) for name in ("blocks", "plain")}
    figures.append(memory(SMALL, small["blocks"], small["plain"], bar=False))
    ours = child("blocks", large)
    if ours["difference"] > TOLERANCE:
        raise SystemExit(f"at {large:,} rows the gradient is {ours['difference']:.1e} off")
    plain = child("plain", large) if available_bytes() > 10 * 4 * large**2 else None
    figures.append(memory(large, ours, plain, bar=True))
    other = ours["products_seconds"] if plain is None else plain["seconds"]
    peer = "three bare products" if plain is None else _PLAIN
    seconds = ours["seconds"]
    figures += [
        harness.Figure(
            title(large, "seconds"),
            "s",
            seconds,
            seconds,
            seconds,
            (harness.Peer(peer, other, other / seconds, None, None),),
        ),
        masked(SMALL, repeats=3 if options.quick else 5),
    ]
    return harness.finish(figures, options.json)


def title(size: int, what: str) -> str:
    """The name of a figure."""
    return f"{size:,} × {WIDTH}, {what}"


def made(size: int) -> tuple[Tensor, Tensor]:
    """Recordings all over the sphere, captions near theirs."""
    generator = torch.Generator().manual_seed(0)
    audio = functional.normalize(torch.randn(size, WIDTH, generator=generator), dim=1)
    text = functional.normalize(audio + torch.randn(size, WIDTH, generator=generator) * 0.15, dim=1)
    return audio.requires_grad_(), text.requires_grad_()


def as_open_clip(audio: Tensor, text: Tensor, scale: float) -> Tensor:
    """The plain form: the logits of both directions, each a product of its own."""
    labels = torch.arange(len(audio))
    by_audio, by_text = scale * audio @ text.T, scale * text @ audio.T
    return (functional.cross_entropy(by_audio, labels) + functional.cross_entropy(by_text, labels)) / 2


def run(loss_of: Callable[..., Tensor], tables: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Value and gradients; the gradients."""
    return list(torch.autograd.grad(loss_of(*tables, SCALE), tables))


def check() -> None:
    """Ours and the plain form give the same gradients."""
    tables = made(SMALL)
    for ours, theirs in zip(run(chunked_info_nce, tables), run(as_open_clip, tables), strict=True):
        difference = float((ours - theirs).norm() / theirs.norm())
        if difference > TOLERANCE:
            raise SystemExit(f"at {SMALL:,} rows the gradient is {difference:.1e} off the plain form's")


def speed(size: int, *, repeats: int) -> harness.Figure:
    """Ours beside the plain forms."""
    tables = made(size)
    peers = {_PLAIN: lambda: run(as_open_clip, tables), "our plain info_nce": lambda: run(info_nce, tables)}
    return harness.compare(
        title(size, "value and gradients"),
        lambda: run(chunked_info_nce, tables),
        peers,
        work=size**2 / 1e6,
        unit="million pairs/s",
        bar=None,
        repeats=repeats,
    )


def masked(size: int, *, repeats: int) -> harness.Figure:
    """What leaving out pairs by keys costs: two captions of each recording in the batch."""
    tables = made(size)
    keys = PairKeys(torch.arange(size) // 2, torch.arange(size))
    return harness.compare(
        title(size, "same recordings left out"),
        lambda: run(lambda *inputs: chunked_info_nce(*inputs, keys=keys), tables),
        {"nothing left out": lambda: run(chunked_info_nce, tables)},
        work=size**2 / 1e6,
        unit="million pairs/s",
        bar=None,
        repeats=repeats,
    )


def memory(size: int, ours: dict[str, float], plain: dict[str, float] | None, *, bar: bool) -> harness.Figure:
    """Ours beside the plain form's memory, where it was measured, and beside the limit."""
    value = ours["extra_bytes"]
    peers = (
        []
        if plain is None
        else [harness.Peer(_PLAIN, plain["extra_bytes"] / 1e6, plain["extra_bytes"] / value, None, None)]
    )
    if bar:
        limit = SHARE * (4 * size**2 if plain is None else plain["extra_bytes"])
        name = "1/8 of one matrix of logits" if plain is None else "1/8 of the plain form"
        peers.append(harness.Peer(name, limit / 1e6, limit / value, 1.0, value <= limit))
    mega = value / 1e6
    return harness.Figure(title(size, "memory"), "MB", mega, mega, mega, tuple(peers))


def child(name: str, size: int) -> dict[str, float]:
    """One case in a process of its own."""
    command = [sys.executable, __file__, _CHILD, name, str(size)]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def case(name: str, size: int) -> dict[str, float]:
    """Seconds and extra bytes of value and gradients; of ours also how far gradients are off, and bare products."""
    loss_of = {"blocks": chunked_info_nce, "plain": as_open_clip}[name]
    run(loss_of, made(512))
    tables = made(size)
    before = resident_bytes()
    start = time.perf_counter()
    gradients = run(loss_of, tables)
    found = {"seconds": time.perf_counter() - start, "extra_bytes": float(resident_bytes(peak=True) - before)}
    if name == "blocks":
        with torch.no_grad():
            found |= {"difference": difference(tables, gradients[0]), "products_seconds": three_products(tables)}
    return found


def difference(tables: tuple[Tensor, Tensor], gradient: Tensor) -> float:
    """Of some rows of audio: the relative distance from the formula in float64."""
    audio, text = tables
    size = len(audio)
    rows = torch.arange(0, size, size // CHECKED_ROWS)
    columns = torch.cat([(SCALE * audio @ part.T).double().logsumexp(0) for part in text.split(256)])
    logits = SCALE * audio[rows].double() @ text.double().T
    slopes = (logits - logits.logsumexp(1, keepdim=True)).exp() + (logits - columns).exp()
    slopes[torch.arange(len(rows)), rows] -= 2.0
    exact = SCALE / (2 * size) * slopes @ text.double()
    return float((gradient[rows] - exact).norm() / exact.norm())


def three_products(tables: tuple[Tensor, Tensor]) -> float:
    """Seconds of what a plain form multiplies: logits, and the gradients of audio and text; in blocks of 1,024 rows."""
    audio, text = tables
    block = torch.empty(1024, len(text))
    into = torch.zeros_like(text)
    start = time.perf_counter()
    for rows in audio.split(1024):
        torch.mm(rows, text.T, out=block)
        torch.mm(block, text)
        into.addmm_(block.T, rows)
    return time.perf_counter() - start


def resident_bytes(*, peak: bool = False) -> int:
    """What this process holds in memory now, from where the peak is counted anew; or that peak. Linux only.

    Not ``ru_maxrss``: a process is born with that of the one that started it.
    """
    if not peak:
        Path("/proc/self/clear_refs").write_text("5")
    wanted = "VmHWM" if peak else "VmRSS"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(wanted))


def available_bytes() -> int:
    """Memory that is free on this machine; 0 where it does not say."""
    information = Path("/proc/meminfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


if __name__ == "__main__":
    sys.exit(main())
