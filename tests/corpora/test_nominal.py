"""Recordings on the word of a table: which length counts, and what is said where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.corpora.inspection import Draft
from audiolect.corpora.nominal import UNKNOWN_LENGTH, Nominal, describe_lengths, nominal_recording
from audiolect.data.records import NO_CODEC

TEN_SECONDS = Nominal(10, 32_000)


@pytest.mark.parametrize(
    ("draft", "start", "count"),
    [
        (Draft("c/a", "a.wav"), 0, 320_000),
        (Draft("c/a", "a.wav", stated_seconds=2.5), 0, 80_000),
        (Draft("c/a", "a.wav", start_seconds=1.0, end_seconds=1.5, stated_seconds=9), 32_000, 16_000),
        (Draft("c/a", "a.wav", 7, 11, stated_seconds=9), 7, 11),
    ],
)
def test_the_span_goes_before_the_table_and_the_table_before_the_corpus(draft: Draft, start: int, count: int) -> None:
    found = nominal_recording(draft, TEN_SECONDS)
    assert found.problems == ()
    assert found.recording is not None
    assert (found.recording.start_sample, found.recording.num_samples) == (start, count)
    assert (found.recording.codec, found.recording.num_bytes, found.recording.pcm_hash) == (NO_CODEC, 0, None)
    assert found.recording.sample_rate_hz == 32_000


def test_what_the_draft_says_otherwise_stays() -> None:
    draft = Draft("c/a", "a.wav", source_id="s", parent_id="p", group="g", split="test", fold=2, labels=("dog",))
    recording = nominal_recording(draft, TEN_SECONDS).recording
    assert recording is not None
    assert [getattr(recording, name) for name in ("source_id", "parent_id", "group", "split", "fold", "labels")] == [
        "s",
        "p",
        "g",
        "test",
        2,
        ("dog",),
    ]


def test_no_length_at_all_is_a_problem() -> None:
    found = nominal_recording(Draft("c/a", "a.wav"), UNKNOWN_LENGTH)
    assert found.recording is None
    assert [(problem.reason, problem.where) for problem in found.problems] == [("missing-value", "c/a")]


@pytest.mark.parametrize(
    "draft", [Draft("c/a", "a", stated_seconds=0.0), Draft("c/a", "a", -1, 5), Draft("c/a", "a", 0, 0)]
)
def test_a_length_that_cannot_be_is_a_problem(draft: Draft) -> None:
    found = nominal_recording(draft, TEN_SECONDS)
    assert found.recording is None
    assert found.problems[0].reason == "bad-value"


@given(st.floats(0.001, 1e5), st.integers(1, 192_000))
def test_seconds_become_the_nearest_samples(seconds: float, rate_hz: int) -> None:
    found = nominal_recording(Draft("c/a", "a", stated_seconds=seconds), Nominal(None, rate_hz))
    if found.recording is None:
        assert seconds * rate_hz <= 0.5
    else:
        assert abs(found.recording.duration_seconds - seconds) <= 0.5 / rate_hz * (1 + 1e-9)


def test_the_card_says_what_the_lengths_rest_on() -> None:
    drafts = [Draft("c/a", "a", stated_seconds=3.0), Draft("c/b", "b")]
    said = describe_lengths(drafts, TEN_SECONDS)
    assert "as the tables state for 1 of 2 recordings" in said
    assert "10 s, as the corpus is known, for 1 of 2" in said
    assert "32000 Hz" in said
    assert "as the corpus is known" not in describe_lengths(drafts[:1], TEN_SECONDS)
    assert "as the tables state" not in describe_lengths(drafts[1:], TEN_SECONDS)
