from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiolect.audio.files import probe, read
from audiolect.corpora.intake import CorpusInfo, IntakeOptions
from audiolect.data.dataset import read_problems, read_table, verify_dataset
from audiolect.data.records import Example, examples_frame
from audiolect.errors import AudioError, DatasetError
from audiolect.formats.extraction import file_stem, info_from_card, land_extracted, write_flac
from audiolect.formats.landing import Declared, declared_frame
from audiolect.formats.request import ImportRequest

INFO = CorpusInfo("c", "1", "CC0", "none")


def test_the_audio_lands_inside_and_what_is_left_out_goes(tmp_path: Path) -> None:
    def extract(audio: Path) -> Declared:
        (audio / "sub" / "deep").mkdir(parents=True)
        soundfile.write(audio / "sub" / "good.wav", np.full(50, 0.25), 8000)
        (audio / "sub" / "deep" / "bad.wav").write_bytes(b"no audio")
        (audio / "stray.txt").write_text("x")
        rows = {"recording_id": ["c/good", "c/bad"], "path": ["sub/good.wav", "sub/deep/bad.wav"]}
        examples = [Example(f"e{one}", one, "all", "AudioCaptioning", "", ("A.",)) for one in rows["recording_id"]]
        table = {"facts": pl.DataFrame({"recording_id": rows["recording_id"], "fact": [1, 2]})}
        frame = declared_frame(pl.DataFrame(rows))
        return Declared(INFO, Path("nowhere"), frame, examples_frame(examples), (), table, {"note": 7})

    options = IntakeOptions(command="the command")
    dataset = land_extracted(ImportRequest(tmp_path, tmp_path / "out", options=options), extract)
    verify_dataset(dataset)
    assert dataset.card.audio_root == "audio"
    assert (dataset.card.command, dataset.card.notes, dataset.card.coverage.expected) == ("the command", {"note": 7}, 2)
    assert dataset.recordings["recording_id"].to_list() == ["c/good"]
    assert dataset.recordings["pcm_hash"].null_count() == 0
    assert read_table(dataset, "facts")["fact"].to_list() == [1]
    assert [problem.reason for problem in read_problems(dataset)] == ["unreadable"]
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    tables = ["card.yaml", "examples.parquet", "facts.parquet", "problems.jsonl", "recordings.parquet"]
    assert files == ["audio", "audio/sub", "audio/sub/good.wav", *tables]
    (tmp_path / "out").rename(tmp_path / "moved")
    with pytest.raises(DatasetError, match="none of the audio"):
        land_extracted(
            ImportRequest(tmp_path, tmp_path / "none"),
            lambda audio: Declared(
                INFO,
                audio,
                declared_frame(pl.DataFrame({"recording_id": ["c/x"], "path": ["x.wav"]})),
                examples_frame([]),
            ),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


@pytest.mark.parametrize(
    ("values", "codec", "clipped"),
    [
        (np.array([0, 1, -32768, 32767]) / 32768, "flac/pcm_16", 0),
        (np.array([0, 2.0**-20, -(2.0**-23)]), "flac/pcm_24", 0),
        (np.array([1.0, 0.5]), "flac/pcm_24", 0),
        (np.array([1.5, -2.0, 0.5]), "flac/pcm_24", 2),
        (np.array([-32768, 32767, 3], np.int16), "flac/pcm_16", 0),
    ],
)
def test_flac_has_as_many_bits_as_the_values_need(tmp_path: Path, values: np.ndarray, codec: str, clipped: int) -> None:
    path = tmp_path / "new" / "a.flac"
    assert write_flac(path, values, 8000) == clipped
    assert probe(path).codec == codec
    expected = values / 32768 if values.dtype == np.int16 else np.clip(values, -1, 1)
    np.testing.assert_allclose(read(path)[0][:, 0], expected, rtol=0, atol=2.0**-23)


def test_nan_and_nothing_are_not_written(tmp_path: Path) -> None:
    for values in (np.array([np.nan, 0]), np.array([])):
        with pytest.raises(AudioError):
            write_flac(tmp_path / "a.flac", values, 8000)


@given(st.lists(st.text(max_size=130), max_size=12))
def test_stems_are_plain_and_differ_whatever_the_names(names: list[str]) -> None:
    taken: dict[str, int] = {}
    stems = [file_stem(name, taken) for name in names]
    assert len({stem.lower() for stem in stems}) == len(names)
    assert all(stem.isascii() and stem and not set(stem) & set("./\\ \0:") and len(stem) < 110 for stem in stems)


def test_stems_by_hand() -> None:
    taken: dict[str, int] = {}
    names = ["../a b.wav", "A_b_WAV", "a_b_wav~2", "a_b_wav", "ö", "…"]
    assert [file_stem(name, taken) for name in names] == [
        "a_b_wav", "A_b_WAV~2", "a_b_wav_2", "a_b_wav~3", "recording", "recording~2",
    ]  # fmt: skip


def test_the_card_of_an_export_is_believed_unless_told_otherwise(tmp_path: Path) -> None:
    request = ImportRequest(tmp_path, tmp_path / "out", license="mine")
    assert info_from_card(tmp_path, request).name == tmp_path.name
    card = {"format": "audiolect/export", "dataset": "clotho", "license": "theirs", "citation": "a book"}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert info_from_card(tmp_path, request) == CorpusInfo("clotho", "not stated", "mine", "a book")
    (tmp_path / "card.json").write_text('{"dataset": "of somebody else"}')
    assert info_from_card(tmp_path, request).name == tmp_path.name
