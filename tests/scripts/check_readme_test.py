"""Lets scripts/check_readme run the commands of a toy README, with a stand-in for glint.

usage: check_readme_test.py
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

README = """# toy
```
scripts/demo     # makes all
```
`export PATH="$PWD/build/release:$PATH"` and then `glint eval runs/demo` is said in a sentence.
```
docker build -t toy .
```
```
{"video": "videos/cat.mp4"}
data   glint data stats CONFIG    not a command
```
```sh
glint first \\
  second
glint third
```
"""


class CheckReadmeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "scripts").mkdir()
        shutil.copy(ROOT / "scripts/check_readme", self.root / "scripts/check_readme")
        self.write("glint", 'echo glint $* >>said; [ "$1" != bad ]')
        self.write("scripts/demo", "mkdir -p build/release; cp glint build/release/")

    def write(self, name, text):
        (self.root / name).write_text("#!/bin/sh\n" + text + "\n")
        (self.root / name).chmod(0o755)

    def run_it(self, readme, *arguments):
        (self.root / "README.md").write_text(readme)
        return subprocess.run([sys.executable, self.root / "scripts/check_readme", *arguments], capture_output=True, text=True, cwd="/",
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})

    def said(self):
        said = self.root / "said"
        return said.read_text().splitlines() if said.exists() else []

    def test_commands_run_in_their_order_in_the_checkout(self):
        ended = self.run_it(README)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertEqual(self.said(), ["glint first second", "glint third"])
        self.assertEqual(ended.stdout.splitlines()[-1], "4 commands ran, 0 of them on stand-ins; 2 were not run")

    def test_what_is_not_run_is_named_with_its_reason(self):
        lines = self.run_it(README).stdout.splitlines()
        self.assertIn("not run, needs Docker: README line 7: docker build -t toy .", lines)
        self.assertIn("not run, in a sentence or a table: README line 5: glint eval runs/demo", lines)

    def test_the_command_that_fails_is_named_and_ends_it(self):
        ended = self.run_it(README.replace("glint first", "glint bad"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("README line 14: glint bad \\: ended with 1; 2 commands before it ran", ended.stderr)
        self.assertEqual(self.said(), ["glint bad second"])

    def test_left_out_commands_are_listed(self):
        ended = self.run_it(README, "--leave-out", "glint third")
        self.assertIn("not run, left out by --leave-out glint third: README line 16: glint third", ended.stdout)
        self.assertEqual(self.said(), ["glint first second"])

    def test_a_list_runs_nothing(self):
        self.assertIn("would run: README line 3: scripts/demo", self.run_it(README, "--list").stdout)
        self.assertFalse((self.root / "build").exists())

    def test_a_page_without_commands_is_an_error(self):
        self.assertEqual(self.run_it("nothing").returncode, 1)


class ReadmeTest(unittest.TestCase):
    def test_the_readme_has_commands_and_every_one_is_known(self):
        ended = subprocess.run([sys.executable, ROOT / "scripts/check_readme", "--list"], capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("would run: README line", ended.stdout)
        self.assertIn("scripts/demo", ended.stdout)


if __name__ == "__main__":
    unittest.main()
