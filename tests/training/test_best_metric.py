"""What chooses the best checkpoint: found by hand, refused where it does not exist, and what real validations have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from java_stand_in import touch_spice_jars, write_java

from audiolect.errors import ConfigError, MissingDependency, UsageError
from audiolect.training.best_metric import find_chosen
from audiolect.training.captioning import CaptioningSettings
from audiolect.training.dry_run import dry_run
from audiolect.training.journal import read_journal
from audiolect.training.objectives import RetrievalSettings
from audiolect.training.recipe import load_recipe
from audiolect.training.run_folder import open_run
from audiolect.training.stages import load_stages, train_stages

MakeRecipe = Callable[..., Path]
SETS = ("clotho-AudioCaptioning/val", "world-AudioCaptioning/val", "Clotho-AudioKeywords/val")
MODEL = {
    "name": "captioner",
    "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
    "decoder": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
}
CAPTIONER: dict[str, Any] = {
    "model": MODEL,
    "mixture.epochs": 3,
    "training.batches.policy": "pad",
    "training.objective": {"generation": {"max_tokens": 3}, "spice_jars": "../jars"},
}
BY_SPIDER = {"evaluation.metric": "tones/spider", "evaluation.goal": "max"}
# SPICE of the first, the second, the third validation.
IN_TURN = (0.1, 0.9, 0.3)
TURNS = """
import json, os
calls = 'FOLDER/calls'
call = int(open(calls).read()) if os.path.exists(calls) else 0
open(calls, 'w').write(str(call + 1))
entries = json.load(open(argv[argv.index('edu.anu.spice.SpiceScorer') + 1]))
scores = [{'image_id': entry['image_id'], 'scores': {'All': {'f': VALUES[call]}}} for entry in entries]
json.dump(scores, open(argv[argv.index('-out') + 1], 'w'))
"""


def test_of_all_of_a_dataset_and_of_a_style() -> None:
    settings = CaptioningSettings()
    assert find_chosen("cider_d", SETS, settings) == tuple((key, "cider_d") for key in SETS)
    assert find_chosen("world/loss", SETS, settings) == ((SETS[1], "loss"),)
    assert find_chosen("clotho > keywords bleu_4", SETS, settings) == ((SETS[2], "bleu_4"),)
    named = CaptioningSettings(styles={"world-AudioCaptioning": "clotho > caption: "})
    assert find_chosen("clotho > caption cider_d", SETS, named) == ((SETS[0], "cider_d"), (SETS[1], "cider_d"))
    retrieval = find_chosen("world/text_to_audio map@10", SETS[:2], RetrievalSettings())
    assert retrieval == ((SETS[1], "text_to_audio map@10"),)


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("cider", "did you mean cider_d"),
        ("clotho/cidr_d", "did you mean clotho/cider_d"),
        ("tones/cider_d", "DATASET/METRIC with clotho or world"),
        ("world > caption", "expected: one of cider_d"),
        ("spider", "spice_jars: FOLDER.* gives it"),
        ("clotho/spice", "spice_jars: FOLDER.* gives it"),
        ("clotho > caption spider", "spice_jars: FOLDER.* gives it"),
        ("meteor", r"training\.objective\.meteor: true gives it"),
        ("text_to_audio map@10", "does not exist"),
    ],
)
def test_what_no_set_has(metric: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"(?s)does not exist.*{told}" if told != "does not exist" else told):
        find_chosen(metric, SETS[:2], CaptioningSettings())


def test_what_is_asked_for_is_there() -> None:
    settings = CaptioningSettings(spice_jars="jars", meteor=True)
    for name in ("spice", "spider", "meteor"):
        assert find_chosen(f"world/{name}", SETS, settings) == ((SETS[1], name),)
    assert settings.metrics_to_ask_for == {}


@pytest.mark.parametrize("changes", [{}, CAPTIONER])
def test_a_recipe_with_an_unknown_metric_is_refused_with_its_line(recipe: MakeRecipe, changes: dict[str, Any]) -> None:
    path = recipe(**changes, **{"evaluation.metric": "tones/los", "evaluation.goal": "min"})
    line = next(i for i, text in enumerate(path.read_text("utf-8").splitlines(), 1) if "metric:" in text)
    found = rf"evaluation\.metric \(line {line}\): .*does not exist.*; did you mean tones/loss"
    with pytest.raises(ConfigError, match=found):
        load_recipe(path)
    with pytest.raises(ConfigError, match=found):
        dry_run(path, path.parent / "run")
    with pytest.raises(ConfigError, match=r"override 'evaluation.metric=x'\): .*does not exist"):
        load_recipe(path, ["evaluation.metric=x"])
    assert load_recipe(path, ["evaluation.validation=[]"]).evaluation.metric == "tones/los"  # nothing is chosen


def test_a_stage_with_an_unknown_metric_is_refused_with_its_line(recipe: MakeRecipe) -> None:
    stage = {"batches": {"rate_hz": 16000, "policy": "pad"}}
    own = {"evaluation": {"validation": ["tones-AudioCaptioning/val"], "metric": "spider", "goal": "max"}}
    path = recipe(model=MODEL, training=[stage, stage | own])
    line = next(i for i, text in enumerate(path.read_text("utf-8").splitlines(), 1) if "spider" in text)
    with pytest.raises(ConfigError, match=rf"training\.1\.evaluation\.metric \(line {line}\): .*spice_jars"):
        load_stages(path)
    of_all = {"evaluation.metric": "cidr_d", "evaluation.goal": "max"}
    with pytest.raises(ConfigError, match=r"1 problem(?s:.*)evaluation\.metric \(line \d+\): .*mean cider_d"):
        load_stages(recipe(model=MODEL, training=[stage, stage], **of_all))


def test_the_best_captioner_is_chosen_by_spider(
    recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SPICE comes from the folder of the recipe's path, which is relative to the recipe."""
    jars = touch_spice_jars(tmp_path.parent / f"{tmp_path.name}-jars")
    write_java(tmp_path / "bin" / "java", TURNS.replace("FOLDER", str(tmp_path)).replace("VALUES", repr(IN_TURN)))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.chdir("/")
    changes = CAPTIONER | {"training.objective": CAPTIONER["training.objective"] | {"spice_jars": f"../{jars.name}"}}
    path = recipe(**changes, **BY_SPIDER)
    train_stages(path, tmp_path / "run")
    rows = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "validation"]
    metrics = [row["metrics"] for row in rows]
    assert [each["spice"] for each in metrics] == pytest.approx(IN_TURN)
    spider = [(each["cider_d"] + each["spice"]) / 2 for each in metrics]
    assert [each["spider"] for each in metrics] == pytest.approx(spider)
    best = max(range(3), key=lambda place: spider[place])
    assert best == 1
    run = open_run(tmp_path / "run")
    assert run.pointer("best") == rows[best]["step"]
    assert all(set(each) == set(load_recipe(path).training.objective.metric_names) for each in metrics)


