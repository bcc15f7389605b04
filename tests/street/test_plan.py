"""What is to be done, and why: told from the ledger and the disk, without writing anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.errors import AudiolectError, MissingDependency
from audiolect.street import plan
from audiolect.street.ledger import read_ledger
from audiolect.street.plan import check_extras, plan_street
from audiolect.street.recipe import load_street
from audiolect.street.running import run_street


def told(street: Path, audio: Path, *words: str, new: bool = False) -> dict[str, tuple[str, str]]:
    read = load_street(street, [f"audio={audio}", *words])
    return {step.stage.name: (step.state, step.why) for step in plan_street(read, read_ledger(read.out), new=new)}


def test_a_plan_writes_nothing(street: Path, audio: Path) -> None:
    assert told(street, audio) == dict.fromkeys(("data", "look", "low", "high", "page"), ("run", ""))
    assert not (street.parent / "out").exists()


def test_what_has_changed_is_told_with_its_reason(street: Path, audio: Path, tone: Callable[..., None]) -> None:
    run_street(load_street(street, [f"audio={audio}"]))
    done = dict.fromkeys(("data", "look", "low", "high", "page"), ("done", ""))
    assert told(street, audio) == done
    assert told(street, audio, new=True) == dict.fromkeys(done, ("run", ""))
    assert told(street, audio, "rate=4000") == done | {"low": ("run", "its options have changed")}
    shard = next((street.parent / "out" / "high").glob("shard-*"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert told(street, audio)["high"][0] == "run"
    assert "damaged" in told(street, audio)["high"][1]
    shard.write_bytes(whole)
    assert told(street, audio) == done
    # The page and the packs are of a dataset that will be made anew: whether they stay is known only then.
    tone(audio / "new.wav", 700)
    after = told(street, audio)
    assert after["data"] == ("run", "what it reads has changed: source")
    assert {after[name] for name in ("look", "low", "high", "page")} == {("after", "only if data becomes another")}


def test_a_quarantine_changes_the_dataset_for_those_after_the_check(street: Path, audio: Path) -> None:
    run_street(load_street(street, [f"audio={audio}"]))
    listed = street.parent / "out" / "data" / "check" / "quarantine.jsonl"
    listed.write_bytes(listed.read_bytes() + b"\n")
    after = told(street, audio)
    assert after["look"][0] == "run"
    assert "damaged" in after["look"][1]
    assert after["low"] == ("run", "what it reads has changed: dataset")


def test_what_is_brought_along_must_be_there(street: Path, audio: Path) -> None:
    read = load_street(street, [f"audio={audio}"])
    audio.rename(audio.with_name("gone"))
    with pytest.raises(AudiolectError, match="no such folder"):
        plan_street(read, {})


def test_a_missing_library_is_told_before_the_work(street: Path, audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = load_street(street, [f"audio={audio}"]).stages
    check_extras(stages)
    lacking = plan.KINDS["check"].__class__
    monkeypatch.setitem(
        plan.KINDS,
        "check",
        lacking(
            **{name: getattr(plan.KINDS["check"], name) for name in lacking.__slots__ if name != "extras"},
            extras=(("no_such_library", "models"),),
        ),
    )
    with pytest.raises(MissingDependency, match=r"stage look needs(.|\n)*audiolect\[models\]"):
        check_extras(stages)
