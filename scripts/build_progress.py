#!/usr/bin/env python3
"""Runs ninja and says how far it is: one line that moves on a terminal, a line every half minute elsewhere.

usage: scripts/build_progress.py BUILD_FOLDER [ninja arguments...]

What compilers say is passed on as it is. The time left is that of ninja's former build of the same files (.ninja_log) at the
speed of the last five minutes; files that no former build knows are guessed from how they are compiled.
"""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

MARK = b"\x1eglint "  # begins ninja's status lines, so that no compiler's line is taken for one
SPEED_WINDOW_S = 300
SETTLED_S = 30        # before that a guess of the time left is worth nothing
PLAIN_EVERY_S = 30

# Seconds that a file takes, roughly, where no former build tells; their ratios alone matter.
PLAIN_SOURCE, TORCH_SOURCE, TORCH_FILE, TORCH_HEADER, LINK = 2, 4, 8, 30, 1


def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def former_seconds(folder):
    """-> {output: seconds} of its .ninja_log; later lines win"""
    log = Path(folder) / ".ninja_log"
    seconds = {}
    for line in log.read_text(errors="replace").splitlines()[1:] if log.exists() else []:
        start, end, _, output, *_ = line.split("\t") + [""] * 4
        if start.isdigit() and end.isdigit():
            seconds[output] = (int(end) - int(start)) / 1000
    return seconds


def guessed_seconds(folder):
    """-> {output: seconds} of what compile_commands.json lists"""
    path = Path(folder) / "compile_commands.json"
    seconds = {}
    for entry in json.loads(path.read_text()) if path.exists() else []:
        command, file = entry["command"], Path(entry["file"])
        output = re.search(r" -o (\S+)", command)[1]
        is_unity = file.name.startswith("unity_") and file.exists()
        sources = file.read_text().count('#include "') if is_unity else 1
        if output.endswith(".gch"):
            seconds[output] = TORCH_HEADER
        else:
            seconds[output] = TORCH_FILE + TORCH_SOURCE * sources if "cmake_pch" in command else PLAIN_SOURCE * sources
    return seconds


class Progress:
    """How far the edges of a build are. An edge's description ends with the file it makes, as CMake writes them."""

    def __init__(self, descriptions, former, guessed, start):
        self.total = len(descriptions)
        self.finished = 0
        self.start = start
        guesses = {text: guessed.get(self.output(text), LINK if text.startswith("Linking") else PLAIN_SOURCE) for text in descriptions}
        known = {text: former[self.output(text)] for text in descriptions if self.output(text) in former}
        scale = sum(known.values()) / sum(guesses[text] for text in known) if known else 1
        self.weights = {text: known.get(text, guess * scale) for text, guess in guesses.items()}
        self.left = sum(self.weights.values())
        self.history = deque([(start, self.left)])  # (time, weight left then), of the last SPEED_WINDOW_S

    @staticmethod
    def output(description):
        return description.rsplit(" ", 1)[-1]

    def finish(self, finished, total, running, description, now):
        self.finished, self.total = finished, total
        self.weights.pop(description, None)
        self.left = sum(self.weights.values())
        if self.weights:  # those that run are half done, on the average
            self.left *= 1 - min(running, len(self.weights)) / len(self.weights) / 2
        self.history.append((now, self.left))
        while self.history[1][0] < now - SPEED_WINDOW_S:
            self.history.popleft()

    def seconds_left(self, now):
        """None where it is not known yet"""
        (since, left_then), (latest, left) = self.history[0], self.history[-1]
        if now - self.start < SETTLED_S or left_then <= left:
            return None
        return max(0, left * (latest - since) / (left_then - left) - (now - latest))

    def line(self, now):
        left = self.seconds_left(now)
        text = f"build: {self.finished}/{self.total} files, {clock(now - self.start)}"
        return text if left is None else f"{text}, about {clock(left)} left"


class Terminal:
    """One line that is written over."""

    def __init__(self, stream):
        self.stream = stream

    def show(self, progress, now):
        width = os.get_terminal_size(self.stream.fileno()).columns or 80  # 0: it does not know
        self.write("\r" + progress.line(now)[: width - 1] + "\x1b[K")

    def hide(self):
        self.write("\r\x1b[K")

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()


