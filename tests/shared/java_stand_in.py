"""A program in Python in the place of Java, and what it does in the place of SPICE."""

from __future__ import annotations

import sys
from pathlib import Path

# Reads the captions, and gives each candidate the share of its words that the first reference has.
SCORER = """
import json
entries = json.load(open(argv[argv.index('edu.anu.spice.SpiceScorer') + 1]))
scores = []
for entry in reversed(entries):
    said = entry['test'].split()
    share = sum(word in entry['refs'][0].split() for word in said) / len(said) if said else None
    scores.append({'image_id': entry['image_id'], 'scores': {'All': {'f': share}, 'Object': {'f': None}}})
json.dump(scores, open(argv[argv.index('-out') + 1], 'w'))
open('SEEN', 'w').write('\\n'.join(argv))
"""
SPICE_JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar", "spice-1.0.jar")


def write_java(path: Path, body: str = "", version: str = 'openjdk version "17.0.1"') -> Path:
    """Write a program that says a version, and else runs some lines of Python with ``argv``; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["import sys, time", "argv = sys.argv[1:]"]
    lines += ["if argv == ['-version']:", f"    print({version!r}, file=sys.stderr)", "    sys.exit()", body]
    path.write_text(f"#!{sys.executable}\n" + "\n".join(lines) + "\n", "utf-8")
    path.chmod(0o755)
    return path


def touch_spice_jars(folder: Path) -> Path:
    """A folder with empty files of the names that SPICE needs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SPICE_JARS:
        (folder / name).touch()
    return folder
