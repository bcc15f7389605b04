"""The benches and the page of numbers hang together."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_BENCHES = {"all", "harness", "loader_peers"}  # loader_peers: what bench/loader.py starts


def known() -> list[str]:
    """The names in the table BENCHES of bench/all.py, in its order."""
    tree = ast.parse((ROOT / "bench" / "all.py").read_text("utf-8"))
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "BENCHES"
    ]
    assert isinstance(table, ast.Dict)
    return [key.value for key in table.keys if isinstance(key, ast.Constant)]


def test_every_bench_is_in_the_table_and_the_other_way_round() -> None:
    files = {path.stem for path in (ROOT / "bench").glob("*.py")} - NOT_BENCHES
    assert len(files) >= 9
    assert set(known()) == files


def test_the_page_shows_figures_of_benches_in_the_order_of_the_table() -> None:
    page = (ROOT / "docs" / "numbers.md").read_text("utf-8")
    sections = re.findall(r"^<!-- bench (\w+) -->$", page, re.MULTILINE)
    assert len(sections) >= 7
    assert sections == [name for name in known() if name in sections]
    for name in sections:
        section = page.split(f"<!-- bench {name} -->")[1].split(f"<!-- end {name} -->")[0]
        assert f"python bench/{name}.py" in section
        assert section.count("\n| ") >= 2


def test_where_there_is_no_multiple_stands_a_dash() -> None:
    program = """
import json
from all import section
from caption_lengths import beside
from dataclasses import asdict
from harness import print_table
figures = [beside("CIDEr-D", "", 0.25, 0.0), beside("loss", "nats", 1.5, 3.0)]
print_table(figures)
rows = json.loads(json.dumps([asdict(figure) for figure in figures], allow_nan=False))
machine = {"date": "", "cpu": "", "cores": "", "python": ""}
print("\\n".join(section("caption_lengths", {"machine": machine, "figures": rows}, quick=False)))
"""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, cwd=ROOT / "bench", capture_output=True, text=True, check=True)
    printed = re.findall(r"filled to 30 s +\S+ +(\S+)", done.stdout)
    published = re.findall(r"filled to 30 s \| \S+ \| (\S+) \|", done.stdout)
    assert printed[:2] == published == ["-", "0.50"]


def test_the_page_shows_no_figure_that_is_not_a_number() -> None:
    assert "| nan |" not in (ROOT / "docs" / "numbers.md").read_text("utf-8")
