"""Gives scripts/count_tests.py files as ctest writes them.

usage: count_tests_test.py
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.sax.saxutils import escape

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "count_tests.py"
SKIPPED = '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'


def case(status, output="", inner=""):
    return f'<testcase name="t" status="{status}">{inner}<system-out>{escape(output)}</system-out></testcase>'


def skipped(message):
    return case("notrun", f"[ RUN      ] ATest.Holds\n/a/b_test.cpp:14: Skipped\n{message}\n[  SKIPPED ] ATest.Holds (0 ms)\n", SKIPPED)


class CountTestsTest(unittest.TestCase):
    def line(self, *cases, note=None):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tests.xml"
            path.write_text(f'<?xml version="1.0"?><testsuite>{"".join(cases)}</testsuite>')
            arguments = [sys.executable, SCRIPT, path] + ([note] if note else [])
            return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.rstrip("\n")

    def test_a_clean_run_is_three_numbers(self):
        self.assertEqual(self.line(case("run"), case("run")), "2 passed, 0 failed, 0 skipped")

    def test_reasons_are_the_messages_first_phrases_and_the_most_frequent_comes_first(self):
        self.assertEqual(
            self.line(
                case("run"),
                skipped("GLINT_TEST_PYTHON is not set; scripts/test --full sets it"),
                skipped("no GPU: there is no NVIDIA driver (libcuda.so.1)"),
                skipped("no GPU: the driver is too old"),
                case("disabled"),
            ),
            "1 passed, 0 failed, 4 skipped: 2 no GPU, 1 GLINT_TEST_PYTHON is not set, 1 disabled",
        )

    def test_a_long_message_is_cut(self):
        line = self.line(skipped("this file system holds no file of a terabyte, and neither does any other one that is here"))
        self.assertEqual(line, "0 passed, 0 failed, 1 skipped: 1 this file system holds no file of a terabyte, and neither...")

    def test_a_skip_without_a_message_is_still_counted(self):
        self.assertEqual(self.line(case("notrun", "", SKIPPED)), "0 passed, 0 failed, 1 skipped: 1 no reason given")

    def test_what_failed_or_could_not_start_has_failed(self):
        could_not_start = case("notrun", "", '<skipped message="Unable to find executable"/>')
        self.assertEqual(self.line(case("fail", "a.cpp:3: Failure\n"), could_not_start), "0 passed, 2 failed, 0 skipped")

    def test_a_test_that_left_parts_out_is_named_among_the_passed(self):
        part = case("run", "left out: digests (a, b): no shared data; GLINT_SHARED_DIR would hold them\n[       OK ] ATest.Holds\n")
        self.assertEqual(self.line(case("run"), part), "2 passed (1 left parts out: no shared data), 0 failed, 0 skipped")

    def test_the_note_stands_at_the_end(self):
        self.assertEqual(self.line(case("run"), note="no index"), "1 passed, 0 failed, 0 skipped; no index")


if __name__ == "__main__":
    unittest.main()
