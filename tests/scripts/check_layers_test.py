"""Plants violations in a small tree and looks whether scripts/check_layers.py names each with file and line."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_layers.py"

GOOD = {
    "include/glint/core/error.h": "#include <string>\n",
    "include/glint/io/safetensors.h": '#include <torch/types.h>\n#include "glint/core/error.h"\n',
    "include/glint/config/config.h": "#include <variant>\n",
    "include/glint/media/image.h": "#include <vector>\n",
    "include/glint/data/clip.h": '#include "glint/io/safetensors.h"\n',
    "include/glint/model/head.h": "#include <torch/nn/module.h>\n",
    "src/model/literal/glscl.h": "#pragma once\n",
    "benchmarks/head/forms.cpp": '#include "model/literal/glscl.h"\n',
    "tests/model/glscl_test.cpp": '#include "model/literal/glscl.h"\n',
    "src/core/log.cpp": "#include <spdlog/spdlog.h>\n",
    "src/io/safetensors.cpp": '#include <nlohmann/json.hpp>\n#include "glint/io/safetensors.h"\n',
    "src/media/libav.h": "extern \"C\" {\n#include <libavcodec/avcodec.h>\n}\n",
    "src/media/reader.cpp": '#include "media/libav.h"\n#include "glint/media/image.h"\n',
    "src/app/main.cpp": '#include "glint/model/head.h"\n#include "glint/data/clip.h"\n',
    "tests/media/reader_test.cpp": '#include <torch/torch.h>\n#include "media/libav.h"\n#include "support/judge.h"\n',
    "tests/support/judge.h": '#include "glint/model/head.h"\n',
}


class CheckLayersTest(unittest.TestCase):
    def run_on(self, planted):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **planted}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)

    def expect_violation(self, name, text, place, words):
        result = self.run_on({name: text})
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)
        self.assertTrue(result.stdout.startswith(f"{name}:{place}: "), result.stdout)
        self.assertIn(words, result.stdout)

    def test_a_good_tree_passes_silently(self):
        result = self.run_on({})
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_a_room_must_not_include_one_above_it(self):
        self.expect_violation("src/io/bad.cpp", '\n#include "glint/model/head.h"\n', 2, "'io' must not include 'model'")
        self.expect_violation("tests/io/bad_test.cpp", '#include "glint/model/head.h"\n', 1, "'io' must not include 'model'")

    def test_lower_rooms_can_be_forbidden_too(self):
        self.expect_violation("src/model/bad.cpp", '#include "glint/data/clip.h"\n', 1, "'model' must not know 'data'")

    def test_private_headers_stay_in_their_room(self):
        self.expect_violation("src/app/bad.cpp", '#include "media/libav.h"\n', 1, "private to room 'media'")

    def test_torch_is_seen_through_other_headers(self):
        self.expect_violation("src/core/bad.cpp", "#include <torch/torch.h>\n", 1, "'core' must not see torch")
        self.expect_violation("src/media/bad.cpp", '#include "glint/io/safetensors.h"\n', 1, "comes with 'glint/io/safetensors.h'")

    def test_public_headers_show_no_library_that_is_ours_alone(self):
        for include in ("libavutil/frame.h", "yaml-cpp/yaml.h", "opencv2/imgproc.hpp", "nlohmann/json.hpp", "spdlog/spdlog.h"):
            self.expect_violation("include/glint/data/bad.h", f"#pragma once\n#include <{include}>\n", 2, "must not show")

    def test_spdlog_lives_in_one_file(self):
        self.expect_violation("src/data/bad.cpp", "#include <spdlog/spdlog.h>\n", 1, "only src/core/log.cpp")

    def test_literal_forms_are_for_tests_and_the_bench(self):
        include = '#include "model/literal/glscl.h"\n'
        self.expect_violation("src/app/bad.cpp", include, 1, "the literal forms are for tests")
        self.expect_violation("src/model/heads/bad.cpp", include, 1, "the literal forms are for tests")

    def test_unknown_rooms_and_headers_are_named(self):
        result = self.run_on({"src/attic/bad.cpp": "#include <string>\n"})
        self.assertEqual((result.returncode, result.stdout), (1, "src/attic:1: 'attic' is no room; check_layers.py lists them\n"))
        self.expect_violation("src/data/bad.cpp", '#include "glint/data/none.h"\n', 1, "no header of ours")

    def test_a_file_that_uses_torch_includes_it(self):
        self.expect_violation("src/data/bad.cpp", "#include <string>\n// torch::Tensor\ntorch::Tensor x;\n", 3, "without including")


if __name__ == "__main__":
    unittest.main()
