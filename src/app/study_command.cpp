#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/result_places.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/study/cells.h"
#include "glint/study/shipped.h"
#include "glint/study/study.h"
#include "glint/study/study_report.h"
#include "glint/study/work.h"
#include "glint/train/train_plan.h"
#include "glint/weights/initialisation.h"

namespace glint::app {
namespace {

using Json = nlohmann::ordered_json;

// What a cell's training needs; the same for all its seeds, so that a model is built once for them.
class StudyPlans {
 public:
  const TrainPlan& of(const Cell& cell) {
    auto config = cell.config;
    config.train.seed = 0;
    const auto key = config_hash(config);
    const auto found = plans_.find(key);
    if (found != plans_.end()) return found->second;
    return plans_.emplace(key, plan_training(cell.config, cell.config.dist.processes)).first->second;
  }

 private:
  std::map<std::string, TrainPlan> plans_;
};

struct PlanOptions {
  std::string file;
  bool json = false;
};

std::string gib_text(double bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << bytes / (1 << 30);
  return out.str();
}

std::string hours_text(const std::optional<double>& hours) {
  if (!hours) return "?";
  std::ostringstream out;
  out << std::fixed << std::setprecision(*hours < 10 ? 2 : 0) << *hours;
  return out.str();
}

// What is known of a cell; without a plan where its training could not be planned, and the note says why.
struct PlannedCell {
  const Cell* cell;
  CellStatus status;
  std::optional<TrainPlan> plan;
};

std::vector<PlannedCell> plan_cells(const Study& study, const std::vector<Cell>& cells) {
  StudyPlans plans;
  std::vector<PlannedCell> planned;
  for (const auto& cell : cells) {
    PlannedCell one{&cell, look_at_cell(study, cell), std::nullopt};
    try {
      one.plan = plans.of(cell);
    } catch (const Error& problem) {
      if (one.status.note.empty()) one.status.note = problem.what();
    }
    planned.push_back(std::move(one));
  }
  return planned;
}

Json cell_json(const Study& study, const PlannedCell& planned) {
  const auto& cell = *planned.cell;
  Json json = {{"arm", study.arms[cell.arm].name},
               {"seed", cell.seed},
               {"vary", cell.value},
               {"folder", cell.folder.string()},
               {"state", to_text(planned.status.state)},
               {"note", planned.status.note},
               {"base", cell.base.string()},
               {"words", cell.words}};
  for (const auto* key : {"steps", "memory_bytes", "disk_bytes", "tower_macs_per_step", "step_s", "hours"})
    json[key] = nullptr;
  if (!planned.plan) return json;
  json["steps"] = planned.plan->steps;
  json["memory_bytes"] = planned.plan->memory();
  json["disk_bytes"] = planned.plan->kept_checkpoints;
  json["tower_macs_per_step"] = planned.plan->tower_macs_per_step;
  if (planned.plan->step_s) json["step_s"] = *planned.plan->step_s;
  if (const auto hours = planned.plan->hours()) json["hours"] = *hours;
  return json;
}

void add_row(std::ostream& out, const std::vector<std::string>& cells) {
  constexpr int kWidths[] = {44, 9, 8, 8, 12, 10};
  for (std::size_t i = 0; i < std::size(kWidths); ++i)
    out << (i < 2 ? std::left : std::right) << std::setw(kWidths[i]) << cells[i];
  out << "  " << cells.back() << "\n";
}

std::string plan_table(const Study& study, const std::vector<PlannedCell>& planned) {
  std::ostringstream out;
  add_row(out, {"cell", "state", "steps", "hours", "memory GiB", "disk GiB", "folder"});
  std::map<CellState, int> counts;
  double hours = 0, disk = 0;
  bool all_hours = true;
  for (const auto& [cell, status, plan] : planned) {
    ++counts[status.state];
    std::vector<std::string> row = {cell_text(study, *cell), to_text(status.state), "?", "?", "?", "?"};
    if (plan) {
      row = {row[0],
             row[1],
             std::to_string(plan->steps),
             hours_text(plan->hours()),
             gib_text(static_cast<double>(plan->memory())),
             gib_text(static_cast<double>(plan->kept_checkpoints))};
      disk += static_cast<double>(plan->kept_checkpoints);
    }
    row.push_back(cell->folder.string());
    add_row(out, row);
    if (status.state == CellState::kDone) continue;
    const auto left = plan ? plan->hours() : std::nullopt;
    hours += left.value_or(0);
    all_hours = all_hours && left;
  }
  out << planned.size() << " cells: " << counts[CellState::kDone] << " done, " << counts[CellState::kRunning]
      << " running, " << counts[CellState::kFailed] << " failed, " << counts[CellState::kMissing] << " missing; "
      << gib_text(disk) << " GiB of disk at most";
  if (hours > 0)
    out << "; " << hours_text(hours) << " hours of training left"
        << (all_hours ? "" : ", of cells with measured steps");
  out << "\n";
  for (const auto& one : planned) {
    if (!one.status.note.empty()) out << cell_text(study, *one.cell) << ": " << one.status.note << "\n";
  }
  return out.str();
}

void plan(const PlanOptions& options) {
  const auto study = read_study(options.file);
  const auto cells = cells_of(study);
  const auto planned = plan_cells(study, cells);
  if (options.json) {
    Json rows = Json::array();
    for (const auto& one : planned) rows.push_back(cell_json(study, one));
    std::cout << json_text(rows, 2) << "\n";
    return;
  }
  std::cout << plan_table(study, planned);
  for (const auto& folder : folders_of_no_cell(study, cells))
    std::cout << folder.string() << ": belongs to no cell of this file any more; it stays\n";
}

int work(const std::string& file, WorkOptions options) {
  catch_stop_signals();
  options.program = files::target_of("/proc/self/exe");
  const auto study = read_study(file);
  for (const auto& cell : cells_of(study)) {
    if (const auto fault = initialisation_fault(cell.config); !fault.empty() && !files::exists(cell.folder))
      throw Error(file, ": ", cell_text(study, cell), ": ", fault);
  }
  const auto outcome = work_on(study, options);
  std::cout << outcome.done << " cells done by this call";
  if (outcome.running_elsewhere > 0) std::cout << ", " << outcome.running_elsewhere << " in work elsewhere";
  std::cout << ", " << outcome.failed.size() << " failed\n";
  for (const auto& [cell, sentence] : outcome.failed) std::cout << "failed: " << cell << ": " << sentence << "\n";
  if (outcome.failed.empty()) return 0;
  std::cout << "glint study work " << file << " --retry tries them again\n";
  return 1;
}

struct ReportOptions {
  std::string file, out;
  bool json = false, latex = false, csv = false;  // none: Markdown
};

void report(const ReportOptions& options) {
  const auto study = read_study(options.file);
  const auto page = options.out.empty() ? study.folder() / "report.html" : std::filesystem::path(options.out);
  require_place(page, "; --out FILE puts it elsewhere");
  const auto made = make_study_report(study);
  const auto form = options.json ? study_json : options.latex ? study_latex : options.csv ? study_csv : study_markdown;
  write_and_print([&] { write_file(page, study_html(made)); }, [&] { std::cout << form(made); });
  log_info("the same as a page to look at: ", page.string());
}

CLI::App* add(CLI::App& app, const char* name, const char* help, std::string& file) {
  auto* command = app.add_subcommand(name, help);
  command->add_option("FILE", file, "Study file (YAML)")->required();
  return command;
}

}  // namespace

void add_study_command(CLI::App& app) {
  auto* command = app.add_subcommand("study", "Answer one question by many runs: plan, train, compare, report");
  command->require_subcommand(1);

  struct Init {
    std::string name, data;
    bool demo = false;
  };
  auto inits = std::make_shared<Init>();
  std::string names;
  for (const auto& name : shipped_studies()) names += (names.empty() ? "" : ", ") + name;
  auto* init_command = command->add_subcommand("init", "Print a study file, ready to edit");
  init_command->add_option("NAME", inits->name, "Study: " + names)->required();
  auto* data = init_command->add_option("--data", inits->data, "Settings file that gives data, towers and training");
  init_command->add_flag("--demo", inits->demo, "Of the demo set, with budgets for two cores")->excludes(data);
  init_command->footer("Example: glint study init heads --data configs/glscl/msrvtt.yaml > heads.yaml");
  init_command->callback([inits] {
    if (inits->data.empty() && !inits->demo)
      throw Error(
          "glint study init: on which data? Add --demo, or --data with a settings file such as "
          "configs/glscl/msrvtt.yaml");
    std::cout << shipped_study(inits->name, inits->data);
  });

  auto plans = std::make_shared<PlanOptions>();
  auto* plan_command =
      add(*command, "plan", "List the cells with state, steps, hours, memory and disk; train nothing", plans->file);
  plan_command->add_flag("--json", plans->json, "Print a JSON array, one object a cell");
  plan_command->footer("Example: glint study plan losses.yaml");
  plan_command->callback([plans] { plan(*plans); });

  struct Work {
    std::string file;
    WorkOptions options;
  };
  auto works = std::make_shared<Work>();
  auto* work_command =
      add(*command, "work", "Train and evaluate free cells until none is left; start as many as there are machines",
          works->file);
  work_command->add_option("--only", works->options.only, "Work on the cells of this arm alone");
  work_command->add_flag("--retry", works->options.retries, "Try cells that failed again, once each");
  work_command->footer("Example: glint study work losses.yaml");
  work_command->callback([works] {
    if (const int code = work(works->file, works->options); code != 0) std::exit(code);
  });
  auto reports = std::make_shared<ReportOptions>();
  auto* report_command = add(*command, "report", "Compare the arms by what is done so far", reports->file);
  report_command->add_option("--out", reports->out, "HTML file to write (default: report.html in the study's folder)");
  std::vector<CLI::Option*> forms;
  const auto add_form = [&](const char* name, bool& flag, const char* help) {
    auto* form = report_command->add_flag(name, flag, help);
    for (auto* other : forms) form->excludes(other);
    forms.push_back(form);
  };
  add_form("--json", reports->json, "Print a JSON object instead of Markdown");
  add_form("--latex", reports->latex, "Print LaTeX tables (package booktabs)");
  add_form("--csv", reports->csv, "Print comma-separated values, a row a number");
  report_command->footer("Example: glint study report losses.yaml");
  report_command->callback([reports] { report(*reports); });

  command->footer("Example: glint study init losses --demo > losses.yaml && glint study work losses.yaml");
}

}  // namespace glint::app
