#!/usr/bin/env python3
"""Trains the demo model with batches of 256 in parts (train.micro_batch) and prints memory and losses beside those of whole batches.

usage: benchmarks/gradient_cache.py [--steps 12] [--threads 2] [--data FOLDER] [--glint PROGRAM]

  --steps    of each run
  --threads  of the training
  --data     a demo set; is made where it is missing; default: demo_data
  --glint    default: build/release/glint

One batch is decoded ahead and no clip kept. Peak memory is that of the process up to the last step, its libraries and the batches
included; pairs per second the median over the steps but for the first. Losses are compared between runs of their own, from the same
weights and without dropout, as parts drop others than a whole batch. Exit code 1 where one differs by more than 1e-5 of its size, or
where 256 in parts of 32 take more than 1.2 times the memory of a batch of 32.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = [(32, 0), (256, 0), (256, 32), (256, 16), (256, 8)]  # train.batch_size, train.micro_batch (0: whole batches)
LOSS_LIMIT, MEMORY_LIMIT = 1e-5, 1.2


def train(options, batch, part, *more):
    """-> the lines of metrics.jsonl."""
    settings = ["data.prefetch=1", "data.cache_mb=0", "data.val_split=", "data.test_split=", "train.epochs=100000"]
    settings += [f"data.root={options.data}", f"train.threads={options.threads}", f"train.batch_size={batch}"]
    settings += [f"train.micro_batch={part}", f"train.max_steps={options.steps}", *more]
    with tempfile.TemporaryDirectory() as run:
        command = [options.glint, "train", ROOT / "configs/demo.yaml", f"run.dir={run}", *settings]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"error: the training ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]


def print_memory(options):
    """-> whether 256 pairs in parts of 32 stay within the limit."""
    print("| batch | in parts of | peak memory, MB | of a batch of 32 | pairs/s |")
    print("|---:|---:|---:|---:|---:|")
    small_mb, within = None, True
    for batch, part in RUNS:
        steps = train(options, batch, part)
        peak_mb = steps[-1]["peak_mb"]
        small_mb = small_mb or peak_mb
        speed = statistics.median(step["samples_per_s"] for step in steps[1:])
        print(f"| {batch} | {part or '-'} | {peak_mb:.0f} | {peak_mb / small_mb:.2f} | {speed:.1f} |", flush=True)
        within &= part != 32 or peak_mb <= MEMORY_LIMIT * small_mb
    return within


def loss_difference(options):
    """The largest between whole batches and parts of 32, of a loss's size."""
    whole, parts = (train(options, 256, part, "model.dropout=0") for part in (0, 32))
    return max(abs(one["loss"] - other["loss"]) / other["loss"] for one, other in zip(parts, whole))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / "demo_data")
    parser.add_argument("--glint", type=Path, default=ROOT / "build/release/glint")
    options = parser.parse_args()
    if options.steps < 2:
        sys.exit(f"error: --steps {options.steps}: must be at least 2")
    if not options.glint.exists():
        sys.exit(f"error: {options.glint} is not there; scripts/build makes it")
    subprocess.run([options.glint, "demo", options.data], check=True, stdout=subprocess.DEVNULL)
    within = print_memory(options)
    difference = loss_difference(options)
    print(f"\nLosses over {options.steps} steps, 256 in parts of 32 against whole: {difference:.1e} of their size apart at most.")
    sys.exit(0 if within and difference <= LOSS_LIMIT else 1)


main()
