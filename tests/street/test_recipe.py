"""A street is read whole, or refused with the line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.errors import AudiolectError
from audiolect.street.recipe import load_street


def test_stages_know_their_places_and_what_they_read(street: Path, audio: Path) -> None:
    read = load_street(street, [f"audio={audio}"])
    root = street.parent / "out"
    assert [(stage.name, stage.kind, stage.place, stage.uses) for stage in read.stages] == [
        ("data", "prepare", root / "data", ()),
        ("look", "check", root / "data" / "check", ("data",)),
        ("low", "pack", root / "low", ("data",)),
        ("high", "pack", root / "high", ("data",)),
        ("page", "collection", root / "page.html", ("data",)),
    ]
    assert read.stages[0].inputs == (("source", "folder", audio),)
    assert read.stages[2].options.model_dump()["rate_hz"] == 8000
    assert (read.out, read.opens) == (root, root / "page.html")
    assert read.commands == (f"audiolect show {root / 'data'}",), "one that lacks a part is not said"


def test_the_command_line_changes_values_options_and_the_place(street: Path, audio: Path) -> None:
    words = [f"audio={audio}", "rate=4000", "high.rate_hz=12000"]
    read = load_street(street, words, out=Path("elsewhere"))
    assert [stage.options.model_dump()["rate_hz"] for stage in read.stages[2:4]] == [4000, 12000]
    assert read.stages[2].place == Path("elsewhere/low")


def test_settings_are_told_apart_by_what_they_say_and_not_by_where(street: Path, audio: Path, tmp_path: Path) -> None:
    def settings(*words: str, out: str = "a") -> dict[str, str]:
        read = load_street(street, words, out=tmp_path / out)
        return {stage.name: stage.settings for stage in read.stages}

    before = settings(f"audio={audio}")
    moved = tmp_path / "moved"
    audio.rename(moved)
    assert settings(f"audio={moved}", out="b") == before
    after = settings(f"audio={moved}", "rate=4000")
    assert {name for name in before if before[name] != after[name]} == {"low"}


def test_a_stage_may_depend_on_a_value(tmp_path: Path, audio: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "street: a\nout: o/$audio.name\nvalues: {audio: {kind: folder}, more: {default: null}}\nstages:\n"
        "  data: {do: prepare, corpus: folder, source: $audio}\n"
        "  pack: {do: pack, when: $more, dataset: $data, rate_hz: 8000}\n"
        "  leaks: {do: leaks, datasets: [$data, $pack]}\n",
        "utf-8",
    )
    read = load_street(path, [f"audio={audio}"])
    assert ([stage.name for stage in read.stages], read.left_out) == (["data", "leaks"], ("pack",))
    assert read.out == tmp_path / "o" / "audio"
    assert read.stages[1].options.model_dump()["datasets"] == (read.out / "data",)


@pytest.mark.parametrize(
    ("before", "after", "match"),
    [
        ("do: check", "do: chek", r"street.yaml:9(.|\n)*kind of stage named 'chek'(.|\n)*|kind of stage named 'chek'"),
        ("rate_hz: 16000", "rate_hertz: 16000", r"street.yaml:11, stages.high.rate_hertz(.|\n)*rate_hertz"),
        ("rate_hz: 16000", "rate_hz: fast", r"street.yaml:11, stages.high(.|\n)*rate_hz"),
        ("dataset: $data, max", "dataset: $high, max", r"comes after it(.|\n)*street.yaml:9(.|\n)*change their order"),
        ("dataset: $data, max", "dataset: $dta, max", r"Nothing is named \$dta(.|\n)*street.yaml:9(.|\n)*\$data\?"),
        ("collection, dataset: $data", "collection, dataset: $low", r"cannot read(.|\n)*:12(.|\n)*gives the pack"),
        ("stages:", "stagse:", r"stagse(.|\n)*did you mean stages"),
        ("  low:", "  audio:", "the name of a value"),
        ("open: $page", "open: $pge", r"Nothing is named \$pge"),
        ("out: out", "out: $other", "folder to write to is not said"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(street: Path, audio: Path, before: str, after: str, match: str) -> None:
    text = street.read_text("utf-8")
    assert before in text
    street.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(AudiolectError, match=match):
        load_street(street, [f"audio={audio}"])


def test_words_of_another_form(street: Path) -> None:
    with pytest.raises(AudiolectError, match="not of the form name=value"):
        load_street(street, ["audio"])
    with pytest.raises(AudiolectError, match="needs a value"):
        load_street(street)
