"""Reading packs: every span against a slow formula, from threads, after a fork, and with bits flipped."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_tables import save_tables

from audiolect.audio.files import write
from audiolect.data.dataset import Dataset, filter_dataset
from audiolect.data.records import Recording
from audiolect.errors import DamagedFile, DatasetError, SpanError, UsageError
from audiolect.loader import pack as pack_module
from audiolect.loader.pack import Pack, check_pack_of, open_pack, open_pack_of
from audiolect.loader.pack_format import pack_fingerprint

LENGTHS = [1, 0, 40_000, 131_072, 300_000, 7]
SCALES = [1.0, 1.0, 1.5, 1.0, 1.25, 1.0001]
SHARDS = [0, 0, 0, 1, 1, 2]


@pytest.fixture(scope="module", params=["pcm", "flac"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One pack of each codec for all tests of this file, with the arrays that it was made from."""
    from types import SimpleNamespace

    rng = np.random.default_rng(5)
    integers = [rng.integers(-32768, 32768, length).astype(np.int16) for length in LENGTHS]
    wanted = [
        (samples.astype(np.float64) / 32768 * float(np.float32(scale))).astype(np.float32)
        for samples, scale in zip(integers, SCALES, strict=True)
    ]
    return SimpleNamespace(codec=request.param, integers=integers, wanted=wanted, pack=None)


@pytest.fixture
def opened(made: Any, make_pack: Callable[..., Any]) -> Callable[..., Pack]:
    folder = make_pack(made.integers, scales=SCALES, shard_of=SHARDS, codec=made.codec).folder
    return lambda **settings: open_pack(folder, **settings)


def test_values_are_those_of_the_formula(make_pack: Callable[..., Any]) -> None:
    """By hand: one number at a time, in double precision."""
    made = make_pack(
        [np.array([-32768, -1, 0, 1, 32767], np.int16), np.array([32767, -32768], np.int16)], scales=[1.0, 1.5]
    )
    pack = open_pack(made.folder)
    assert pack.read(0).tolist() == [-1.0, -1 / 32768, 0.0, 1 / 32768, 32767 / 32768]
    assert pack.read("r0001").tolist() == [np.float32(32767 / 32768 * 1.5), -1.5]
    assert [np.array_equal(pack.read(row), made.slow(row)) for row in (0, 1)] == [True, True]
    assert pack.read(0, 1, 2).dtype == np.float32


@pytest.mark.parametrize("verify", ["first", "always", "never"])
def test_whole_recordings(made: Any, opened: Callable[..., Pack], verify: str) -> None:
    pack = opened(verify=verify)
    assert len(pack) == 6
    assert pack.rate_hz == 32000
    assert pack.num_samples.tolist() == LENGTHS
    assert pack.recording_ids.to_list() == [f"r{row:04d}" for row in range(6)]
    for row in range(6):
        assert np.array_equal(pack.read(row), made.wanted[row])


@pytest.mark.parametrize("threads", [1, 3])
def test_any_spans_into_one_array(made: Any, opened: Callable[..., Pack], threads: int) -> None:
    pack, rng = opened(threads=threads), np.random.default_rng(0)
    for _ in range(20):
        size = int(rng.integers(0, 9))
        rows = rng.integers(0, 6, size)
        starts = np.array([rng.integers(0, LENGTHS[row] + 1) for row in rows], np.int64)
        counts = np.array(
            [rng.integers(0, LENGTHS[row] - start + 1) for row, start in zip(rows, starts, strict=True)], int
        )
        wide = np.full((size, 300_010), np.nan, np.float32)
        out = wide[:, 3:-2]  # rows that do not lie end to end
        pack.read_into(out, rows, starts, counts)
        for at, (row, start, count) in enumerate(zip(rows, starts, counts, strict=True)):
            assert np.array_equal(out[at, :count], made.wanted[row][start : start + count])
            assert not out[at, count:].any()
        assert np.isnan(wide[:, :3]).all()
        assert np.isnan(wide[:, -2:]).all()


@settings(deadline=None, max_examples=60)
@given(row=st.integers(0, 5), start=st.integers(-3, 50), count=st.one_of(st.none(), st.integers(-3, 50)))
def test_a_span_is_a_slice_or_a_letter(row: int, start: int, count: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_module, "_PIECE_BYTES", 16)
        length = len(SMALL.wanted[row])
        rest = length - start if count is None else count
        if start < 0 or rest < 0 or start + rest > length:
            with pytest.raises(SpanError, match="does not lie within its recording"):
                SMALL.pack.read(row, start, count)
        else:
            assert np.array_equal(SMALL.pack.read(row, start, count), SMALL.wanted[row][start : start + rest])


class SMALL:
    """A small pack for the test above, read in pieces of 16 bytes: hypothesis and fixtures of functions do not mix."""

    pack: Pack
    wanted: list[np.ndarray]


