"""Boosted trees, ours beside LightGBM's, one thread each: `trees.py SPEED [ROWS] [ROUNDS]`.

SPEED is the program that `cargo build --release --example speed` makes. Both fit the same made-up rows (24 numbers, a tenth absent, a
positive in a hundred) with the same trees, leaves, depth, bins and learning rate, on all rows and all numbers, and score them again
from a matrix in memory: no JSON, no encoder. Each in turn within a round; the best round is told. Needs lightgbm and numpy.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import lightgbm
import numpy

WIDTH, TREES, LEAVES, DEPTH, BINS, RATE = 24, 200, 31, 12, 254, 0.05
OURS = (f"rounds = {TREES}\nmax_leaves = {LEAVES}\nmax_depth = {DEPTH}\nbins = {BINS}\nlearning_rate = {RATE}\nl2 = 1.0\nmin_rows_per_leaf = 20\n"
        "min_leaf_weight = 0.001\nrows_share = 1.0\nfeatures_share = 1.0\nnegatives_per_positive = 1000000.0\n")
THEIRS = dict(objective="binary", learning_rate=RATE, num_leaves=LEAVES, max_depth=DEPTH, max_bin=BINS, lambda_l2=1.0, min_data_in_leaf=20,
              min_sum_hessian_in_leaf=0.001, num_threads=1, verbose=-1, seed=7)


def make(rows):
    random = numpy.random.default_rng(7)
    numbers = random.normal(size=(rows, WIDTH))
    slope = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + numpy.abs(numbers[:, 3]) + 0.5 * random.normal(size=rows)
    labels = slope > numpy.quantile(slope, 0.99)
    numbers[random.random(size=numbers.shape) < 0.1] = numpy.nan
    return numbers, labels


def theirs(numbers, labels):
    started = time.perf_counter()
    # Bins are part of the fit, as they are of ours.
    data = lightgbm.Dataset(numbers, labels.astype(float), params=THEIRS).construct()
    model = lightgbm.train(THEIRS, data, TREES)
    fitted = time.perf_counter()
    scores = model.predict(numbers, num_threads=1)
    scored = time.perf_counter()
    loss = -numpy.mean(numpy.where(labels, numpy.log(scores), numpy.log1p(-scores)))
    return {"fit_s": fitted - started, "score_s": scored - fitted, "rows": len(numbers), "log_loss": loss}


def main():
    speed, rows, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000, int(sys.argv[3]) if len(sys.argv) > 3 else 2
    numbers, labels = make(rows)
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        matrix, flags = pathlib.Path(folder, "numbers"), pathlib.Path(folder, "labels")
        numbers.T.tofile(matrix)
        labels.astype(numpy.uint8).tofile(flags)
        for _ in range(rounds):
            ours = subprocess.run([speed, matrix, flags, str(rows), OURS], check=True, capture_output=True, text=True).stdout
            for name, run in (("lakehouse", json.loads(ours)), (f"LightGBM {lightgbm.__version__}", theirs(numbers, labels))):
                kept = best.setdefault(name, run)
                kept.update({key: min(kept[key], run[key]) for key in ("fit_s", "score_s")})
    (_, ours), (_, peer) = best.items()
    print(f"### Boosted trees: {rows:,} rows × {WIDTH} numbers, {TREES} trees of {LEAVES} leaves, {BINS} bins, one thread\n")
    print("| program | fit s | × LightGBM's speed | scored rows/s | × LightGBM's | log loss on the same rows |\n|---|---:|---:|---:|---:|---:|")
    for name, run in best.items():
        print(f"| {name} | {run['fit_s']:.1f} | {peer['fit_s'] / run['fit_s']:.2f} | {rows / run['score_s']:,.0f} | {peer['score_s'] / run['score_s']:.2f} | {run['log_loss']:.5f} |")
    print()


main()
