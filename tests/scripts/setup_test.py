"""Starts setup, build, test, demo and .ci/run in copies of the scripts, with stand-ins for what takes long or needs a network.

usage: setup_test.py
"""
import fcntl
import hashlib
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import build_progress  # noqa: E402

NOBODY = 65534


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


class ScriptsTest(unittest.TestCase):
    """A copy of the scripts in a folder that everybody may read, and a folder for stand-ins that comes first in PATH."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.root.chmod(0o755)
        for name in ("scripts", "third_party", ".ci"):
            shutil.copytree(ROOT / name, self.root / name)
        self.stubs = self.root / "stubs"
        self.stubs.mkdir()
        self.cache = self.root / "cache"

    def stub(self, name, text):
        write(self.stubs / name, f"#!/bin/sh\n{text}\n", 0o755)

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLINT_", "PIP_", "XDG_"))}
        kept.update(PATH=f"{self.stubs}:{os.environ['PATH']}", GLINT_CACHE_DIR=str(self.cache), GLINT_SKIP_APT="1")
        kept.update(changes)
        return {name: str(value) for name, value in kept.items() if value is not None}

    def run_it(self, *command, prefix=(), **changes):
        return subprocess.run([*prefix, *command], capture_output=True, text=True, cwd=self.root, timeout=120,
                              env=self.environment(**changes))

    def script(self, name, *arguments, **changes):
        return self.run_it(self.root / "scripts" / name, *arguments, **changes)

    def from_lib(self, text, **changes):
        return self.run_it("bash", "-c", f"set -euo pipefail; . scripts/lib.sh; {text}", **changes).stdout.strip()

    def fake_libtorch(self):
        write(self.root / "libtorch/include/torch/torch.h", "")
        return self.root / "libtorch"

    def expect_error(self, result, words, code=1):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        self.assertRegex(errors[0], words)


class SetupTest(ScriptsTest):
    def as_nobody(self):
        """-> what makes a command one of a user who may not write everywhere"""
        if os.getuid() != 0:
            return []
        if not shutil.which("setpriv"):
            self.skipTest("this is root and there is no setpriv (util-linux)")
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", "PATH=" + str(self.stubs) + ":/usr/bin:/bin"]

    def test_an_unknown_argument_is_named(self):
        self.expect_error(self.script("setup", "--pyton"), "unknown argument '--pyton'")

    def test_without_home_the_accounts_home_is_taken(self):
        self.stub("getent", "echo me:x:1:1::/home/me:/bin/sh")
        self.assertEqual(self.from_lib('echo "$cache"', HOME=None, GLINT_CACHE_DIR=None), "/home/me/.cache/glint")

    def test_without_any_home_the_cache_folder_is_asked_for(self):
        self.stub("getent", "exit 2")
        self.expect_error(self.script("setup", HOME=None, GLINT_CACHE_DIR=None), "HOME is not set.*GLINT_CACHE_DIR")

    def test_a_cache_folder_that_cannot_be_written_to_is_named(self):
        self.cache.mkdir(mode=0o555)
        self.cache.chmod(0o555)
        refused = self.script("setup", prefix=self.as_nobody())
        self.expect_error(refused, f"{self.cache} cannot be written to; set GLINT_CACHE_DIR")

    def test_a_temporary_folder_that_is_missing_is_named(self):
        self.expect_error(self.script("setup", TMPDIR="/nowhere/tmp"), "/nowhere/tmp; set TMPDIR")

    def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(self):
        self.stub("df", "printf 'Filesystem 1M-blocks Used Available\\nx 9 9 300\\n'")
        self.expect_error(self.script("setup"), r"0\.3 GB free and .* needs? \d\.\d GB")

    def test_a_python_without_wheels_is_named_with_the_range(self):
        self.stub("python-old", "echo 3.10")
        refused = self.script("setup", GLINT_PYTHON="python-old")
        self.expect_error(refused, r"python-old is Python 3\.10 and the wheels are for Python 3\.11 to 3\.14.*GLINT_PYTHON")
        self.expect_error(self.script("setup", GLINT_PYTHON="python-none"), "python-none does not start.*GLINT_PYTHON")

    def test_where_python3_has_no_wheels_another_python_is_taken(self):
        self.stub("python3", "echo 3.10")
        self.stub("python3.11", "exit 127")
        self.stub("python3.12", "echo pypy 3.12")
        self.stub("python3.13", "echo 3.13")
        self.assertEqual(self.from_lib("python"), "python3.13")
        self.assertEqual(self.from_lib("python", GLINT_PYTHON="python3"), "python3")

    def test_without_root_the_missing_packages_stand_in_one_line(self):
        self.stub("dpkg-query", "exit 1")
        refused = self.script("setup", prefix=self.as_nobody(), GLINT_SKIP_APT=None)
        self.expect_error(refused, r"\d+ packages are missing")
        self.assertRegex(refused.stderr, r"sudo apt-get update && sudo apt-get install -y .* cmake .*\n.*README\.md")

    def test_elsewhere_what_the_build_lacks_is_named_and_setup_goes_on(self):
        self.stub("cmake", "echo cmake version 3.20.1")
        self.stub("pkg-config", '[ "$2" != libxxhash ]')
        done = self.script("setup", GLINT_LIBTORCH=self.fake_libtorch())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cmake 3.25 or newer (this one is 3.20.1)", done.stderr)
        self.assertIn("the pkg-config module libxxhash\n", done.stderr)
        self.assertNotIn("libavcodec", done.stderr)

    def test_a_driver_is_found_where_ldconfig_knows_it(self):
        self.stub("ldconfig", "echo 'libcuda.so.1 (libc6,x86-64) => /usr/lib/libcuda.so.1'")
        self.assertEqual(self.from_lib("has_driver && echo yes"), "yes")


class WheelsTest(ScriptsTest):
    """The pip of a real virtual environment, a package index in a folder, and `-m venv` that takes no time."""

    @classmethod
    def setUpClass(cls):
        cls.pip_folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.pip_folder.cleanup)
        subprocess.run([sys.executable, "-m", "venv", cls.pip_folder.name], check=True)

    def setUp(self):
        super().setUp()
        real = Path(self.pip_folder.name) / "bin/python"
        site = self.root / "site"
        write(self.root / "venv_python", f'#!/bin/sh\nPYTHONPATH={site} PIP_TARGET={site} exec {real} "$@"\n', 0o755)
        self.stub("python3", f"""[ "$2" != venv ] || {{ mkdir -p "$3/bin"; cp {self.root}/venv_python "$3/bin/python"; exit; }}
