"""SPICE, SPIDEr and METEOR of a validation, with programs in Python in the place of Java, alone and on two ranks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ranks_of_captions as script
from java_stand_in import SCORER, touch_spice_jars, write_java
from started_ranks import written_by_ranks

from audiolect.errors import MissingDependency, WorkerDied
from audiolect.metrics.cider import cider_d
from audiolect.metrics.meteor import NUM_COUNTS
from audiolect.metrics.ngrams import count_ngrams
from audiolect.training import caption_metrics
from audiolect.training.caption_metrics import CaptionPrograms, ProgramValues, find_programs, measure_on_first
from audiolect.training.caption_validation import measure_written

SAID = [["a", "dog"], [], ["rain"]]
REFERENCES = [[["a", "cat"]], [["x"]], [["rain"]]]
# Four content words each, all matched as a whole: 1 of 1, and 2 of 4 in two pieces by the other.
METEOR = """
replies = ['4 4 0 0 4 4' + ' 0' * 15 + ' 4 4', '4 4 0 0 2 2' + ' 0' * 14 + ' 2 2 2']
for place, line in enumerate(sys.stdin):
    print(replies[place % 2], flush=True)
"""


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where JAVA_HOME points to."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return tmp_path


def with_spice(folder: Path, body: str) -> CaptionPrograms | None:
    write_java(folder / "bin" / "java", body)
    touch_spice_jars(folder / "jars")
    return find_programs(spice_jars="jars", meteor=False, base=folder)


def test_spice_and_spider(at_home: Path) -> None:
    programs = with_spice(at_home, SCORER.replace("'SEEN'", repr(str(at_home / "seen"))))
    values = measure_on_first(programs, SAID, REFERENCES)
    assert values.spice is not None
    assert values.spice.tolist() == [0.5, 0.0, 1.0]
    cider = cider_d(count_ngrams(SAID, REFERENCES))
    found = values.metrics(cider)
    assert found == {"spice": pytest.approx(0.5), "spider": pytest.approx((0.5 + float(cider.mean())) / 2)}
    assert values.part([0, 2]).metrics(np.array([1.0, 2.0])) == {"spice": 0.75, "spider": pytest.approx(1.125)}
    seen = (at_home / "seen").read_text("utf-8").splitlines()
    assert seen[seen.index("-cache") + 1] == str((at_home / "jars" / "cache").resolve())


def test_a_folder_that_cannot_be_written_to_keeps_no_parses(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.W_OK
    monkeypatch.setattr(caption_metrics.os, "access", lambda _, asked: not asked & write)
    programs = with_spice(at_home, "")
    assert programs is not None
    assert programs.cache is None


def test_meteor_is_that_of_the_sums(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (at_home / "meteor-1.5.jar").touch()
    monkeypatch.setattr(caption_metrics, "meteor_jar", lambda: at_home / "meteor-1.5.jar")
    write_java(at_home / "bin" / "java", METEOR)
    programs = find_programs(spice_jars=None, meteor=True, base=at_home)
    values = measure_on_first(programs, SAID[:2], REFERENCES[:2])
    assert values.meteor is not None
    assert values.meteor.shape == (2, NUM_COUNTS)
    # 6 of 8 words, 2 pieces and none for what is whole, of 6 matched words.
    assert values.metrics(np.zeros(2)) == {"meteor": pytest.approx(0.75 * (1 - 0.6 * (2 / 6) ** 0.2))}


def test_nothing_is_looked_for_where_nothing_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_programs(spice_jars=None, meteor=False, base=tmp_path) is None
    assert measure_on_first(None, SAID, REFERENCES).metrics(np.zeros(3)) == ProgramValues().metrics(np.zeros(3)) == {}


def test_what_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {"spice_jars": "jars", "meteor": False, "base": tmp_path}
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(
        MissingDependency, match=r"(?s)there is no Java.*where: training\.objective\.spice_jars"
    ) as none:
        find_programs(**asked)
    write_java(tmp_path / "bin" / "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.defpath)
    with pytest.raises(MissingDependency, match=rf"(?s)two jars.*spice_jars: jars.*spice {tmp_path}/jars") as jars:
        find_programs(**asked)
    touch_spice_jars(tmp_path / "jars")
    (tmp_path / "jars" / "spice-1.0.jar").unlink()
    monkeypatch.setattr("audiolect.metrics.spice.coco_package", lambda: None)
    with pytest.raises(MissingDependency, match=r"(?s)program of its authors.*pip install 'audiolect\[java\]'"):
        find_programs(**asked)
    monkeypatch.setattr("audiolect.metrics.meteor.coco_package", lambda: None)
    with pytest.raises(MissingDependency, match=r"(?s)METEOR.*pip install 'audiolect\[java\]'"):
        find_programs(spice_jars=None, meteor=True, base=tmp_path)
    assert "--" not in str(none.value) + str(jars.value)  # `train` has no such options


def test_a_program_that_fails(at_home: Path) -> None:
    programs = with_spice(at_home, "print('no models', file=sys.stderr)\nsys.exit(3)")
    with pytest.raises(WorkerDied, match=r"(?s)where: a validation.*no models") as caught:
        measure_on_first(programs, SAID, REFERENCES)
    assert "JAVA_HOME" in str(caught.value)
    assert "--java" not in str(caught.value)


def test_two_ranks_have_what_the_first_measured_or_its_letter(tmp_path: Path) -> None:
    first, second = written_by_ranks(script.SCRIPT, 2, tmp_path)
    assert first == second
    assert set(first) == {"found", "failed", "absent"}
    assert "no models" in first["failed"]
    assert "two jars" in first["absent"]
    assert len(list((tmp_path / "ran").iterdir())) == 1  # by the first rank alone
    touch_spice_jars(tmp_path / "jars")
    alone = measure_written(script.written((0, 1)), shown=0).metrics
    own = {name: value for name, value in first["found"].items() if name not in ("spice", "spider")}
    assert own == pytest.approx(alone)
    assert first["found"]["spice"] == pytest.approx(0.75)
    assert first["found"]["spider"] == pytest.approx((alone["cider_d"] + 0.75) / 2)
