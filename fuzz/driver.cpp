// main() of every fuzz program: feeds the target its seeds, then mutations of them. README.md.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "fuzz/failure_report.h"
#include "fuzz/mutator.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace glint::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kMegabyte = 1e6;  // bytes

struct Options {
  std::vector<std::string> paths;  // seed files, and folders of them
  std::uint64_t runs = 0;
  std::uint64_t seed = 1;
  unsigned limit_s = 10;    // of one input
  double memory_mb = 2000;  // most resident memory
};

struct Totals {
  double longest_s = 0;
  std::string longest;
};

std::vector<fs::path> seed_files(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const fs::path path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  }
  if (files.empty()) throw Error("no seed file was named; fuzz/seeds has a folder of them for each target");
  std::sort(files.begin(), files.end());  // a folder has no order of its own
  return files;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / kMegabyte;
}

void run_one(const std::string& name, const Input& input, const Options& options, Totals& totals) {
  at_hand(name, input);
  const auto start = Clock::now();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (seconds > totals.longest_s) {
    totals.longest_s = seconds;
    totals.longest = name;
  }
  if (peak_mb() > options.memory_mb) fail(concat("the input takes the process to ", peak_mb(), " MB"));
}

int run(const std::string& program, const Options& options) {
  const auto start = Clock::now();
  std::vector<Input> seeds;
  Totals totals;
  const auto files = seed_files(options.paths);
  report_failures(program + ".failed", options.limit_s);
  for (const auto& file : files) {
    const auto bytes = read_file(file);
    seeds.emplace_back(bytes.begin(), bytes.end());
    run_one(file.string(), seeds.back(), options, totals);
  }
  for (std::uint64_t i = 0; i < options.runs; ++i) {
    const auto input = mutated(seeds, options.seed, i);
    run_one(concat("run ", i, " of --seed ", options.seed), input, options, totals);
  }
  limit_time(0);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::fprintf(stderr, "%s: %zu seeds and %llu mutations in %.1f s, at most %.0f MB; the slowest took %.3f s (%s)\n",
               program.c_str(), seeds.size(), static_cast<unsigned long long>(options.runs), seconds, peak_mb(),
               totals.longest_s, totals.longest.c_str());
  return 0;
}

}  // namespace
}  // namespace glint::fuzz

int main(int argc, char** argv) {
  const auto program = std::filesystem::path(argv[0]).filename().string();
  glint::fuzz::Options options;
  CLI::App app("Feeds a reader of foreign bytes seed files and mutations of them (fuzz/README.md).", program);
  app.add_option("files", options.paths, "Seed files, or folders of them")->required();
  app.add_option("--runs", options.runs, "Mutations after the seeds")->capture_default_str();
  app.add_option("--seed", options.seed, "Chooses the mutations")->capture_default_str();
  app.add_option("--limit-s", options.limit_s, "Seconds of computing that one input may take")->capture_default_str();
  app.add_option("--memory-mb", options.memory_mb, "Resident memory that the process may reach")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  try {
    return glint::fuzz::run(program, options);
  } catch (const glint::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
