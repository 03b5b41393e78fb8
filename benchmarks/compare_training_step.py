#!/usr/bin/env python3
"""Times a training step of glint beside the same model in plain PyTorch (plain_glscl.py) and prints a Markdown table.

usage: benchmarks/compare_training_step.py [--glint PROGRAM] [--clips FOLDER] [--cache FOLDER] [--threads 2] [--steps 10]
                                           [--rounds 2] [--only WORD] [--tiny] [--json]

  --glint    default: build/release/glint
  --clips    videos to make the clips from; default: real_clips in GLINT_SHARED_DIR or ../shared
  --cache    where packages and clips stay; default: ~/.cache/glint/compare_training_step
  --threads  of either side; both are bound to as many cores
  --steps    of a run; the first two of each are not counted
  --rounds   runs of either side, which take turns; figures are medians over the steps of all
  --only     the comparisons whose names hold this word: files, towers
  --tiny     small towers and clips too short for 12 frames: seconds, to check that both sides agree, not to time them
  --json     print a JSON object with every step instead of the table

The model is GLSCL around ViT-B/32 with random weights, which both sides read from one file; 4 pairs a step, 12 frames, 32 words,
float32, no dropout, the released optimizer and rates. The clips are like those of MSR-VTT (H.264, 320x240) and long enough for 12
frames, so that nobody saves the work of padding; both sides take the same frames in the same order, the Python side with decord and
torchvision's transforms on Pillow pictures, as released, in a DataLoader of two workers.
  files   a step with everything from opening the video files to the updated weights
  towers  forward and backward of both towers, with the head mean_pool on top, which has no weights; frames lie decoded
At every step losses may differ by 1e-4 of their size and gradient norms by 1e-3: the script fails where they differ more.
CPU seconds are of a process and its workers; other work on the machine changes them less than the rest. Peak memory is that of the
training process (VmHWM) before the checkpoint; the DataLoader's workers come on top of Python's.
The Python side runs in the environment of scripts/setup --python, so that both use one LibTorch; decord and FFmpeg come from PyPI.
"""
import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare_readers
from compare_readers import fail

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["decord==0.6.0", "imageio-ffmpeg==0.8.1"]
BATCH, FRAMES, WORDS, WORKERS, SEED = 4, 12, 32, 2, 42
PREFETCH = 4  # batches that both sides decode ahead; so many more than are trained on are there, so that decoding never ends
NOT_COUNTED = 2  # steps at the beginning of a run
LOSS_LIMIT, NORM_LIMIT = 1e-4, 1e-3  # relative
TINY = {"embed": 128, "image": 64, "patch": 16, "vision_width": 128, "vision_layers": 2, "text_width": 128, "text_layers": 2}
# Comparison -> head, temporal encoder, whether frames come from the files.
COMPARISONS = {"files": ("glscl", "seq_transf", True), "towers": ("mean_pool", "none", False)}
# Of a step; glint counts a head's work per item with the towers, the Python side does not.
PARTS = {"waiting for frames": ["wait"], "forward": ["towers", "head"], "backward": ["backward"], "clip and optimizer": ["optimizer"]}


def batches(options):
    return options.steps + PREFETCH


def say(text):
    print(f"compare_training_step: {text}", file=sys.stderr, flush=True)


# --- set-up ---------------------------------------------------------------------------------------------------------------


def test_python():
    """The interpreter of the slow tests' environment."""
    words = ["bash", "-c", f". '{ROOT}/scripts/lib.sh'; test_venv_dir"]
    folder = Path(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
    if not (folder / "complete").exists():
        fail(f"{folder} is not there or not whole; scripts/setup --python installs it")
    return folder / "bin/python"


def packages(python, cache):
    """A folder with what the environment lacks, for PYTHONPATH."""
    folder = cache / ("packages-" + hashlib.sha256(" ".join([*PACKAGES, str(python)]).encode()).hexdigest()[:12])
    if not (folder / "complete").exists():
        say(f"installing {', '.join(PACKAGES)}")
        words = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]
        if subprocess.run([*words, "--target", folder, *PACKAGES]).returncode != 0:
            fail("pip could not install them; its words stand above")
        (folder / "complete").touch()
    return folder


