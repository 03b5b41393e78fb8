#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/data_cache.h"
#include "app/data_stats.h"
#include "app/data_verify.h"
#include "glint/config/config_file.h"
#include "glint/core/error.h"

namespace glint::app {
namespace {

struct StatsOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool json = false;
};

void stats(const StatsOptions& options) {
  const auto config = read_config(options.config, options.overrides);
  const auto result = data_stats(config.data);
  std::cout << (options.json ? stats_json(result) : stats_table(result));
  for (const auto& split : result.splits) {
    if (!split.error.empty()) throw Error(split.error);
  }
}

}  // namespace

void add_data_command(CLI::App& app) {
  auto* data = app.add_subcommand("data", "Count, check or cache the files of a data set");
  data->require_subcommand(1);
  data->footer("Example: glint data stats configs/demo.yaml data.root=demo_data");
  auto options = std::make_shared<StatsOptions>();
  auto* command = data->add_subcommand(
      "stats", "Count videos, captions, words and missing files of each split and compare with the published counts");
  command->add_option("config", options->config, "Settings file (YAML), such as those in configs/")->required();
  command->add_option("overrides", options->overrides, "Settings that override the file's: section.key=value");
  command->add_flag("--json", options->json, "Print a JSON object, with every missing video, instead of a table");
  command->footer("Example: glint data stats configs/clip4clip/didemo.yaml data.root=/data/didemo");
  command->callback([options] { stats(*options); });
  add_data_verify(*data);
  add_data_cache(*data);
}

}  // namespace glint::app
