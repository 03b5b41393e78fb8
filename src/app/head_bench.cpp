#include "app/head_bench.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "app/memory_peak.h"
#include "glint/core/error.h"
#include "glint/model/head.h"

namespace glint::app {

namespace {

constexpr int64_t kPreparedItems = 32;  // so many different items are prepared and repeated: speed does not see values
constexpr double kFeatureScale = 0.45;  // features as long as CLIP's: about 10 for width 512

HeadConfig config_of(const HeadBenchOptions& options) {
  if (options.head == "mean_pool") return MeanPoolConfig{};
  if (options.head == "glscl") {
    GlsclConfig config;
    config.queries = options.queries;
    return config;
  }
  throw Error("--head: no head '", options.head, "'; there are mean_pool, glscl");
}

void check(const HeadBenchOptions& options) {
  const std::pair<const char*, int64_t> sizes[] = {{"--texts", options.texts},    {"--videos", options.videos},
                                                   {"--frames", options.frames},  {"--words", options.words},
                                                   {"--width", options.width},    {"--queries", options.queries},
                                                   {"--repeats", options.repeats}};
  for (const auto& [name, value] : sizes) {
    if (value < 1) throw Error(name, ": ", value, " is not above 0");
  }
}

TextFeatures random_text(const HeadBenchOptions& options, int64_t items) {
  TextFeatures text;
  text.sentence = torch::randn({items, options.width}) * kFeatureScale;
  text.words = torch::randn({items, options.words, options.width}) * kFeatureScale;
  text.mask = torch::ones({items, options.words}, torch::kLong);
  return text;
}

VideoFeatures random_video(const HeadBenchOptions& options, int64_t items) {
  VideoFeatures video;
  video.frames = torch::randn({items, options.frames, options.width}) * kFeatureScale;
  video.clip_frames = video.frames;
  video.mask = torch::ones({items, options.frames}, torch::kLong);
  return video;
}

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

// The matrix products of the exact form, each one plain call into memory that is there already.
class Products {
 public:
  Products(const HeadBenchOptions& options, const TextFeatures& text, const VideoFeatures& video)
      : text_(text.sentence) {
    const auto A = options.texts, B = options.videos, T = options.frames, D = options.width;
    if (options.head == "mean_pool") {
      pooled_ = video.prepared.at("pooled");
      query_scores_ = torch::empty({A, B});
      macs_ = A * B * D;
      return;
    }
    frames_ = video.frames.view({B * T, D});
    gram_ = video.prepared.at("gram");
    nouns_ = text.prepared.at("concepts").flatten(1);
    visuals_ = video.prepared.at("concepts").flatten(1);
    dots_ = torch::empty({A, B * T});
    weights_ = torch::rand({B, A, T});
    weighted_ = torch::empty({B, A, T});
    query_scores_ = torch::empty({A, B});
    macs_ = A * B * (T * D + T * T + options.queries * D);
  }

  void run() {
    if (pooled_.defined()) {
      at::mm_out(query_scores_, text_, pooled_.t());
      return;
    }
    at::mm_out(dots_, text_, frames_.t());            // <c, V_t>
    at::bmm_out(weighted_, weights_, gram_);          // G w
    at::mm_out(query_scores_, nouns_, visuals_.t());  // s
  }

  int64_t macs() const { return macs_; }

 private:
  torch::Tensor text_, pooled_, frames_, gram_, nouns_, visuals_, dots_, weights_, weighted_, query_scores_;
  int64_t macs_ = 0;
};

std::vector<Measurement> bench_scoring(const HeadBenchOptions& options, RetrievalHead& head) {
  torch::NoGradGuard no_grad;
  head.eval();
  const auto text = repeated(head.prepare_text(random_text(options, kPreparedItems)), options.texts);
  const auto video = repeated(head.prepare_video(random_video(options, kPreparedItems)), options.videos);
  Products products(options, text, video);
  Measurement score{.name = "head_score/" + options.head};
  Measurement alone{.name = score.name + "/products_alone"};
  score.macs = alone.macs = products.macs();
  {
    const MemoryPeak peak;
    const auto result = head.score(text, video);
    score.peak_bytes = peak.bytes() - static_cast<int64_t>(result.nbytes());
  }
  products.run();
  for (int64_t i = 0; i < options.repeats; ++i) {
    score.seconds = std::min(score.seconds, seconds_of([&] { head.score(text, video); }));
    alone.seconds = std::min(alone.seconds, seconds_of([&] { products.run(); }));
  }
  score.ratio = score.seconds / alone.seconds;
  return {score, alone};
}

std::vector<Measurement> bench_step(const HeadBenchOptions& options, RetrievalHead& head) {
  const auto pairs = std::min(options.texts, options.videos);
  const auto raw_text = random_text(options, pairs);
  const auto raw_video = random_video(options, pairs);
  for (const auto& features : {raw_text.sentence, raw_text.words, raw_video.frames}) features.set_requires_grad(true);
  const auto step = [&] {
    const auto output = head.score_pairs(head.prepare_text(raw_text), head.prepare_video(raw_video));
    auto loss = output.scores.square().sum();
    for (const auto& aux : output.aux) loss = loss + aux.value;
    loss.backward();
  };
  head.train();
  step();  // also makes the memory of the gradients
  Measurement measured{.name = "head_step/" + options.head};
  {
    const MemoryPeak peak;
    step();
    measured.peak_bytes = peak.bytes();
  }
  for (int64_t i = 0; i < options.repeats; ++i) measured.seconds = std::min(measured.seconds, seconds_of(step));
  return {measured};
}

}  // namespace

std::vector<Measurement> bench_head(const HeadBenchOptions& options) {
  check(options);
  torch::manual_seed(1);
  const auto head = make_head(config_of(options), {options.width, options.words, options.frames});
  return options.train ? bench_step(options, *head) : bench_scoring(options, *head);
}

}  // namespace glint::app