def make_clips(python, environment, options):
    """-> the files; two pairs each."""
    sources = [options.clips / name for name in compare_readers.SOURCES]
    if missing := [source for source in sources if not source.exists()]:
        fail(f"{missing[0]} is not there; --clips names the folder of the real clips")
    words = [python, "-c", "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"]
    ffmpeg = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout.strip()
    shortest = 7 if options.tiny else FRAMES  # a candidate a second
    files = []
    for number in range(batches(options) * BATCH // 2):
        seconds = shortest + number % 9
        files.append(options.cache / "clips" / f"{number}_{seconds}s.mp4")
        compare_readers.make_clip(ffmpeg, sources, compare_readers.X264, 320, 240, seconds, number, files[-1])
    return files


def captions_of(clips, count):
    known = json.loads((clips / "captions.json").read_text())
    texts = list(dict.fromkeys(caption["text"] for clip in known for caption in clip["captions"]))
    return [texts[i % len(texts)] for i in range(count)]


def order_of(samples):
    """Of the first epoch of glint's loader: Random::permutation (src/core/random.cpp) keyed with seed, epoch and kOrder."""
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def scramble(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return z ^ (z >> 31)

    state = 0
    for key in (SEED, 0, 1):
        state = scramble(state + golden + scramble(key + golden & mask) & mask)
    order = list(range(samples))
    for i in range(samples, 1, -1):
        draw = 2**64
        while draw >= i * (mask // i):
            state = state + golden & mask
            draw = scramble(state)
        j = draw % i
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


# --- one run of either side --------------------------------------------------------------------------------------------------


def read_steps(path):
    """Whole lines only."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def peak_mib(pid):
    """0 where the process has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)


def cpu_seconds(pid):
    """Of a process with its children."""
    ticks = 0
    children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    for each in (pid, *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11 : 15 if each == pid else 13]))  # of the process itself: with children that ended
    return ticks / os.sysconf("SC_CLK_TCK")


def run(words, log, steps, environment=None):
    """-> the lines of `log`, the peak memory before the last of them, CPU seconds of a counted step"""
    peak, cpu_at = 0, {}  # CPU seconds when so many steps were first seen
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(list(map(str, words)), stdout=output, stderr=output, env=environment)
        while process.poll() is None:
            done = len(read_steps(log))
            try:
                cpu_at.setdefault(done, cpu_seconds(process.pid))
                if done < steps:  # after the last one glint saves
                    peak = max(peak, peak_mib(process.pid))
            except OSError:  # it, or a child, has just ended
                pass
            time.sleep(0.1)
        if process.returncode != 0:
            output.seek(0)
            sys.stderr.write(output.read()[-4000:])
            fail(f"{words[0]} failed; its words stand above")
    lines = read_steps(log)
    if len(lines) != steps:
        fail(f"{words[0]} did {len(lines)} of {steps} steps")
    seen = [done for done in cpu_at if NOT_COUNTED <= done]  # ascending
    cpu = (cpu_at[seen[-1]] - cpu_at[seen[0]]) / (seen[-1] - seen[0]) if len(seen) > 1 else None
    return {"steps": lines, "peak_mib": peak, "cpu_s": cpu}


