"""What finding the 10 nearest of 1,000,000 vectors of 512 components costs, exactly, for one query and for 1,024.

Vectors around 2,000 centres in 64 latent dimensions, with noise in all 512, norm 1; queries are drawn as they are. The
peer is faiss's IndexFlatIP on all threads, in a process of its own; nothing that it finds for any of the 1,024 queries
may score more than what ours finds (recall 1.0, by scores in float64), or nothing is measured. The second
pair is vectors spread evenly in all
directions, for which leading axes are of no use and everything is read. The third measures LanceDB's approximate
index, as `audiolect index --ann` builds it, with fewer vectors, since building it takes long.

    python bench/search.py [--quick] [--json] [--peers-python PYTHON] [--ann ROWS]

``pip install faiss-cpu`` brings the peer; --peers-python names an interpreter that has it. Without it ours is measured
beside a scan by numpy in blocks. 1,000,000 rows take 2 GB here and 2 GB in the peer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import harness

ROWS, WIDTH, QUERIES, K = 1_000_000, 512, 1024, 10
BAR = 1.5
BAR_RECALL, BAR_MILLISECONDS = 0.98, 5.0
ANN_ROWS = 300_000
_BLOCK = 50_000
_PEER = """
import sys, time, numpy as np, faiss
vectors, queries = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2])
index = faiss.IndexFlatIP(vectors.shape[1])
for start in range(0, len(vectors), 50_000):
    index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
