"""Plants broken references in a small tree and looks whether scripts/check_references.py names each with file and line."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_references.py"

GOOD = {
    "README.md": "# glint\n\n[methods](docs/methods.md#34-score-and-losses), [tests](tests/parity), [outside](https://example.org/none.md)\n",
    "docs/methods.md": "# Methods\n\n## 3. GLSCL\n\n### 3.4 Score and losses\n\n## 10. Several processes\n\n```\n## 7. no heading\n```\n",
    "docs/weights.md": "# Weights\n\nSee `methods.md`, [above](#weights) and `src/model/<name>.cpp`; `benchmarks/bench` measures.\n",
    "src/model/head.cpp": "// GLSCL (methods 3, 3.4); docs/weights.md tells more. Note [late mask]: as released.\n",
    "src/model/tail.cpp": "// What a long comment says of Note [late\n// mask] and methods 10.\nint methods = 7;  // 7 methods 9%\n",
    "benchmarks/bench.cpp": "int main() {}\n",
    "tests/parity/case.cpp": "\n",
}


class CheckReferencesTest(unittest.TestCase):
    def run_on(self, planted):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **planted}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)

    def expect_broken(self, name, text, line, words):
        result = self.run_on({name: text})
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)
        self.assertTrue(result.stdout.startswith(f"{name}:{line}: "), result.stdout)
        self.assertIn(words, result.stdout)

    def test_a_good_tree_passes_silently(self):
        result = self.run_on({})
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_a_section_of_the_methods_exists(self):
        self.expect_broken("src/model/bad.cpp", "\n// methods 3.5\n", 2, "docs/methods.md has no section 3.5")
        self.expect_broken("src/model/bad.cpp", "// methods 3, 3.6, 10\n", 1, "docs/methods.md has no section 3.6")

    def test_a_heading_in_a_code_block_is_none(self):
        self.expect_broken("src/model/bad.cpp", "// methods 7\n", 1, "docs/methods.md has no section 7")

    def test_a_numbered_section_of_any_page_exists(self):
        self.expect_broken("src/eval/bad.cpp", "// docs/weights.md 2\n", 1, "docs/weights.md has no section 2")

    def test_a_named_page_exists(self):
        self.expect_broken("include/glint/core/bad.h", "// design/evaluation.md\n", 1, "no page 'design/evaluation.md'")

    def test_a_note_is_defined_somewhere(self):
        self.expect_broken("src/model/bad.cpp", "// see Note [early mask]\n", 1, "the note [early mask]")

    def test_a_named_path_exists(self):
        self.expect_broken("configs/bad.yaml", "# as src/model/none.cpp has it\n", 1, "'src/model/none.cpp' does not exist")

    def test_a_link_leads_somewhere(self):
        self.expect_broken("docs/bad.md", "[x](none.txt)\n", 1, "the link 'none.txt' leads nowhere")

    def test_an_anchor_is_a_heading(self):
        self.expect_broken("docs/bad.md", "\n[x](methods.md#losses)\n", 2, "docs/methods.md has no such heading")


if __name__ == "__main__":
    unittest.main()