class Plain:
    """A line now and then, for files and logs."""

    def __init__(self, stream, now):
        self.stream = stream
        self.shown = now

    def show(self, progress, now):
        if now - self.shown >= PLAIN_EVERY_S:
            self.shown = now
            print(progress.line(now), file=self.stream, flush=True)

    def hide(self):
        pass


def ninja(folder, arguments, **options):
    environment = {**os.environ, "NINJA_STATUS": MARK.decode() + "%f %t %r "}
    return subprocess.Popen(["ninja", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, **options)


def fail(output, code):
    """Ends as ninja did."""
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    print("error: the build failed; the messages stand above", file=sys.stderr)
    sys.exit(code)


def plan(folder, arguments):
    """-> descriptions of what is to be done; [] where everything is up to date"""
    again = ninja(folder, ["build.ninja"], stderr=subprocess.STDOUT)  # CMake's own edge: a dry run stops at it
    output, _ = again.communicate()
    if again.returncode:
        fail(b"".join(line for line in output.splitlines(True) if not line.startswith(MARK)), 1)
    warnings = [line for line in output.splitlines(True) if not line.startswith((MARK, b"-- ", b"ninja: "))]
    sys.stdout.buffer.write(b"".join(warnings))
    sys.stdout.flush()
    dry = ninja(folder, ["-n", *arguments], stderr=subprocess.STDOUT)
    output, _ = dry.communicate()
    if dry.returncode:
        fail(output, 1)
    return [line[len(MARK):].split(b" ", 3)[3].decode(errors="replace") for line in output.splitlines() if line.startswith(MARK)]


def lines_of(stream, each_second):
    """Lines of a pipe as they come; calls `each_second` while none does."""
    rest = b""
    while True:
        if not select.select([stream], [], [], 1)[0]:
            each_second()
            continue
        block = os.read(stream.fileno(), 1 << 16)
        if not block:
            break
        *lines, rest = (rest + block).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def build(folder, arguments, descriptions):
    progress = Progress(descriptions, former_seconds(folder), guessed_seconds(folder), time.monotonic())
    display = Terminal(sys.stderr) if sys.stderr.isatty() else Plain(sys.stderr, progress.start)
    if isinstance(display, Plain):
        print(f"build: {progress.total} files to make", file=sys.stderr, flush=True)
    process = ninja(folder, arguments)
    stopped = []

    def pass_on(number, _):
        stopped.append(number)
        process.send_signal(number)  # Ctrl-C reaches ninja from the terminal too, which does no harm

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    for line in lines_of(process.stdout, lambda: display.show(progress, time.monotonic())):
        if line.startswith(MARK):
            finished, total, running, description = line[len(MARK):].rstrip(b"\n").split(b" ", 3)
            progress.finish(int(finished), int(total), int(running), description.decode(errors="replace"), time.monotonic())
            display.show(progress, time.monotonic())
        else:
            display.hide()
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    display.hide()
    code = process.wait()
    taken = clock(time.monotonic() - progress.start)
    if stopped:
        print(f"build: stopped at {progress.finished}/{progress.total} files; the same command goes on from there", file=sys.stderr)
        sys.exit(128 + stopped[0])
    if code:
        fail(b"", 1)
    print(f"build: {progress.finished} files in {taken}", file=sys.stderr)
    program = Path(folder).resolve() / "glint"
    if not arguments and program.exists() and shutil.which("glint") != str(program):
        print(f'build: puts glint on your path: export PATH="{program.parent}:$PATH"', file=sys.stderr)


def main():
    folder, *arguments = sys.argv[1:]
    if any(re.match(r"-[hntvd]|--", argument) for argument in arguments):  # asks for ninja's own words
        os.chdir(folder)
        os.execvp("ninja", ["ninja", *arguments])
    descriptions = plan(folder, arguments)
    if descriptions:
        build(folder, arguments, descriptions)


if __name__ == "__main__":
    main()
