#!/usr/bin/env python3
"""Writes the hashes of the wheels behind every `name==version` line of requirements files, after a version has changed.

usage: scripts/pin_wheels.py [FILE...]     without FILE: all of third_party/requirements*.txt

Takes the wheel that pip would install for each Python that scripts/lib.sh names, on x86_64 and aarch64, with glibc 2.28 (the
oldest that torch's wheels run on) and with a new one. Downloads no wheel: pip's report holds the hash that the index gives.
"""
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURES = ("x86_64", "aarch64")
GLIBC_MINORS = (28, 41)  # of glibc 2


def python_minors():
    first, last = re.search(r"^python_minors=\((\d+) .*?(\d+)\)", (ROOT / "scripts/lib.sh").read_text(), re.M).groups()
    return range(int(first), int(last) + 1)


def platforms(architecture, glibc_minor):
    """What pip calls a machine with that glibc, best first, with the old names of some."""
    old = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    for minor in range(glibc_minor, 4, -1):
        yield f"manylinux_2_{minor}_{architecture}"
        if minor in old:
            yield f"{old[minor]}_{architecture}"


def wheels(requirements, python_minor, architecture, glibc_minor):
    """-> {name as written: (file name, SHA-256)} of what pip would install there"""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", "--no-deps",
               "--only-binary=:all:", "--implementation", "cp", "--python-version", f"3.{python_minor}", "--target", "unused"]
    command += [f"--platform={name}" for name in platforms(architecture, glibc_minor)] + requirements
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"error: Python 3.{python_minor} on {architecture}: {result.stderr.strip().splitlines()[-1]}")
    found = {}
    for item in json.loads(result.stdout)["install"]:
        info = item["download_info"]
        found[normal(item["metadata"]["name"])] = (info["url"].rsplit("/", 1)[1], info["archive_info"]["hashes"]["sha256"])
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def all_hashes(requirements):
    """-> {name: {hash, ...}}"""
    hashes, left = defaultdict(set), list(requirements)
    for architecture in ARCHITECTURES:
        for python_minor in python_minors():
            for glibc_minor in GLIBC_MINORS:
                found = wheels(left, python_minor, architecture, glibc_minor) if left else {}
                for name, (_, digest) in found.items():
                    hashes[name].add(digest)
                everywhere = {name for name, (file, _) in found.items() if file.endswith("-none-any.whl")}
                left = [line for line in left if normal(line.split("==")[0]) not in everywhere]
    return hashes


def pin(path):
    lines = [line.removesuffix(" \\") for line in path.read_text().splitlines() if not line.startswith("    --hash=")]
    requirements = [line for line in lines if line and not line.startswith("#")]
    hashes = all_hashes(requirements)
    text = []
    for line in lines:
        text.append(line)
        if line in requirements:
            text[-1] = " \\\n".join([line] + [f"    --hash=sha256:{digest}" for digest in sorted(hashes[normal(line.split("==")[0])])])
    path.write_text("\n".join(text) + "\n")


def main():
    files = [Path(name) for name in sys.argv[1:]] or sorted(ROOT.glob("third_party/requirements*.txt"))
    for path in files:
        pin(path)


if __name__ == "__main__":
    main()
