#include <chrono>
#include <memory>

#include "app/commands.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/datasets/demo_set.h"

namespace glint::app {
namespace {

DemoSetSummary make_or_tell(const DemoSetOptions& options) {
  try {
    return make_demo_set(options);
  } catch (const Stopped&) {
    log_info("stopped; the same command continues the set in ", options.folder.string());
    throw;
  }
}

void run(const DemoSetOptions& options) {
  catch_stop_signals();
  const auto start = std::chrono::steady_clock::now();
  const auto made = make_or_tell(options);
  const auto megabytes = (made.bytes + 999'999) / 1'000'000;
  const std::string what = concat(made.train, " train, ", made.val, " val and ", made.test, " test clips, ", megabytes,
                                  " MB, in ", options.folder.string());
  if (made.rendered == 0) {
    log_info("the demo set is complete, nothing to do: ", what);
  } else {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    log_info("rendered ", made.rendered, " clips in ", duration_text(took.count()), ": ", what);
  }
  log_info("train on it with: glint train configs/demo.yaml data.root=", options.folder.string());
}

}  // namespace

void add_demo_command(CLI::App& app) {
  auto* command = app.add_subcommand("demo", "Render the synthetic data set: short video files with captions");
  auto options = std::make_shared<DemoSetOptions>();
  command->add_option("OUT", options->folder, "Folder to write; a set begun there is completed")->required();
  command->add_option("--seed", options->seed, "Seed of the set; the same seed gives the same bytes")
      ->capture_default_str();
  command->add_option("--clips", options->clips, "Clips in all: 10 for training to 1 for validation to 2 for the test")
      ->capture_default_str();
  command->footer("Example: glint demo demo_data && glint train configs/demo.yaml data.root=demo_data");
  command->callback([options] { run(*options); });
}

}  // namespace glint::app
