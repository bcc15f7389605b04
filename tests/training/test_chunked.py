"""The chunked losses are the plain ones, to rounding, in value and gradient, and hold no matrix."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from audiolect.errors import UsageError
from audiolect.training.chunked import Teacher, chunked_info_nce, chunked_sigmoid_loss
from audiolect.training.losses import info_nce, sigmoid_loss, teacher_logits
from audiolect.training.negatives import SAME, PairKeys


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small operations on several threads mostly wait for each other, all the more on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(size: int, width: int = 6, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Audio and text of norm 1 with gradients."""
    tables = torch.randn(2, size, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    tables = torch.nn.functional.normalize(tables, dim=2).to(dtype)
    return [table.clone().requires_grad_() for table in tables]


def some_keys(size: int, same: str, seed: int = 0, kinds: int = 6) -> PairKeys:
    drawn = torch.randint(0, kinds, (2, size), generator=torch.Generator().manual_seed(seed))
    return PairKeys(drawn[0], drawn[1] + 100, same)


def gradients(loss: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    return list(torch.autograd.grad(3.0 * loss, inputs))


def closest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The largest difference relative to the largest entry."""
    return max(float((a - b).abs().max() / b.abs().max().clamp_min(1e-30)) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("same", [None, *SAME])
@pytest.mark.parametrize("weight", [None, 1.0, 0.4])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_info_nce_equals_the_plain_one(same: str | None, weight: float | None, chunk: int) -> None:
    audio, text = made(11)
    scale = torch.tensor(20.0, dtype=torch.float64, requires_grad=True)
    keys = None if same is None else some_keys(11, same)
    seen = made(11, 4, seed=3)
    teacher = None if weight is None else Teacher(*seen, temperature=0.1, weight=weight)
    masks = {} if keys is None else keys.matrices()
    soft = {} if weight is None else {"soft_targets": teacher_logits(*seen, 0.1), "soft_weight": weight}
    plain = info_nce(audio, text, scale, **masks, **soft)
    ours = chunked_info_nce(audio, text, scale, keys=keys, teacher=teacher, chunk=chunk)
    assert ours.item() == pytest.approx(plain.item(), rel=1e-12)
    inputs = [audio, text, scale]
    assert closest(gradients(ours, inputs), gradients(plain, inputs)) < 1e-11
    with torch.no_grad():
        without_gradient = chunked_info_nce(audio, text, scale, keys=keys, teacher=teacher, chunk=chunk)
    assert without_gradient.item() == pytest.approx(plain.item(), rel=1e-12)


@pytest.mark.parametrize("same", [None, *SAME])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_sigmoid_loss_equals_the_plain_one(same: str | None, chunk: int) -> None:
    audio, text = made(11)
    scale, bias = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (40.0, -10.0))
    keys = None if same is None else some_keys(11, same)
    plain = sigmoid_loss(audio, text, scale, bias, **({} if keys is None else keys.matrices()))
    ours = chunked_sigmoid_loss(audio, text, scale, bias, keys=keys, chunk=chunk)
    assert ours.item() == pytest.approx(plain.item(), rel=1e-12)
    inputs = [audio, text, scale, bias]
    assert closest(gradients(ours, inputs), gradients(plain, inputs)) < 1e-11


def test_gradients_are_those_of_the_values() -> None:
    audio, text = made(5, 3)
    scale, bias = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (3.0, -1.0))
    teacher = Teacher(*made(5, 3, seed=9), temperature=0.5, weight=0.5)
    for same in SAME:
        keys = some_keys(5, same, kinds=4)
        nce = lambda *x, k=keys: chunked_info_nce(*x, keys=k, teacher=teacher, chunk=2)  # noqa: E731
        sigmoid = lambda *x, k=keys: chunked_sigmoid_loss(*x, keys=k, chunk=2)  # noqa: E731
        assert torch.autograd.gradcheck(nce, (audio, text, scale))
        assert torch.autograd.gradcheck(sigmoid, (audio, text, scale, bias))


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_float32_is_within_1e_5_of_float64(scale: float) -> None:
    """At 1,500 rows in blocks of 256: captions a little nearer to their recordings than to others, some the same."""
    audio, text = made(1500, 64)
    with torch.no_grad():
        text.copy_(torch.nn.functional.normalize(0.4 * audio + text, dim=1))
    keys = some_keys(1500, "left_out", kinds=1000)
    plain = info_nce(audio, text, scale, **keys.matrices())
    exact = gradients(plain, [audio, text])
    small = [table.detach().float().requires_grad_() for table in (audio, text)]
    ours = chunked_info_nce(small[0], small[1], scale, keys=keys, chunk=256)
    found = gradients(ours, small)
    assert ours.item() == pytest.approx(plain.item(), rel=1e-5)
    for mine, theirs in zip(found, exact, strict=True):
        assert float((mine - theirs).norm() / theirs.norm()) < 1e-5


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(7)), st.sampled_from(SAME), st.integers(1, 8))
def test_neither_order_nor_blocks_matter(order: list[int], same: str, chunk: int) -> None:
    audio, text = made(7)
    keys = some_keys(7, same)
    moved = PairKeys(keys.recording[order], keys.caption[order], same)
    first = chunked_info_nce(audio, text, 8.0, keys=keys)
    second = chunked_info_nce(audio[order], text[order], 8.0, keys=moved, chunk=chunk)
    assert second.item() == pytest.approx(first.item(), rel=1e-12)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "info_nce": chunked_info_nce,
    "sigmoid": lambda a, t, s, **options: chunked_sigmoid_loss(a, t, s, -5.0, **options),
}


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_batch_of_none_is_0(name: str) -> None:
    audio, text = made(0)
    loss = LOSSES[name](audio, text, 5.0)
    assert loss.item() == 0.0
    assert [table.shape for table in gradients(loss, [audio, text])] == [(0, 6), (0, 6)]


def test_a_batch_of_one_and_one_caption_for_all_have_nothing_to_learn_from() -> None:
    one = made(1)
    assert chunked_info_nce(*one, 5.0).item() == pytest.approx(0.0, abs=1e-15)
    audio, text = made(6)
    keys = PairKeys(torch.arange(6), torch.zeros(6, dtype=torch.int64))
    loss = chunked_info_nce(audio, text, 5.0, keys=keys, chunk=2)
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    assert max(float(table.abs().max()) for table in gradients(loss, [audio, text])) < 1e-12


def test_bfloat16_and_autocast_compute_in_float32() -> None:
    audio, text = (table.detach().bfloat16().requires_grad_() for table in made(20, 64))
    exact = info_nce(audio.double(), text.double(), 100.0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = chunked_info_nce(audio, text, 100.0, chunk=8)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert [table.dtype for table in gradients(loss, [audio, text])] == [torch.bfloat16, torch.bfloat16]


def test_a_frozen_tower_needs_no_gradient() -> None:
    audio, text = made(6)
    frozen = text.detach()
    (ours,) = gradients(chunked_info_nce(audio, frozen, 5.0, chunk=4), [audio])
    (plain,) = gradients(info_nce(audio, frozen, 5.0), [audio])
    assert closest([ours], [plain]) < 1e-12


class Sizes(TorchDispatchMode):
    """How many numbers the largest table has of those that are made."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.dim() >= 2:
            self.largest = max(self.largest, made.numel())
        return made


@pytest.mark.parametrize("chunk", [2, 5])
def test_no_table_is_larger_than_a_block_or_the_embeddings(chunk: int) -> None:
    """A chunk that were not heeded would make tests of small batches tests of one block."""
    audio, text = made(40, 2)
    keys, seen = some_keys(40, "left_out"), [table.detach() for table in made(40, 2, seed=1)]
    with Sizes() as sizes:
        chunked_info_nce(audio, text, 5.0, keys=keys, teacher=Teacher(*seen, 0.1, weight=0.5), chunk=chunk).backward()
        chunked_sigmoid_loss(audio, text, 5.0, -1.0, keys=keys, chunk=chunk).backward()
    assert chunk * chunk <= sizes.largest <= 2 * 40 * 2


def test_large_and_broken_logits() -> None:
    audio, text = made(6, dtype=torch.float32)
    for loss in (chunked_info_nce(audio, text, 1e5, chunk=2), chunked_sigmoid_loss(audio, text, 1e5, -10.0, chunk=2)):
        assert torch.isfinite(loss)
        assert all(torch.isfinite(table).all() for table in gradients(loss, [audio, text]))
    with torch.no_grad():
        audio[3, 0] = torch.nan
    assert torch.isnan(chunked_info_nce(audio, text, 5.0, chunk=2))
    assert torch.isnan(chunked_sigmoid_loss(audio, text, 5.0, 0.0, chunk=2))


def test_what_does_not_fit_is_refused() -> None:
    audio, text = made(4)
    with pytest.raises(UsageError, match="do not fit"):
        chunked_info_nce(audio, text[:, :3], 1.0)
    with pytest.raises(UsageError, match="scalars"):
        chunked_sigmoid_loss(audio, text, 1.0, torch.zeros(1))
    with pytest.raises(UsageError, match=r"one row(.|\n)*keys"):
        chunked_info_nce(audio, text, 1.0, keys=some_keys(5, "left_out"))
    with pytest.raises(UsageError, match=r"one row(.|\n)*teacher"):
        chunked_info_nce(audio, text, 1.0, teacher=Teacher(audio[:2], text[:2], 0.1))
    with pytest.raises(UsageError, match="chunk"):
        chunked_info_nce(audio, text, 1.0, chunk=0)
    with pytest.raises(UsageError, match="above 0"):
        Teacher(audio, text, -1.0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        Teacher(audio, text, 1.0, weight=2.0)


MEMORY = """
import json
from pathlib import Path
import torch
from audiolect.training.chunked import chunked_info_nce
from audiolect.training.negatives import PairKeys
torch.set_num_threads(1)
size, width = 8192, 32
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
def run(n):
    audio, text = (torch.randn(n, width).requires_grad_() for _ in range(2))
    keys = PairKeys(torch.arange(n) // 2, torch.arange(n))
    chunked_info_nce(audio, text, 1.0, keys=keys, chunk=512).backward()
run(600)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
run(size)
print(json.dumps({"extra": status("VmHWM") - before, "matrix": size * size * 4, "gradients": size * width * 8}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_memory_is_an_eighth_of_one_matrix_of_logits() -> None:
    """In a process of its own, embeddings and gradients included; bench/losses.py has the figures of 32,768."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    assert measured["gradients"] < measured["extra"] < measured["matrix"] / 8