@pytest.fixture(autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory, make_pack: Callable[..., Any]) -> None:
    if not hasattr(SMALL, "pack"):
        made = make_pack([0, 1, 5, 8, 9, 47], name="small")
        SMALL.pack, SMALL.wanted = open_pack(made.folder), [made.slow(row) for row in range(6)]
        SMALL.pack.read_into(np.empty((6, 47), np.float32), list(range(6)), [0] * 6, SMALL.pack.num_samples)


def test_long_spans_are_read_in_pieces(made: Any, opened: Callable[..., Pack], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_module, "_PIECE_BYTES", 1002)
    pack = opened(verify="always")
    out = np.full((3, 300_000), np.nan, np.float32)
    pack.read_into(out, [4, 1, 2], [10, 0, 1], [299_990, 0, 3])
    assert np.array_equal(out[0, :299_990], made.wanted[4][10:])
    assert np.array_equal(out[2, :3], made.wanted[2][1:4])
    assert not out[0, 299_990:].any()
    assert not out[1].any()
    assert not out[2, 3:].any()


def test_nothing_is_written_when_a_span_is_wrong(opened: Callable[..., Pack]) -> None:
    out = np.full((2, 10), np.nan, np.float32)
    with pytest.raises(SpanError, match="longer than the row"):
        opened().read_into(out, [2, 2], [0, 0], [10, 11])
    with pytest.raises(UsageError, match="no such row"):
        opened().read_into(out, [2, 6], [0, 0], [1, 1])
    assert np.isnan(out).all()


@pytest.mark.parametrize("num_threads", [1, 2, 4, 8])
@pytest.mark.parametrize("verify", ["first", "never"])
def test_threads_read_what_one_reads(made: Any, opened: Callable[..., Pack], num_threads: int, verify: str) -> None:
    pack, wrong, done = opened(verify=verify), [], []

    def hammer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        out = np.empty((4, 2000), np.float32)
        for _ in range(10):
            rows = rng.choice([2, 3, 4], 4)
            starts = rng.integers(0, 38_000, 4)
            counts = rng.integers(0, 2001, 4)
            pack.read_into(out, rows, starts, counts)
            for at, (row, start, count) in enumerate(zip(rows, starts, counts, strict=True)):
                if (
                    not np.array_equal(out[at, :count], made.wanted[row][start : start + count])
                    or out[at, count:].any()
                ):
                    wrong.append((row, start, count))
            done.append(seed)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(num_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(done)) == ([], 10 * num_threads)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_after_a_fork_both_go_on_reading(made: Any, opened: Callable[..., Pack], threads: int) -> None:
    pack = opened(threads=threads)
    out = np.empty((2, 1000), np.float32)
    pack.read_into(out, [2, 3], [0, 0], [1000, 1000])

    def child(answers: Any, seed: int) -> None:
        rng = np.random.default_rng(seed)
        same = True
        for start in rng.integers(0, 39_000, 30).tolist():
            pack.read_into(out, [2, 4], [start, start], [1000, 1000])
            same = same and all(
                np.array_equal(out[i], made.wanted[r][start : start + 1000]) for i, r in ((0, 2), (1, 4))
            )
        answers.put(same)

    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=child, args=(answers, seed)) for seed in range(3)]
    for process in children:
        process.start()
    mine = [
        np.array_equal(pack.read(3, start, 500), made.wanted[3][start : start + 500]) for start in range(0, 9000, 100)
    ]
    assert [answers.get(timeout=30) for _ in children] == [True] * 3
    for process in children:
        process.join(30)
    assert mine == [True] * 90


def test_a_pack_can_be_sent_to_another_process(made: Any, opened: Callable[..., Pack]) -> None:
    pack = opened(verify="always", threads=2)
    again = pickle.loads(pickle.dumps(pack))
    assert np.array_equal(again.read(2), made.wanted[2])
    assert np.array_equal(copy.copy(pack).read(2), made.wanted[2])


def test_rows_are_found_by_id(opened: Callable[..., Pack]) -> None:
    pack = opened()
    assert pack.rows_of(["r0004", "r0000", "r0004"]).tolist() == [4, 0, 4]
    assert pack.rows_of(pl.Series(["r0005"])).tolist() == [5]
    assert pack.rows_of([]).tolist() == []


def test_absent_recordings_are_counted_named_and_can_be_added(make_pack: Callable[..., Any], seal_card: Any) -> None:
    folder = make_pack([5], codec="flac").folder
    with pytest.raises(DatasetError) as caught:
        open_pack(folder).rows_of(["r0000", "b", "c", "b"])
    letter = str(caught.value)
    assert "2 of 3 recordings are absent" in letter
    assert "'b', 'c'" in letter
    assert f"audiolect pack DATASET --rate-hz 32000 --codec flac --out {folder}" in letter
    spaced = folder.rename(folder.with_name("my pack"))
    with pytest.raises(DatasetError) as caught:
        open_pack(spaced).rows_of(["b"])
    assert shlex.split(str(caught.value.fix))[-2:] == ["--out", str(spaced)]
    spaced.rename(folder)
    seal_card(folder, left_out={"unreadable": 3, "silent": 0})
    with pytest.raises(DatasetError, match="left out when it was packed: unreadable 3"):
        open_pack(folder).read("b")


