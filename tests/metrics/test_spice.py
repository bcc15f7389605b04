"""SPICE with a program in the place of Java, and SPIDEr: commands, output, letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from java_stand_in import SCORER

from audiolect.errors import MissingDependency, UsageError, WorkerDied
from audiolect.metrics.java import Java
from audiolect.metrics.spice import STANFORD_JARS, SpiceJars, find_spice_jars, spice, spider

JARS = SpiceJars((Path("a.jar"), Path("b.jar")))
CAPTIONS = ([["a", "dog"], [], ["rain"]], [[["a", "cat"]], [["x"]], [["rain"]]])


def test_values_stand_in_the_order_of_recordings(make_java: Callable[..., str], tmp_path: Path) -> None:
    body = SCORER.replace("'SEEN'", repr(str(tmp_path / "seen")))
    values = spice(*CAPTIONS, java=Java(make_java(body), 17), jars=JARS, cache=tmp_path / "cache")
    assert values.tolist() == [0.5, 0.0, 1.0]
    seen = (tmp_path / "seen").read_text("utf-8").splitlines()
    assert seen[seen.index("-cache") + 1] == str((tmp_path / "cache").resolve())
    assert "a.jar:b.jar" in seen
    assert "--add-opens=java.base/java.util=ALL-UNNAMED" in seen
    spice(*CAPTIONS, java=Java(make_java(body), 8), jars=JARS)
    seen = (tmp_path / "seen").read_text("utf-8").splitlines()
    assert not [option for option in seen if "add-opens" in option or option == "-cache"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "open(argv[argv.index('-out') + 1], 'w').write('[]')",
        "open(argv[argv.index('-out') + 1], 'w').write('nonsense')",
        'open(argv[argv.index(\'-out\') + 1], \'w\').write(\'[{"image_id": 7, "scores": {"All": {"f": 1}}}]\')',
    ],
)
def test_output_that_cannot_be_used(make_java: Callable[..., str], body: str) -> None:
    with pytest.raises(WorkerDied, match="something else than its scores"):
        spice(*CAPTIONS, java=Java(make_java(body), 17), jars=JARS)


def test_a_limit_of_time_and_an_early_end(make_java: Callable[..., str]) -> None:
    with pytest.raises(WorkerDied, match="did not answer in time"):
        spice(*CAPTIONS, java=Java(make_java("time.sleep(60)"), 17), jars=JARS, timeout_seconds=0.4)
    program = make_java("print('Exception: no models', file=sys.stderr)\nsys.exit(1)")
    with pytest.raises(WorkerDied, match="no models"):
        spice(*CAPTIONS, java=Java(program, 17), jars=JARS)


def test_jars_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (None, tmp_path / "none", tmp_path):
        with pytest.raises(MissingDependency, match="two jars of the Stanford parser") as caught:
            find_spice_jars(folder)
        assert "audiolect download spice" in str(caught.value)
    (tmp_path / "lib").mkdir()
    for name in STANFORD_JARS:
        (tmp_path / "lib" / name).touch()
    monkeypatch.setattr("audiolect.metrics.spice.coco_package", lambda: None)
    with pytest.raises(MissingDependency, match="program of its authors"):
        find_spice_jars(tmp_path)
    (tmp_path / "spice-1.0.jar").touch()
    assert {jar.name for jar in find_spice_jars(tmp_path).class_path} == {*STANFORD_JARS, "spice-1.0.jar"}


def test_the_package_brings_the_rest(tmp_path: Path, coco_folder: Path) -> None:
    for name in STANFORD_JARS:
        (tmp_path / name).touch()
    names = {jar.name for jar in find_spice_jars(tmp_path).class_path}
    assert {"spice-1.0.jar", "json-simple-1.1.1.jar", *STANFORD_JARS} <= names


def test_spider() -> None:
    assert spider([1.0, 0.4], [0.5, 0.2]).tolist() == pytest.approx([0.75, 0.3])
    with pytest.raises(UsageError, match="both of each"):
        spider([1.0], [0.5, 0.2])
