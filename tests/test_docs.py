"""The pages hang together: links lead somewhere, every page is listed, the map is that of the house, numbers are those
that were measured, and every command that a page shows is one that audiolect understands.
"""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from page_commands import blocks

from audiolect.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
SOURCE = ROOT / "src" / "audiolect"
NOT_ROOMS = {"__init__", "__main__", "__pycache__", "py.typed"}
WITH_COMMANDS = {
    "README.md": 13,
    "docs/add_a_corpus.md": 2,
    "docs/captioning.md": 4,
    "docs/formats_of_others.md": 8,
    "docs/models.md": 2,
    "docs/prepare.md": 13,
    "docs/recipes.md": 3,
    "docs/street.md": 2,
    "docs/troubleshooting.md": 20,
}


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_fences(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_fences(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_to_a_heading() -> None:
    seen = 0
    for name in ("README.md", "CONTRIBUTING.md", *(f"docs/{page}" for page in PAGES)):
        for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(text(name))):
            if re.match(r"https?://", target):
                continue
            file, _, anchor = target.partition("#")
            path = (ROOT / name).parent / file if file else ROOT / name
            assert path.is_file(), f"{name}: {target}"
            if anchor:
                assert anchor in anchors(path.read_text("utf-8")), f"{name}: {target}"
            seen += 1
    assert seen > 60


def test_the_front_page_of_docs_lists_every_page_once() -> None:
    listed = re.findall(r"^\| \[([\w.]+)\]\(\1\) \|", text("docs/README.md"), re.MULTILINE)
    assert len(listed) == len(set(listed)) > 15
    assert set(listed) == set(PAGES) - {"README.md"}


def layers() -> list[set[str]]:
    """The rooms of each row of the contract of import-linter, from the ground up."""
    read = configparser.ConfigParser()
    read.read(ROOT / ".importlinter", "utf-8")
    rows = read["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [set(re.findall(r"audiolect\.(\w+)", row)) for row in reversed(rows)]


def test_the_map_has_every_room_in_its_row() -> None:
    mapped: dict[str, int] = {}
    for row, cell in re.findall(r"^\| (\d+) \| ([^|]*) \|", text("docs/map.md"), re.MULTILINE):
        for room in re.findall(r"`(\w+)(?:/|\.py)`", cell):
            assert room not in mapped, f"{room} stands twice"
            mapped[room] = int(row)
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir()} - NOT_ROOMS
    assert len(rooms) > 30
    assert set(mapped) == rooms
    assert mapped == {room: row for row, found in enumerate(layers(), start=1) for room in found}


def test_every_section_of_the_numbers_is_in_its_index() -> None:
    page = text("docs/numbers.md")
    sections = re.findall(r"^## (.*)$", page, re.MULTILINE)
    indexed = re.findall(r"^\| \[([^\]]+)\]\(#[^)]+\) \| [^|]+ \| ([^|]+) \|", page, re.MULTILINE)
    assert len(sections) > 20
    assert sorted(name for name, _ in indexed) == sorted(sections), "each section of numbers.md has a row at its top"
    for name, way in indexed:
        for file in re.findall(r"(?:bench|recipes)/\w+\.\w+", way):
            assert (ROOT / file).is_file(), name


def test_the_numbers_of_the_readme_are_those_that_were_measured() -> None:
    numbers = text("docs/numbers.md")
    sections = {next(iter(anchors(f"## {part}"[: part.find("\n") + 3]))): part for part in numbers.split("\n## ")[1:]}
    rows = re.findall(r"^\| (.*) \| \[numbers\]\(docs/numbers\.md#([^)]+)\) \|$", text("README.md"), re.MULTILINE)
    assert len(rows) >= 3
    checked = 0
    for row, anchor in rows:
        for number in re.findall(r"\d\.\d{2,}", row):
            assert number in sections[anchor], f"{number} of the README is not in numbers.md#{anchor}"
            checked += 1
    assert checked >= 9


def shown_commands(page: str) -> list[str]:
    """Lines of fences and indented blocks that begin with ``audiolect``, without prompts."""
    fenced = [line for _, block in blocks(page, "console", "bash", "") for line in block.splitlines()]
    indented = re.findall(r"^ {4}(audiolect .*)$", without_fences(page), re.MULTILINE)
    lines = [line.removeprefix("$ ") for line in fenced] + indented
    return [line for line in lines if line.startswith("audiolect ")]


def parsed(command: str) -> None:
    """Read the words of a command as the command line would, and run nothing."""
    words = shlex.split(command, comments=True)[1:]
    assert words, command
    known: Any = typer.main.get_command(app)
    context = known.context_class(known, info_name="audiolect")
    while hasattr(known, "resolve_command"):
        name, known, words = known.resolve_command(context, words)
        context = known.context_class(known, info_name=name, parent=context)
    known.make_parser(context).parse_args(list(words))


def of_recipes() -> dict[str, list[str]]:
    found = {}
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        lines = re.findall(r"^#\s+(?:\w+ launch .*-m )?(audiolect .*)$", path.read_text("utf-8"), re.MULTILINE)
        # Behind two spaces or more stands what the command is for.
        found[f"recipes/{path.name}"] = [re.split(r"\s{2,}", line)[0] for line in lines]
    return found


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{page}" for page in PAGES)])
def test_the_commands_of_a_page_are_understood(name: str) -> None:
    shown = [line for line in shown_commands(text(name)) if not re.search(r"\[--| FORMAT | RECIPE$", line)]
    assert len(shown) >= WITH_COMMANDS.get(name, 0)
    assert name in WITH_COMMANDS or not shown, f"{name} shows commands: say so in WITH_COMMANDS"
    for command in shown:
        parsed(command)


def test_the_commands_at_the_head_of_recipes_are_understood() -> None:
    found = of_recipes()
    assert len(found) >= 7
    for name, shown in found.items():
        assert len(shown) >= 2, name
        for command in shown:
            parsed(command)


def test_commands_that_are_not_understood_are_told() -> None:
    parsed("audiolect show world --rows 1")
    for wrong, words in (("audiolect show world --row-count 1", "--row-count"), ("audiolect shew world", "shew")):
        with pytest.raises(Exception, match=words) as told:
            parsed(wrong)
        assert type(told.value).__name__ in ("NoSuchOption", "NoSuchCommand", "UsageError")
