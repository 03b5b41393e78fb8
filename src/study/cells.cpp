#include "glint/study/cells.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/study/cell_claim.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashDigits = 8;

std::vector<std::string> values_of(const Study& study) {
  std::vector<std::string> values;
  for (const auto& sweep : study.sweeps) {
    for (const auto& value : sweep.values) values.push_back(sweep.key + "=" + value);
  }
  if (values.empty()) values.emplace_back();
  return values;
}

// Of the settings that can change a result and are not the defaults: a setting that a later glint adds changes no name.
std::string hash_of_settings(const Config& config) {
  Config defaults;
  for (const auto& head : all_heads()) {
    if (head_name(head) == head_name(config.head)) defaults.head = head;
  }
  const auto untouched = list_settings(defaults);
  std::string text;
  for (const auto& setting : list_settings(config)) {
    const auto is_default = [&](const Setting& other) {
      return other.key == setting.key && other.value == setting.value;
    };
    const bool is_chosen = std::none_of(untouched.begin(), untouched.end(), is_default);
    if (setting.rule.changes_results && (is_chosen || setting.key == "head.name"))
      text += setting.key + "=" + setting.value + "\n";
  }
  return sha256(text).substr(0, kHashDigits);
}

Cell make_cell(const Study& study, std::size_t index, const std::string& value, std::int64_t seed) {
  const auto& arm = study.arms[index];
  Cell cell{.arm = index,
            .seed = seed,
            .value = value,
            .base = arm.base,
            .words = study.settings,
            .config = {},
            .folder = {}};
  cell.words.insert(cell.words.end(), arm.settings.begin(), arm.settings.end());
  if (!value.empty()) cell.words.push_back(value);
  cell.words.push_back(concat("train.seed=", seed));
  try {
    cell.config = read_config(cell.base, cell.words);
  } catch (const Error& problem) {
    throw Error(study.file.string(), " (line ", arm.line, "): arm ", arm.name, ": ", problem.what());
  }
  if (cell.config.data.test_split.empty()) {
    throw Error(study.file.string(), " (line ", arm.line, "): arm ", arm.name,
                ": data.test_split is empty, and a study compares on it; set it");
  }
  const auto hash = hash_of_settings(cell.config);
  cell.folder = study.folder() / concat(arm.name, "-s", seed, "-", hash);
  cell.words.push_back("run.dir=" + cell.folder.string());
  cell.config.run.dir = cell.folder.string();
  return cell;
}

// "<arm>-s<seed>-<hash>".
bool looks_like_a_cell(const std::string& name) {
  const auto dash = name.rfind('-');
  if (dash == std::string::npos || name.size() - dash - 1 != kHashDigits) return false;
  if (name.find_first_not_of("0123456789abcdef", dash + 1) != std::string::npos) return false;
  const auto seed = name.rfind("-s", dash - 1);
  return seed != std::string::npos && seed + 2 < dash && name.find_first_not_of("0123456789", seed + 2) == dash;
}

std::optional<std::int64_t> last_step(const Cell& cell) {
  const auto folder = cell.folder / "checkpoints";
  if (!files::is_folder(folder)) return std::nullopt;
  std::optional<std::int64_t> last;
  for (const auto& entry : files::list(folder)) {
    const auto name = entry.path.filename().string();
    if (!name.starts_with("step_") || name.find_first_not_of("0123456789", 5) != std::string::npos || name.size() == 5)
      continue;
    last = std::max<std::int64_t>(last.value_or(0), std::stoll(name.substr(5)));
  }
  return last;
}

fs::path failure_file(const Cell& cell) {
  return cell.folder / "failed.json";
}

bool has_evaluation(const fs::path& folder) {
  return files::exists(folder / "results.json") && files::exists(folder / "ranks.safetensors");
}

