#include <ATen/Parallel.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/decode_bench.h"
#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "head/bench.h"
#include "head/report.h"

namespace glint::app {

namespace {

void bench_heads(const std::string& head, const bench::HeadBenchOptions& options, bool json) {
  const auto heads = bench::heads_of(head, options);
  bench::check(heads, options);
  std::vector<bench::HeadReport> reports;
  for (const auto& config : heads) reports.push_back(bench::bench_head(config, options));
  std::cout << (json ? bench::reports_json(reports, options) : bench::reports_table(reports, options, head));
}

void add_head_bench(CLI::App& app) {
  struct Settings {
    std::string head;
    bench::HeadBenchOptions options;
    int threads = 0;
    bool json = false;
  };
  const auto settings = std::make_shared<Settings>();
  auto* command = app.add_subcommand("head", "Count and measure what heads cost, beside their formulas written out");
  command->footer(
      "Example: glint bench head --head glscl --texts 1000 --videos 1000\nWhat is counted and measured: docs/costs.md");
  auto& options = settings->options;
  const auto number = [&](const char* names, int64_t& value, const char* help) {
    command->add_option(names, value, help)->capture_default_str();
  };
  std::string known;
  for (const auto& name : head_names()) known += (known.empty() ? "" : ", ") + name;
  command->add_option("--head", settings->head, "Head: " + known + "; default: all");
  number("--texts", options.texts, "Number of captions");
  number("--videos", options.videos, "Number of videos");
  number("--frames", options.sizes.frames, "Frames of a video");
  number("--words", options.sizes.words, "Tokens of a caption");
  number("--dim,--width", options.sizes.width, "Width of the features");
  number("--queries", options.queries, "Learnt queries (glscl)");
  number("--block", options.block,
         "Largest number of texts and of videos to time; 0: as many as 10^12 multiply-accumulates allow");
  number("--literal-block", options.literal_block,
         "The same for the formula written out; 0: what fits into 1 GB, with --train into half of the free memory");
  number("--repeats", options.repeats,
         "Largest number of runs, of which the fastest counts; no new run starts after ten seconds");
  command->add_option("--threads", settings->threads, "CPU threads; 0: all cores")->capture_default_str();
  command->add_flag("--operators", options.operators, "Also time each head's form in operators beside its kernel");
  command->add_flag("--train", options.train, "Measure a training step of the head instead of scoring");
  number("--pairs", options.pairs, "Pairs of a training step");
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([settings] {
    if (settings->threads < 0) throw Error("--threads: ", settings->threads, " is below 0");
    if (settings->options.operators && settings->options.train) {
      throw Error("--operators: has no effect with --train, whose gradients come from operators; leave one out");
    }
    if (settings->threads > 0) at::set_num_threads(settings->threads);
    bench_heads(settings->head, settings->options, settings->json);
  });
}

void add_decode_bench(CLI::App& app) {
  struct Settings {
    DecodeBenchOptions options;
    bool json = false;
  };
  const auto settings = std::make_shared<Settings>();
  auto* command =
      app.add_subcommand("decode", "Measure how fast videos become frames: open, sample, decode, convert, resize");
  command->footer("Example: glint bench decode videos/ --frames 12 --threads 1 --compare");
  auto& options = settings->options;
  const auto number = [&](const char* name, int64_t& value, int64_t most, const char* help) {
    command->add_option(name, value, help)->check(CLI::Range(int64_t{1}, most))->capture_default_str();
  };
  command->add_option("DIR", options.path, "Folder of videos, searched recursively, or one file")->required();
  number("--frames", options.frames, 100'000, "Frames of a video, chosen from three a second");
  number("--size", options.size, 4096, "Side of the square pictures, pixels");
  number("--threads", options.threads, 1024, "Videos decoded at one time");
  number("--repeats", options.repeats, 1'000'000, "Passes over all videos, of which the fastest counts");
  command->add_flag("--compare", options.compare,
                    "Also time decoding in order and one seek for each frame, and compare the frames");
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([settings] {
    const auto report = bench_decode(settings->options);
    std::cout << (settings->json ? report_json(report, settings->options) : report_table(report, settings->options));
  });
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "Measure the speed of one stage");
  command->require_subcommand(1);
  command->footer("Example: glint bench decode videos/");
  add_head_bench(*command);
  add_decode_bench(*command);
}

}  // namespace glint::app
