from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audiolect.data.dataset import filter_dataset
from audiolect.errors import DatasetError, UsageError
from audiolect.loader.examples import caption_keys, example_table, join_texts, parents_of, recording_table
from audiolect.loader.group_keys import text_keys


def rows(*values: int) -> Any:
    return np.array(values, np.int64)


def test_texts_by_hand(small_world: Any) -> None:
    table = small_world.entries[0].table
    texts = table.texts(rows(5, 0, 5), rows(2, 0, -1))
    assert texts.example_ids == ["birds/5", "birds/0", "birds/5"]
    assert texts.recording_ids == ["birds/5.wav", "birds/0.wav", "birds/5.wav"]
    assert texts.prompts == ["describe 5", "describe 0", "describe 5"]
    assert texts.answers == ["caption 2 of birds 5", "caption 0 of birds 0", ""]
    assert texts.references[1] == ("caption 0 of birds 0",)
    assert len(texts.references[0]) == 3
    assert (texts.options, texts.turns) == ([()] * 3, [()] * 3)


def test_no_rows_have_no_texts(small_world: Any) -> None:
    texts = small_world.entries[0].table.texts(rows(), rows())
    assert (texts.example_ids, texts.answers, texts.references, texts.turns) == ([], [], [], [])


def test_lengths_are_those_of_the_source(small_world: Any) -> None:
    table, source = small_world.entries[0].table, small_world.sources[0]
    for row in range(37):
        name = f"birds/{row}.wav"
        assert table.num_samples(rows(row))[0] == source.num_samples[source.recording_ids.to_list().index(name)]


def test_only_the_recordings_that_are_used_must_be_there(small_world: Any) -> None:
    dataset, source = small_world.datasets[0], small_world.sources[0]
    asked: list[str] = []

    class Part:
        rate_hz, num_samples, recording_ids = source.rate_hz, source.num_samples, source.recording_ids

        def rows_of(self, names: Any) -> Any:
            asked.extend(names)
            return source.rows_of(names)

    table = example_table(dataset, Part(), used_rows=rows(3, 3, 1))  # type: ignore[arg-type]
    assert asked == ["birds/1.wav", "birds/3.wav"]
    assert np.flatnonzero(table.source_rows >= 0).tolist() == [1, 3]
    with pytest.raises(DatasetError, match="absent"):
        example_table(dataset, small_world.sources[1])


def test_a_table_of_recordings_has_no_texts(small_world: Any) -> None:
    table = recording_table(small_world.datasets[1], small_world.sources[1])
    texts = table.texts(np.arange(20), np.full(20, -1))
    assert texts.recording_ids == [f"cars/{index}.wav" for index in range(20)]
    assert set(texts.prompts + texts.answers + texts.example_ids) == {""}
    empty = filter_dataset(small_world.datasets[1], "split == 'test'")
    assert len(recording_table(empty, small_world.sources[1]).frame) == 0


def test_keys_of_recordings_are_those_of_their_origins(small_world: Any) -> None:
    dataset, source = small_world.datasets[0], small_world.sources[0]
    plain = example_table(dataset, source)
    assert parents_of(dataset) == {}
    assert plain.recording_keys(["a", "b"]).tolist() == text_keys(["a", "b"]).tolist()
    made = example_table(dataset, source, origins={"b": "a"})
    assert made.recording_keys(["a", "b", "c"]).tolist() == text_keys(["a", "a", "c"]).tolist()


def test_keys_of_captions_are_those_of_their_words() -> None:
    one, same, other = caption_keys(["A dog.", "a dog", "a cat"]).tolist()
    assert one == same != other


def test_texts_of_several_tables_are_joined_in_an_order(small_world: Any) -> None:
    first, second = (entry.table for entry in small_world.entries)
    parts = [first.texts(rows(1, 2), rows(0, 0)), second.texts(rows(7), rows(0))]
    joined = join_texts(parts, rows(2, 0, 1))
    assert joined.example_ids == ["cars/7", "birds/1", "birds/2"]
    assert joined.answers == ["caption 0 of cars 7", "caption 0 of birds 1", "caption 0 of birds 2"]
    with pytest.raises(UsageError, match="no texts"):
        join_texts([], rows())
