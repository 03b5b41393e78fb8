#include <algorithm>
#include <fstream>

#include "glint/core/error.h"
#include "glint/optim/optimizer.h"
#include "parity/parity.h"

namespace glint::test {
namespace {

constexpr double kScheduleTolerance = 1e-12;  // of a rate, of 1e-4 of the peak where it is less

// Our schedule for one of the released tables; the warm-up as a share of all steps.
OptimConfig schedule_of(const nlohmann::json& table) {
  const auto name = table.at("schedule").get<std::string>();
  const double warmup = table.at("warmup").get<double>();
  const bool in_steps = table.at("warmup_unit") != "fraction of total";
  OptimConfig config;
  config.lr = table.at("base_rate").get<double>();
  config.warmup = in_steps ? warmup / table.at("total").get<double>() : warmup;
  config.schedule = name == "hf_cosine" || name == "centerclip_cosine" ? "cosine"
                    : name == "hf_linear"                              ? "warmup_linear"
                    : name == "hf_constant"                            ? "warmup_constant"
                                                                       : name;
  config.min_lr = table.value("floor", 0.0);
  return config;
}

}  // namespace

// rates.json: the rate of every step under the schedules of the released systems.
CaseReport check_schedule(const GoldenCase& golden) {
  CaseReport report;
  const auto path = golden.folder / "rates.json";
  std::ifstream in(path);
  const auto tables = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!tables.is_array()) throw Error(path.string(), ": is no list of tables");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto& table = tables[i];
    const auto config = schedule_of(table);
    const auto rates = table.at("rates").get<std::vector<double>>();
    for (std::size_t step = 0; step < rates.size(); ++step) {
      const double x = static_cast<double>(step) / table.at("total").get<double>();
      report.compare(concat(table.at("schedule").get<std::string>(), "[", i, "][", step, "]"),
                     config.lr * schedule_factor(config, x), rates[step],
                     kScheduleTolerance * std::max(rates[step], 1e-4 * config.lr));
    }
  }
  return report;
}

}  // namespace glint::test
