"""Programs in Java, with a program in Python in their place: versions, answers, limits and letters."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.errors import MissingDependency, WorkerDied
from audiolect.metrics.java import Java, ask_lines, coco_package, find_java, java_command, java_version, run_to_end

MakeJava = Callable[..., str]
ECHO = "for line in sys.stdin:\n    print(line.strip().upper(), flush=True)"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('java version "1.8.0_352"', 8),
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ("java: not found", None),
        ("", None),
    ],
)
def test_versions(text: str, version: int | None) -> None:
    assert java_version(text) == version


def test_a_java_is_found_by_name_by_home_and_on_the_path(make_java: MakeJava) -> None:
    program = make_java()
    folder = Path(program).parent
    assert find_java(program) == Java(program, 17)
    assert find_java(environment={"JAVA_HOME": str(folder.parent), "PATH": ""}) == Java(program, 17)
    assert find_java(environment={"PATH": str(folder)}) == Java(program, 17)


def test_no_java_an_old_one_and_one_that_says_nothing(make_java: MakeJava, tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="there is no Java"):
        find_java(environment={"PATH": str(tmp_path)})
    with pytest.raises(MissingDependency, match="there is no Java"):
        find_java(str(tmp_path / "nowhere"))
    for version in ('java version "1.7.0"', "hello"):
        with pytest.raises(MissingDependency, match="no Java that caption metrics run on"):
            find_java(make_java(version=version))


def test_the_java_of_this_machine() -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    assert find_java().version >= 8


def test_commands_speak_english() -> None:
    command = java_command(Java("java", 8), ["-jar", "x.jar"], memory_megabytes=512)
    assert command[0] == "java"
    assert command[-2:] == ["-jar", "x.jar"]
    assert {"-Xmx512m", "-Duser.language=en", "-Dfile.encoding=UTF-8"} <= set(command)


def test_one_answer_for_each_line(make_java: MakeJava) -> None:
    told: list[int] = []
    lines = [f"line é {number}" for number in range(500)]
    assert ask_lines([make_java(ECHO)], lines, name="x", answered=told.append) == [line.upper() for line in lines]
    assert sum(told) == 500
    assert ask_lines([make_java(ECHO)], [], name="x") == []


def test_a_program_that_ends_early(make_java: MakeJava) -> None:
    program = make_java("print('one', flush=True)\nprint('no memory', file=sys.stderr)\nsys.exit(3)")
    with pytest.raises(WorkerDied, match="ended before its time") as caught:
        ask_lines([program], ["a", "b"], name="METEOR")
    assert "1 of 2 answers, exit code 3; it said: no memory" in str(caught.value)


def test_a_program_that_never_answers(make_java: MakeJava) -> None:
    start = time.monotonic()
    with pytest.raises(WorkerDied, match="did not answer in time"):
        ask_lines([make_java("time.sleep(60)")], ["a"], name="METEOR", timeout_seconds=0.5)
    with pytest.raises(WorkerDied, match="did not answer in time"):
        run_to_end([make_java("time.sleep(60)")], name="SPICE", timeout_seconds=0.5)
    assert time.monotonic() - start < 20


def test_running_to_the_end(make_java: MakeJava) -> None:
    waited: list[float] = []
    run_to_end([make_java("time.sleep(0.7)")], name="SPICE", waited=waited.append)
    assert 0.2 < sum(waited) < 10
    with pytest.raises(WorkerDied, match="ended before its time"):
        run_to_end([make_java("sys.exit(1)")], name="SPICE")
    with pytest.raises(MissingDependency, match="cannot be started"):
        run_to_end(["/nowhere/java"], name="SPICE")


def test_the_package_with_the_jars() -> None:
    package = coco_package()
    assert package is None or (package / "meteor").is_dir()
