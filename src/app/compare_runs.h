#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glint/eval/comparison.h"

namespace glint::app {

// The arms that the words of the command line name, in their order. A word is a run folder (its eval/<split>/), a
// folder of an evaluation, its results.json, or NAME=WORD,WORD,... for the runs of one arm. Runs given by themselves
// are one arm where their config.yaml differ in train.seed and run.dir alone and they were evaluated alike. Throws
// Error where nothing was evaluated there, or fewer than two arms are left.
std::vector<ComparedArm> read_compared_arms(const std::vector<std::string>& words, const std::string& split);

// The folder with ranks.safetensors that a word of the command line means: a run folder's eval/<split>/, the folder of
// an evaluation, or that of its results.json. Throws Error where nothing was evaluated there.
std::filesystem::path evaluation_folder(const std::string& word, const std::string& split);

// runs/a of runs/a/eval/test; the folder itself where it stands alone. Absolute.
std::filesystem::path run_folder_of(const std::filesystem::path& evaluation);

// The arm that --baseline names: its name, or its number from 1; empty: the first.
std::size_t baseline_index(const std::vector<ComparedArm>& arms, const std::string& baseline);

}  // namespace glint::app
