#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/clip_strips.h"
#include "app/commands.h"
#include "app/compare_runs.h"
#include "app/explain_pairs.h"
#include "app/result_places.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/user_path.h"
#include "glint/report/run_report.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestPage = 20'000'000;  // bytes: with more, browsers and mail programs get slow

struct ReportOptions {
  std::vector<std::string> runs;
  std::string out;
  std::string eval_split = "test";
  std::string recipe;
  std::size_t queries = 24;
  bool is_split = false;
  bool no_videos = false;
  Resampling resampling;
};

std::vector<RunRecord> read_runs(const ReportOptions& options) {
  std::vector<RunRecord> runs;
  std::map<fs::path, std::string> seen;
  for (const auto& given : options.runs) {
    const auto word = expand_home(given, "report");
    const auto evaluation = evaluation_folder(word, options.eval_split);
    if (!seen.emplace(files::canonical(evaluation), word).second)
      throw Error(word, ": is given twice; give each run once");
    const auto folder = run_folder_of(evaluation);
    auto name = folder.filename().string();
    for (const auto& run : runs) {
      if (run.name == name) name = word;
    }
    runs.push_back(read_run_record(name, folder, evaluation));
  }
  return runs;
}

// runs/a/report.html; of several runs runs/b/report_against_a.html.
fs::path place_of(const ReportOptions& options, const std::vector<RunRecord>& runs) {
  if (!options.out.empty()) return expand_home(options.out, "--out");
  const auto& folder = runs.back().folder;
  if (runs.size() == 1) return folder / "report.html";
  return folder / concat("report_against_", runs.front().folder.filename().string(), ".html");
}

// The words that make the same report from anywhere.
std::string command_of(const ReportOptions& options, const std::vector<RunRecord>& runs) {
  std::string command = "glint report";
  for (const auto& run : runs) command += " " + run.folder.string();
  if (options.eval_split != "test") command += " --eval-split " + options.eval_split;
  if (options.queries != 24) command += concat(" --queries ", options.queries);
  return command + "\n";
}

void write_report(const RunReport& report, const ReportOptions& options, const fs::path& out) {
  const auto folder = out.stem().string() + "_files";
  html::Pictures pictures = options.is_split ? html::Pictures(folder) : html::Pictures();
  const auto page = run_report_page(report, options.queries, pictures);
  auto beside = pictures.files();
  const auto text = options.is_split ? html::split_page_text(page, folder, beside) : html::page_text(page);
  if (text.size() > kLargestPage)
    throw Error(out.string(), ": the page would have ", text.size() / 1'000'000, " MB, more than 20; ",
                options.is_split ? "" : "--split puts its pictures beside it, or ", "--queries ",
                std::max<std::size_t>(1, options.queries / 4), " shows fewer queries");
  for (const auto& file : beside) write_file(out.parent_path() / file.name, file.content);
  write_file(out, text);
  log_info("the report is ", out.string(), " (", (text.size() + 50'000) / 100'000 / 10.0, " MB",
           options.is_split ? ", with " + folder + "/ beside it)" : ")");
}

void report(const ReportOptions& options) {
  RunReport report;
  report.runs = read_runs(options);
  report.resampling = options.resampling;
  report.command = command_of(options, report.runs);
  if (!options.recipe.empty()) {
    report.recipe = read_config(expand_home(options.recipe, "--recipe"), {});
    report.recipe_name = options.recipe;
  }
  const auto out = place_of(options, report.runs);
  require_place(out, "; --out FILE puts the report elsewhere");
  const auto shown = shown_queries(report, options.queries);
  if (options.no_videos) {
    report.media.no_strips = "Pictures are left out, as --no-videos asked.";
  } else {
    add_strips(report.runs.back(), shown.videos, report.media);
    for (std::size_t i = 0; i < report.runs.size(); ++i) add_explanations(report.runs[i], i, shown.pairs, report.media);
  }
  write_report(report, options, out);
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  auto* command = app.add_subcommand(
      "report",
      "Write an HTML page about one run, or about several compared with the first: metrics, errors, queries, training");
  command
      ->add_option(
          "RUN", options->runs,
          "Run folders with an evaluation, or evaluation folders; of several the first is the baseline, and the "
          "last one's queries are shown")
      ->required();
  command->add_option("--out", options->out,
                      "HTML file to write (default: report.html in the run folder; of several runs "
                      "report_against_<first>.html in the last one's)");
  command->add_option("--eval-split", options->eval_split, "Split whose evaluation is taken from a run folder")
      ->capture_default_str();
  command
      ->add_option("--queries", options->queries, "Number of hardest queries shown with pictures, and of random ones")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--split", options->is_split,
                    "Put style, script and pictures into a folder beside the page, for sites that forbid inline ones");
  command->add_flag("--no-videos", options->no_videos, "Read no video: no pictures, no results by clip length");
  command->add_option("--recipe", options->recipe,
                      "Settings file that the run's settings are compared with (default: glint's defaults)");
  command->add_option("--seed", options->resampling.seed, "Seed of the random draws")->capture_default_str();
  command->add_option("--resamples", options->resampling.resamples, "Resamples of the bootstrap")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  command->footer(
      "Example: glint report runs/demo\n"
      "         glint report runs/mean_pool runs/glscl --out glscl.html");
  command->callback([options] { report(*options); });
}

}  // namespace glint::app