exec {sys.executable} "$@" """)
        self.stub("ldconfig", "")
        write(self.root / "scripts/lib.sh", (self.root / "scripts/lib.sh").read_text() + "has_driver() { false; }\n")
        write(self.root / "scripts/setup", (self.root / "scripts/setup").read_text().replace(
            "site=$(site_packages", f"site={site}; : $(site_packages"), 0o755)
        self.wheel = self.root / "index/torch-1.0-py3-none-any.whl"
        self.wheel.parent.mkdir()
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("torch/lib/libtorch_cpu.so", "")
            archive.writestr("torch-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 1.0\n")
            archive.writestr("torch-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr("torch-1.0.dist-info/RECORD", "")
        self.require("torch==1.0", hashlib.sha256(self.wheel.read_bytes()).hexdigest())

    def require(self, line, digest):
        write(self.root / "third_party/requirements.txt", f"# a comment\n{line} \\\n    --hash=sha256:{digest}\n")

    def setup_from_folder(self, **changes):
        return self.script("setup", **{"PIP_NO_INDEX": 1, "PIP_FIND_LINKS": self.wheel.parent, **changes})

    def expect_nothing_left(self):
        self.assertEqual([path.name for path in self.cache.iterdir()], ["setup.lock"])

    def test_the_pinned_wheel_is_installed_once(self):
        done = self.setup_from_folder()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"LibTorch is {self.root}/site/torch", done.stderr)
        self.wheel.unlink()
        again = self.setup_from_folder()
        self.assertEqual((again.returncode, again.stderr.count("installing")), (0, 0), again.stderr)

    def test_a_comment_makes_no_new_environment_and_a_hash_does(self):
        before = self.from_lib("venv_dir cpu")
        path = self.root / "third_party/requirements.txt"
        write(path, "# another comment\n" + path.read_text())
        self.assertEqual(self.from_lib("venv_dir cpu"), before)
        self.require("torch==1.0", "0" * 64)
        self.assertNotEqual(self.from_lib("venv_dir cpu"), before)

    def test_a_wheel_that_is_not_the_pinned_one_is_refused(self):
        self.require("torch==1.0", "0" * 64)
        refused = self.setup_from_folder()
        self.expect_error(refused, "third_party/requirements.txt .*hash differs.*nothing was installed")
        self.expect_nothing_left()

    def test_a_wheel_that_does_not_exist_for_this_machine_is_told(self):
        self.require("torch==2.0", "0" * 64)
        self.expect_error(self.setup_from_folder(), r"no wheel of .*Python 3\.11 to 3\.14.*glibc")
        self.expect_nothing_left()

    def test_an_index_that_cannot_be_reached_ends_with_3(self):
        refused = self.setup_from_folder(PIP_NO_INDEX=None, PIP_FIND_LINKS=None, PIP_INDEX_URL="http://127.0.0.1:9/simple",
                                         PIP_RETRIES=0, PIP_CONFIG_FILE=os.devnull, http_proxy=None, https_proxy=None)
        self.expect_error(refused, "index cannot be reached.*try again", code=3)
        self.expect_nothing_left()

    def test_a_full_disk_is_told_from_pips_words(self):
        write(self.root / "venv_python", "#!/bin/sh\necho 'ERROR: Could not install packages: [Errno 28] No space left on device'\nexit 1\n", 0o755)
        refused = self.setup_from_folder()
        self.expect_error(refused, "full; free some space.*TMPDIR")
        self.assertIn("[Errno 28]", refused.stderr)


NINJA_FILE = """rule cc
  command = {command}
  description = Building CXX object $out
