#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/compare_runs.h"
#include "app/compare_table.h"
#include "glint/core/error.h"
#include "glint/eval/comparison.h"

namespace glint::app {
namespace {

const std::map<std::string, Correction> kCorrections = {
    {"holm", Correction::kHolm}, {"bh", Correction::kBenjaminiHochberg}, {"none", Correction::kNone}};

struct CompareOptions {
  std::vector<std::string> runs;
  std::string baseline;
  std::string split = "test";
  std::string correction = "holm";
  ComparisonOptions comparison;
  bool json = false, markdown = false, latex = false, csv = false;
};

void compare(const CompareOptions& options) {
  ComparisonReport report;
  report.options = options.comparison;
  report.options.correction = kCorrections.at(options.correction);
  report.arms = read_compared_arms(options.runs, options.split);
  report.baseline = baseline_index(report.arms, options.baseline);
  report.comparisons = compare_arms(report.arms, report.baseline, report.options);
  const auto form = options.json       ? comparison_json
                    : options.markdown ? comparison_markdown
                    : options.latex    ? comparison_latex
                    : options.csv      ? comparison_csv
                                       : comparison_text;
  std::cout << form(report);
}

void add_form(CLI::App& command, std::vector<CLI::Option*>& forms, const std::string& name, bool& flag,
              const std::string& help) {
  auto* form = command.add_flag(name, flag, help);
  for (auto* other : forms) form->excludes(other);
  forms.push_back(form);
}

}  // namespace

void add_compare_command(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  auto* command = app.add_subcommand(
      "compare",
      "Compare evaluated runs query by query: difference, 95 % interval, p, and the smallest difference that shows");
  command
      ->add_option(
          "runs", options->runs,
          "Run folders, folders of an evaluation, or results.json files; NAME=RUN,RUN,RUN for the seeds of one "
          "arm. Runs whose settings differ in train.seed alone are one arm")
      ->required();
  command->add_option("--baseline", options->baseline,
                      "The arm that the others are compared with: its name, or its number from 1 (default: the first)");
  command
      ->add_option("--metric", options->comparison.metrics,
                   "Metrics, with commas between: R@1 (any number), RSum, MnR, MRR, nDCG@10, MAP, after t2v/ or v2t/")
      ->delimiter(',')
      ->type_name("METRIC")
      ->allow_extra_args(false);
  command->add_option("--split", options->split, "The split whose evaluation a run folder is asked for")
      ->capture_default_str();
  command
      ->add_option(
          "--correction", options->correction,
          "Of the p-values of several arms: holm (chance of any false alarm), bh (share of false alarms), none")
      ->check(CLI::IsMember({"holm", "bh", "none"}))
      ->capture_default_str();
  command->add_option("--seed", options->comparison.resampling.seed, "Of the random draws")->capture_default_str();
  command->add_option("--resamples", options->comparison.resampling.resamples, "Draws of the bootstrap; 100 to 1000000")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  std::vector<CLI::Option*> forms;
  add_form(*command, forms, "--json", options->json, "Print a JSON object instead of a table");
  add_form(*command, forms, "--markdown", options->markdown, "Print a Markdown table");
  add_form(*command, forms, "--latex", options->latex, "Print a LaTeX table (package booktabs)");
  add_form(*command, forms, "--csv", options->csv, "Print comma-separated values in full precision");
  command->footer(
      "Example: glint compare runs/mean_pool runs/glscl --metric t2v/R@1,v2t/R@1\n"
      "         glint compare base=runs/a1,runs/a2,runs/a3 new=runs/b1,runs/b2,runs/b3 --json");
  command->callback([options] { compare(*options); });
}

}  // namespace glint::app
