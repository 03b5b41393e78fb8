#!/usr/bin/env python3
"""Trains a tiny model for thousands of steps and tells whether its memory stays flat.

usage: benchmarks/train_soak.py [--steps N] [--processes N] [--glint PATH] [section.key=value ...]

  --steps       training steps; default: 5000
  --processes   ranks that train together; default: 1
  --glint       the program; default: build/release/glint

Renders a small demo set, trains on it with checkpoints, validations and a moving average, and samples the resident memory of
all its processes once a second. Exit code 1 where the mean of the last fifth of the samples is more than 5 % above that of the second.
"""
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TINY = """data.name=manifest video.image_size=32 model.towers.vision_layers=1 model.towers.text_layers=1 model.temporal_layers=1
train.threads=1 train.batch_size=8 train.save_every=100 train.validate_every=10 train.ema=0.99 data.test_split=""".split()
ALLOWED_GROWTH = 1.05


def fail(sentence):
    sys.exit(f"error: {sentence}")


def arguments():
    steps, processes, glint, settings = 5000, 1, ROOT / "build/release/glint", []
    rest = sys.argv[1:]
    while rest:
        word = rest.pop(0)
        if word in ("-h", "--help"):
            print(__doc__.strip())
            sys.exit(0)
        if word in ("--steps", "--processes", "--glint"):
            if not rest:
                fail(f"{word} needs a value")
            value = rest.pop(0)
            if word == "--glint":
                glint = Path(value)
            elif not value.isdigit() or int(value) == 0:
                fail(f"{word}: '{value}' is not a number above 0")
            elif word == "--steps":
                steps = int(value)
            else:
                processes = int(value)
        elif "=" in word and not word.startswith("-"):
            settings.append(word)
        else:
            fail(f"unknown argument '{word}'; --help lists them")
    if not glint.exists():
        fail(f"{glint} is not there; scripts/build makes it")
    return steps, processes, glint, settings


def resident_mb(process):
    """Of a process and those it started; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        children = " ".join(task.read_text() for task in Path(f"/proc/{process}/task").glob("*/children"))
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    own = int(lines[0].split()[1]) / 1024 if lines else 0
    return own + sum(resident_mb(int(child)) for child in children.split())


def train(glint, folder, steps, processes, settings):
    """-> resident memory once a second, MiB."""
    subprocess.run([glint, "demo", f"{folder}/data", "--clips", "65"], check=True, stdout=subprocess.DEVNULL)
    words = [f"data.root={folder}/data", f"run.dir={folder}/run", f"dist.processes={processes}", "train.epochs=100000"]
    command = [glint, "train", ROOT / "configs/demo.yaml", *TINY, *words, f"train.max_steps={steps}", *settings]
    samples = []
    with open(f"{folder}/err", "w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            samples.append(resident_mb(process.pid))
            time.sleep(1)
        if process.returncode != 0:
            errors.seek(0)
            fail(f"the training ended with {process.returncode}: {errors.read()[-500:]}")
    return [sample for sample in samples if sample > 0]


def main():
    steps, processes, glint, settings = arguments()
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        samples = train(glint, folder, steps, processes, settings)
    if len(samples) < 10:
        fail(f"only {len(samples)} samples; give more --steps")
    fifth = len(samples) // 5
    early, late = statistics.mean(samples[fifth : 2 * fifth]), statistics.mean(samples[-fifth:])
    print(f"{steps} steps in {time.monotonic() - start:.0f} s, {len(samples)} samples: {early:.1f} MiB in the second fifth, "
          f"{late:.1f} MiB in the last, {max(samples):.1f} MiB at most")
    sys.exit(0 if late <= ALLOWED_GROWTH * early else 1)


main()
