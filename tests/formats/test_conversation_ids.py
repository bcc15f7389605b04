from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from audiolect.formats.conversation_ids import (
    ENTRIES,
    FILES,
    entries_table,
    entry_ids,
    example_ids,
    files_table,
    part_files,
)
from audiolect.tasks import DatasetKey

KEY = DatasetKey("m", "AQA", "train")


def made(*examples: tuple[str, list[int], list[str | None]], key: DatasetKey = KEY) -> pl.DataFrame:
    columns = {"example_id": pl.String, "numbers": pl.List(pl.Int64), "ids": pl.List(pl.String)}
    table = pl.DataFrame(examples, schema=columns, orient="row")
    return table.with_columns(dataset=pl.lit(key.dataset), split=pl.lit(key.split), key=pl.lit(str(key)))


def test_ids_of_their_own_and_ids_of_ours() -> None:
    own = pl.Series(["17", "m/a.wav#AQA", "mm/x"])
    assert example_ids(own, KEY).to_list() == ["m/train/17", "m/a.wav#AQA", "m/train/mm/x"]


def test_an_id_in_two_files_gets_the_key_of_the_second() -> None:
    other = KEY._replace(task="AudioCaptioning")
    first = made(("m/train/1", [0], ["1"]), ("m/train/2", [1], ["2"]))
    second = made(("m/train/1", [0], ["1"]), ("m/train/3", [1], ["3"]), key=other)
    expected = ["m/train/1", "m/train/2", "m-AudioCaptioning/train/1", "m/train/3"]
    assert part_files([first, second])["example_id"].to_list() == expected


def test_entries_of_one_example_are_numbered() -> None:
    rows = made(("m/train/1", [0, 1], [None, None]), ("m/b", [2, 3, 4], [None] * 3)).explode("numbers", "ids")
    assert entry_ids(rows).to_list() == ["1", "1-2", "m/b", "m/b-2", "m/b-3"]
    taken = made(("m/a", [0, 1], [None, None]), ("m/a-2", [2], [None])).explode("numbers", "ids")
    assert entry_ids(taken).to_list() == ["m/a", "m/a~2", "m/a-2"]


def test_only_what_cannot_be_told_is_kept() -> None:
    plain = made(("m/train/1", [0, 1], ["1", "1-2"]), ("m/b", [2], ["m/b"]))
    assert entries_table(plain) == {}
    assert entries_table(made(("m/a#AQA", [0, 1], [None, None]))) == {}
    for odd in (
        made(("m/train/1", [0, 1], ["1", "2"])),
        made(("m/train/1", [0, 2], ["1", "1-2"]), ("m/train/x", [1], ["x"])),
    ):
        assert entries_table(odd)[ENTRIES].columns == ["example_id", "numbers", "ids"]


def test_only_files_that_cannot_be_told_are_kept() -> None:
    columns = ["example_id", "dataset", "split", "task", "file"]
    rows = [("1", "m", "test", "AQA", "a"), ("2", "m", "test", "Dialog", "a"), ("3", "m", "train", "Dialog", "b")]
    assert files_table(pl.DataFrame(rows, schema=columns, orient="row")) == {}
    rows.append(("4", "m", "test", "Dialog", "c"))
    (kept,) = files_table(pl.DataFrame(rows, schema=columns, orient="row")).items()
    assert (kept[0], kept[1].rows()) == (FILES, [("2", "a"), ("4", "c")])


@given(st.lists(st.text("ab/-2m", min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
def test_any_ids_come_back_by_the_rules_or_by_the_table(own: list[str]) -> None:
    ids = example_ids(pl.Series(own), KEY)
    table = made(*((example_id, [n], [text]) for n, (example_id, text) in enumerate(zip(ids, own, strict=True))))
    parted = part_files([table])
    assert parted["example_id"].is_unique().all()
    kept = entries_table(parted)
    found = kept[ENTRIES]["ids"].list.first() if kept else entry_ids(parted.explode("numbers", "ids"))
    assert found.to_list() == own
