#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/study/study.h"

namespace glint {

// One training of a study: an ordinary run folder, runs/<study>/<arm>-s<seed>-<hash of its settings>. A changed study
// file gives other cells and touches no folder of the cells before.
struct Cell {
  std::size_t arm = 0;  // of Study::arms
  std::int64_t seed = 0;
  std::string value;  // of a sweep, as a setting: "video.num_frames=12"; empty: the base's
  std::filesystem::path base;
  SettingWords words;  // of glint train, run.dir among them
  Config config;       // what they resolve to, but for what weights add
  std::filesystem::path folder;
};

// Every cell once, arms outside, then values, then seeds. Values that come to the same settings are one cell with
// several values. Throws Error naming file, line and arm where a setting does not exist or does not fit the others.
std::vector<Cell> cells_of(const Study& study);

// Folders in runs/<study> that look like cells and are none of these.
std::vector<std::filesystem::path> folders_of_no_cell(const Study& study, const std::vector<Cell>& cells);

enum class CellState { kDone, kRunning, kMissing, kFailed };
std::string to_text(CellState state);  // "done", "running", "missing", "failed"

struct CellStatus {
  CellState state = CellState::kMissing;
  std::string note;  // who works on it; why it failed; from which step it goes on
};

// What its folder tells. Running: a lease that lives, or a training started by hand.
CellStatus look_at_cell(const Study& study, const Cell& cell);

// Is the training over and evaluated?
bool is_trained(const Cell& cell);
// The folder of the evaluation on its own test split.
std::filesystem::path own_evaluation(const Cell& cell);
// The folder of an evaluation on another data set.
std::filesystem::path transfer_folder(const Cell& cell, const StudyTransfer& transfer);
// Those of the study's data sets that it is not evaluated on yet.
std::vector<StudyTransfer> missing_transfers(const Study& study, const Cell& cell);

// A cell that failed: its sentence, in the folder of the cell until it is tried again.
void note_failure(const Cell& cell, const std::string& sentence, int exit_code);
std::optional<std::string> read_failure(const Cell& cell);
void forget_failure(const Cell& cell);

// "no_icl, seed 2, video.num_frames=12".
std::string cell_text(const Study& study, const Cell& cell);

}  // namespace glint
