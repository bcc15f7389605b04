"""The ledger comes back as it was written, and tells damaged files from whole ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audiolect.errors import DamagedFile, UnknownVersion
from audiolect.street.ledger import FILE_NAME, Entry, broken_file, read_ledger, seal_of, write_ledger


def test_it_comes_back(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == {}
    file = tmp_path / "pack" / "a.bin"
    file.parent.mkdir()
    file.write_bytes(b"abc")
    entry = Entry(
        state="done",
        kind="pack",
        settings="1",
        inputs={"dataset": "2"},
        place="pack",
        noun="pack",
        files=seal_of(file.parent, [file]),
        seconds=1.5,
        told=("3 recordings",),
    )
    write_ledger(tmp_path, {"low": entry})
    assert read_ledger(tmp_path) == {"low": entry}
    assert list(entry.files) == ["a.bin"]
    assert list(seal_of(file, [file])) == [""]


def test_each_damage_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc")
    sealed = seal_of(tmp_path, [file])
    assert broken_file(tmp_path, sealed) is None
    file.touch()
    assert broken_file(tmp_path, sealed) is None, "another time alone is no damage"
    file.write_bytes(b"abd")
    assert broken_file(tmp_path, sealed) == "a.bin is not what was written"
    file.write_bytes(b"abcd")
    assert broken_file(tmp_path, sealed) == "a.bin has 4 bytes, not 3"
    file.unlink()
    assert broken_file(tmp_path, sealed) == "a.bin is missing"
    assert broken_file(tmp_path, {}) is None


def test_large_files_are_told_by_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiolect.street.ledger._HASHED_BYTES", 2)
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc")
    sealed = seal_of(tmp_path, [file])
    assert sealed["a.bin"].blake2b is None
    assert broken_file(tmp_path, sealed) is None
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert broken_file(tmp_path, sealed) == "a.bin was written to"


def test_what_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"format": "audiolect/street", "version": 99}', "utf-8")
    with pytest.raises(UnknownVersion, match="Version 99"):
        read_ledger(tmp_path)
    (tmp_path / FILE_NAME).write_text(
        '{"format": "audiolect/street", "version": 1, "producer": "x", "stages": {"a": {"state": "lost"}}}', "utf-8"
    )
    with pytest.raises(DamagedFile, match="ledger of a street"):
        read_ledger(tmp_path)
