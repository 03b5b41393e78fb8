#include "e2e/small_run.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "glint/core/error.h"

namespace glint::test {

namespace fs = std::filesystem;

fs::path small_demo_set() {
  const char* set = std::getenv("GLINT_TEST_DATA");  // of a bundle: where this build was is another machine's affair
  const auto folder = fs::path(set != nullptr ? set : GLINT_TEST_DATA) / "demo_65";
  const auto result = run_program({"demo", folder.string(), "--clips", "65"});  // waits where another test makes it
  if (result.exit_code != 0) throw Error("glint demo: ", result.err);
  return folder;
}

std::vector<std::string> small_settings() {
  return {"data.root=" + small_demo_set().string(),
          "train.threads=1",
          "train.batch_size=8",
          "train.epochs=2",
          "video.image_size=32",
          "model.towers.vision_layers=1",
          "model.towers.text_layers=1",
          "model.temporal_layers=1"};
}

std::vector<std::string> small_training(const fs::path& run_dir, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"train", "configs/demo.yaml", "run.dir=" + run_dir.string()};
  const auto settings = small_settings();
  words.insert(words.end(), settings.begin(), settings.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> plain_training(const fs::path& run_dir, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"data.cache_mb=0", "data.val_split=", "data.test_split="};
  words.insert(words.end(), more.begin(), more.end());
  return small_training(run_dir, words);
}

std::vector<std::string> logged(const fs::path& run_dir, const std::string& key) {
  std::map<int64_t, std::string> values;
  std::ifstream in(run_dir / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && !json.contains("split") && json.contains(key))
      values[json.at("step")] = json.at(key).dump();
  }
  std::vector<std::string> in_order;
  for (const auto& [step, value] : values) in_order.push_back(value);
  return in_order;
}

}  // namespace glint::test
