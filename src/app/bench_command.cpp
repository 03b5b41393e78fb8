#include <ATen/Parallel.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/head_bench.h"
#include "glint/core/error.h"

namespace glint::app {

namespace {

void print_json(const std::vector<Measurement>& measurements, const HeadBenchOptions& options) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& measured : measurements) {
    nlohmann::ordered_json object = {{"name", measured.name}, {"seconds", measured.seconds}};
    if (measured.peak_bytes) object["peak_bytes"] = *measured.peak_bytes;
    if (measured.macs) object["macs"] = *measured.macs;
    if (measured.ratio) object["ratio"] = *measured.ratio;
    object.update({{"texts", options.texts}, {"videos", options.videos}, {"frames", options.frames}});
    object.update({{"words", options.words}, {"queries", options.queries}, {"width", options.width}});
    object["threads"] = at::get_num_threads();
    array.push_back(std::move(object));
  }
  std::cout << array.dump(2) << '\n';
}

void print_table(const std::vector<Measurement>& measurements) {
  std::printf("%-32s %12s %14s %10s %8s\n", "name", "seconds", "peak MB", "GMAC", "ratio");
  for (const auto& measured : measurements) {
    const auto text = [](const char* format, const auto& value, double unit) {
      char buffer[32] = "-";
      if (value) std::snprintf(buffer, sizeof buffer, format, static_cast<double>(*value) / unit);
      return std::string(buffer);
    };
    std::printf("%-32s %12.4f %14s %10s %8s\n", measured.name.c_str(), measured.seconds,
                text("%.1f", measured.peak_bytes, 1e6).c_str(), text("%.2f", measured.macs, 1e9).c_str(),
                text("%.2f", measured.ratio, 1).c_str());
  }
}

void add_head_bench(CLI::App& bench) {
  struct Settings {
    HeadBenchOptions options;
    int threads = 0;
    bool json = false;
  };
  const auto settings = std::make_shared<Settings>();
  auto* command = bench.add_subcommand("head", "How fast a head scores pairs, and how much memory that takes");
  command->footer("Example: glint bench head --head glscl --texts 1000 --videos 1000");
  auto& options = settings->options;
  command->add_option("--head", options.head, "mean_pool, glscl, glccl, xclip, xpool or tight")->capture_default_str();
  command->add_option("--texts", options.texts, "Captions")->capture_default_str();
  command->add_option("--videos", options.videos, "Videos")->capture_default_str();
  command->add_option("--frames", options.frames, "Frames a video")->capture_default_str();
  command->add_option("--words", options.words, "Tokens a caption")->capture_default_str();
  command->add_option("--queries", options.queries, "Learned queries of glscl")->capture_default_str();
  command->add_option("--width", options.width, "Width of the features")->capture_default_str();
  command->add_option("--repeats", options.repeats, "Runs, of which the fastest counts")->capture_default_str();
  command->add_option("--threads", settings->threads, "CPU threads; 0: all cores")->capture_default_str();
  command->add_flag("--train", options.train, "A training step of the head instead of scoring");
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([settings] {
    if (settings->threads < 0) throw Error("--threads: ", settings->threads, " is below 0");
    if (settings->threads > 0) at::set_num_threads(settings->threads);
    const auto measurements = bench_head(settings->options);
    if (settings->json) {
      print_json(measurements, settings->options);
    } else {
      print_table(measurements);
    }
  });
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto* bench = app.add_subcommand("bench", "Measures the speed of one stage");
  bench->require_subcommand(1);
  add_head_bench(*bench);
}

}  // namespace glint::app
