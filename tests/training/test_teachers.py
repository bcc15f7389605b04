"""Teachers: opened, refused, learned from, written on the card, and left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from audiolect.errors import ConfigError, UsageError
from audiolect.models.clap import DualEncoder
from audiolect.storage import fingerprint_file
from audiolect.training.chunked import chunked_info_nce
from audiolect.training.journal import read_journal
from audiolect.training.losses import teacher_logits
from audiolect.training.model_kinds import kind_of
from audiolect.training.objectives import RetrievalObjective, RetrievalSettings
from audiolect.training.recipe import load_recipe
from audiolect.training.retrieval_rows import Rows, embed_frozen
from audiolect.training.run_folder import open_run
from audiolect.training.session import Outcome, TrainOptions, train
from audiolect.training.step import ObjectiveModule
from audiolect.training.teachers import TeacherSettings, check_teacher, open_teacher, teacher_facts

MakeRecipe = Callable[..., Path]


def trained(path: Path, folder: Path, *overrides: str) -> Outcome:
    return train(path, folder, TrainOptions(overrides=overrides))


def begun(folder: Path) -> dict[str, object]:
    return next(row for row in read_journal(folder / "journal.jsonl") if row["kind"] == "begin")


@pytest.fixture(scope="module")
def runs(tones: Path, recipe_text: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run ``teacher``."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "teacher.yaml").write_text(recipe_text(tones), "utf-8")
    trained(folder / "teacher.yaml", folder / "teacher")
    return folder


def test_it_is_the_checkpoint_frozen_and_draws_nothing(runs: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    teacher = open_teacher(TeacherSettings(run="teacher", checkpoint=4, weight=0.25), runs, 16000)
    assert torch.equal(torch.get_rng_state(), before)
    saved = load_file(runs / "teacher" / "checkpoints" / "00000004" / "model.safetensors")
    assert all(torch.equal(value, saved[name]) for name, value in teacher.encoder.state_dict().items())
    assert not teacher.encoder.training
    assert not any(p.requires_grad for p in teacher.encoder.parameters())
    assert teacher.temperature == pytest.approx(float(torch.exp(-saved["log_scale"])))
    assert teacher.weight == 0.25
    assert open_teacher(TeacherSettings(run="teacher", temperature=0.5), runs, 16000).temperature == 0.5


def test_letters(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)no such teacher.*training\.objective\.teacher\.run.*no such folder"):
        open_teacher(TeacherSettings(run="nowhere"), runs, 16000)
    with pytest.raises(UsageError, match="a folder without a run"):
        open_teacher(TeacherSettings(run=str(tmp_path)), runs, 16000)
    with pytest.raises(UsageError, match=r"(?s)another rate.*32000 Hz.*16000 Hz"):
        open_teacher(TeacherSettings(run="teacher"), runs, 32000)
    with pytest.raises(UsageError, match="no such checkpoint"):
        open_teacher(TeacherSettings(run="teacher", checkpoint=5), runs, 16000)


@pytest.mark.parametrize(
    "settings",
    [{"run": "a", "weight": 1.5}, {"run": "a", "temperature": 0}, {"checkpoint": "best"}, {"run": "a", "x": 1}],
)
def test_settings_are_strict(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="teacher"):
        RetrievalSettings.model_validate({"teacher": settings})


def test_it_is_no_part_of_what_is_trained(runs: Path, recipe: MakeRecipe) -> None:
    teacher = open_teacher(TeacherSettings(run="teacher"), runs, 16000)
    model = open_teacher(TeacherSettings(run="teacher"), runs, 16000).encoder
    batches = load_recipe(recipe()).training.batches
    module = ObjectiveModule(model, RetrievalObjective(RetrievalSettings(), batches, teacher))
    assert sum(1 for _ in module.parameters()) == sum(1 for _ in model.parameters())
    module.train()
    assert not teacher.encoder.training


def test_a_student_of_weight_1_learns_the_similarities(runs: Path, recipe: MakeRecipe) -> None:
    teacher = open_teacher(TeacherSettings(run="teacher", weight=1.0), runs, 16000)
    settings = load_recipe(recipe()).model
    torch.manual_seed(9)
    student = kind_of(settings).build(settings, ["a low hum", "a high beep"])
    assert isinstance(student, DualEncoder)
    student.eval()  # no dropout, and batch normalisation as it is
    time = torch.arange(4000) / 16000
    sound = torch.stack([torch.sin(6.2832 * 200 * 1.5**pitch * time) for pitch in range(6)])
    rows = Rows(sound, torch.full((6,), 4000), ("low hum", "soft tone", "clear note", "thin squeak", "ring", "ping"))
    aim = teacher.targets(rows, torch.device("cpu"))
    wanted = teacher_logits(aim.audio, aim.text, aim.temperature).softmax(1)

    @torch.no_grad()
    def distance() -> float:
        audio, text = embed_frozen(student, rows)
        return float(((audio @ text.T * student.scale()).softmax(1) - wanted).abs().mean())

    before = distance()
    optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        audio = student.embed_audio(rows.sound, rows.lengths)
        chunked_info_nce(audio, student.embed_texts(rows.texts), student.scale(), teacher=aim).backward()
        optimizer.step()
    assert distance() < 0.3 * before


def test_a_training_with_a_teacher(runs: Path, recipe: MakeRecipe, tmp_path: Path) -> None:
    """Weight 0 is no teacher, bit for bit; another weight is another training; the card has the teacher's hash."""
    short = ("training.max_steps=3", "evaluation.validation=[]")
    teacher = runs / "teacher"
    for name, extra in (
        ("alone", ()),
        ("zero", (f"training.objective.teacher={{run: {teacher}, weight: 0}}",)),
        ("half", (f"training.objective.teacher={{run: {teacher}}}",)),
    ):
        trained(recipe(), tmp_path / name, *short, *extra)
    lasts = {name: open_run(tmp_path / name).checkpoint("last") for name in ("alone", "zero", "half")}
    weights = {name: load_file(path / "model.safetensors") for name, path in lasts.items()}
    assert all(torch.equal(value, weights["zero"][name]) for name, value in weights["alone"].items())
    assert weights["half"].keys() == weights["alone"].keys()
    assert any(not torch.equal(value, weights["half"][name]) for name, value in weights["alone"].items())
    begins = [begun(tmp_path / name)["parameters"] for name in ("alone", "half")]
    assert begins[0] == begins[1]
    assert "teacher" not in open_run(tmp_path / "alone").card
    best = open_run(teacher).checkpoint("best")
    assert open_run(tmp_path / "half").card["teacher"] == {
        "run": str(teacher), "checkpoint": best.name, "weights": fingerprint_file(best / "model.safetensors")
    }  # fmt: skip


