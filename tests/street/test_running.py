"""A street is run once, again only where something has changed, and on from wherever it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiolect.data.dataset import open_dataset
from audiolect.errors import AlreadyExists, UsageError
from audiolect.folder_lock import hold_folder
from audiolect.street import running
from audiolect.street.kind import Kind, Stopped
from audiolect.street.ledger import read_ledger
from audiolect.street.recipe import load_street
from audiolect.street.running import RunOptions, StreetOutcome, run_street

ALL = ["data", "look", "low", "high", "page"]


def walk(street: Path, audio: Path, *words: str, **asked: Any) -> StreetOutcome:
    return run_street(load_street(street, [f"audio={audio}", *words]), RunOptions(**asked))


def ran(outcome: StreetOutcome) -> list[str]:
    return [each.stage.name for each in outcome.ran if each.state != "done"]


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a function in the place of a kind's own: ``kinds("pack", run)``."""

    def put(name: str, run: Callable[..., list[str]]) -> None:
        monkeypatch.setitem(running.KINDS, name, replace(running.KINDS[name], run=run))

    return put


def test_all_is_run_once(street: Path, audio: Path) -> None:
    first = walk(street, audio)
    assert ran(first) == ALL
    assert open_dataset(first.street.out / "data").recordings.height == 3
    assert "<audio" in (first.street.out / "page.html").read_text("utf-8")
    assert all(each.told for each in first.ran)
    again = walk(street, audio)
    assert ran(again) == []
    assert [each.told for each in again.ran] == [each.told for each in first.ran]


def test_a_change_runs_what_depends_on_it_and_nothing_else(
    street: Path, audio: Path, tone: Callable[..., None]
) -> None:
    walk(street, audio)
    assert ran(walk(street, audio, "rate=4000")) == ["low"]
    assert ran(walk(street, audio, "rate=4000", "look.shortest_seconds=0.2")) == ["look"], "which lists the same"
    tone(audio / "more.wav", 700)
    assert ran(walk(street, audio, "rate=4000", "look.shortest_seconds=0.2")) == ALL


def test_the_same_content_is_no_change(street: Path, audio: Path) -> None:
    walk(street, audio)
    (audio / "0.wav").touch()
    assert ran(walk(street, audio)) == ["data", "look"], "looked at again; the tables are the same"


def test_until_and_new(street: Path, audio: Path) -> None:
    assert ran(walk(street, audio, until="low")) == ["data", "look", "low"]
    assert ran(walk(street, audio)) == ["high", "page"]
    assert ran(walk(street, audio, new=True)) == ALL
    with pytest.raises(UsageError, match="no stage named 'lwo'"):
        walk(street, audio, until="lwo")


def test_damage_is_mended(street: Path, audio: Path) -> None:
    out = walk(street, audio).street.out
    (out / "page.html").write_text("oh", "utf-8")
    (out / "low" / "index-00000.parquet").unlink(missing_ok=True)
    for file in (out / "low").glob("*.parquet"):
        file.unlink()
    assert ran(walk(street, audio)) == ["low", "page"]
    (out / "data" / "recordings.parquet").write_bytes(b"PAR1")
    assert ran(walk(street, audio))[:2] == ["data", "look"]
    assert ran(walk(street, audio)) == []


@pytest.mark.parametrize("at", ["before prepare", "after prepare", "before pack", "after pack", "after collection"])
def test_a_kill_anywhere_is_gone_on_from(
    street: Path, audio: Path, kinds: Callable[..., None], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    when, stage = at.split()
    own: Kind = running.KINDS[stage]

    def killed(*arguments: Any) -> list[str]:
        if when == "after":
            own.run(*arguments)
        raise KeyboardInterrupt

    kinds(stage, killed)
    with pytest.raises(KeyboardInterrupt):
        walk(street, audio)
    monkeypatch.undo()
    name = {"prepare": "data", "pack": "low", "collection": "page"}[stage]
    assert read_ledger(street.parent / "out")[name].state == "begun"
    on = walk(street, audio)
    assert ran(on) == ALL[ALL.index(name) :]
    assert next(each.state for each in on.ran if each.stage.name == name) == "goes on"
    assert ran(walk(street, audio)) == []


def test_a_stage_that_fails_leaves_a_letter_and_is_tried_again(street: Path, audio: Path) -> None:
    (audio / "2.wav").write_bytes(b"")
    with pytest.raises(Exception, match="limit of 0"):
        walk(street, audio, "data.max_problems=0")
    (audio / "2.wav").unlink()
    assert ran(walk(street, audio, "data.max_problems=0")) == ALL


def test_a_stage_that_is_asked_to_stop(street: Path, audio: Path, kinds: Callable[..., None]) -> None:
    def stopped(*_: Any) -> list[str]:
        raise Stopped(143)

    kinds("pack", stopped)
    outcome = walk(street, audio)
    assert outcome.stopped == 143
    assert [each.stage.name for each in outcome.ran] == ["data", "look"]


def test_what_others_have_put_there_is_not_touched(street: Path, audio: Path) -> None:
    precious = street.parent / "out" / "low" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine", "utf-8")
    with pytest.raises(AlreadyExists, match=r"this street has not written(.|\n)*low"):
        walk(street, audio)
    assert precious.read_text("utf-8") == "mine"


def test_trained_runs_are_moved_aside(street: Path, audio: Path, kinds: Callable[..., None]) -> None:
    read = load_street(street, [f"audio={audio}"])
    place = read.out / "low"
    place.mkdir(parents=True)
    (place / "config.yaml").touch()
    running._remove(place, aside=True)
    assert (read.out / "low.old-1" / "config.yaml").is_file()
    assert not place.exists()


def test_one_at_a_time(street: Path, audio: Path) -> None:
    with hold_folder(street.parent / "out"), pytest.raises(UsageError, match="Another process"):
        walk(street, audio)
