"""Intervals and paired tests of captions: of means and of sums."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from audiolect.errors import DatasetError
from audiolect.evaluate.caption_material import CaptionSet
from audiolect.evaluate.caption_numbers import caption_numbers, compare_captions
from audiolect.evaluate.caption_values import CaptionTools, CaptionValues, measure_captions, wanted_metrics
from audiolect.evaluate.numbers import MetricChoice
from audiolect.metrics.bleu import corpus_bleu
from audiolect.metrics.meteor import NUM_COUNTS

CHOICE = MetricChoice((), 0, 300)
NOUNS = ("dog", "cat", "car", "bird", "bell", "train", "river", "crowd")


def measured(texts: list[str]) -> CaptionValues:
    names = tuple(f"r{i}" for i in range(len(texts)))
    references = tuple((f"a {NOUNS[i % 8]} is heard", f"the sound of a {NOUNS[i % 8]}") for i in range(len(texts)))
    own = CaptionSet("captioning", "caption", names, names, tuple(texts), references, 0)
    tools = CaptionTools(meteor=lambda said, true: np.tile(np.arange(NUM_COUNTS) + 1.0, (len(said), 1)))
    return measure_captions(own, wanted_metrics(()) | {"meteor"}, tools)


GOOD = [f"a {NOUNS[i % 8]} is heard" for i in range(16)]
POOR = [f"a {NOUNS[(i * 3) % 8]} sounds" for i in range(16)]


def test_numbers_have_intervals_around_them_or_a_reason() -> None:
    values = measured(POOR)
    numbers = {number.metric: number for number in caption_numbers(values, CHOICE, part="all", context="x")}
    assert {"bleu_1", "bleu_4", "rouge_l", "cider_d", "meteor", "vocabulary_size"} <= set(numbers)
    for name in ("bleu_1", "rouge_l", "cider_d"):
        number = numbers[name]
        assert number.low is not None
        assert number.high is not None
        assert number.low <= number.value <= number.high
        assert number.low < number.high
        assert (number.n, number.num_recordings) == (16, 16)
    assert numbers["cider_d"].value == pytest.approx(values.values["cider_d"].mean())
    sums = values.bleu
    assert sums is not None
    parts = (sums.matches, sums.guesses, sums.lengths, sums.reference_lengths)
    assert numbers["bleu_4"].value == pytest.approx(corpus_bleu(*(part.sum(axis=0) for part in parts))[3])
    assert "percentile" in numbers["bleu_4"].method
    assert numbers["vocabulary_size"].low is None
    assert "not drawn" in numbers["vocabulary_size"].reason
    assert not numbers["empty_captions"].higher_is_better


def test_a_part_holds_the_weights_of_the_whole() -> None:
    values = measured(POOR)
    numbers = {n.metric: n for n in caption_numbers(values, CHOICE, part="fold=1", context="x", rows=[0, 1, 2])}
    assert numbers["cider_d"].value == pytest.approx(values.values["cider_d"][:3].mean())
    assert "vocabulary_size" not in numbers
    assert caption_numbers(values, CHOICE, part="fold=9", context="x", rows=[]) == []


def test_one_recording_has_no_interval() -> None:
    numbers = caption_numbers(measured(GOOD[:1]), CHOICE, part="all", context="x")
    assert all(number.low is None and number.reason for number in numbers)


def test_a_better_system_is_found_better_by_all_tests() -> None:
    tests = {test.key: test for test in compare_captions(measured(GOOD), measured(POOR), CHOICE, ("poor", "a", "b"))}
    assert set(tests) == {f"all/captioning/{name}" for name in ("cider_d", "rouge_l", "bleu_4", "meteor")}
    for name in ("cider_d", "rouge_l", "bleu_4"):
        test = tests[f"all/captioning/{name}"]
        assert test.difference > 0
        assert test.low is not None
        assert test.low > 0
        assert test.p_value < 0.02
    assert tests["all/captioning/meteor"].difference == 0
    assert tests["all/captioning/meteor"].p_value == 1


def test_a_system_is_no_better_than_itself_and_signs_turn() -> None:
    same = compare_captions(measured(POOR), measured(POOR), CHOICE, ("x", "a", "b"))
    assert all(test.difference == 0 and test.p_value == 1 for test in same)
    forth = compare_captions(measured(GOOD), measured(POOR), CHOICE, ("x", "a", "b"))
    back = compare_captions(measured(POOR), measured(GOOD), CHOICE, ("x", "a", "b"))
    assert [test.difference for test in forth] == pytest.approx([-test.difference for test in back])


def test_other_recordings_are_refused() -> None:
    other = dataclasses.replace(measured(GOOD), ids=tuple(f"s{i}" for i in range(16)))
    with pytest.raises(DatasetError, match="not describe the same recordings"):
        compare_captions(measured(GOOD), other, CHOICE, ("x", "a", "b"))
