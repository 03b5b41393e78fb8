#include "glint/study/work.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "glint/config/config_file.h"
#include "glint/config/yaml_tree.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/study/cell_claim.h"
#include "glint/study/cells.h"
#include "study/child_process.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using study::ProgramEnd;

// A value as YAML writes it, as a word of the command line has it.
std::string without_quotes(const std::string& value) {
  return parse_yaml("value: " + value, "settings").children.front().second.text;
}

// data.* of another settings file that a cell's evaluation there has to say.
SettingWords data_of(const StudyTransfer& transfer, const Cell& cell) {
  SettingWords words;
  const auto other = read_config(transfer.config, {});
  const auto own = list_settings(cell.config);
  for (const auto& setting : list_settings(other)) {
    if (!setting.key.starts_with("data.") || setting.rule.role == SettingRole::kTraining) continue;
    const auto same = [&](const Setting& mine) { return mine.key == setting.key && mine.value == setting.value; };
    if (std::none_of(own.begin(), own.end(), same)) words.push_back(setting.key + "=" + without_quotes(setting.value));
  }
  return words;
}

class Worker {
 public:
  Worker(const Study& study, const WorkOptions& options) : study_(study), options_(options), cells_(cells_of(study)) {
    if (options.only.empty()) return;
    const auto is_arm = [&](const StudyArm& arm) { return arm.name == options.only; };
    if (std::none_of(study.arms.begin(), study.arms.end(), is_arm))
      throw Error("--only: ", study.file.string(), " has no arm '", options.only, "'");
  }

  WorkOutcome work() {
    while (work_on_one()) {
    }
    WorkOutcome outcome{.done = done_, .running_elsewhere = 0, .failed = {}};
    for (const auto& cell : cells_) {
      if (!is_ours(cell)) continue;
      const auto status = look_at_cell(study_, cell);
      if (status.state == CellState::kRunning) ++outcome.running_elsewhere;
      if (status.state == CellState::kFailed) outcome.failed.emplace_back(cell_text(study_, cell), status.note);
    }
    return outcome;
  }

 private:
  bool is_ours(const Cell& cell) const { return options_.only.empty() || study_.arms[cell.arm].name == options_.only; }

  // False: nothing free is left.
  bool work_on_one() {
    for (const auto& cell : cells_) {
      if (stop_requested() != 0) throw Stopped(stop_requested());
      if (!is_ours(cell) || !is_free(cell)) continue;
      const auto claim = CellClaim::take(cell.folder);
      if (!claim || !is_free_but_for_us(cell)) continue;
      forget_failure(cell);
      finish(cell);
      return true;
    }
    return false;
  }

  bool is_free(const Cell& cell) const {
    const auto state = look_at_cell(study_, cell).state;
    return state == CellState::kMissing || (state == CellState::kFailed && is_to_retry(cell));
  }
  // Another may have done it between our look and our claim.
  bool is_free_but_for_us(const Cell& cell) const {
    if (is_trained(cell) && missing_transfers(study_, cell).empty()) return false;
    return !read_failure(cell) || is_to_retry(cell);
  }
  bool is_to_retry(const Cell& cell) const {
    return options_.retries && std::find(tried_.begin(), tried_.end(), cell.folder) == tried_.end();
  }

  void finish(const Cell& cell) {
    tried_.push_back(cell.folder);
    const auto start = std::chrono::steady_clock::now();
    log_info(cell_text(study_, cell), ": begins in ", cell.folder.string());
    if (!is_trained(cell) && !run(cell, training(cell))) return;
    for (const auto& transfer : missing_transfers(study_, cell)) {
      if (!run(cell, evaluation(cell, transfer))) return;
    }
    ++done_;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    log_info(cell_text(study_, cell), ": done in ", duration_text(took.count()));
  }

  std::vector<std::string> training(const Cell& cell) const {
    std::vector<std::string> command = {options_.program.string(), "train", cell.base.string()};
    command.insert(command.end(), cell.words.begin(), cell.words.end());
    return command;
  }

  std::vector<std::string> evaluation(const Cell& cell, const StudyTransfer& transfer) const {
    const auto folder = transfer_folder(cell, transfer);
    std::vector<std::string> command = {options_.program.string(), "eval", cell.folder.string(), "--folder",
                                        folder.string()};
    const auto words = data_of(transfer, cell);
    command.insert(command.end(), words.begin(), words.end());
    return command;
  }

  // False: it failed, and a row says so.
  bool run(const Cell& cell, const std::vector<std::string>& command) {
    const auto name = cell_text(study_, cell);
    const auto end =
        study::run_program(command, [&](const std::string& line) { std::cerr << "[" << name << "] " << line << "\n"; });
    if (stop_requested() != 0) {
      log_info(name, ": stopped; glint study work ", study_.file.string(), " goes on with it");
      throw Stopped(stop_requested());
    }
    if (end.code == 0) return true;
    const auto sentence = !end.error.empty() ? end.error
                          : end.code > 128   ? concat("was killed by signal ", end.code - 128)
                                             : concat("ended with exit code ", end.code);
    note_failure(cell, sentence, end.code);
    log_error(name, ": ", sentence);
    return false;
  }

  const Study& study_;
  const WorkOptions& options_;
  std::vector<Cell> cells_;
  std::vector<fs::path> tried_;
  std::int64_t done_ = 0;
};

}  // namespace

WorkOutcome work_on(const Study& study, const WorkOptions& options) {
  return Worker(study, options).work();
}

}  // namespace glint
