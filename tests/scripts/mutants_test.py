"""Reads scripts/mutants.txt and lets scripts/mutants judge faults of a toy program, whose build and tests are a shell script each.

usage: mutants_test.py
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LIST = """# toy
[eval]
src/rank.txt
- larger > own
+ larger >= own

src/rank.txt
- median
+ mean

src/rank.txt
-   a line that nobody reads
+ 
"""
BUILD = """#!/bin/sh
! grep -q 'mean' src/rank.txt || exit 1
mkdir -p build/release/tests/eval build/release/tests/parity
printf '#!/bin/sh\\ngrep -q "larger > own" src/rank.txt\\n' >build/release/tests/eval/eval_tests
printf '#!/bin/sh\\nexit 0\\n' >build/release/tests/parity/parity_tests
chmod +x build/release/tests/*/*_tests
"""


class MutantsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "toy"
        for name, text in {"scripts/mutants.txt": LIST, "scripts/build": BUILD, "src/rank.txt": "larger > own\nmedian\n  a line that nobody reads\n"}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.root / "scripts/build").chmod(0o755)
        (self.root / ".gitignore").write_text("/build/\n")
        shutil.copy(ROOT / "scripts/mutants", self.root / "scripts/mutants")
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "toy"]):
            subprocess.run(["git", *command], cwd=self.root, check=True)

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, self.root / "scripts/mutants", *arguments], capture_output=True, text=True, cwd=self.root,
                              env={name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GLINT_"))})

    def test_it_tells_what_is_seen_what_is_not_and_what_does_not_compile(self):
        ended = self.run_it()
        self.assertEqual(ended.returncode, 1, ended.stderr)
        lines = ended.stdout.splitlines()
        self.assertEqual(lines[0], "1/3 seen (eval_tests): eval: src/rank.txt: larger > own -> larger >= own")
        self.assertIn("unseen: eval: src/rank.txt: a line that nobody reads -> (left out)", lines)
        self.assertEqual(lines[-1], "3 faults, 3 tried: 1 seen, 1 unseen (50.0 %), 1 do not compile")
        self.assertIn("larger > own", (self.root / "src/rank.txt").read_text())

    def test_a_second_call_goes_on(self):
        self.assertIn("3 faults, 1 tried: 1 seen", self.run_it("--first", "1").stdout)
        again = self.run_it().stdout.splitlines()
        self.assertTrue(again[0].startswith("1/2 does not compile"), again)

    def test_a_text_that_is_not_there_once_ends_it(self):
        for text in ("larger\n", "larger > own\nlarger > own\nmedian\n  a line that nobody reads\n"):
            (self.root / "src/rank.txt").write_text(text)
            ended = self.run_it("--check")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("places have the text 'larger > own'", ended.stderr)

    def test_tests_that_fail_without_a_fault_end_it(self):
        (self.root / "src/rank.txt").write_text("smaller\n")
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qam", "ill"], cwd=self.root, check=True)
        (self.root / "src/rank.txt").write_text("larger > own\nmedian\n  a line that nobody reads\n")
        ended = self.run_it()
        self.assertEqual(ended.returncode, 1)
        self.assertIn("eval_tests fails without any fault", ended.stderr)


class ListTest(unittest.TestCase):
    def test_every_text_of_the_list_stands_once_in_its_file(self):
        ended = subprocess.run([sys.executable, ROOT / "scripts/mutants", "--check"], capture_output=True, text=True)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