// Somebody may train there without the study.
bool is_trained_by_hand(const Cell& cell) {
  const auto lock = cell.folder / ".train.lock";
  return files::exists(lock) && !FileLock(lock).try_lock();
}

}  // namespace

std::vector<Cell> cells_of(const Study& study) {
  for (const auto& transfer : study.evaluate_on) read_config(transfer.config, {});  // known before anything is trained
  std::vector<Cell> cells;
  for (std::size_t arm = 0; arm < study.arms.size(); ++arm) {
    for (const auto& value : values_of(study)) {
      for (const auto seed : study.arms[arm].seeds) cells.push_back(make_cell(study, arm, value, seed));
    }
  }
  return cells;
}

std::vector<fs::path> folders_of_no_cell(const Study& study, const std::vector<Cell>& cells) {
  std::vector<fs::path> others;
  if (!files::is_folder(study.folder())) return others;
  std::set<fs::path> known;
  for (const auto& cell : cells) known.insert(cell.folder);
  for (const auto& entry : files::list(study.folder())) {
    if (entry.is_folder && looks_like_a_cell(entry.path.filename().string()) && !known.contains(entry.path))
      others.push_back(entry.path);
  }
  return others;
}

std::string to_text(CellState state) {
  switch (state) {
    case CellState::kDone:
      return "done";
    case CellState::kRunning:
      return "running";
    case CellState::kMissing:
      return "missing";
    case CellState::kFailed:
      return "failed";
  }
  return "";
}

fs::path own_evaluation(const Cell& cell) {
  return cell.folder / "eval" / cell.config.data.test_split;
}

fs::path transfer_folder(const Cell& cell, const StudyTransfer& transfer) {
  return cell.folder / "eval" / ("on_" + transfer.name);
}

bool is_trained(const Cell& cell) {
  return files::exists(cell.folder / "results.json") && has_evaluation(own_evaluation(cell));
}

std::vector<StudyTransfer> missing_transfers(const Study& study, const Cell& cell) {
  std::vector<StudyTransfer> missing;
  for (const auto& transfer : study.evaluate_on) {
    if (!has_evaluation(transfer_folder(cell, transfer))) missing.push_back(transfer);
  }
  return missing;
}

CellStatus look_at_cell(const Study& study, const Cell& cell) {
  if (!files::is_folder(cell.folder)) return {};
  const bool trained = is_trained(cell);
  const auto left = missing_transfers(study, cell);
  if (trained && left.empty()) return {CellState::kDone, ""};
  if (const auto holder = CellClaim::holder(cell.folder)) return {CellState::kRunning, *holder};
  if (is_trained_by_hand(cell)) return {CellState::kRunning, "glint train"};
  if (auto failure = read_failure(cell)) return {CellState::kFailed, *failure};
  if (trained) return {CellState::kMissing, concat("trained; not evaluated on ", left.front().name)};
  if (const auto step = last_step(cell)) return {CellState::kMissing, concat("goes on from step ", *step)};
  return {};
}

void note_failure(const Cell& cell, const std::string& sentence, int exit_code) {
  const nlohmann::ordered_json json = {{"sentence", sentence}, {"exit_code", exit_code}};
  write_file(failure_file(cell), json_text(json, 2) + "\n");
}

std::optional<std::string> read_failure(const Cell& cell) {
  const auto file = failure_file(cell);
  if (!files::exists(file)) return std::nullopt;
  const auto json = parse_json_object(read_file(file, 1 << 20), file.string());
  const auto sentence = json.find("sentence");
  return sentence != json.end() && sentence->is_string() ? sentence->get<std::string>() : "failed.json tells no cause";
}

void forget_failure(const Cell& cell) {
  files::remove(failure_file(cell));
}

std::string cell_text(const Study& study, const Cell& cell) {
  auto text = concat(study.arms[cell.arm].name, ", seed ", cell.seed);
  if (!cell.value.empty()) text += ", " + cell.value;
  return text;
}

}  // namespace glint
