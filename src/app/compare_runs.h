#pragma once

#include <string>
#include <vector>

#include "glint/eval/comparison.h"

namespace glint::app {

// The arms that the words of the command line name, in their order. A word is a run folder (its eval/<split>/), a
// folder of an evaluation, its results.json, or NAME=WORD,WORD,... for the runs of one arm. Runs given by themselves
// are one arm where their config.yaml differ in train.seed and run.dir alone and they were evaluated alike. Throws
// Error where nothing was evaluated there, or fewer than two arms are left.
std::vector<ComparedArm> read_compared_arms(const std::vector<std::string>& words, const std::string& split);

// The arm that --baseline names: its name, or its number from 1; empty: the first.
std::size_t baseline_index(const std::vector<ComparedArm>& arms, const std::string& baseline);

}  // namespace glint::app
