"""The file of a mixture: what it may say, and every problem at once."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from audiolect.audio.augment_chain import ChainSettings, Step
from audiolect.config import describe_config, dump_config, parse_config
from audiolect.errors import ConfigError, UsageError
from audiolect.loader.mixture_settings import EntrySettings, MixtureFile, canonical_key
from audiolect.yaml_text import parse_yaml

KEY = "w-AQA/train"


def parsed(entry: Any, key: str = KEY, **mixture: Any) -> MixtureFile:
    values = {"data": {"w": {"dataset": "w"}}, "mixture": {"entries": {key: entry}, **mixture}}
    return parse_config(values, MixtureFile, "mix.yaml")


def settings_of(entry: Any) -> EntrySettings:
    return parsed(entry).mixture.entries[KEY]


def test_defaults() -> None:
    file = parsed({})
    entry = file.mixture.entries[KEY]
    assert (file.mixture.global_weight, file.mixture.epochs, file.mixture.captions) == (1.0, 1, "one")
    assert (entry.schedule.total(3), entry.prefix_prob, entry.chain, entry.captions) == (3, 0.0, None, None)
    assert file.data["w"].pack is None


@pytest.mark.parametrize(
    ("weight", "total"),
    [(1, 10), (0.1, 1), ({0: 1.0, 5: 2.0}, 15), ({"5": 2, "0": 0}, 10), (1e-3, Fraction(1, 100))],
)
def test_weights_are_exact(weight: Any, total: Fraction) -> None:
    assert settings_of({"weight": weight}).schedule.total(10) == total


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (0, "a number above 0.*found 0; to leave the entry out, take it out"),
        (-1.5, "a number above 0.*found -1.5"),
        (float("nan"), "a number above 0.*found nan"),
        (float("inf"), "a number above 0.*found inf"),
        ("2", "a number above 0.*found '2'"),
        (True, "found True"),
        (None, "found None"),
        ([1.0], r"found \[1.0\]"),
        ({}, "needs the weight of epoch 0"),
        ({3: 1.0}, "needs the weight of epoch 0"),
        ({0: 0.0, 4: 0.0}, "every weight of the schedule is 0"),
        ({0: -1.0}, "0 or more, from epoch 0 on; found -1"),
        ({0: float("nan")}, "from epoch 0 on; found nan"),
        ({"first": 1.0}, "epochs as keys, counted from 0; found 'first'"),
        ({-1: 1.0}, "found '-1'"),
        ({"0": 1.0, "3": 1.0, "03": 2.0}, "names epoch 3 twice"),
    ],
)
def test_weights_that_cannot_be(weight: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)entries.{KEY}.weight.*{words}"):
        parsed({"weight": weight})


def test_augmentations_become_a_chain_in_their_order() -> None:
    entry = settings_of(
        {"augmentations": {"noise": 0.3, "gain": {"probability": 0.5, "gain_db": [-6.0, 6.0]}}, "clipping": "scale"}
    )
    steps = (Step("noise", 0.3), Step("gain", 0.5, {"gain_db": (-6.0, 6.0)}))
    assert entry.chain == ChainSettings(1.0, steps, "scale")


@pytest.mark.parametrize(
    ("augmentations", "words"),
    [
        ({"noize": 0.3}, "no augmentation named 'noize'.*did you mean noise"),
        ({"noise": 1.3}, "probability is out of range.*found 1.3"),
        ({"noise": "often"}, "probability is a number"),
        ({"noise": {}}, "needs its probability"),
        ({"gain": {"probability": 0.5, "gain": [0, 1]}}, "no option of gain named 'gain'"),
        ({"gain": {"probability": 0.5, "gain_db": 3}}, "range to draw from cannot be used.*found 3"),
        ({"gain": {"probability": 0.5, "gain_db": "loud"}}, "range to draw from cannot be used.*found loud"),
        ({"gain": {"probability": 0.5, "gain_db": [1, 2, 3]}}, "range to draw from cannot be used"),
        ({"noise": {"probability": 0.5, "snr_db": [None, "a"]}}, "range to draw from cannot be used"),
        ({"gain": {"probability": 0.5, "gain_db": [0, 900]}}, "found"),
    ],
)
def test_augmentations_that_cannot_be(augmentations: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)augmentations.*{words}"):
        parsed({"augmentations": augmentations})


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("w/train", "no dataset key; expected DATASET-Task/split"),
        ("w-AQ/train", "no task named 'AQ'.*did you mean AQA"),
        ("ww-AQA/train", "no dataset 'ww' in data; did you mean w?"),
        ("other-AQA/train", "no dataset 'other' in data; data has w"),
    ],
)
def test_keys_that_cannot_be(key: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        parsed({}, key)


def test_one_task_under_two_names_is_refused() -> None:
    values = {"data": {"w": {"dataset": "w"}}, "mixture": {"entries": {"w-AQA/train": {}, "w-QA/train": {}}}}
    with pytest.raises(ConfigError, match="w-AQA/train and w-QA/train are the same"):
        parse_config(values, MixtureFile, "mix.yaml")


def test_all_problems_at_once() -> None:
    entry = {"weight": 0, "prefix_prob": 2, "augmentations": {"noize": 1}, "wieght": 1}
    with pytest.raises(ConfigError, match="8 problems") as caught:
        parsed(entry, global_weight=float("nan"), epochs=0, seed=-1, captions="some")
    found = caught.value.found or ""
    expected = ("weight", "prefix_prob", "noize", "did you mean weight", "global_weight", "epochs", "seed", "one, all")
    assert [words for words in expected if words not in found] == []


@pytest.mark.parametrize("epochs", [0, 1_000_001, 10**30])
def test_numbers_of_epochs_that_cannot_be(epochs: int) -> None:
    with pytest.raises(ConfigError, match=f"(?s)mixture.epochs.*found {epochs}"):
        parsed({}, epochs=epochs)


def test_no_entries() -> None:
    with pytest.raises(ConfigError, match="entries"):
        parse_config({"data": {"w": {"dataset": "w"}}, "mixture": {"entries": {}}}, MixtureFile, "mix.yaml")


def test_it_loads_back_as_it_was_written() -> None:
    file = parsed({"weight": {0: 0.5, 3: 1.0}, "augmentations": {"gain": {"probability": 0.5, "gain_db": [-6.0, 6.0]}}})
    again = parse_config(parse_yaml(dump_config(file), where="mix.yaml", error=ConfigError).value, MixtureFile, "again")
    assert again == file


def test_every_key_is_described() -> None:
    lines = describe_config(MixtureFile)
    assert len(lines) >= 14
    assert [line.path for line in lines if not line.description] == []


def test_the_page_names_every_key_and_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text("utf-8")
    section = page.split("## The file of a mixture")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", section, re.MULTILINE)
    keys = {path.removeprefix("mixture.entries.NAME."): default for path, default in rows}
    lines = [line for line in describe_config(MixtureFile) if line.path not in {"data", "mixture"}]
    assert len(lines) == len(keys) == 13
    for line in lines:
        told = keys[line.path.removeprefix("mixture.entries.NAME.")]
        assert line.default in (None, "{}") or told.replace("`", "").endswith(line.default), line.path


def test_canonical_keys() -> None:
    assert str(canonical_key("Music-AVQA-AQA_All/train")) == "Music-AVQA-AQA/train"
    with pytest.raises(UsageError, match="no dataset key"):
        canonical_key("esc50")
