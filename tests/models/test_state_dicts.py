"""Weights from files: read without running anything, loaded whole or not at all, with every name told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audiolect.errors import DamagedFile, StorageError, UnsafePath, UsageError
from audiolect.models.load_reports import WrongShape
from audiolect.models.state_dicts import compare_weights, load_weights, read_weights


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


STATE = {name: torch.full_like(value, 7) for name, value in network().state_dict().items()}


@pytest.mark.parametrize(
    "content",
    [STATE, {"model": STATE, "iteration": 3}, {"state_dict": {f"module.{name}": v for name, v in STATE.items()}}],
)
def test_a_file_of_torch_is_unwrapped(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "Cnn14_mAP=0.431.pth"
    torch.save(content, path)
    found = read_weights(path)
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_safetensors_and_the_folders_of_transformers_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "model.safetensors")
    assert read_weights(tmp_path).keys() == read_weights(tmp_path / "model.safetensors").keys() == STATE.keys()
    shards = tmp_path / "shards"
    shards.mkdir()
    names = list(STATE)
    weight_map = {name: f"part-{place % 2}.safetensors" for place, name in enumerate(names)}
    for part in range(2):
        save_file({name: STATE[name] for name in names[part::2]}, shards / f"part-{part}.safetensors")
    (shards / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert read_weights(shards).keys() == STATE.keys()
    weight_map[names[0]] = "../model.safetensors"
    (shards / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(UnsafePath, match="leaves the folder"):
        read_weights(shards)


class Trap:
    """Something that a pickle would run."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("trapped"),))


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Trap()}, "evil.pth")
    with pytest.raises(DamagedFile, match="nothing in it was run"):
        read_weights("evil.pth")
    assert not Path("trapped").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04cut short"])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedFile, match=name):
        read_weights(tmp_path / name)


def test_what_is_no_state_dict_and_what_is_not_there_is_refused(tmp_path: Path) -> None:
    torch.save({"model": {"a": 1}}, tmp_path / "a.pth")
    with pytest.raises(DamagedFile, match="no state dict"):
        read_weights(tmp_path / "a.pth")
    with pytest.raises(StorageError, match="no such file"):
        read_weights(tmp_path / "b.pth")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match=r"no weights in the folder[\s\S]*model.safetensors"):
        read_weights(tmp_path / "empty")


def test_a_whole_load_says_what_matched() -> None:
    module = network()
    report = load_weights(module, STATE, where="a.pth")
    assert report.matched == tuple(STATE)
    assert report.num_parameters == 6 + 3 + 4 * 3 + 1
    assert report.text() == ("7 tensors matched (22 numbers), 0 missing, 0 unexpected, 0 of another shape, 0 ignored")
    assert all(torch.equal(value, STATE[name]) for name, value in module.state_dict().items())


def test_names_are_translated_by_the_first_beginning_that_fits() -> None:
    theirs = {name.replace("0.", "fc.").replace("1.", "bn."): value for name, value in STATE.items()}
    report = load_weights(network(), theirs, where="a.pth", renames=[("fc.", "0."), ("bn.", "1.")])
    assert set(report.matched) == set(STATE)
    with pytest.raises(UsageError, match=r"become one[\s\S]*fc.bias and bn.bias"):
        compare_weights(network(), {"fc.bias": STATE["0.bias"], "bn.bias": STATE["1.bias"]},
                        renames=[("fc.", "0."), ("bn.", "0.")])  # fmt: skip


def test_a_partial_load_is_refused_and_changes_nothing() -> None:
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = {**STATE, "0.weight": torch.zeros(4, 2), "head.weight": torch.zeros(1)}
    del state["1.bias"]
    with pytest.raises(
        UsageError, match=r"missing: 1.bias\n.*unexpected: head.weight\n.*0.weight: \(4, 2\), not \(3, 2\)"
    ):
        load_weights(module, state, where="a.pth")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_what_is_allowed_by_name_may_be_missing() -> None:
    module = network()
    kept = module[0].weight.detach().clone()
    state = {**STATE, "0.weight": torch.zeros(4, 2), "head.weight": torch.zeros(1)}
    report = load_weights(module, state, where="a.pth", ignore=["head.", "0.weight"], allow_missing=["0.weight"])
    assert report.ignored == ("0.weight", "head.weight")
    assert report.missing == ("0.weight",)
    assert torch.equal(module[0].weight, kept)
    assert torch.equal(module[0].bias, STATE["0.bias"])
    with pytest.raises(UsageError, match="nothing was loaded"):  # a wrong shape is not allowed by allow_missing alone
        load_weights(network(), state, where="a.pth", ignore=["head."], allow_missing=["0.weight"])
    with pytest.raises(UsageError, match="0 tensors matched"):  # nor is a load of nothing
        load_weights(network(), {}, where="a.pth", allow_missing=["0", "1"])


def test_long_lists_are_cut_with_their_number() -> None:
    report, _ = compare_weights(network(), {f"x.{number}": torch.zeros(1) for number in range(20)})
    assert "unexpected: x.11\n  unexpected: and 8 more" in report.text()
    report, _ = compare_weights(network(), {"0.bias": torch.zeros(5)})
    assert report.wrong_shape == (WrongShape("0.bias", (3,), (5,)),)
