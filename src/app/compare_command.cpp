#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/compare_runs.h"
#include "glint/core/error.h"
#include "glint/eval/comparison.h"
#include "glint/report/comparison_table.h"

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
      "Compare evaluated runs query by query: difference, 95 % interval, p-value, smallest visible difference");
  command
      ->add_option(
          "runs", options->runs,
          "Run folders, evaluation folders or results.json files; NAME=RUN,RUN,RUN for one system trained with several "
          "seeds. Runs whose settings differ only in train.seed are grouped anyway")
      ->required();
  command->add_option("--baseline", options->baseline,
                      "System that the others are compared with: its name, or its number from 1 (default: the first)");
  command
      ->add_option("--metric", options->comparison.metrics,
                   "Metrics, with commas between: R@1 (any number), RSum, MnR, MRR, nDCG@10, MAP, after t2v/ or v2t/")
      ->delimiter(',')
      ->type_name("METRIC")
      ->allow_extra_args(false);
  command->add_option("--split", options->split, "Split whose evaluation is taken from a run folder")
      ->capture_default_str();
  command
      ->add_option("--correction", options->correction,
                   "Correction of the p-values of several systems: holm (chance of any false alarm), bh (fraction of "
                   "false alarms), none")
      ->check(CLI::IsMember({"holm", "bh", "none"}))
      ->capture_default_str();
  command->add_option("--seed", options->comparison.resampling.seed, "Seed of the random draws")->capture_default_str();
  command->add_option("--resamples", options->comparison.resampling.resamples, "Resamples of the bootstrap")
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