def test_a_run_goes_on_with_its_teacher_alone(runs: Path, recipe: MakeRecipe, tmp_path: Path) -> None:
    constant = ("training.schedule.kind=constant", "evaluation.validation=[]")
    taught = f"training.objective.teacher={{run: {runs / 'teacher'}}}"
    trained(recipe(), tmp_path / "run", *constant, "training.max_steps=1", taught)
    assert trained(recipe(), tmp_path / "run", *constant, "training.max_steps=2", taught).resumed_at == 1
    with pytest.raises(ConfigError, match=r"training\.objective\.teacher"):
        trained(recipe(), tmp_path / "run", *constant, "training.max_steps=3")
    with pytest.raises(ConfigError, match=r"training\.objective\.micro_batch: None in the run, 2 now"):
        trained(recipe(), tmp_path / "run", *constant, taught, "training.objective.micro_batch=2")


def test_another_teacher_at_the_same_place_is_noticed(runs: Path, tmp_path: Path) -> None:
    settings = RetrievalSettings(teacher=TeacherSettings(run="teacher", checkpoint="last"))
    facts = teacher_facts(settings, runs)
    assert facts["teacher"]["checkpoint"] == "00000008"
    assert teacher_facts(RetrievalSettings(), runs) == {}
    check_teacher(facts, facts, tmp_path)
    check_teacher({}, facts, tmp_path)
    with pytest.raises(ConfigError, match="teacher of other weights"):
        check_teacher(facts, {"teacher": {**facts["teacher"], "weights": "other"}}, tmp_path)
