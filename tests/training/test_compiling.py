"""Which parts of a model are compiled, and that nothing but the speed changes."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn

from audiolect.errors import MissingDependency
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder
from audiolect.training.compiling import blocks_of, compile_blocks


class Tower(nn.Module):
    """A front end without parts, two stages in a list, and a head made of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(4, 4)
        self.stages = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(2)])
        self.head = nn.Sequential(nn.Linear(4, 2))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = self.front(values)
        for stage in self.stages:
            values = stage(values)
        out: torch.Tensor = self.head(values)
        return out


class Towers(nn.Module):
    """A model of one tower and a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = Tower()
        self.projection = nn.Linear(2, 2)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.projection(self.audio(values))
        return out


def without_compilers(name: str) -> None:
    """Stands in for shutil.which on a machine that has no compiler."""


def test_blocks_are_the_parts_of_towers_that_are_made_of_layers() -> None:
    assert [name for name, _ in blocks_of(Towers())] == ["audio.stages.0", "audio.stages.1", "audio.head"]


def test_a_dual_encoder_has_blocks_in_both_towers_and_no_front_end_among_them() -> None:
    model = build_dual_encoder(DualEncoderSettings(), ["a dog barks", "rain falls"])
    names = [name for name, _ in blocks_of(model)]
    assert {name.split(".")[0] for name in names} >= {"audio", "text"}
    assert not any("front" in name or "mel" in name for name in names)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch._inductor itself uses it
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler, and there is none")
def test_a_compiled_model_gives_the_same_outputs_and_gradients_under_the_same_names() -> None:
    torch.manual_seed(0)
    plain, compiled = Towers(), Towers()
    compiled.load_state_dict(plain.state_dict())
    assert compile_blocks(compiled) == ["audio.stages.0", "audio.stages.1", "audio.head"]
    values = torch.randn(8, 4)
    outputs = [model(values) for model in (plain, compiled)]
    torch.testing.assert_close(outputs[1], outputs[0])
    for output in outputs:
        output.square().sum().backward()
    assert list(compiled.state_dict()) == list(plain.state_dict())
    for ours, theirs in zip(compiled.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert all(block._compiled_call_impl is not None for _, block in blocks_of(compiled))
    assert compiled.projection._compiled_call_impl is None


def test_without_a_compiler_a_letter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", without_compilers)
    with pytest.raises(MissingDependency, match=r"C\+\+ compiler") as caught:
        compile_blocks(Towers())
    assert "training.compile=false" in str(caught.value)
