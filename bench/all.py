"""Runs the benches one after another and writes their figures to a page.

``python bench/all.py [--quick] [--only NAME …] [--write docs/numbers.md]``. Each bench has a section of its own on
the page, between two marks; only the sections of the benches that ran are replaced. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import multiple, number

HERE = Path(__file__).resolve().parent

# bench → what it measures, in the order of the street
BENCHES: dict[str, str] = {
    "decode": "Decoding, mix-down and resampling",
    "fingerprint": "PCM hash and spectral fingerprint",
    "dataset_open": "Opening a dataset of 2,000,000 examples",
    "import_manifest": "Importing a manifest of 2,000,000 entries",
    "logmel": "Log-mel features",
    "soundworld": "Making soundworld",
    "check": "Checking a folder",
    "leaks": "Finding shared recordings",
    "subset": "Choosing a balanced subset",
    "plan": "Planning a mixture of 10,000,000 examples",
    "pack": "Packing",
    "loader_reads": "Reading crops from a pack",
    "loader": "Shuffled batches, beside other loaders",
    "losses": "Contrastive losses in blocks",
    "train_overhead": "Training, beside the bare model",
    "retrieval_metrics": "Retrieval metrics",
    "caption_metrics": "Caption metrics",
    "search": "Search",
    "cnn14": "Training Cnn14",
    "captioning": "Describing recordings",
    "caption_lengths": "Learning to describe, with real lengths and filled up",
    "help": "Answering to --help",
}


# Benches whose peers may be in another environment.
NEED_PEERS = ("loader", "search")


def main() -> int:
    """Run what was asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run of each bench")
    parser.add_argument("--only", nargs="*", choices=list(BENCHES), default=list(BENCHES), metavar="NAME")
    parser.add_argument("--peers-python", help="an interpreter that has the peers of loader and search")
    parser.add_argument("--write", type=Path, help="the page whose sections are replaced")
    options = parser.parse_args()
    missed = []
    for name in options.only:
        print(f"bench {name}: {BENCHES[name]}", flush=True)
        result = run(name, quick=options.quick, peers_python=options.peers_python)
        lines = section(name, result, quick=options.quick)
        print("\n".join(lines[1:-1]), flush=True)
        missed += [figure["name"] for figure in result["figures"] if not figure["holds"]]
        if options.write is not None:
            replace_section(options.write, name, lines)
    print(f"missed: {', '.join(missed)}" if missed else "every bar holds")
    return 1 if missed else 0


def run(name: str, *, quick: bool, peers_python: str | None) -> dict[str, Any]:
    """The JSON that one bench prints."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", *(["--quick"] if quick else [])]
    command += ["--peers-python", peers_python] if peers_python and name in NEED_PEERS else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise SystemExit(f"bench {name} failed with exit code {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def section(name: str, result: dict[str, Any], *, quick: bool) -> list[str]:
    """The lines of one bench's section, marks included."""
    machine = result["machine"]
    command = f"python bench/{name}.py{' --quick' if quick else ''}"
    lines = [
        f"<!-- bench {name} -->",
        f"## {BENCHES[name]}",
        "",
        f"`{command}`, {machine['date']}, {machine['cpu']} with {machine['cores']} cores, Python {machine['python']}.",
        "",
        "| figure | ours | lowest to highest | peer | peer's | ratio | bar | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for figure in result["figures"]:
        for peer in figure["peers"]:
            verdict = {True: "holds", False: "**missed**", None: ""}[peer["holds"]]
            bar = "" if peer["bar"] is None else f"{peer['bar']:g}"
            spread = f"{number(figure['lowest'])} to {number(figure['highest'])}"
            ours = f"{number(figure['ours'])} {figure['unit']}"
            cells = (
                figure["name"],
                ours,
                spread,
                peer["name"],
                number(peer["value"]),
                multiple(peer["ratio"]),
                bar,
                verdict,
            )
            lines.append("| " + " | ".join(cells) + " |")
    return [*lines, f"<!-- end {name} -->"]


def replace_section(page: Path, name: str, lines: list[str]) -> None:
    """Put the section into the page, in place of the one of the same bench, or in the order of BENCHES."""
    text = page.read_text("utf-8") if page.exists() else "# Numbers\n"
    pattern = re.compile(r"<!-- bench (\w+) -->\n.*?<!-- end \1 -->\n", re.DOTALL)
    sections = {match.group(1): match.group(0) for match in pattern.finditer(text)}
    sections[name] = "\n".join(lines) + "\n"
    pieces = pattern.split(text)
    # What people wrote behind the last section stays there.
    head, tail = pieces[0].rstrip(), pieces[-1].strip() if len(pieces) > 1 else ""
    ordered = [sections[key] for key in BENCHES if key in sections]
    page.write_text(head + "\n\n" + "\n".join(ordered) + (f"\n{tail}\n" if tail else ""), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