np.save(sys.argv[3], index.search(queries, 10)[1])
print("{}", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    index.search(queries[: int(line)], 10)
    print(time.perf_counter() - start, flush=True)
"""


def main() -> int:
    """Make vectors, then search them in turns."""
    options = harness.arguments("What searching costs.", threads=None, add=_add)
    rows = 100_000 if options.quick else ROWS
    figures = []
    with tempfile.TemporaryDirectory(prefix="audiolect-") as name:
        for what, spread in (("clustered", 0.05), ("even", None)):
            figures += exact(Path(name), what, spread, rows, options)
        ann_rows = options.ann if options.ann is not None else 0 if options.quick else ANN_ROWS
        if ann_rows:
            figures += approximate(Path(name), ann_rows)
    return harness.finish(figures, options.json)


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peers-python", default=sys.executable, help="has faiss")
    parser.add_argument(
        "--ann", type=int, metavar="ROWS", help=f"of the approximate index; else {ANN_ROWS:,}, with --quick none"
    )


def drawn(count: int, noise: float | None, seed: int) -> Any:
    """(count, WIDTH) float32 of norm 1; evenly in all directions where noise is None."""
    world, rng = np.random.default_rng(0), np.random.default_rng(seed)
    centres = world.standard_normal((2000, 64), dtype=np.float32)
    basis = world.standard_normal((64, WIDTH), dtype=np.float32) / 8
    out = np.empty((count, WIDTH), np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        rows = rng.standard_normal((size, WIDTH), dtype=np.float32)
        if noise is not None:
            latent = centres[rng.integers(0, 2000, size)] + 0.5 * rng.standard_normal((size, 64), dtype=np.float32)
            rows = latent @ basis + np.float32(noise) * rows
        out[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def exact(folder: Path, what: str, noise: float | None, rows: int, options: argparse.Namespace) -> list[harness.Figure]:
    """Ours beside the peer, for one query and for many."""
    from audiolect.search.scan import make_scanner

    vectors, queries = drawn(rows, noise, 1), drawn(QUERIES, noise, 2)
    scanner = make_scanner(vectors)
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    command = [options.peers_python, "-c", _PEER, *(str(folder / f"{n}.npy") for n in ("vectors", "queries", "found"))]
    peer = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    figures = []
    try:
        has_peer = bool(peer.stdout and peer.stdout.readline())
        truth = np.load(folder / "found.npy") if has_peer else None
        check(scanner, vectors, queries, truth)
        kind = f"{scanner.first.kind}, {scanner.first.matrix.shape[1]} wide"
        for count in (1, QUERIES):

            def ours(count: int = count) -> float:
                start = time.perf_counter()
                scanner.search(queries[:count], K)
                return count / (time.perf_counter() - start)

            def theirs(count: int = count) -> float:
                if not has_peer or peer.stdin is None or peer.stdout is None:
                    return by_numpy(vectors, queries[:count])
                peer.stdin.write(f"{count}\n")
                peer.stdin.flush()
                return count / float(peer.stdout.readline())

            name = f"10 nearest of {rows:,} × {WIDTH}, {what}, {count} at once ({kind})"
            bar = BAR if has_peer and what == "clustered" else None
            repeats = 7 if count == 1 else 1 if options.quick else 3
            rates = {"faiss IndexFlatIP" if has_peer else "numpy in blocks": theirs}
            figures.append(harness.compare_rates(name, ours, rates, unit="queries/s", bar=bar, repeats=repeats))
    finally:
        peer.kill()
        peer.communicate()
    if not has_peer:
        print(f"left out: {options.peers_python} cannot load faiss", file=sys.stderr)
    return figures


def check(scanner: Any, vectors: Any, queries: Any, truth: Any) -> None:
    """End unless no row that the peer found, nor any of the first queries' rows, scores more than those we found."""
    found = scanner.search(queries, K)
    if truth is not None:
        theirs = np.einsum("qkd,qd->qk", vectors[truth].astype(np.float64), queries.astype(np.float64))
        if not (np.sort(theirs, axis=1)[:, ::-1] <= found.scores + 1e-12).all():
            raise SystemExit("the peer found something better")
    scores = np.concatenate(
        [
            queries[:8].astype(np.float64) @ vectors[s : s + _BLOCK].T.astype(np.float64)
            for s in range(0, len(vectors), _BLOCK)
        ],
        axis=1,
    )
    best = -np.sort(-scores, axis=1)[:, :K]
    if np.abs(best - found.scores[:8]).max() > 1e-12:
        raise SystemExit("the scan is not exact")


def by_numpy(vectors: Any, queries: Any) -> float:
    """Queries per second of float32 scores in blocks and a partition of each."""
    start = time.perf_counter()
    for at in range(0, len(vectors), _BLOCK):
        np.argpartition(queries @ vectors[at : at + _BLOCK].T, -K, axis=1)
    return len(queries) / (time.perf_counter() - start)


def approximate(folder: Path, rows: int) -> list[harness.Figure]:
    """Recall and time of LanceDB's index over clustered vectors."""
    import polars as pl

    from audiolect.embedding_files import ModelIdentity
    from audiolect.search.approximate import build_approximate
    from audiolect.search.card import IndexCard, write_index_card
    from audiolect.search.table import ROW_SCHEMA, create_table, put_rows

    index = folder / "index"
    index.mkdir()
    table, vectors = create_table(index, WIDTH), drawn(rows, 0.05, 1)
    for start in range(0, rows, _BLOCK):
        part = vectors[start : start + _BLOCK]
        names = pl.DataFrame({"recording_id": [f"r/{i}" for i in range(start, start + len(part))]})
        put_rows(table, pl.concat([pl.DataFrame(schema=ROW_SCHEMA), names], how="diagonal"), part)
    model = ModelIdentity(run="bench", checkpoint_hash="0" * 32)
    write_index_card(
        index, IndexCard(format="", version=0, producer="", model=model, size=WIDTH, num_recordings=rows, complete=True)
    )
    facts = build_approximate(index)
    print(json.dumps(facts.model_dump(mode="json")), file=sys.stderr)
    name = f"{facts.kind} over {rows:,} × {WIDTH}"
    return [
        harness.at_least(f"recall@10, {name}", facts.recall_at_10, BAR_RECALL, unit="share"),
        harness.at_most(f"a query, {name}", facts.milliseconds, BAR_MILLISECONDS, unit="ms"),
    ]


if __name__ == "__main__":
    sys.exit(main())
