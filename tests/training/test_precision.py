"""Precisions: what ``auto`` becomes on which machine, and what is computed in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from audiolect.training.precision import chosen_precision, multiplies_bf16_fast, open_accelerator


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: bool | None, cpu: Mapping[str, object]) -> None:
    """A machine whose accelerator has bf16 or not (None: it has none), and whose processor can this."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda is not None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: cuda or including_emulation)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)


@pytest.mark.parametrize(
    ("cpu", "fast"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_f": True}, False),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_bf16": True}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64", "bf16": True}, True),
        ({}, False),
    ],
)
def test_processors(monkeypatch: pytest.MonkeyPatch, cpu: Mapping[str, object], fast: bool) -> None:
    pretend(monkeypatch, cuda=None, cpu=cpu)
    assert multiplies_bf16_fast() is fast
    assert chosen_precision("auto") == ("bf16" if fast else "float32")


@pytest.mark.parametrize("has_it", [True, False])
def test_an_accelerator_decides_before_the_processor(monkeypatch: pytest.MonkeyPatch, has_it: bool) -> None:
    """One that emulates bf16 does not have it."""
    pretend(monkeypatch, cuda=has_it, cpu={"amx_bf16": not has_it})
    assert chosen_precision("auto") == ("bf16" if has_it else "float32")


@pytest.mark.parametrize("fast", [True, False])
def test_what_a_recipe_asks_for_is_taken(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    pretend(monkeypatch, cuda=None, cpu={"amx_bf16": fast})
    assert [chosen_precision(asked) for asked in ("bf16", "float32")] == ["bf16", "float32"]


def test_this_processor_is_asked_by_names_that_torch_has() -> None:
    """A name that torch does not use would always be absent."""
    found = torch.cpu.get_capabilities()
    names = {"x86_64": {"avx512_bf16", "amx_bf16"}, "aarch64": {"bf16"}}.get(str(found.get("architecture")), set())
    assert names <= found.keys()


@pytest.mark.parametrize("order", [("bf16", "float32"), ("float32", "bf16")])
def test_two_trainings_in_one_process_have_each_their_precision(order: tuple[str, str]) -> None:
    """Products are made in bf16 or float32; weights and gradients are float32 in both."""
    expected = {"bf16": torch.bfloat16, "float32": torch.float32}
    for precision in order:
        accelerator = open_accelerator(precision)
        layer = torch.nn.Linear(4, 4).to(accelerator.device)
        with accelerator.autocast():
            product = layer(torch.ones(2, 4, device=accelerator.device))
        accelerator.backward(product.float().sum())
        assert product.dtype == expected[precision]
        assert layer.weight.dtype == torch.float32
        assert layer.weight.grad is not None
        assert layer.weight.grad.dtype == torch.float32


def test_bf16_rounds_and_float32_does_not() -> None:
    """1 + 2⁻¹⁰ is a number of float32; bf16 has 8 bits."""
    found = {}
    for precision in ("bf16", "float32"):
        accelerator = open_accelerator(precision)
        value = torch.full((1, 1), 1 + 2**-10, device=accelerator.device)
        with accelerator.autocast():
            found[precision] = float(value @ torch.ones_like(value))
    assert found == {"bf16": 1.0, "float32": 1 + 2**-10}


def test_options_are_those_of_accelerate() -> None:
    assert open_accelerator("float32", gradient_accumulation_steps=3).gradient_accumulation_steps == 3
    with pytest.raises(TypeError, match="gradient_steps"):
        open_accelerator("float32", gradient_steps=3)