class Glint:
    """Runs `glint train` on a manifest of the clips."""

    def __init__(self, options, folder, sizes, clips, captions):
        self.options, self.folder, self.sizes = options, folder, sizes
        rows = [{"video": str(clip), "captions": captions[2 * i : 2 * i + 2]} for i, clip in enumerate(clips)]
        (folder / "manifest.json").write_text(json.dumps(rows, indent=1))

    def settings(self, head, temporal, from_files, run_dir):
        cache = "" if from_files else str(self.folder / "frames")
        return {
            "run": {"dir": str(run_dir)},
            "data": {"annotations": str(self.folder / "manifest.json"), "val_split": "", "test_split": "", "workers": WORKERS,
                     "prefetch": PREFETCH, "on_bad_file": "fail", "cache": cache},
            "video": {"num_frames": FRAMES, "image_size": self.sizes.get("image", 224)},
            "text": {"max_words": WORDS},
            "model": {"weights": str(self.folder / f"{head}.safetensors"), "temporal": temporal, "dropout": 0},
            "head": {"name": head},
            "train": {"seed": SEED, "epochs": 1, "max_steps": self.options.steps, "batch_size": BATCH,
                      "threads": self.options.threads, "validate_every": 0},
        }  # fmt: skip

    def train(self, name, number):
        run_dir = self.folder / f"{name}_{number}"
        file = self.folder / f"{name}_{number}.yaml"
        settings = self.settings(*COMPARISONS[name], run_dir)
        file.write_text(json.dumps(settings, indent=1))  # JSON is YAML
        if settings["data"]["cache"] and number == 0:
            self.make_cache(file)
        result = run([self.options.glint, "train", file], run_dir / "metrics.jsonl", self.options.steps)
        return {**result, "steps": [self.step(line) for line in result["steps"]]}

    def make_cache(self, file):
        words = [self.options.glint, "data", "cache", file]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            fail(f"glint data cache failed: {done.stdout[-2000:]}")

    @staticmethod
    def step(line):
        seconds = BATCH / line["samples_per_s"]
        parts = {name.removeprefix("seconds/"): value for name, value in line.items() if name.startswith("seconds/")}
        if not parts:
            fail("its metrics.jsonl has no seconds of a step's parts; --glint names an older program")
        return {"loss": line["loss"], "grad_norm": line["grad_norm"], "seconds": seconds, "parts": parts}


class Plain:
    """Runs plain_training.py on the same pairs, in glint's order."""

    def __init__(self, options, python, environment, folder, sizes, samples):
        self.options, self.python, self.environment, self.folder = options, python, environment, folder
        self.job = {"sizes": sizes, "folder": str(folder), "threads": options.threads, "steps": options.steps, "seed": SEED,
                    "batch": BATCH, "frames": FRAMES, "words": WORDS, "workers": WORKERS,
                    "schedule_steps": batches(options), "prefetch": PREFETCH}  # fmt: skip
        (folder / "samples.json").write_text(json.dumps(samples))

    def words(self, **job):
        file = self.folder / "job.json"
        file.write_text(json.dumps({**self.job, **job}))
        return [self.python, ROOT / "benchmarks/plain_training.py", file]

    def prepare(self):
        if subprocess.run(self.words(work="prepare"), env=self.environment).returncode != 0:
            fail("the weights could not be made; Python's words stand above")

    def train(self, name, number):
        log = self.folder / f"plain_{name}_{number}.jsonl"
        head, _, from_files = COMPARISONS[name]
        words = self.words(work="train", head=head, from_files=from_files, log=str(log))
        return run(words, log, self.options.steps, self.environment)


# --- the comparison ----------------------------------------------------------------------------------------------------------


def check_same(name, ours, theirs):
    """-> the largest relative differences of losses and gradient norms; ends the script where they are no rounding."""
    worst = {}
    for key, limit in (("loss", LOSS_LIMIT), ("grad_norm", NORM_LIMIT)):
        by_step = [abs(a[key] - b[key]) / abs(b[key]) for a, b in zip(ours, theirs)]
        worst[key] = max(by_step)
        if not worst[key] <= limit:
            step = next(i for i, value in enumerate(by_step) if not value <= limit)
            fail(f"{name}: at step {step + 1} glint's {key} is {ours[step][key]}, the Python side's {theirs[step][key]}: not the "
                 "same model, weights or frames (or the order of glint's loader has changed: order_of() follows it)")  # fmt: skip
    return worst


def seconds(runs, choose, parts=None):
    """The median (or what `choose` says) of whole steps, or of some of their parts together."""
    counted = [step for run in runs for step in run["steps"][NOT_COUNTED:]]
    return choose(sum(step["parts"][p] for p in parts) if parts else step["seconds"] for step in counted)


def cpu_seconds_a_step(runs):
    known = [run["cpu_s"] for run in runs if run["cpu_s"] is not None]
    return statistics.mean(known) if known else None


