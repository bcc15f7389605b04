"""What a load has matched: kept with the module, told part by part, and written down."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audiolect.errors import UsageError
from audiolect.models.load_reports import KeptReport, LoadReport, keep_report, kept_reports, transformers_report
from audiolect.models.state_dicts import load_weights, read_weights
from audiolect.storage import fingerprint_file


class Towers(nn.Module):
    """Two towers and a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))
        self.text = nn.Linear(2, 3)
        self.head = nn.Linear(3, 1)


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: torch.full_like(value, 7) for name, value in module.state_dict().items()}


def test_parts_are_told_in_the_order_of_the_model() -> None:
    model = Towers()
    assert kept_reports(model) == {}
    load_weights(model.text, weights_of(model.text), where="text.pth")
    load_weights(model.audio[0], {**weights_of(model.audio[0]), "fc": torch.ones(1)}, where="audio.pth", ignore=["fc"])
    found = kept_reports(model)
    assert list(found) == ["audio.0", "text"]
    assert found["text"].text() == (
        "text.pth: 2 tensors matched (9 numbers), 0 missing, 0 unexpected, 0 of another shape, 0 ignored"
    )
    assert found["audio.0"].text().splitlines()[1:] == ["  ignored: fc"]
    assert kept_reports(copy.deepcopy(model)) == found
    assert set(model.state_dict()) == set(Towers().state_dict())


def test_a_load_of_the_whole_is_told_alone() -> None:
    model = Towers()
    load_weights(model.text, weights_of(model.text), where="text.pth")
    load_weights(model, weights_of(model), where="all.pth")
    assert {part: kept.source for part, kept in kept_reports(model).items()} == {"model": "all.pth"}


def test_a_refused_load_is_not_remembered() -> None:
    model = Towers()
    with pytest.raises(UsageError, match="nothing was loaded"):
        load_weights(model.text, {"weight": torch.ones(3, 2)}, where="half.pth")
    assert kept_reports(model) == {}


def test_facts_for_a_card_have_the_fingerprint_of_a_file(tmp_path: Path) -> None:
    module = nn.Linear(2, 3)
    path = tmp_path / "linear.safetensors"
    save_file({"weight": torch.ones(3, 2)}, path)
    load_weights(module, read_weights(path), where=path, allow_missing=["bias"])
    facts = kept_reports(module)["model"].facts()
    assert json.loads(json.dumps(facts)) == {
        "source": str(path), "fingerprint": fingerprint_file(path), "matched": 1, "parameters": 6,
        "missing": ["bias"], "ignored": [],
    }  # fmt: skip
    assert KeptReport("someone/model", LoadReport((), (), (), (), (), 0)).facts()["fingerprint"] is None


def test_what_transformers_says_is_cut_to_the_part() -> None:
    model = Towers()
    info = {"missing_keys": {"audio.1.bias", "head.weight"}, "unexpected_keys": {"lm_head.weight"}}
    report = transformers_report(model.audio, info, "audio.")
    assert report.matched == ("0.weight", "0.bias", "1.weight")
    assert (report.missing, report.ignored, report.num_parameters) == (("1.bias",), ("lm_head.weight",), 18)
    whole = transformers_report(model, info)
    assert whole.missing == ("audio.1.bias", "head.weight")


def test_a_later_load_takes_the_place_of_an_earlier() -> None:
    module = nn.Linear(2, 3)
    for name in ("one", "two"):
        keep_report(module, name, LoadReport((), (), (), (), (), 0))
    assert kept_reports(module)["model"].source == "two"
