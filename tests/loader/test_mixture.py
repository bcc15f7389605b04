"""Mixtures opened from a file: the plan, the draws of an entry, and letters on what the datasets lack."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import ConfigError, DatasetError, FilterError
from audiolect.loader.mixture import Mixture, open_mixture

MIX = """
data:
  w: {dataset: world, pack: packs/world}
  far: {dataset: world, pack: "s3://bucket/world"}
  unused: {dataset: nowhere}
mixture:
  global_weight: 0.1
  epochs: 10
  seed: 7
  entries:
    w-AudioCaptioning/train: {weight: 2.0, prefix_prob: 0.5}
    w-AQA/train: {weight: {0: 0.5, 5: 1.5}, prefix_prob: 1.0, augmentations: {noise: 0.3}}
    far-AudioCaptioning/test: {captions: all}
"""


@pytest.fixture
def mix(world: Path) -> Path:
    path = world.parent / "mix.yaml"
    path.write_text(MIX, "utf-8")
    return path


def all_draws(mixture: Mixture) -> list[tuple[str, int, int]]:
    """(key, row, answer) of every position of every epoch, in order."""
    found = []
    for epoch in range(mixture.plan.epochs):
        draws = mixture.plan.draws(epoch, np.arange(mixture.plan.epoch_size(epoch)))
        for place, item, number in zip(draws.entry, draws.item, draws.pass_index, strict=True):
            entry = mixture.entries[place]
            rows, answers = entry.rows(np.array([item]), np.array([number]))
            found.append((entry.key, int(rows[0]), int(answers[0])))
    return found


def test_opened(mix: Path, world: Path) -> None:
    mixture = open_mixture(mix)
    assert [entry.key for entry in mixture.entries] == [entry.key for entry in mixture.plan.entries]
    assert [entry.key for entry in mixture.entries] == sorted(entry.key for entry in mixture.entries)
    assert [entry.pack for entry in mixture.entries] == [
        "s3://bucket/world",
        str(world.parent / "packs/world"),
        str(world.parent / "packs/world"),
    ]
    assert set(mixture.datasets) == {"w", "far"}
    assert [entry.num_items for entry in mixture.plan.entries] == [15, 15, 15]  # 5 tests with 1 to 5 captions: 15
    assert [mixture.plan.passes(place) for place in range(3)] == [1, 1, 2]
    assert [entry.chain is None for entry in mixture.entries] == [True, False, True]


def test_two_passes_take_two_answers_of_each_example(mix: Path) -> None:
    drawn = Counter(all_draws(open_mixture(mix)))
    captions = {(row, answer): count for (key, row, answer), count in drawn.items() if key == "w-AudioCaptioning/train"}
    per_row: Counter[int] = Counter()
    for (row, _), count in captions.items():
        per_row[row] += count
    assert len(per_row) == 15
    assert set(per_row.values()) == {2}
    # Only an example with a single caption hears it twice.
    assert sum(count == 2 for count in captions.values()) == 3
    assert {count for (key, *_), count in drawn.items() if key != "w-AudioCaptioning/train"} == {1}


def test_the_order_of_the_file_has_no_effect(mix: Path) -> None:
    before = all_draws(open_mixture(mix))
    head, entries = MIX.split("  entries:\n")
    mix.write_text(head + "  entries:\n" + "\n".join(reversed(entries.strip("\n").split("\n"))) + "\n", "utf-8")
    assert all_draws(open_mixture(mix)) == before


def test_an_alias_of_the_task_has_no_effect(mix: Path) -> None:
    before = all_draws(open_mixture(mix))
    mix.write_text(MIX.replace("w-AQA/train", "w-AQA_All/train"), "utf-8")
    assert all_draws(open_mixture(mix)) == before


def test_overrides_and_the_seed(mix: Path) -> None:
    other = open_mixture(mix, ["mixture.seed=8", 'mixture.entries."w-AQA/train".weight=1'])
    assert other.plan.passes(1) == Fraction(1)
    assert all_draws(other) != all_draws(open_mixture(mix))


def test_prefixes_come_as_often_as_asked_and_stay(mix: Path) -> None:
    never, always, half = open_mixture(mix).entries
    rows, passes = np.repeat(np.arange(100), 100), np.tile(np.arange(100), 100)
    assert not never.has_prefix(rows, passes).any()
    assert always.has_prefix(rows, passes).all()
    drawn = half.has_prefix(rows, passes)
    assert abs(drawn.mean() - 0.5) < 5 * 0.5 / math.sqrt(len(drawn))
    # Neither a row nor a pass decides alone.
    table = drawn.reshape(100, 100).mean(axis=0), drawn.reshape(100, 100).mean(axis=1)
    assert all(0.2 < share.min() < share.max() < 0.8 for share in table)
    assert np.array_equal(half.has_prefix(rows[[70, 3]], passes[[70, 3]]), drawn[[70, 3]])
    reseeded = open_mixture(mix, ["mixture.seed=8"]).entries[2]
    assert not np.array_equal(reseeded.has_prefix(rows, passes), drawn)
    assert (always.prefix, half.prefix) == ("The task is audio question answering. ", "The task is audio captioning. ")


def test_every_entry_without_examples_is_named(mix: Path) -> None:
    mix.write_text(MIX.replace("w-AQA/train", "w-AQA/trian").replace("Captioning/test", "Captioning/val"), "utf-8")
    with pytest.raises(ConfigError, match="2 entries have no examples") as caught:
        open_mixture(mix)
    found = caught.value.found or ""
    assert "w-AQA/trian: the dataset has no AQA/trian; it has AQA/train (15), AudioCaptioning/train (15)" in found
    assert "did you mean AQA/train" in found
    assert "far-AudioCaptioning/val" in found


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("fold == 99", "no example of the dataset in .*world fulfils its where, fold == 99"),
        ("task == 'AQA'", "the part of the dataset where task == 'AQA' has no AudioCaptioning/test; it has AQA/"),
    ],
)
def test_the_filter_that_leaves_an_entry_nothing_is_named(condition: str, words: str, mix: Path) -> None:
    with pytest.raises(ConfigError, match=f"far-AudioCaptioning/test: {words}"):
        open_mixture(mix, [f'data.far.where="{condition}"'])


def test_an_entry_of_which_everything_is_quarantined(mix: Path, world: Path) -> None:
    fingerprint = next(
        line for line in (world / "card.yaml").read_text().splitlines() if line.startswith("fingerprint")
    )
    (world / "check").mkdir()
    entries = [Entry("recording", f"w/{i:02d}", ("truncated",)) for i in range(15, 20)]
    target = world / "check" / "quarantine.jsonl"
    write_quarantine(target, entries, name="world", fingerprint=fingerprint.split(": ")[1].strip("'\""))
    with pytest.raises(ConfigError, match="far-AudioCaptioning/test: all its 5 examples are quarantined"):
        open_mixture(mix)
    assert len(open_mixture(mix, keep_quarantined=True).entries) == 3


@pytest.mark.parametrize("change", ["weight: {0: 0, 5: 1.0}", "weight: 0.001"], ids=["too late", "too little"])
def test_a_mixture_that_draws_nothing_is_refused(world: Path, change: str) -> None:
    path = world.parent / "nothing.yaml"
    path.write_text(
        f"data: {{w: {{dataset: world}}}}\nmixture: {{epochs: 5, entries: {{w-AQA/train: {{{change}}}}}}}\n", "utf-8"
    )
    with pytest.raises(ConfigError, match=r"(?s)draws nothing.*epochs 5, and w-AQA/train"):
        open_mixture(path)
    assert open_mixture(path, ["mixture.epochs=100", "mixture.global_weight=10"]).plan.total_size() > 0


def test_a_dataset_that_is_not_there(mix: Path) -> None:
    with pytest.raises(DatasetError, match="elsewhere"):
        open_mixture(mix, ["data.w.dataset=elsewhere"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        open_mixture(tmp_path / "mix.yaml")


def test_a_part_of_a_dataset_is_drawn_from(world: Path) -> None:
    path = world.parent / "parts.yaml"
    path.write_text(
        "data:\n  w: {dataset: world}\n  part: {dataset: world, where: \"recording_id == 'w/00'\"}\n"
        "mixture: {entries: {w-AudioCaptioning/train: {}, part-AudioCaptioning/train: {}}}\n",
        "utf-8",
    )
    part, whole = open_mixture(path).entries
    assert set(part.examples.dataset.recordings["recording_id"]) == {"w/00"}
    assert 0 < part.examples.num_items < whole.examples.num_items
    path.write_text(path.read_text("utf-8").replace("recording_id ==", "recordng_id =="), "utf-8")
    with pytest.raises(FilterError, match="no column named 'recordng_id'"):
        open_mixture(path)