build build.ninja: phony
build a.o: cc
build b.o: cc
build c.o: cc
"""


class BuildTest(ScriptsTest):
    """The real ninja on three files, configured by a stand-in for cmake."""

    def setUp(self):
        super().setUp()
        self.libtorch = self.fake_libtorch()
        self.calls = self.root / "cmake_calls"
        self.ninja_file = self.root / "given.ninja"
        self.stub("cmake", f'echo "$*" >>{self.calls}; cp {self.ninja_file} build/release/build.ninja')
        self.stub("ccache", "")
        self.commands("touch $out")

    def commands(self, command):
        write(self.ninja_file, NINJA_FILE.format(command=command))

    def build(self, *arguments, **changes):
        return self.script("build", *arguments, **{"GLINT_LIBTORCH": self.libtorch, **changes})

    def last_call(self):
        return self.calls.read_text().splitlines()[-1]

    def test_it_says_what_is_to_do_and_what_is_done(self):
        built = self.build()
        self.assertEqual((built.returncode, built.stdout), (0, ""), built.stderr)
        self.assertRegex(built.stderr, r"build: 3 files to make\nbuild: 3 files in 0:0\d\n$")

    def test_where_nothing_is_to_do_it_is_silent(self):
        self.build()
        again = self.build()
        self.assertEqual((again.returncode, again.stdout, again.stderr), (0, "", ""))

    def test_a_compilers_words_and_its_failure_are_passed_on(self):
        self.commands("echo $out: error: no such thing; exit 1")
        failed = self.build()
        self.expect_error(failed, "the build failed")
        self.assertRegex(failed.stdout, r"FAILED: [abc]\.o.*\n.*echo.*\n[abc]\.o: error: no such thing\n")
        self.assertNotIn("\x1e", failed.stdout)

    def test_a_warning_is_passed_on(self):
        self.commands("echo $out: warning: odd; touch $out")
        built = self.build()
        self.assertEqual(built.returncode, 0)
        self.assertEqual(sorted(built.stdout.splitlines()), [f"{name}.o: warning: odd" for name in "abc"])

    def test_an_unknown_target_is_named(self):
        failed = self.build("release", "nosuch")
        self.expect_error(failed, "the build failed")
        self.assertIn("unknown target 'nosuch'", failed.stdout)

    def test_it_configures_again_only_where_settings_have_changed(self):
        self.build()
        self.assertIn("-DGLINT_WERROR=OFF", self.last_call())
        self.assertIn("ccache", self.last_call())
        self.build()
        self.assertEqual(len(self.calls.read_text().splitlines()), 1)
        for number, change in enumerate(({"GLINT_WERROR": 1}, {"GLINT_CCACHE": 0}, {"PKG_CONFIG_PATH": "/opt/lib"}), 2):
            self.build(**change)
            self.assertEqual(len(self.calls.read_text().splitlines()), number, change)
            if "GLINT_WERROR" in change:
                self.assertIn("-DGLINT_WERROR=ON", self.last_call())
            if "GLINT_CCACHE" in change:
                self.assertIn("-DCMAKE_CXX_COMPILER_LAUNCHER= ", self.last_call() + " ")

    def test_a_failed_configuration_is_tried_again(self):
        self.stub("cmake", "echo 'CMake Error at CMakeLists.txt:1: no'; exit 1")
        for _ in range(2):
            self.expect_error(self.build(), "cmake could not configure.*configure.log")

    def test_a_signal_ends_ninja_too(self):
        self.commands("sleep 30")
        process = subprocess.Popen([self.root / "scripts/build"], stderr=subprocess.PIPE, text=True, cwd=self.root,
                                   env=self.environment(GLINT_LIBTORCH=self.libtorch))
        while "files to make" not in process.stderr.readline():
            pass
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertIn("the same command goes on from there", process.communicate(timeout=10)[1])
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    def test_on_a_terminal_one_line_moves_and_fits(self):
        self.build("release", "a.o")
        self.commands("sleep 1.2; touch $out")
        shutil.copy(self.ninja_file, self.root / "build/release/build.ninja")
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 16, 0, 0))
        subprocess.run([sys.executable, ROOT / "scripts/build_progress.py", self.root / "build/release"], stderr=theirs, check=True)
        text = os.read(ours, 1 << 16).decode()
        os.close(ours)
        os.close(theirs)
        lines = re.split(r"\r\n|\r|\x1b\[K", text)
        self.assertIn("build: 0/3 file", lines)
        moving, last = text.rsplit("\r\x1b[K", 1)
        self.assertNotIn("\n", moving)
        self.assertTrue(all(len(line) < 16 for line in lines[:-2]), lines)
        self.assertRegex(last, r"build: 3 files in 0:0\d")


class ProgressTest(unittest.TestCase):
    """Three files of 10, 20 and 90 s, one after the other."""

    def progress(self, former, guessed=None):
        return build_progress.Progress(["Building a.o", "Building b.o", "Building c.o"], former, guessed or {}, 0)

    def test_what_is_left_is_weighed_with_a_former_build(self):
        progress = self.progress({"a.o": 10, "b.o": 20, "c.o": 90})
        progress.finish(1, 3, 0, "Building a.o", 20)
        progress.finish(2, 3, 0, "Building b.o", 60)
        self.assertEqual(progress.seconds_left(60), 180)
        self.assertEqual(progress.seconds_left(100), 140)
        self.assertEqual(progress.line(60), "build: 2/3 files, 1:00, about 3:00 left")

    def test_a_file_that_no_former_build_knows_is_guessed(self):
        progress = self.progress({"a.o": 10, "b.o": 20}, {"a.o": 1, "b.o": 2, "c.o": 9})
        self.assertEqual(progress.weights["Building c.o"], 90)

    def test_at_first_nothing_is_guessed(self):
        progress = self.progress({})
        progress.finish(1, 3, 2, "Building a.o", 5)
        self.assertEqual(progress.line(5), "build: 1/3 files, 0:05")

    def test_a_file_gets_a_line_every_half_minute(self):
        with tempfile.TemporaryFile("w+") as stream:
            plain = build_progress.Plain(stream, now=0)
            for now in range(0, 100, 5):
                plain.show(self.progress({}), now)
            stream.seek(0)
            self.assertEqual(len(stream.read().splitlines()), 3)


JUNIT = """<testsuite name="x" tests="6" failures="1" disabled="1" skipped="2">
<testcase name="a" status="run"><system-out>fine</system-out></testcase>
<testcase name="b" status="run"/>
<testcase name="c" status="fail"><failure message=""/></testcase>
<testcase name="d" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
<testcase name="e" status="disabled"/>
<testcase name="f" status="notrun"><skipped message="Unable to find executable"/></testcase>
</testsuite>"""


class CountTest(ScriptsTest):
    """scripts/test and .ci/run, with stand-ins for setup, build and ctest."""

    def setUp(self):
        super().setUp()
        write(self.root / "junit.xml", JUNIT)
        self.setup_ends_with(0)
        write(self.root / "scripts/build", "#!/bin/sh\nmkdir -p build/release\n", 0o755)
        self.stub("ctest", f'while [ $# -gt 1 ]; do [ "$1" != --output-junit ] || cp {self.root}/junit.xml "$2"; shift; done; exit 8')

    def setup_ends_with(self, code):
        write(self.root / "scripts/setup", f'#!/bin/sh\n[ "$1" != --python ] || exit {code}\n', 0o755)

    def ci(self):
        return self.run_it("bash", self.root / ".ci/run")

    def test_the_last_line_is_the_count_and_ctests_code_is_kept(self):
        ended = self.script("test")
        self.assertEqual(ended.returncode, 8, ended.stderr)
        self.assertRegex(ended.stdout.splitlines()[-1], "^2 passed, 2 failed, 2 skipped: ")

    def test_ci_leaves_the_slow_tests_out_only_where_the_index_cannot_be_reached(self):
        self.setup_ends_with(3)
        ended = self.ci()
        self.assertEqual(ended.returncode, 8)
        self.assertRegex(ended.stdout.splitlines()[-1], "^2 passed, 2 failed, 2 skipped: .*; the package index could not be reached, ")
        self.setup_ends_with(1)
        ended = self.ci()
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))

    def test_ci_makes_warnings_errors(self):
        write(self.root / "scripts/build", '#!/bin/sh\nmkdir -p build/release; echo "werror $GLINT_WERROR"\n', 0o755)
        self.assertIn("werror 1", self.ci().stdout)


class DemoTest(ScriptsTest):
    def setUp(self):
        super().setUp()
        write(self.root / "scripts/setup", "#!/bin/sh\n", 0o755)
        write(self.root / "fake_glint", """#!/bin/sh
