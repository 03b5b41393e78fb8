#include "head/bench.h"

#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/model/head_descriptor.h"
#include "head/forms.h"
#include "head/memory_peak.h"
#include "head/products.h"
#include "model/heads/cpu/kernels.h"

// A texts, B videos, T frames, L words, D width, N texts and videos of a block.
namespace glint::bench {

namespace {

constexpr int64_t kPreparedItems = 32;  // so many different items are prepared and repeated: speed does not see values
constexpr double kEnoughSeconds = 10;   // no further run once all together took so long
constexpr double kLiteralBytes = 1e9;   // that the literal form's scoring may take,
constexpr double kLiteralMacs = 4e11;   // and multiply
constexpr double kEnoughMacs = 1e12;    // of the exact form: more pairs tell no more about its speed,
constexpr double kStepMacs =
    2e11;  // and of a training step, which multiplies about three times as often and keeps more
constexpr double kAgreement = 1e-3;  // of both forms' scores, as a share of the largest one
constexpr double kGradientAgreement =
    1e-2;  // and of their gradients' norm: softmaxes at temperature 0.01 magnify rounding

// `items` of them by repeating those of `prepared`.
template <class Features>
Features repeated(const Features& prepared, int64_t items) {
  const std::vector<Features> copies(static_cast<std::size_t>((items + size(prepared) - 1) / size(prepared)), prepared);
  return slice(concat(copies), 0, items);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Work {
  Measurement* measurement;
  std::function<void()> run;
};

// The fastest run of each, turn by turn.
void time(const std::vector<Work>& works, int64_t repeats) {
  double all = 0;
  for (int64_t i = 0; i < repeats && all < kEnoughSeconds; ++i) {
    for (const auto& [measurement, run] : works) {
      const double seconds = seconds_of(run);
      measurement->seconds = std::min(measurement->seconds, seconds);
      ++measurement->runs;
      all += seconds;
    }
  }
}

double free_bytes() {
  return static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// So many texts and videos that `pairs` of them are not exceeded, of `most`.
int64_t side_of(double pairs, int64_t most) {
  return std::clamp<int64_t>(static_cast<int64_t>(std::sqrt(pairs)), 1, most);
}

// N of the block that both forms are measured on, out of `most`.
int64_t literal_block(const HeadConfig& head, const HeadBenchOptions& options, int64_t most) {
  const auto& sizes = options.sizes;
  const double bytes = 4 * literal_floats(head, sizes, options.train);
  if (options.literal_block > 0) return std::min(options.literal_block, most);
  double pairs = options.train ? free_bytes() / 2 / bytes : kLiteralBytes / bytes;
  if (!options.train) pairs = std::min(pairs, kLiteralMacs / static_cast<double>(head_cost(head, sizes).released.pair));
  return side_of(pairs, most);
}

void say_block(const HeadConfig& head, const HeadBenchOptions& options, int64_t N) {
  const double bytes = 4 * literal_floats(head, options.sizes, options.train) * static_cast<double>(N * N);
  log_info(head_name(head), ": both forms, ", N, " x ", N, " pairs; the literal form takes about ",
           std::ceil(bytes / 1e6), " MB");
}

int64_t block_of(const HeadConfig& head, const HeadBenchOptions& options, int64_t items) {
  if (options.block > 0) return std::min(options.block, items);
  const auto macs = static_cast<double>(head_cost(head, options.sizes).exact.pair);
  return side_of((options.train ? kStepMacs : kEnoughMacs) / macs, items);
}

// Largest difference, as a share of the largest wanted value.
double difference(const torch::Tensor& actual, const torch::Tensor& wanted) {
  return ((actual - wanted).abs().max() / wanted.abs().max().clamp_min(1e-30)).item<double>();
}

void require_agreement(const std::string& head, double found, double allowed, const char* what) {
  GLINT_CHECK(found <= allowed, head, ": the ", what, " of both forms differ by ", found);
}

// ---- scoring

// Runs `head` once for its peak memory, beyond the result. -> the scores
torch::Tensor score_once(RetrievalHead& head, const TextFeatures& text, const VideoFeatures& video,
                         Measurement& measurement) {
  const MemoryPeak peak;
  auto scores = head.score(text, video);
  measurement.peak_bytes = peak.bytes() - static_cast<int64_t>(scores.nbytes());
  return scores;
}

void measure_all(HeadReport& report, const HeadConfig& config, const HeadBenchOptions& options, RetrievalHead& head) {
  const auto A = block_of(config, options, options.texts), B = block_of(config, options, options.videos);
  log_info(report.head, ": scoring ", A, " x ", B, " pairs");
  const auto text = repeated(head.prepare_text(random_text(options.sizes, kPreparedItems)), A);
  const auto video = repeated(head.prepare_video(random_video(options.sizes, kPreparedItems)), B);
  ProductRun products(pair_products(config, options.sizes, A, B));
  const auto macs = A * B * report.cost.exact.pair;
  report.ours = {.name = "head_score/" + report.head, .texts = A, .videos = B, .macs = macs};
  report.products = {.name = report.ours.name + "/products_alone", .texts = A, .videos = B, .macs = macs};
  const auto taken = cpu::kernels_taken();
  score_once(head, text, video, report.ours);
  const bool has_kernel = cpu::kernels_taken() > taken;
  products.run();
  std::vector<Work> works = {{&report.ours, [&] { head.score(text, video); }},
                             {&*report.products, [&] { products.run(); }}};
  if (options.operators && has_kernel) {
    report.operators = {.name = report.ours.name + "/operators", .texts = A, .videos = B, .macs = macs};
    works.push_back({&*report.operators, [&] {
                       const cpu::WithoutKernels without_kernels;
                       head.score(text, video);
                     }});
  }
  time(works, options.repeats);
}

void measure_block(HeadReport& report, const HeadConfig& config, const HeadBenchOptions& options, const Forms& forms) {
  const auto N = literal_block(config, options, std::min(options.texts, options.videos));
  say_block(config, options, N);
  const auto raw_text = random_text(options.sizes, N);
  const auto raw_video = random_video(options.sizes, N);
  const auto prepare = [&](RetrievalHead& head) {
    return std::pair(head.prepare_text(raw_text), head.prepare_video(raw_video));
  };
  const auto [text, video] = prepare(*forms.fast);
  const auto [literal_text, literal_video] = prepare(*forms.literal);
  const auto named = [&](const char* work, const char* form, const Macs& macs, bool items) {
    return Measurement{.name = work + report.head + form,
                       .texts = N,
                       .videos = N,
                       .macs = items ? N * (macs.text + macs.video) : N * N * macs.pair};
  };
  report.block = named("head_score/", "/block", report.cost.exact, false);
  report.literal = named("head_score/", "/literal", report.cost.released, false);
  report.prepare = named("head_prepare/", "/block", report.cost.exact, true);
  report.literal_prepare = named("head_prepare/", "/literal", report.cost.released, true);
  const auto scores = score_once(*forms.fast, text, video, report.block);
  const auto wanted = score_once(*forms.literal, literal_text, literal_video, report.literal);
  report.difference = difference(scores, wanted);
  require_agreement(report.head, report.difference, kAgreement, "scores");
  time({{&report.block, [&] { forms.fast->score(text, video); }},
        {&report.literal, [&] { forms.literal->score(literal_text, literal_video); }}},
       options.repeats);
  time(
      {{&*report.prepare, [&] { prepare(*forms.fast); }}, {&*report.literal_prepare, [&] { prepare(*forms.literal); }}},
      options.repeats);
}

// ---- a training step

// From features and back to them; every gradient is there already when it is measured.
struct Step {
  Step(const HeadSizes& sizes, int64_t pairs) : text(random_text(sizes, pairs)), video(random_video(sizes, pairs)) {
    for (const auto& features : inputs()) features.set_requires_grad(true);
  }
  std::vector<torch::Tensor> inputs() const { return {text.sentence, text.words, video.frames}; }

  torch::Tensor run(RetrievalHead& head) const {
    const auto output = head.score_pairs(head.prepare_text(text), head.prepare_video(video));
    auto loss = output.scores.square().sum();
    for (const auto& aux : output.aux) loss = loss + aux.value;
    loss.backward();
    return output.scores.detach();
  }

  TextFeatures text;
  VideoFeatures video;
};

// What a first step gives: scores [N, N], and the gradients of all features in one row.
struct StepResult {
  torch::Tensor scores, gradients;
};

StepResult first_step(RetrievalHead& head, const Step& step) {
  for (auto& input : step.inputs()) input.mutable_grad().reset();
  StepResult result{step.run(head), {}};
  std::vector<torch::Tensor> gradients;
  for (const auto& input : step.inputs()) {
    if (input.grad().defined()) gradients.push_back(input.grad().flatten());
  }
  result.gradients = torch::cat(gradients);
  return result;
}

void step_once(RetrievalHead& head, const Step& step, Measurement& measurement) {
  const MemoryPeak peak;
  step.run(head);
  measurement.peak_bytes = peak.bytes();
}

HeadReport bench_step(HeadReport report, const HeadConfig& config, const HeadBenchOptions& options,
                      const Forms& forms) {
  const auto pairs = block_of(config, options, options.pairs);
  const auto N = literal_block(config, options, pairs);
  say_block(config, options, N);
  const auto named = [&](const char* form, int64_t items) {
    return Measurement{.name = "head_step/" + report.head + form, .texts = items, .videos = items};
  };
  report.ours = named("", pairs);
  report.block = named("/block", N);
  report.literal = named("/literal", N);
  {
    const Step step(options.sizes, N);
    const auto actual = first_step(*forms.fast, step), wanted = first_step(*forms.literal, step);
    report.difference = difference(actual.scores, wanted.scores);
    require_agreement(report.head, report.difference, kAgreement, "scores");
    const auto apart = (actual.gradients - wanted.gradients).norm() / wanted.gradients.norm().clamp_min(1e-30);
    require_agreement(report.head, apart.item<double>(), kGradientAgreement, "gradients");
    step_once(*forms.fast, step, report.block);
    step_once(*forms.literal, step, report.literal);
    time({{&report.block, [&] { step.run(*forms.fast); }}, {&report.literal, [&] { step.run(*forms.literal); }}},
         options.repeats);
  }
  if (N == pairs) {
    const auto name = report.ours.name;
    report.ours = report.block;
    report.ours.name = name;
    return report;
  }
  log_info(report.head, ": a step of ", pairs, " pairs");
  const Step step(options.sizes, pairs);
  step.run(*forms.fast);
  step_once(*forms.fast, step, report.ours);
  time({{&report.ours, [&] { step.run(*forms.fast); }}}, options.repeats);
  return report;
}

}  // namespace

std::vector<HeadConfig> heads_of(const std::string& name, const HeadBenchOptions& options) {
  std::vector<HeadConfig> heads;
  std::string known;
  for (auto head : all_heads()) {
    known += (known.empty() ? "" : ", ") + head_name(head);
    if (!name.empty() && head_name(head) != name) continue;
    const auto set_queries = [&](auto& config) {
      if constexpr (requires { config.queries; }) config.queries = options.queries;
    };
    std::visit(set_queries, head);
    heads.push_back(std::move(head));
  }
  if (heads.empty()) throw Error("--head: no head '", name, "'; there are ", known);
  return heads;
}

void check(const std::vector<HeadConfig>& heads, const HeadBenchOptions& options) {
  const auto& sizes = options.sizes;
  const std::pair<const char*, int64_t> above_zero[] = {{"--texts", options.texts},     {"--videos", options.videos},
                                                        {"--frames", sizes.frames},     {"--words", sizes.words},
                                                        {"--dim", sizes.width},         {"--queries", options.queries},
                                                        {"--repeats", options.repeats}, {"--pairs", options.pairs}};
  for (const auto& [option, value] : above_zero) {
    if (value < 1) throw Error(option, ": ", value, " is not above 0");
  }
  if (options.block < 0) throw Error("--block: ", options.block, " is below 0");
  if (options.literal_block < 0) throw Error("--literal-block: ", options.literal_block, " is below 0");
  for (const auto& head : heads) {
    try {
      make_head(head, shape_of(sizes));
    } catch (const Error& error) {
      throw Error("--dim ", sizes.width, ", --frames ", sizes.frames, ": not for ", head_name(head), ": ",
                  error.what());
    }
  }
}

HeadReport bench_head(const HeadConfig& head, const HeadBenchOptions& options) {
  torch::manual_seed(1);
  const Forms forms(head, options.sizes);
  for (const auto& form : {forms.fast, forms.literal}) form->train(options.train);
  HeadReport report;
  report.head = head_name(head);
  report.cost = head_cost(head, options.sizes);
  if (options.train) return bench_step(std::move(report), head, options, forms);
  const torch::NoGradGuard no_grad;
  measure_all(report, head, options, *forms.fast);
  measure_block(report, head, options, forms);
  return report;
}

}  // namespace glint::bench
