#!/usr/bin/env python3
"""Prints one line on a ctest run from the file that `ctest --output-junit FILE` wrote, as

1103 passed (1 left parts out: no shared data), 0 failed, 24 skipped: 14 no GPU, 6 GLINT_TEST_PYTHON is not set, 4 no shared data

usage: scripts/count_tests.py FILE [NOTE]      NOTE: said at the line's end

Why a test is skipped is the first phrase of its own message (up to a colon, semicolon or full stop). A test that passed but could not check
everything has printed "left out: WHAT: WHY". ctest's own closing lines count a skipped test as passed, and its JUnit totals count a test
that could not start as skipped.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

LONGEST_REASON = 60


def outcome(case):
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    if status == "disabled" or (skipped is not None and skipped.get("message", "").startswith("SKIP_")):
        return "skipped"
    return "failed"


def phrase(text):
    """The first phrase, short: "no GPU: there is no driver" -> "no GPU"."""
    first = re.split(r"[:;]\s|[.:;]?$", text.strip().splitlines()[0], maxsplit=1)[0]
    return first if len(first) <= LONGEST_REASON else first[: LONGEST_REASON - 3].rstrip() + "..."


def output(case):
    return case.findtext("system-out") or ""


def skip_reason(case):
    if case.get("status") == "disabled":
        return "disabled"
    said = re.search(r": Skipped\n(.+)", output(case)) or re.search(r"skipped ['\"](.+)['\"]", output(case))
    return phrase(said[1]) if said else "no reason given"


def left_out(case):
    """Why parts of a test that passed were not checked; one reason each."""
    return {phrase(line[1]) for line in re.finditer(r"^left out: .+?: (.+)$", output(case), re.MULTILINE)}


def listed(reasons):
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def summary(cases):
    by_outcome = {name: [case for case in cases if outcome(case) == name] for name in ("passed", "failed", "skipped")}
    line = f"{len(by_outcome['passed'])} passed"
    partial = Counter(reason for case in by_outcome["passed"] for reason in left_out(case))
    if partial:
        line += f" ({', '.join(f'{count} left parts out: {reason}' for reason, count in sorted(partial.items()))})"
    line += f", {len(by_outcome['failed'])} failed, {len(by_outcome['skipped'])} skipped"
    reasons = Counter(map(skip_reason, by_outcome["skipped"]))
    return line + (f": {listed(reasons)}" if reasons else "")


def main():
    line = summary(list(ElementTree.parse(sys.argv[1]).getroot().iter("testcase")))
    note = sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"{line}; {note}" if note else line)


if __name__ == "__main__":
    main()