case $1 in
  demo) mkdir -p demo_data/videos; touch demo_data/manifest.json demo_data/videos/a.mp4 ;;
  train) run=${3#run.dir=}; mkdir -p "$run"; touch "$run/results.json" ;;
  export) mkdir -p "$3"; touch "$3/config.json" ;;
esac""", 0o755)
        write(self.root / "scripts/build", "#!/bin/sh\nmkdir -p build/release; cp fake_glint build/release/glint\n", 0o755)

    def test_it_says_before_what_is_to_do_and_after_what_it_took(self):
        libtorch = self.fake_libtorch()
        first = self.script("demo", GLINT_LIBTORCH=libtorch).stderr.splitlines()
        self.assertRegex(first[0], r"^demo: to do, .*: build \d+ min \S+ GB, render .*, train .*; in all about \d+ min and \S+ GB$")
        self.assertNotIn("wheels", first[0])
        times = ", ".join(rf"{part} \d+:\d\d" for part in ("packages", "wheels", "build", "render", "train", "in all"))
        self.assertRegex(first[-1], f"^demo: {times}$")
        again = self.script("demo", "run.dir=runs/other", GLINT_LIBTORCH=libtorch).stderr.splitlines()
        self.assertRegex(again[0], r"^demo: to do, on two cores: train \d+ min \S+ GB; in all")
        self.assertEqual(len(self.script("demo", GLINT_LIBTORCH=libtorch).stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