@pytest.mark.parametrize(("argument", "value"), [("verify", "often"), ("threads", 0)])
def test_wrong_arguments_are_refused(opened: Callable[..., Pack], argument: str, value: Any) -> None:
    with pytest.raises(UsageError, match=r"often|one thread"):
        opened(**{argument: value})


@pytest.mark.parametrize("threads", [1, 2])
def test_a_flipped_bit_is_found_by_the_reader(made: Any, opened: Callable[..., Pack], threads: int) -> None:
    pack = opened(threads=threads)
    path = Path(pack.place) / f"shard-00001.{made.codec}"
    data = bytearray(path.read_bytes())
    data[-1000] ^= 4
    path.write_bytes(data)
    out = np.empty((4, 300_000), np.float32)
    with pytest.raises(DamagedFile) as caught:
        pack.read_into(out, [2, 4, 2, 4], [0] * 4, [40_000, 300_000] * 2)
    letter = str(caught.value)
    assert f"{pack.place}/shard-00001.{made.codec}, bytes" in letter
    assert "'r0004'" in letter
    assert f"audiolect pack verify {pack.place}" in letter
    assert np.array_equal(pack.read(2), made.wanted[2])


def test_an_entry_that_is_no_flac_is_named(make_pack: Callable[..., Any]) -> None:
    folder = make_pack([50, 60], codec="flac").folder
    path = folder / "shard-00000.flac"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(
        DamagedFile, match=r"cannot be decoded[\s\S]*bytes \d+ to \d+, recording 'r0001'[\s\S]*pack verify"
    ):
        open_pack(folder, verify="never").read(1)


def test_from_a_url_the_same_values_come(made: Any, opened: Callable[..., Pack]) -> None:
    fsspec = pytest.importorskip("fsspec")
    system, place = fsspec.filesystem("memory"), Path(opened().place)
    for path in place.iterdir():
        system.pipe_file(f"/test-pack-{made.codec}/{path.name}", path.read_bytes())
    pack = open_pack(f"memory://test-pack-{made.codec}/")
    out = np.empty((3, 300_000), np.float32)
    pack.read_into(out, [4, 2, 3], [5, 0, 100], [299_995, 40_000, 10])
    assert np.array_equal(out[0, :-5], made.wanted[4][5:])
    assert np.array_equal(out[1, :40_000], made.wanted[2])
    assert np.array_equal(out[2, :10], made.wanted[3][100:110])
    assert np.array_equal(open_pack(f"file://{place}").read(2), made.wanted[2])


def dataset_of(folder: Path, made: Any, *, num_samples: int = 5) -> Dataset:
    folder.mkdir()
    write(folder / "a.wav", np.zeros((5, 1), np.float32), 32000)
    rows = [Recording(name, "a.wav", num_samples, 32000, 1, "wav/pcm_16", 54) for name in made.ids]
    return save_tables(folder, rows, name="made", audio_root=folder)


def test_the_pack_of_a_dataset_is_known(make_pack: Callable[..., Any], seal_card: Any, tmp_path: Path) -> None:
    made = make_pack([5, 5, 5])
    dataset = dataset_of(tmp_path / "dataset", made)
    check_pack_of(open_pack(made.folder), dataset)  # row by row
    check_pack_of(open_pack(made.folder), filter_dataset(dataset, "recording_id == 'r0001'"))
    index = pl.read_parquet(made.folder / "index.parquet")
    assert pack_fingerprint(index) == dataset.card.fingerprint
    seal_card(made.folder, fingerprint=dataset.card.fingerprint)
    check_pack_of(open_pack(made.folder), dataset)  # by the fingerprint


def test_the_pack_of_another_dataset_is_refused(make_pack: Callable[..., Any], tmp_path: Path) -> None:
    made = make_pack([5, 5, 5])
    pack = open_pack(made.folder)
    with pytest.raises(DatasetError, match=r"3 of 3 recordings are other spans[\s\S]*4 samples from 0[\s\S]*5 samples"):
        check_pack_of(pack, dataset_of(tmp_path / "shorter", made, num_samples=4))
    more = make_pack([5] * 5, name="more")
    with pytest.raises(
        DatasetError, match=r"2 of 5 recordings are absent[\s\S]*audiolect pack .*longer --rate-hz 32000"
    ):
        check_pack_of(pack, dataset_of(tmp_path / "longer", more))


def test_a_pack_may_lack_recordings_and_must_not_have_others_of_their_names(
    make_pack: Callable[..., Any], tmp_path: Path
) -> None:
    made, more = make_pack([5, 5, 5]), make_pack([5] * 5, name="more")
    assert len(open_pack_of(made.folder, dataset_of(tmp_path / "longer", more)).recording_ids) == 3
    with pytest.raises(DatasetError, match=r"3 of 5 recordings are other spans[\s\S]*pack of another dataset"):
        open_pack_of(made.folder, dataset_of(tmp_path / "other", more, num_samples=4))
