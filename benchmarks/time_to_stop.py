#!/usr/bin/env python3
"""Clocks how long a command takes from Ctrl-C to its end, at random moments, and prints each and the longest.

usage: benchmarks/time_to_stop.py [--rounds 10] [--after 2:8] -- COMMAND ...

  --after   the signal comes that many seconds after the start, drawn evenly between the two

A command that ends by itself before the signal is an error: give it more to do. It must end by the signal's number (130). As it is
started again each time, glint train goes on where it was, and glint data cache with what it had built.
"""
import argparse
import random
import signal
import subprocess
import sys
import time

INTERRUPTED = 128 + signal.SIGINT


def fail(sentence):
    sys.exit(f"error: {sentence}")


def seconds_to_stop(command, wait_s):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, words = process.communicate(timeout=wait_s)
            fail(f"the command ended by itself with {process.returncode} within {wait_s:.1f} s: {words.strip()[-300:]}")
        except subprocess.TimeoutExpired:
            pass
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, words = process.communicate()
        seconds = time.monotonic() - sent
        if process.returncode != INTERRUPTED:
            fail(f"the command ended with {process.returncode} instead of {INTERRUPTED}: {words.strip()[-300:]}")
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--after", default="2:8")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    first, last = (float(value) for value in options.after.split(":"))
    taken = []
    for i in range(options.rounds):
        wait_s = random.uniform(first, last)
        taken.append(seconds_to_stop(options.command, wait_s))
        print(f"{i + 1}: Ctrl-C after {wait_s:.1f} s, {taken[-1]:.2f} s to the end", flush=True)
    print(f"{len(taken)} times: {sorted(taken)[len(taken) // 2]:.2f} s median, {max(taken):.2f} s at most")


if __name__ == "__main__":
    main()
