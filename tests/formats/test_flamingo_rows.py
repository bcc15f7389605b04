from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audiolect.data.records import Example, Turn, examples_frame, recordings_frame
from audiolect.formats.flamingo_rows import outputs_of, with_recordings


def test_examples_get_what_is_known_of_their_recordings(recording: Callable[..., Any]) -> None:
    recordings = recordings_frame(
        [
            recording("m/whole", "a.wav"),
            recording("m/first", "b.wav", num_samples=1000),
            recording("m/second", "b.wav", start_sample=1000, num_samples=3000),
            recording("plain", "c.wav"),
        ]
    )
    examples = examples_frame(
        [
            Example("m/whole#AQA_All-2", "m/whole", "all", "AQA", "?", ("a", "b")),
            Example("m/first#AVQA_All", "m/first", "all", "AQA", "?", ("a",)),
            Example("m/second#EventTagging", "m/second", "all", "EventTagging", "", ("dog", "rain")),
            Example("d", "plain", "all", "Dialog", turns=(Turn("q", "a"),)),
            Example("none", "plain", "all", "Dialog"),
            Example("one", "plain", "all", "AQA", "?", ("a",), ("a",)),
            Example("two", "plain", "all", "AQA", "?", ("a",), ("a", "b")),
            Example("silent", "plain", "all", "AQA", "?"),
            Example("own", "plain", "all", "Haiku", "?", ("five seven five",)),
        ]
    )
    table, left_out = with_recordings(recordings, examples, "mine")
    rows = table.with_columns(outputs=outputs_of("."))
    assert rows.select("dataset", "written", "family", "is_part", "outputs").rows() == [
        ("m", "AQA_All", "question", False, ["a", "b"]),
        ("m", "AQA", "question", True, ["a"]),
        ("m", "EventTagging", "labels", True, ["dog, rain."]),
        ("mine", "Dialog", "dialogue", False, ["."]),
        ("mine", "AQA", "question", False, ["a"]),
        ("mine", "AQA", "question", False, ["a"]),
        ("mine", "Haiku", "question", False, ["five seven five"]),
    ]
    assert rows["options"].to_list()[-3:-1] == [[], ["a", "b"]]
    assert list(left_out.values()) == [2, 1]
