#!/usr/bin/env python3
"""Evaluation from files: seconds and peak memory of glint, beside plain NumPy where that is practical.

    evaluate_features.py [--glint build/release/glint] [--large]

1,000 texts x 1,000 videos of width 512: numbers, every post-processing, and glint compare with 10,000 resamples. --large:
27,763 x 670 and 100,000 x 10,000 (8 GB of disk are used in TMPDIR). NumPy: the same cosines and ranks of both directions.
Run it on a quiet machine; the load is printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

METHODS = ("dsl", "dsl_shared", "is", "qb_norm", "nnn", "sinkhorn", "csls")


def make(folder, texts, videos, width=512, noise=1.0, seed=0):
    random = np.random.default_rng(seed)
    v = random.standard_normal((videos, width), dtype=np.float32)
    owner = np.arange(texts) % videos
    t = 0.2 * v[owner] + noise * random.standard_normal((texts, width), dtype=np.float32)
    np.save(f"{folder}/t.npy", t)
    np.save(f"{folder}/v.npy", v)
    with open(f"{folder}/pairs.tsv", "w") as pairs:
        pairs.writelines(f"{i}\t{o}\n" for i, o in enumerate(owner))
    return ["--features", f"{folder}/t.npy", f"{folder}/v.npy", "--truth", f"{folder}/pairs.tsv"]


def run(words):
    """-> seconds, peak MB, stdout"""
    start = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.PIPE)
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        if status:
            sys.exit(f"{' '.join(words)}\n{error.decode()}")
        out.seek(0)
        return seconds, usage.ru_maxrss / 1024, out.read().decode()


def numpy_numbers(folder):
    t, v = np.load(f"{folder}/t.npy"), np.load(f"{folder}/v.npy")
    owner = np.arange(len(t)) % len(v)
    start = time.monotonic()
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    scores = unit(t) @ unit(v).T
    t2v = (scores > scores[np.arange(len(t)), owner][:, None]).sum(1)
    v2t = (scores > scores.diagonal()).sum(0) if len(t) == len(v) else None
    return time.monotonic() - start, 100 * (t2v < 1).mean(), None if v2t is None else 100 * (v2t < 1).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glint", default="build/release/glint")
    parser.add_argument("--large", action="store_true", help="MSVD's size and 100,000 x 10,000 too")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        files = make(folder, 1000, 1000)
        evaluate = [options.glint, "eval", *files, "--json"]
        seconds, peak, out = run([*evaluate, "--folder", f"{folder}/a", "--scores", f"{folder}/s"])
        total = seconds
        plain_s, t2v, v2t = numpy_numbers(folder)
        numbers = json.loads(out)
        if abs(numbers["t2v"]["R@1"] - t2v) > 1e-9 or abs(numbers["v2t"]["R@1"] - v2t) > 1e-9:
            sys.exit(f"glint says R@1 {numbers['t2v']['R@1']} and {numbers['v2t']['R@1']}, NumPy {t2v} and {v2t}")
        print(f"1,000 x 1,000 from vectors    {seconds:6.2f} s  {peak:5.0f} MB   (NumPy, cosines and ranks alone: {plain_s:.2f} s)")
        for method in METHODS:
            words = [options.glint, "eval", "--from-scores", f"{folder}/s", f"eval.postprocess={method}", "--json"]
            seconds, peak, _ = run(words)
            total += seconds
            print(f"  {method:<12} from scores    {seconds:6.2f} s  {peak:5.0f} MB")
        run([*evaluate[:2], *make(folder, 1000, 1000, noise=1.05, seed=0), "--json", "--folder", f"{folder}/b"])
        seconds, peak, _ = run([options.glint, "compare", f"{folder}/a", f"{folder}/b"])
        total += seconds
        print(f"  compare, 10,000 resamples   {seconds:6.2f} s  {peak:5.0f} MB")
        print(f"all together                  {total:6.2f} s           (bar: 5 s)")
        for texts, videos in ((27763, 670), (100_000, 10_000)) if options.large else ():
            seconds, peak, _ = run([options.glint, "eval", *make(folder, texts, videos), "--json"])
            print(f"{texts:,} x {videos:,}".ljust(28) + f"  {seconds:6.2f} s  {peak:5.0f} MB   (bar: 1,024 MB)")


if __name__ == "__main__":
    main()
