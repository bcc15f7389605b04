"""The captioner of the demo: its recipe is one that trains, and its table shows what was measured.

That it trains, writes and is measured is seen in ``test_tour.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.cli.tour_captions import Described, print_numbers
from audiolect.cli.tour_plan import CAPTION_HEAD, SHOWN_CAPTION_METRICS, caption_recipe_of
from audiolect.evaluate.caption_values import CAPTION_METRICS
from audiolect.scores import Number, Scores
from audiolect.training.recipe import load_recipe
from audiolect.yaml_text import yaml_text


def number(metric: str, value: float, **changes: object) -> Number:
    base = {"key": metric, "part": "all", "task": "captioning", "n": 3, "num_recordings": 3, "context": "c"}
    return Number.model_validate(base | {"metric": metric, "value": value} | changes)


def described(*numbers: Number) -> Described:
    return Described(5, Scores(name="captions", contexts={}, numbers=numbers), Path("sound.wav"))


def test_the_numbers_are_those_of_captions_in_the_order_of_the_table() -> None:
    found = described(
        number("soundworld_all", 0.25),
        number("words_per_caption", 9.0),
        number("cider_d", 0.5),
        number("cider_d", 0.9, part="split test_novel"),
        number("rouge_l", 0.7, task="text_to_audio"),
    )
    assert [(each.metric, each.value) for each in found.numbers] == [("cider_d", 0.5), ("soundworld_all", 0.25)]


def test_the_table_has_values_and_their_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    print_numbers(described(number("cider_d", 0.51234, low=0.4, high=0.6), number("rouge_l", 0.7)))
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cider_d", "0.512", "0.4", "to", "0.6"] in printed
    assert ["rouge_l", "0.7"] in printed
    assert any("3 recordings of the split test" in " ".join(line) for line in printed)


def test_the_recipe_is_one(tmp_path: Path) -> None:
    head = CAPTION_HEAD.format(recipe="captions.yaml", run="captions")
    (tmp_path / "captions.yaml").write_text(head + yaml_text(caption_recipe_of(epochs=3, seed=5)), "utf-8")
    recipe = load_recipe(tmp_path / "captions.yaml")
    assert recipe.model.name == "captioner"
    assert (recipe.mixture.epochs, recipe.mixture.seed, recipe.training.seed) == (3, 5, 5)
    assert recipe.training.batches.rate_hz == 32000
    assert all(line.startswith("#") for line in head.splitlines())


def test_what_is_shown_can_be_measured() -> None:
    own = {name for name in SHOWN_CAPTION_METRICS if not name.startswith("soundworld_")}
    assert own <= set(CAPTION_METRICS)
