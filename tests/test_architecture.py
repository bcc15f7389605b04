"""The house keeps its plan: sizes, mirrored tests, docstrings, layers, and a fast ``--help``.

Every check asserts how many files it has seen: a loop that finds nothing must not look green.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "audiolect"
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
LEAST_FILES = 38
MOST_LINES = 350
MOST_FUNCTION_LINES = 60
VERBS = {
    "download",
    "prepare",
    "import",
    "export",
    "push",
    "show",
    "check",
    "split",
    "subset",
    "leaks",
    "pack",
    "plan",
    "train",
    "predict",
    "embed",
    "caption",
    "evaluate",
    "report",
    "index",
    "search",
    "run",
    "demo",
    "doctor",
    "version",
}
BANNED_NAMES = {"utils", "util", "common", "helpers", "misc", "base"}
TORCH_FREE = ("audio", "text", "data", "loader", "metrics", "corpora", "predict", "evaluate", "report", "search", "cli")
# Libraries of extras: imported inside the function that needs them, so that the base works without.
HEAVY = {"torch", "transformers", "matplotlib", "av", "httpx", "py7zr", "h5py", "scipy", "fsspec", "aiohttp"}
HEAVY |= {"lancedb", "pyarrow", "wandb", "trackio", "mlflow", "tensorboard", "peft", "huggingface_hub"}


def relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def parsed() -> list[tuple[str, ast.Module]]:
    return [(relative(path), ast.parse(path.read_text("utf-8"))) for path in FILES]


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) >= LEAST_FILES


def test_no_file_is_too_long() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    functions = [
        (name, node.name, (node.end_lineno or 0) - node.lineno + 1)
        for name, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 150
    assert [f for f in functions if f[2] > MOST_FUNCTION_LINES] == []


def test_names_say_an_idea() -> None:
    assert [relative(path) for path in FILES if path.stem in BANNED_NAMES] == []


def test_every_file_has_a_front_door_that_lists_its_public_names() -> None:
    doors = {name: ast.get_docstring(tree) or "" for name, tree in parsed()}
    assert [name for name, door in doors.items() if "Public names:" not in door] == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    public = [
        (name, node)
        for name, tree in parsed()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert len(public) > 100
    assert [f"{name}:{node.name}" for name, node in public if not ast.get_docstring(node)] == []


def test_every_source_file_has_a_test_file_beside_it() -> None:
    missing = [
        name
        for name in map(relative, FILES)
        if not (ROOT / "tests" / name).with_name(f"test_{Path(name).name}").exists()
    ]
    assert missing == []


def test_nobody_swallows_errors_or_uses_eval_or_pickle() -> None:
    found = []
    for name, tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            ):
                reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                if not reraises:
                    found.append(f"{name}:{node.lineno} broad except")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
                found.append(f"{name}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                if "pickle" in modules:
                    found.append(f"{name}:{node.lineno} pickle")
            if isinstance(node, ast.Assert):
                found.append(f"{name}:{node.lineno} assert")
    assert found == []


def test_nobody_imports_the_package_root_or_the_init_of_its_own_folder() -> None:
    allowed_from_root = {"__version__"}
    found = []
    for name, tree in parsed():
        own = ".".join(["audiolect", *Path(name).parent.parts])
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in {"audiolect", own}:
                names = {alias.name for alias in node.names}
                folder = SOURCE / Path(*node.module.split(".")[1:])
                is_module = all((folder / n).with_suffix(".py").exists() or (folder / n).is_dir() for n in names)
                if not is_module and not (node.module == "audiolect" and names <= allowed_from_root):
                    found.append(f"{name}:{node.lineno}")
    assert found == []


def test_imports_inside_functions_are_for_heavy_libraries_or_verbs_only() -> None:
    """What needs a heavy library may also import the file of ours that needs it (``models/``), in the same function."""
    found = []
    for name, tree in parsed():
        if name.startswith("cli/"):
            continue
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            inner = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            tops = {(node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name for node in inner}
            light = {top for top in tops if top.split(".")[0] not in HEAVY and not top.startswith("audiolect.models")}
            found += [f"{name}:{function.name} imports {top}" for top in light]
    assert found == []


def test_the_torch_free_rooms_import_without_torch() -> None:
    modules = [
        ".".join(["audiolect", *Path(relative(path)).with_suffix("").parts])
        for path in FILES
        if relative(path).split("/")[0] in TORCH_FREE or "/" not in relative(path)
    ]
    assert len(modules) >= LEAST_FILES - 10
    code = f"import sys\nfor name in {modules!r}: __import__(name)\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom audiolect.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "slow = {'numpy', 'polars', 'torch', 'soundfile', 'pydantic', 'matplotlib'}\n"
        "print('heavy:', sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("heavy: []")


def test_the_verbs_are_the_planned_ones() -> None:
    from audiolect.cli.main import app

    assert {command.name for command in app.registered_commands} == VERBS


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Contracts: 2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("folder", ["src", "tests", "bench", "docs", "recipes"])
def test_no_path_of_a_machine_is_written_down(folder: str) -> None:
    absolute = re.compile(r"/(?:home|root|work)/")
    texts = [
        path
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".toml"} and path.is_file()
    ]
    found = [str(path) for path in texts if absolute.search(path.read_text("utf-8"))]
    assert found == []


def test_every_file_that_is_no_code_comes_with_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["audiolect"]
    packed = {path for pattern in patterns for path in SOURCE.glob(pattern)}
    data = {
        path
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert len(data) >= 17
    assert data == packed