def compare(name, glint, plain, rounds):
    sides = {"glint": glint, "plain": plain}
    runs, worst = {side: [] for side in sides}, {"loss": 0, "grad_norm": 0}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            say(f"{name}, round {number + 1}: {side}")
            runs[side].append(sides[side].train(name, number))
        found = check_same(name, runs["glint"][-1]["steps"], runs["plain"][-1]["steps"])
        worst = {key: max(worst[key], found[key]) for key in worst}
    return {"rows": rows_of(name, runs), "difference": worst, "runs": runs}


def rows_of(name, runs):
    """What it says -> the figure of either side."""
    each = lambda figure: {side: figure(runs[side]) for side in runs}
    rows = {}
    if name == "files":
        rows["a step from video files, s"] = each(lambda r: seconds(r, statistics.median))
        rows["its fastest, s"] = each(lambda r: seconds(r, min))
        rows["pairs a second"] = each(lambda r: BATCH / seconds(r, statistics.median))
        rows["peak memory, MiB"] = each(lambda r: max(run["peak_mib"] for run in r))
    else:
        both_ways = PARTS["forward"] + PARTS["backward"]
        rows["towers alone, forward and backward, s"] = each(lambda r: seconds(r, statistics.median, both_ways))
        rows["their fastest, s"] = each(lambda r: seconds(r, min, both_ways))
    rows["CPU seconds a step"] = each(cpu_seconds_a_step)
    for what, parts in PARTS.items():
        rows[f"{what}, s"] = each(lambda r: seconds(r, statistics.median, parts))
    return rows


def print_table(results, what):
    print(f"| {what}, {BATCH} pairs, {FRAMES} frames | glint | plain PyTorch | plain PyTorch : glint |")
    print("|---|---:|---:|---:|")
    for name, result in results.items():
        for row, values in result["rows"].items():
            ours, theirs = values["glint"], values["plain"]
            ratio = f"{theirs / ours:.2f}" if ours and theirs and ours > 0.01 and "pairs" not in row else "-"
            cells = ["-" if v is None else f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in (ours, theirs)]
            print(f"| {name}: {row} | {' | '.join(cells)} | {ratio} |")
    for name, result in results.items():
        loss, norm = result["difference"]["loss"], result["difference"]["grad_norm"]
        print(f"\n{name}: losses differ by {loss:.1e} of their size at most, gradient norms by {norm:.1e}.")


def words():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("GLINT_SHARED_DIR", ROOT.parent / "shared"))
    parser.add_argument("--glint", type=Path, default=ROOT / "build/release/glint")
    parser.add_argument("--clips", type=Path, default=shared / "data/real_clips")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/glint/compare_training_step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    if not 1 <= options.threads <= cores:
        fail(f"--threads: {options.threads}, and this machine has {cores} cores")
    if options.steps <= NOT_COUNTED or options.rounds < 1:
        fail(f"--steps must be above {NOT_COUNTED} (the first are not counted), --rounds above 0")
    if not options.glint.exists():
        fail(f"{options.glint} is not there; build it with scripts/build")
    if not any(options.only in name for name in COMPARISONS):
        fail(f"--only: no comparison holds '{options.only}'; there are {', '.join(COMPARISONS)}")
    return options


def main():
    options = words()
    python = test_python()
    options.cache.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(packages(python, options.cache)), "HF_HUB_OFFLINE": "1"}
    clips = make_clips(python, environment, options)
    captions = captions_of(options.clips, batches(options) * BATCH)
    samples = [{"video": str(clips[i // 2]), "caption": captions[i]} for i in order_of(len(captions))]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.threads :])  # and all that is started from here on
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        sizes = TINY if options.tiny else {}
        glint = Glint(options, Path(folder), sizes, clips, captions)
        plain = Plain(options, python, environment, Path(folder), sizes, samples)
        plain.prepare()
        names = [name for name in COMPARISONS if options.only in name]
        results = {name: compare(name, glint, plain, options.rounds) for name in names}
    if options.json:
        print(json.dumps({"load_before": load, "threads": options.threads, "tiny": options.tiny, "comparisons": results}))
    else:
        print_table(results, "tiny towers" if options.tiny else "ViT-B/32")
        print(f"\n{options.threads} threads; load of the machine before it began: {load:.1f}.")


if __name__ == "__main__":
    main()
