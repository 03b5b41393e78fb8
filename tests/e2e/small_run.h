#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace glint::test {

// A demo set of 65 clips, rendered by the program itself once for all tests of this build.
std::filesystem::path small_demo_set();

// Settings of configs/demo.yaml's training made small: a model of a few thousand weights on small_demo_set(), one
// thread.
std::vector<std::string> small_settings();

// Words for `glint train`: small_settings() into `run_dir`; `more` wins.
std::vector<std::string> small_training(const std::filesystem::path& run_dir,
                                        const std::vector<std::string>& more = {});

// The same that decodes every clip anew, and neither validates nor tests.
std::vector<std::string> plain_training(const std::filesystem::path& run_dir,
                                        const std::vector<std::string>& more = {});

// The values under `key` of the training steps in a run's metrics.jsonl, as they stand there, by step.
std::vector<std::string> logged(const std::filesystem::path& run_dir, const std::string& key);

}  // namespace glint::test
