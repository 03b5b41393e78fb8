#!/usr/bin/env python3
"""Prints "N passed, N failed, N skipped" of a ctest run from the file that `ctest --output-junit FILE` wrote.

usage: scripts/count_tests.py FILE

ctest's own closing lines count a skipped test as passed, and its JUnit totals count a test that could not start as skipped.
"""
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter


def outcome(case):
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    if status == "disabled" or (skipped is not None and skipped.get("message", "").startswith("SKIP_")):
        return "skipped"
    return "failed"


def main():
    counts = Counter(map(outcome, ElementTree.parse(sys.argv[1]).getroot().iter("testcase")))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")


if __name__ == "__main__":
    main()
