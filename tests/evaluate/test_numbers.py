"""From answers to numbers, with intervals, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from audiolect.errors import UsageError
from audiolect.evaluate.measured import ClassAnswers, QueryValues
from audiolect.evaluate.numbers import MetricChoice, check_choice, class_numbers, confusion_of, query_numbers

RANKS = np.array([1.0, 2.0, 4.0, 8.0])
FEW = MetricChoice(num_resamples=500)


def queries(recordings: tuple[str, ...] = ("a", "a", "b", "c")) -> QueryValues:
    values = {f"recall_any@{k}": (k >= RANKS).astype(float) for k in (1, 5, 10)}
    values |= {"median_rank": RANKS, "geometric_mean_rank": RANKS, "mean_rank": RANKS}
    return QueryValues(values, ("q1", "q2", "q3", "q4"), recordings, 9, 2, 0)


def classes(targets: np.ndarray, scores: np.ndarray) -> ClassAnswers:
    ids = tuple(f"r{i}" for i in range(len(targets)))
    names = tuple("abcdefgh"[: targets.shape[1]])
    return ClassAnswers(names, scores, targets, ids, 1, bool((targets.sum(axis=1) == 1).all()))


def test_queries_by_hand() -> None:
    numbers = {each.metric: each for each in query_numbers(queries(), FEW, part="all", task="t", context="c")}
    assert numbers["mean_rank"].value == 3.75
    assert numbers["median_rank"].value == 3.0
    assert numbers["geometric_mean_rank"].value == pytest.approx(64 ** (1 / 4))
    assert numbers["recall_any@1"].value == 0.25
    assert numbers["recall_geometric_mean"].value == pytest.approx((0.25 * 0.75 * 1) ** (1 / 3))
    assert not numbers["mean_rank"].higher_is_better
    for number in numbers.values():
        assert (number.n, number.num_recordings, number.gallery, number.excluded) == (4, 3, 9, 2)
        assert number.low is not None
        assert number.high is not None
        assert number.low <= number.value <= number.high
        assert number.key == f"all/t/{number.metric}"


def test_one_recording_has_no_interval_and_says_why() -> None:
    numbers = query_numbers(queries(("a", "a", "a", "a")), FEW, part="all", task="t", context="c")
    assert len(numbers) == 7
    for number in numbers:
        assert (number.low, number.high, number.reason) == (None, None, "fewer than two recordings")


def test_the_choice_of_metrics() -> None:
    numbers = query_numbers(queries(), MetricChoice(("recall_any@*",), 0, 200), part="all", task="t", context="c")
    assert [number.metric for number in numbers] == ["recall_any@1", "recall_any@5", "recall_any@10"]
    with pytest.raises(UsageError, match=r"No metric of these predictions has this name(.|\n)*recal@5"):
        check_choice(MetricChoice(("recal@5",)), [])
    check_choice(MetricChoice(), [])


def test_a_metric_of_other_labels_is_explained() -> None:
    several = classes(np.array([[True, True], [True, False], [False, True]]), np.eye(3)[:, :2])
    with pytest.raises(UsageError) as caught:
        check_choice(MetricChoice(("accuracy",)), [], {"text_to_audio": queries()}, several)
    letter = str(caught.value)
    assert "recall_any@1, " in letter
    assert "macro_average_precision" in letter
    assert "these recordings have several labels, which accuracy cannot measure" in letter
    single = classes(np.eye(3, dtype=bool), np.eye(3))
    with pytest.raises(UsageError, match="one label each, which macro_roc_auc cannot"):
        check_choice(MetricChoice(("macro_roc_auc",)), [], {}, single)
    with pytest.raises(UsageError, match=r"did you mean recall_any@1"):
        check_choice(MetricChoice(("recal_any@1",)), [], {"text_to_audio": queries()}, single)


def test_too_few_recordings_of_several_labels_have_no_interval() -> None:
    """Without one of the two there is no class left that has both positives and negatives."""
    few = classes(np.array([[True, True, False], [True, False, False]]), np.array([[0.9, 0.1, 0.2], [0.8, 0.2, 0.1]]))
    numbers = {each.metric: each for each in class_numbers(few, FEW, part="all", context="c")}
    number = numbers["macro_average_precision"]
    assert (number.value, number.low, number.high) == (0.5, None, None)
    assert "no class has both" in number.reason


def test_labels_that_tell_nothing_apart_give_no_numbers() -> None:
    one = classes(np.array([[True, True, False]]), np.array([[0.9, 0.1, 0.2]]))
    assert class_numbers(one, FEW, part="all", context="c") == []


def test_the_same_seed_gives_the_same_intervals() -> None:
    one, two = (
        query_numbers(queries(), MetricChoice((), seed, 300), part="p", task="t", context="c") for seed in (5, 5)
    )
    assert one == two
    other = query_numbers(queries(), MetricChoice((), 6, 300), part="p", task="t", context="c")
    assert [number.value for number in other] == [number.value for number in one]


def test_one_label_against_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    true, scores = rng.integers(0, 7, 80), rng.random((80, 7))
    scores[np.arange(80), true] += 0.5
    found = classes(np.eye(7, dtype=bool)[true], scores)
    numbers = {each.metric: each for each in class_numbers(found, FEW, part="all", context="c")}
    predicted = scores.argmax(axis=1)
    assert numbers["accuracy"].value == (true == predicted).mean()
    assert numbers["macro_f1"].value == pytest.approx(f1_score(true, predicted, average="macro"))
    top = np.argsort(-scores, axis=1)[:, :5]
    assert numbers["accuracy@5"].value == np.mean([t in row for t, row in zip(true, top, strict=True)])
    recall = numbers["class_recall[a]"]
    assert recall.value == (predicted[true == 0] == 0).mean()
    assert recall.n == (true == 0).sum()
    assert recall.method == "wilson"
    for name in ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1"):
        number = numbers[name]
        assert number.low is not None
        assert number.high is not None
        assert number.low < number.value < number.high
    confusion = confusion_of(found, part="all", context="c")
    assert confusion is not None
    assert sum(map(sum, confusion.counts)) == 80
    assert sum(confusion.counts[i][i] for i in range(7)) == (true == predicted).sum()


def test_several_labels_against_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    targets = rng.random((60, 4)) < 0.4
    scores = rng.random((60, 4)) + 0.4 * targets
    found = classes(targets, scores)
    assert not found.is_single
    numbers = {each.metric: each for each in class_numbers(found, FEW, part="all", context="c")}
    mean = np.mean([average_precision_score(targets[:, c], scores[:, c]) for c in range(4)])
    number = numbers["macro_average_precision"]
    assert number.value == pytest.approx(mean)
    assert number.low is not None
    assert number.high is not None
    assert number.low < mean < number.high
    assert number.method == "jackknife of 60 blocks"
    assert numbers["class_average_precision[b]"].reason == "of one class: not drawn"
    assert confusion_of(found, part="all", context="c") is None


def test_d_prime_is_no_share_and_its_interval_lies_around_it() -> None:
    """The shares of ``macro_average_precision`` end at 1; d' of well separated classes is 3 and more, evenly around."""
    rng = np.random.default_rng(0)
    targets = rng.random((80, 3)) < 0.5
    scores = 3.0 * targets + rng.standard_normal(targets.shape)
    numbers = {each.metric: each for each in class_numbers(classes(targets, scores), FEW, part="all", context="c")}
    number = numbers["macro_d_prime"]
    assert number.value > 2
    assert number.low is not None
    assert number.high is not None
    assert number.low > 1
    assert number.value - number.low == pytest.approx(number.high - number.value)
    shares = numbers["macro_average_precision"]
    assert shares.high is not None
    assert shares.value < shares.high < 1
