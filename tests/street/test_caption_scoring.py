"""``audiolect evaluate`` of captions as a user runs it: files told from folders, what metrics need, letters."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call

from audiolect.errors import MissingDependency
from audiolect.street.caption_scoring import CaptionOptions, caption_tools


@pytest.fixture
def home(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The dataset ``world`` and two systems' captions of its split test, imported."""
    monkeypatch.chdir(tmp_path)
    for name, captions in (("good", "caption 0 of {}"), ("poor", "a sound {}")):
        rows = [f"{i:02d}.wav,{captions.format(i)}" for i in range(15, 20)]
        Path(f"{name}.csv").write_text("\n".join(["file_name,caption_predicted", *rows]) + "\n", "utf-8")
        assert (
            call("import", "predictions", f"{name}.csv", "--dataset", "world", "--split", "test", "-o", f"{name}.jsonl")
            == 0
        )
    capsys.readouterr()
    return tmp_path


QUICK = ("--resamples", 200)
# Answers METEOR's lines with counts of everything matched; writes SPICE of 0.5 for each.
STAND_IN = """
import json
if argv == ['-version']:
    print('openjdk version "17.0.1"', file=sys.stderr)
elif '-stdio' in argv:
    for line in sys.stdin:
        print(' '.join(['2.0'] * 2 + ['0.0'] * 2 + ['1.0'] * 2 + ['0.0'] * 14 + ['1.0', '1.0', '1.0']), flush=True)
else:
    entries = json.load(open(argv[argv.index('edu.anu.spice.SpiceScorer') + 1]))
    scores = [{'image_id': entry['image_id'], 'scores': {'All': {'f': 0.5}}} for entry in entries]
    json.dump(scores, open(argv[argv.index('-out') + 1], 'w'))
"""


def test_captions_are_told_from_embeddings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "good.jsonl", "world", "--baseline", "poor.jsonl", *QUICK) == 0
    printed = capsys.readouterr().out
    for words in ("scores of good", "captioning", "cider_d", "against poor", "wrote scores.json"):
        assert words in printed
    assert call("evaluate", "good.jsonl", "world", "--metrics", "cider_d,bleu_4", "--json", *QUICK) == 0
    told = json.loads(capsys.readouterr().out)
    assert {number["metric"] for number in told["numbers"]} == {"cider_d", "bleu_4"}
    assert (
        call("evaluate", "good.jsonl", "world", "--trained-on", "world", "--metrics", "novel*", "--json", *QUICK) == 0
    )
    assert json.loads(capsys.readouterr().out)["numbers"][0]["value"] == 1.0
    (home / "folder").mkdir()
    assert call("evaluate", "good.jsonl", "folder", "world") == 2
    assert "cannot be measured together" in capsys.readouterr().err


def test_captions_of_esc10_name_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, rows = tmp_path / "esc", ["filename,fold,target,category,esc10,src_file,take"]
    (source / "audio").mkdir(parents=True)
    (source / "meta").mkdir()
    for number, category in enumerate(("dog", "rain", "crackling_fire")):
        rows.append(f"5-{number}-A-{number}.wav,5,{number},{category},True,{number},A")
        soundfile.write(source / "audio" / f"5-{number}-A-{number}.wav", np.full(441, 0.1 * number), 44100)
    (source / "meta" / "esc50.csv").write_text("\n".join([*rows, ""]), "utf-8")
    told = ["A dog barks.", "Rain and a dog.", "A fire crackles."]
    lines = [f"5-{number}-A-{number}.wav,{text}" for number, text in enumerate(told)]
    (tmp_path / "said.csv").write_text("\n".join(["file_name,caption_predicted", *lines, ""]), "utf-8")
    data, said = tmp_path / "esc10", tmp_path / "said.jsonl"
    assert call("prepare", "esc50", source, "--out", data, "--jobs", 1) == 0
    assert call("import", "predictions", tmp_path / "said.csv", "--dataset", data, "-o", said) == 0
    capsys.readouterr()
    for metrics in ((), ("--metrics", "class_named")):
        assert call("evaluate", said, data, "--json", "--out", tmp_path / "scores.json", *metrics, *QUICK) == 0
        numbers = {number["metric"]: number["value"] for number in json.loads(capsys.readouterr().out)["numbers"]}
        assert numbers["class_named"] == pytest.approx(2 / 3)
    assert set(numbers) == {"class_named"}


def test_programs_in_java(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pycocoevalcap")
    java = home / "java"
    java.write_text(f"#!{sys.executable}\nimport sys\nargv = sys.argv[1:]\n{STAND_IN}", "utf-8")
    java.chmod(0o755)
    jars = home / "jars"
    jars.mkdir()
    for name in ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar"):
        (jars / name).touch()
    metrics = ("--metrics", "meteor,spice,spider,cider_d", "--java", java, "--spice-jars", jars)
    assert call("evaluate", "good.jsonl", "world", *metrics, "--json", *QUICK) == 0
    numbers = {number["metric"]: number["value"] for number in json.loads(capsys.readouterr().out)["numbers"]}
    # METEOR: half of both matched, in one piece: 0.5 · (1 - 0.6 · 1^0.2).
    assert numbers["meteor"] == pytest.approx(0.2)
    assert numbers["spice"] == 0.5
    assert numbers["spider"] == pytest.approx((numbers["cider_d"] + 0.5) / 2)
    assert (jars / "cache").is_dir()


def test_letters_say_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for metrics, words in (
        (("spice",), "audiolect download spice"),
        (("meteor", "--java", "nowhere"), "there is no Java"),
        (("fense",), "--sentence-model"),
        (("spider_fl", "--spice-jars", home), "stanford-corenlp-3.6.0.jar"),
        (("bleu_5",), "No metric"),
    ):
        assert call("evaluate", "good.jsonl", "world", "--metrics", *metrics, *QUICK) == 2
        assert words in capsys.readouterr().err


def test_only_what_is_wanted_is_looked_for() -> None:
    tools = caption_tools(frozenset({"cider_d"}), CaptionOptions(java="nowhere"))
    assert tools.meteor is None
    assert tools.known is None
    with pytest.raises(MissingDependency):
        caption_tools(frozenset({"meteor"}), CaptionOptions(java="nowhere"))
