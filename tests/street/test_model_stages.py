"""Stages of models: what of a recipe is replaced, and the whole way from tones to captions by tiny models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiolect.config import parse_config
from audiolect.street.kinds import KINDS
from audiolect.street.model_stages import overrides_of


def options(kind: str, **given: Any) -> Any:
    return parse_config(json.loads(json.dumps(given, default=str)), KINDS[kind].options, "here")


def test_the_data_of_a_recipe_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = options(
        "train",
        recipe="r.yaml",
        data={"a": {"dataset": "d", "pack": "p", "where": "fold != 5"}, "b.1": {"dataset": "/e"}},
        set={"mixture.epochs": 3, "training.early_stopping": None},
    )
    assert overrides_of(asked) == (
        f'data.a.dataset="{tmp_path}/d"',
        f'data.a.pack="{tmp_path}/p"',
        'data.a.where="fold != 5"',
        'data."b.1".dataset="/e"',
        'data."b.1".pack=null',
        "mixture.epochs=3",
        "training.early_stopping=null",
    )
    assert [(label, noun) for label, noun, _ in KINDS["train"].inputs(asked)] == [
        ("recipe", "recipe"),
        ("data.a.dataset", "dataset"),
        ("data.b.1.dataset", "dataset"),
        ("data.a.pack", "pack"),
    ]


def test_an_index_is_of_a_run_or_of_predictions() -> None:
    asked = options("index", run="r", dataset="d")
    assert KINDS["index"].inputs(asked) == [("run", "model", Path("r")), ("dataset", "dataset", Path("d"))]
    asked = options("predict", run="r", dataset="d", pack="p", split="test", where="fold == 5")
    assert [noun for _, noun, _ in KINDS["predict"].inputs(asked)] == ["run", "dataset", "pack"]
    assert KINDS["predict"].says(asked) == "split test fold == 5"
    assert {module for module, _ in KINDS["index"].extras} == {"torch", "accelerate", "lancedb"}
