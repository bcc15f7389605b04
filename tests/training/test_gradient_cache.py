"""Gradient caching is the big batch: value, gradients, dropout, buffers, generators, and its letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audiolect.errors import UsageError
from audiolect.training.chunked import chunked_info_nce
from audiolect.training.gradient_cache import cached_backward, cached_outputs, layers_that_mix_rows
from audiolect.training.losses import info_nce


class Towers(nn.Module):
    """Two small towers and a scale."""

    def __init__(self, *extra: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        audio = [nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(dropout), *extra, nn.Linear(8, 4)]
        self.audio = nn.Sequential(*audio)
        self.text = nn.Sequential(nn.Linear(6, 4), nn.Dropout(dropout))
        self.log_scale = nn.Parameter(torch.tensor(1.5))
        self.double()

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(b, 2, 6) → audio (b, 4), text (b, 4), scale."""
        audio, text = self.audio(rows[:, 0]), self.text(rows[:, 1])
        return nn.functional.normalize(audio, dim=1), nn.functional.normalize(text, dim=1), self.log_scale.exp()


def rows_of(size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(size, 2, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(dtype)


def gradients(model: nn.Module) -> list[Tensor]:
    found = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad()
    return found


def one_graph(model: nn.Module, chunks: tuple[Tensor, ...], factor: float = 1.0) -> tuple[float, list[Tensor]]:
    """The chunks one after the other, all in one graph."""
    audio, text, scale = zip(*map(model, chunks), strict=True)
    loss = info_nce(torch.cat(audio), torch.cat(text), scale[0])
    (factor * loss).backward()
    return loss.item(), gradients(model)


def close(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-12) -> None:
    assert len(ours) == len(theirs) > 4
    for a, b in zip(ours, theirs, strict=True):
        assert float((a - b).abs().max()) <= tolerance * max(float(b.abs().max()), 1e-3)


@pytest.mark.parametrize("size", [1, 4, 11, 20])
@pytest.mark.parametrize("loss", [info_nce, lambda a, t, s: chunked_info_nce(a, t, s, chunk=3)])
def test_it_is_the_big_batch(size: int, loss: Callable[..., Tensor]) -> None:
    model, rows = Towers(), rows_of(11)
    expected, wanted = one_graph(model, (rows,), 0.25)
    found = cached_backward(model, rows.split(size), loss, model=model, factor=0.25)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    assert not found.requires_grad
    close(gradients(model), wanted)


def test_float32_is_within_1e_6() -> None:
    model, rows = Towers().float(), rows_of(64, torch.float32)
    _, wanted = one_graph(model, (rows,))
    cached_backward(model, rows.split(8), info_nce, model=model)
    close(gradients(model), wanted, 3e-6)


def test_dropout_draws_again_what_it_drew() -> None:
    model, chunks = Towers(dropout=0.5), rows_of(11).split(4)
    torch.manual_seed(5)
    expected, wanted = one_graph(model, chunks)
    following = torch.rand(3)
    torch.manual_seed(5)
    found = cached_backward(model, chunks, info_nce, model=model)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    close(gradients(model), wanted)
    # What is drawn next is what would have been drawn next.
    assert torch.equal(torch.rand(3), following)
    torch.manual_seed(6)
    assert cached_backward(model, chunks, info_nce, model=model).item() != pytest.approx(expected, rel=1e-6)


def test_gradients_are_added_to_those_that_are_there() -> None:
    model, chunks = Towers(), rows_of(8).split(3)
    cached_backward(model, chunks, info_nce, model=model)
    once = gradients(model)
    for _ in range(2):
        cached_backward(model, chunks, info_nce, model=model, factor=0.5)
    close(gradients(model), once)


def test_autocast_loses_no_gradient() -> None:
    """Autocast keeps casts of weights within its context: those made without a graph must not be used with one."""
    model, rows = Towers().float(), rows_of(12, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        _, wanted = one_graph(model, (rows,))
    with torch.autocast("cpu", torch.bfloat16):
        cached_backward(model, rows.split(4), info_nce, model=model)
    close(gradients(model), wanted, 0.05)


def test_batch_norm_is_refused_unless_allowed() -> None:
    model, chunks = Towers(nn.BatchNorm1d(8)), rows_of(12).split(4)
    assert layers_that_mix_rows(model) == ["audio.4"]
    with pytest.raises(UsageError, match=r"mixes the rows(.|\n)*audio\.4"):
        cached_backward(model, chunks, info_nce, model=model)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    _, wanted = one_graph(model, chunks)
    after = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(start)
    cached_backward(model, chunks, info_nce, model=model, allow_batch_norm=True)
    close(gradients(model), wanted)
    # Running means have moved once for each chunk, not twice.
    assert any(not torch.equal(start[name], value) for name, value in after.items())
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, after[name], rtol=1e-12, atol=0)


def test_batch_norm_in_evaluation_mode_is_exact() -> None:
    model, rows = Towers(nn.BatchNorm1d(8)), rows_of(12)
    model.eval()
    assert layers_that_mix_rows(model) == []
    _, wanted = one_graph(model, (rows,))
    cached_backward(model, rows.split(5), info_nce, model=model)
    close(gradients(model), wanted)


def test_a_frozen_tower_and_a_constant_scale() -> None:
    model, rows = Towers(), rows_of(9)
    model.text.requires_grad_(False)
    model.log_scale.requires_grad_(False)
    _, wanted = one_graph(model, (rows,))
    cached_backward(model, rows.split(4), info_nce, model=model)
    close(gradients(model), wanted)


def test_a_scale_that_the_loss_takes_itself_gets_its_gradient() -> None:
    model, rows = Towers(), rows_of(9)
    _, wanted = one_graph(model, (rows,))
    cached_backward(
        lambda chunk: model(chunk)[:2],
        rows.split(4),
        lambda audio, text: info_nce(audio, text, model.log_scale.exp()),
        model=model,
    )
    close(gradients(model), wanted)


def test_all_but_the_last_chunk_are_quiet() -> None:
    model, chunks = Towers(), rows_of(9).split(3)
    depth = [0]
    seen: list[tuple[bool, bool]] = []

    @contextmanager
    def no_sync() -> Iterator[None]:
        depth[0] += 1
        yield
        depth[0] -= 1

    def embed(rows: Tensor) -> tuple[Tensor, ...]:
        seen.append((torch.is_grad_enabled(), depth[0] == 1))
        outputs: tuple[Tensor, ...] = model(rows)
        return outputs

    cached_backward(embed, chunks, info_nce, model=model, no_sync=no_sync)
    assert seen == [(False, True)] * 3 + [(True, True)] * 2 + [(True, False)]


def test_a_share_without_rows_goes_through() -> None:
    model = Towers()
    loss = cached_backward(model, [rows_of(0)], info_nce, model=model)
    assert loss.item() == 0.0
    assert all(float(gradient.abs().sum()) == 0.0 for gradient in gradients(model))


def test_what_cannot_be_is_refused() -> None:
    model, chunks = Towers(), rows_of(8).split(4)
    with pytest.raises(UsageError, match="no chunks"):
        cached_backward(model, [], info_nce, model=model)
    with pytest.raises(UsageError, match="do not fit"):
        cached_backward(lambda rows: (rows[:, 0], rows[1:, 1]), chunks, info_nce, model=model)
    rng = np.random.default_rng(0)

    def noisy(rows: Tensor) -> list[Any]:
        return list(model(rows + torch.from_numpy(rng.standard_normal(rows.shape))))

    with pytest.raises(UsageError, match=r"two different embeddings(.|\n)*chunk 0"):
        cached_backward(noisy, chunks, info_nce, model=model)


def test_a_loss_that_is_not_finite_is_handed_back() -> None:
    model, rows = Towers(), rows_of(6)
    rows[4] = torch.nan
    assert torch.isnan(cached_backward(model, rows.split(3), info_nce, model=model))


def outputs_of(model: Towers, chunks: tuple[Tensor, ...], **options: Any) -> tuple[float, list[Tensor]]:
    """As ``one_graph``, through outputs that are embedded again in backward."""
    audio, text = cached_outputs(lambda rows: model(rows)[:2], chunks, model=model, **options)
    loss = info_nce(audio, text, model.log_scale.exp())
    loss.backward()
    return loss.item(), gradients(model)


@pytest.mark.parametrize("size", [1, 3, 8, 20])
def test_outputs_with_a_backward_are_the_big_batch(size: int) -> None:
    model, rows = Towers(), rows_of(8)
    loss, expected = one_graph(model, (rows,))
    found, ours = outputs_of(model, rows.split(size))
    assert found == pytest.approx(loss, abs=1e-12)
    close(ours, expected)


def test_such_outputs_draw_dropout_again_and_leave_the_generator_behind_it() -> None:
    model, chunks = Towers(dropout=0.5).train(), rows_of(6).split(2)
    torch.manual_seed(5)
    loss, expected = one_graph(model, chunks)
    next_draw = torch.rand(())
    torch.manual_seed(5)
    found, ours = outputs_of(model, chunks)
    assert torch.equal(torch.rand(()), next_draw)
    assert found == pytest.approx(loss, abs=1e-12)
    close(ours, expected)


def test_such_outputs_count_batch_norm_once_where_it_is_allowed() -> None:
    model, chunks = Towers(nn.BatchNorm1d(8)).train(), rows_of(6).split(3)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UsageError, match="mixes the rows"):
        outputs_of(model, chunks)
    _, expected = one_graph(model, chunks)
    after = {name: value.clone() for name, value in model.named_buffers()}
    model.load_state_dict(start)
    _, ours = outputs_of(model, chunks, allow_batch_norm=True)
    close(ours, expected)
    assert all(torch.equal(value, after[name]) for name, value in model.named_buffers())


def test_such_outputs_are_replayed_under_their_autocast() -> None:
    model, rows = Towers().float(), rows_of(8, torch.float32)
    seen: list[torch.dtype] = []
    model.text.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        audio, text = cached_outputs(lambda part: model(part)[:2], rows.split(4), model=model)
        loss = info_nce(audio, text, model.log_scale.exp())
    loss.backward()  # outside of it
    assert seen == [torch.bfloat16] * 4
    assert all(bool(gradient.any()) for gradient in gradients(model))


def test_such_outputs_leave_frozen_parts_and_those_without_use_alone() -> None:
    model, rows = Towers(), rows_of(4)
    model.text.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    audio, _ = cached_outputs(lambda part: model(part)[:2], rows.split(2), model=model)
    audio.square()[:, 0].sum().backward()
    assert all(parameter.grad is None for parameter in (*model.text.parameters(), model.unused, model.log_scale))
    assert all(parameter.grad is not None for parameter in model.audio.parameters())


def test_such_outputs_with_randomness_of_numpy_are_refused_in_backward() -> None:
    model, draws = Towers(), np.random.default_rng(0)

    def embed(rows: Tensor) -> tuple[Tensor, Tensor]:
        return model(rows * float(draws.uniform(0.1, 9)))[:2]

    audio, text = cached_outputs(embed, rows_of(4).split(2), model=model)
    with pytest.raises(UsageError, match="two different embeddings"):
        info_nce(audio, text, 1.0).backward()


def test_no_chunk_has_a_graph_before_backward() -> None:
    model = Towers()
    grown: list[bool] = []

    def embed(rows: Tensor) -> tuple[Tensor, ...]:
        outputs = model(rows)[:2]
        grown.append(outputs[0].grad_fn is not None)
        return tuple(outputs)

    audio, text = cached_outputs(embed, rows_of(4).split(2), model=model)
    assert grown == [False, False]
    info_nce(audio, text, 1.0).backward()
    assert grown == [False, False, True, True]
