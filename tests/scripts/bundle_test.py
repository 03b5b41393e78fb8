"""Makes a bundle of what is built and starts it from another folder, with the LibTorch of this build.

usage: bundle_test.py LIBTORCH
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBTORCH = sys.argv.pop(1)


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={**os.environ, **environment})


class BundleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.bundle = Path(cls.folder.name) / "some where"
        made = run(ROOT / "scripts" / "bundle", cls.bundle, GLINT_LIBTORCH=LIBTORCH)
        assert made.returncode == 0, made.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_it_starts_from_anywhere_with_its_own_libraries(self):
        started = run(self.bundle / "glint", "--version", GLINT_LIBTORCH=LIBTORCH)
        self.assertEqual(started.returncode, 0, started.stderr)
        paths = f"{self.bundle}/lib:{LIBTORCH}/lib"  # as the start script sets them
        traced = run(self.bundle / "bin" / "glint", "--version", LD_LIBRARY_PATH=paths, LD_DEBUG="libs")
        opened = [Path(line.split("calling init: ")[1]) for line in traced.stderr.splitlines() if "calling init: " in line]
        mine = {path.name for path in (self.bundle / "lib").iterdir()}
        self.assertGreater(len(mine.intersection(path.name for path in opened)), 10)
        for path in opened:
            shared = (Path(LIBTORCH) / "lib" / path.name).exists()  # glint takes LibTorch's, glint-decode the bundle's
            if path.name in mine and not shared:
                self.assertEqual(path.resolve().parent, (self.bundle / "lib").resolve(), path)

    def test_doctor_finds_what_it_carries(self):
        doctor = run(self.bundle / "glint", "doctor", GLINT_LIBTORCH=LIBTORCH)
        self.assertEqual(doctor.returncode, 0, doctor.stderr)
        self.assertRegex(doctor.stdout, "ok +FFmpeg")
        self.assertRegex(doctor.stdout, "LibTorch +2")

    def test_the_program_it_decodes_in_is_there_and_starts(self):
        checked = run(self.bundle / "bin" / "glint-decode", "--check", LD_LIBRARY_PATH=f"{self.bundle}/lib")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("writing into files: refused", checked.stdout)

    def test_the_systems_and_libtorchs_libraries_stay_out(self):
        for path in (self.bundle / "lib").iterdir():
            self.assertNotRegex(path.name, r"^(libc|libm|libstdc\+\+|libtorch.*|libc10.*|libcudart)\.so")

    def test_without_a_libtorch_it_says_what_is_missing(self):
        refused = run(self.bundle / "glint", "--version", GLINT_LIBTORCH=self.folder.name)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("holds no lib/libtorch_cpu.so", refused.stderr)

    def test_what_is_there_is_not_written_over(self):
        refused = run(ROOT / "scripts" / "bundle", self.bundle, GLINT_LIBTORCH=LIBTORCH)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is there already", refused.stderr)


if __name__ == "__main__":
    unittest.main()
