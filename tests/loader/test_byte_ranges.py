"""Positional reads against slices of what was written; open files are bounded, and closed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.errors import DamagedFile
from audiolect.loader.byte_ranges import LocalRanges, most_open_files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    paths = [folder / f"{number}.bin" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(np.random.default_rng(number).bytes(1000 * (number + 1)))
    return paths


def fetched(ranges: LocalRanges, wanted: list[tuple[int, int, int]]) -> list[bytes]:
    return [bytes(view) for view in ranges.fetch(*(list(column) for column in zip(*wanted, strict=True)))]


@settings(deadline=None)
@given(data=st.data(), most_open=st.sampled_from([1, 3, 100]))
def test_ranges_are_slices(files: list[Path], data: st.DataObject, most_open: int) -> None:
    wanted = []
    for _ in range(data.draw(st.integers(1, 12))):
        file = data.draw(st.integers(0, 6))
        start = data.draw(st.integers(0, 1000 * (file + 1)))
        wanted.append((file, start, data.draw(st.integers(0, 1000 * (file + 1) - start))))
    ranges = LocalRanges(files, most_open=most_open)
    assert fetched(ranges, wanted) == [files[f].read_bytes()[s : s + n] for f, s, n in wanted]
    assert ranges.num_open <= most_open


def test_nothing_is_a_list_of_ranges(files: list[Path]) -> None:
    assert list(LocalRanges(files).fetch([], [], [])) == []


def test_a_whole_file(files: list[Path]) -> None:
    assert LocalRanges(files).whole(2) == files[2].read_bytes()


def open_files(folder: Path) -> set[Path]:
    """The files of a folder that this process has open."""
    links = list(Path("/proc/self/fd").iterdir())
    return {link.readlink() for link in links if link.exists() and link.readlink().parent == folder}


def test_files_are_opened_when_needed_and_closed_when_dropped(files: list[Path]) -> None:
    ranges = LocalRanges(files, most_open=3)
    assert ranges.num_open == 0
    fetched(ranges, [(file, 0, 10) for file in range(7)])
    assert ranges.num_open == 3
    assert len(open_files(files[0].parent)) == 3
    del ranges
    assert open_files(files[0].parent) == set()


def test_the_file_used_longest_ago_is_closed_first(files: list[Path]) -> None:
    ranges = LocalRanges(files, most_open=2)
    fetched(ranges, [(0, 0, 1), (1, 0, 1), (0, 0, 1), (2, 0, 1)])
    assert open_files(files[0].parent) == {files[0], files[2]}


def test_a_file_that_ends_early_is_damage(files: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "short.bin"
    path.write_bytes(b"12345")
    with pytest.raises(DamagedFile, match=r"bytes 2 to 8[\s\S]*ends at byte 5"):
        fetched(LocalRanges([path]), [(0, 2, 6)])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    ranges = LocalRanges([tmp_path / "gone.bin"])
    with pytest.raises(DamagedFile, match=r"missing[\s\S]*gone\.bin"):
        fetched(ranges, [(0, 0, 1)])
    with pytest.raises(DamagedFile, match=r"missing[\s\S]*gone\.bin"):
        ranges.whole(0)


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="cannot be read"):
        fetched(LocalRanges([tmp_path]), [(0, 0, 1)])


@pytest.mark.parametrize("most_open", [2, 100])
def test_threads_get_their_own_bytes(files: list[Path], most_open: int) -> None:
    ranges, contents, wrong = LocalRanges(files, most_open=most_open), [path.read_bytes() for path in files], []

    def hammer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            file = int(rng.integers(0, 7))
            start = int(rng.integers(0, 900))
            if fetched(ranges, [(file, start, 100)])[0] != contents[file][start : start + 100]:
                wrong.append((file, start))

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 1 <= ranges.num_open <= most_open


def test_the_number_of_open_files_is_a_part_of_what_is_allowed() -> None:
    assert 8 <= most_open_files() <= 1024