def test_what_retrieval_tells_is_what_its_validations_have(recipe: MakeRecipe, tmp_path: Path) -> None:
    train_stages(recipe(**{"training.max_steps": 1}), tmp_path / "run")
    rows = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if row["kind"] == "validation"]
    assert [set(row["metrics"]) for row in rows] == [set(RetrievalSettings().metric_names)]


@pytest.mark.parametrize("staged", [False, True])
def test_absent_jars_are_told_before_anything_is_trained(recipe: MakeRecipe, tmp_path: Path, staged: bool) -> None:
    """Those of the second stage before the first, too."""
    changes = CAPTIONER | BY_SPIDER
    if staged:
        stage = {"batches": {"rate_hz": 16000, "policy": "pad"}}
        training = [stage, stage | {"objective": CAPTIONER["training.objective"]}]
        changes = {"model": MODEL, "training": training}
    path = recipe(**changes)
    with pytest.raises(MissingDependency, match=r"(?s)spice_jars: \.\./jars .*audiolect download spice") as caught:
        train_stages(path, tmp_path / "run")
    assert "--spice-jars" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    stages = load_stages(path)
    with pytest.raises(MissingDependency, match="two jars"):
        dry_run(path, tmp_path / "run", recipe=load_recipe(path) if stages is None else stages[-1][0])
