#include <chrono>
#include <memory>

#include <charconv>
#include <string>

#include "app/commands.h"
#include "glint/core/error.h"
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
  log_info("train on it with: glint train configs/", options.moments ? "demo_moments" : "demo",
           ".yaml data.root=", options.folder.string());
}

// What the command line says about the stories, before it is read.
struct StoryWords {
  std::string stories = "whole";
  std::string events = "4";
  std::string seconds = "4-6";
};

// "4" or "2-8". The limits are make_demo_set's to check.
template <class Number>
void read_range(const char* option, const std::string& text, Number& low, Number& high) {
  const char *begin = text.data(), *end = begin + text.size();
  auto read = std::from_chars(begin, end, low);
  high = low;
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, high);
  if (read.ec != std::errc() || read.ptr != end) {
    throw Error(option, ": '", text, "' is neither a number nor a range such as 3-8");
  }
}

void read_stories(const CLI::App& command, const StoryWords& words, DemoSetOptions& options) {
  if (words.stories == "whole") {
    if (command.count("--events") + command.count("--seconds") == 0) return;
    throw Error(
        "--events and --seconds are for --stories moments; whole clips have one to three events and lengths of their "
        "own");
  }
  if (words.stories != "moments") throw Error("--stories: '", words.stories, "' is neither whole nor moments");
  auto& moments = options.moments.emplace();
  read_range("--events", words.events, moments.min_events, moments.max_events);
  read_range("--seconds", words.seconds, moments.min_seconds, moments.max_seconds);
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
  auto words = std::make_shared<StoryWords>();
  command
      ->add_option(
          "--stories", words->stories,
          "What a caption tells: whole (all of a clip's one to three events) or moments (one of several moments, "
          "each of two things side by side)")
      ->capture_default_str();
  command->add_option("--events", words->events, "With moments: how many a clip has, a number or a range, from 2 to 8")
      ->capture_default_str();
  command->add_option("--seconds", words->seconds, "With moments: length of a clip, seconds, from 3 to 40")
      ->capture_default_str();
  command->footer("Example: glint demo demo_data && glint train configs/demo.yaml data.root=demo_data");
  command->callback([command, options, words] {
    read_stories(*command, *words, *options);
    run(*options);
  });
}

}  // namespace glint::app
