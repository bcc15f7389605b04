"""The verb ``run``: a whole street in small with tiny models, its plan, its words, and its letters."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest

from audiolect.cli.main import run
from audiolect.street.recipe import load_street

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
ESC10 = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10"
MODELS = {
    "finder": """\
model:
  audio: {name: small, width: 1, features: {preset: wsntxxn-16k}}
  text: {name: transformer, width: 8, layers: 1, heads: 2, vocabulary: 300}
  projection: {size: 8}
""",
    "teller": """\
model:
  name: captioner
  audio: {name: small, width: 1, features: {preset: wsntxxn-16k}}
  bridge: {layers: 1}
  decoder: {name: transformer, width: 8, layers: 1, heads: 2, vocabulary: 300}
""",
}
TRAINING = """\
data: {world: {dataset: nowhere}}
mixture: {epochs: 2, seed: 1, entries: {world-AudioCaptioning/train: {}}}
training:
  batches: {rate_hz: 16000, crop_seconds: 0.5, batch_size: 4, threads: 1}
  threads: 1
"""
STREET = """\
street: tiny
out: out
values:
  epochs: {kind: number, default: 1}
stages:
  dataset: {do: prepare, corpus: soundworld, recordings: 10, seed: 3}
  check: {do: check, dataset: $dataset}
  leaks: {do: leaks, datasets: [$dataset]}
  pack: {do: pack, dataset: $dataset, rate_hz: 16000}
  finder:
    {do: train, recipe: finder.yaml, data: {world: {dataset: $dataset, pack: $pack}}, set: {mixture.epochs: $epochs}}
  teller:
    {do: train, recipe: teller.yaml, data: {world: {dataset: $dataset, pack: $pack}}, set: {mixture.epochs: $epochs}}
  found: {do: predict, run: $finder, dataset: $dataset, pack: $pack, split: test}
  told: {do: predict, run: $teller, dataset: $dataset, pack: $pack, split: test, generation: {max_tokens: 5}}
  finding: {do: evaluate, predictions: [$found], dataset: $dataset, metrics: [map@10], resamples: 100}
  telling: {do: evaluate, predictions: [$told], dataset: $dataset, metrics: [rouge_l], resamples: 100}
  index: {do: index, run: $finder, dataset: $dataset, pack: $pack, split: test}
  report:
    {do: report, scores: [$finding, $telling], predictions: [$found, $told], dataset: $dataset, runs: [$finder]}
last:
  open: $report
  commands: ['audiolect search $index "a dog barks"', audiolect caption $teller $dataset/audio --recursive]
"""
STAGES = 12


def call(*arguments: object) -> tuple[int, str, str]:
    """The exit code, and what was printed to each stream."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a street that was run, and what was said."""
    pytest.importorskip("torch")
    pytest.importorskip("lancedb")
    folder = tmp_path_factory.mktemp("street")
    (folder / "street.yaml").write_text(STREET, "utf-8")
    for name, model in MODELS.items():
        (folder / f"{name}.yaml").write_text(TRAINING + model, "utf-8")
    code, said, letters = call("run", folder / "street.yaml", "--jobs", 1)
    assert code == 0, letters
    return folder, said


def test_it_says_its_plan_its_scores_and_what_to_open(walked: tuple[Path, str]) -> None:
    folder, said = walked
    assert f"street tiny: {STAGES} stages" in said
    assert said.count("will run") == STAGES
    assert "no leak between" in said
    assert {line.split()[0] for line in said.splitlines() if "map@10" in line} >= {"finder"}
    assert {line.split()[0] for line in said.splitlines() if "rouge_l" in line} >= {"teller"}
    *_, search, caption, opens = said.splitlines()
    assert opens.split() == ["open", str(folder / "out" / "report.html")]
    for line in (search, caption):
        word, *command = shlex.split(line)
        assert (word, command[0]) == ("next", "audiolect")
        assert call(*command[1:])[0] == 0, line


def test_the_same_command_does_nothing_twice(walked: tuple[Path, str]) -> None:
    folder, said = walked
    code, again, _ = call("run", folder / "street.yaml", "--json")
    told = json.loads(again)
    assert (code, told["stopped"]) == (0, False)
    assert [stage["state"] for stage in told["stages"]] == ["done"] * STAGES
    assert {score["system"] for score in told["scores"]} == {"finder", "teller"}
    assert str(told["open"]) in said


def test_a_dry_run_tells_what_a_change_would_do(walked: tuple[Path, str]) -> None:
    folder, _ = walked
    before = sorted((path, path.stat().st_mtime_ns) for path in (folder / "out").rglob("*"))
    code, said, _ = call("run", folder / "street.yaml", "found.where=duration_seconds > 0", "--dry-run", "--json")
    assert code == 0
    states = {stage["stage"]: stage["state"] for stage in json.loads(said)["stages"]}
    assert {name for name, state in states.items() if state == "run"} == {"found"}
    assert {name for name, state in states.items() if state == "after"} == {"finding", "report"}
    code, said, _ = call("run", folder / "street.yaml", "--dry-run", "--until", "pack")
    assert said.count("is done") == 4
    assert sorted((path, path.stat().st_mtime_ns) for path in (folder / "out").rglob("*")) == before


def test_the_same_seed_gives_the_same_scores(walked: tuple[Path, str]) -> None:
    folder, _ = walked
    code, _, letters = call("run", folder / "street.yaml", "--out", folder / "again", "--until", "telling", "--json")
    assert code == 0, letters
    for name in ("finding", "telling"):
        first, second = (json.loads((folder / out / f"{name}.json").read_text("utf-8")) for out in ("out", "again"))
        assert first["numbers"] == second["numbers"]


def test_letters(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, _, letter = call("run", RECIPES / "own_folder.yaml", f"audio={tmp_path}")
    assert code == 2
    for words in ("needs a value", "run=RUN", "make demo", "audiolect run recipes/esc10.yaml"):
        assert words in letter
    assert call("run", tmp_path / "nowhere.yaml")[0] == 2
    code, _, letter = call("run", RECIPES / "own_folder.yaml", f"audio={tmp_path}", f"run={tmp_path}", "--until", "x")
    assert code == 2
    assert "no stage named 'x'" in letter


@pytest.mark.skipif(not ESC10.is_dir(), reason="ESC-10 is not beside the project")
def test_the_recipe_of_esc10_can_be_planned(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, said, letter = call("run", RECIPES / "esc10.yaml", "--out", tmp_path / "out", "--dry-run")
    assert code == 0, letter
    assert said.count("will run") == STAGES
    assert list(tmp_path.iterdir()) == []


def test_the_recipes_that_come_along_are_read(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    words = [f"audio={tmp_path}", f"run={tmp_path}"]
    alone = load_street(RECIPES / "own_folder.yaml", words)
    assert alone.left_out == ("told",)
    assert len(alone.commands) == 1
    both = load_street(RECIPES / "own_folder.yaml", [*words, f"captions={tmp_path}"])
    assert [stage.kind for stage in both.stages] == ["prepare", "check", "index", "predict", "collection"]
    assert both.out == RECIPES.parent / "runs" / "street" / tmp_path.name
    assert both.commands[1] == shlex.join(["audiolect", "caption", str(tmp_path), str(tmp_path), "--recursive"])
