#include "glint/eval/evaluation.h"
#include "glint/core/json.h"

#include <torch/torch.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "eval/scoring.h"
#include "glint/core/error.h"
#include "glint/io/file_tensor.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using EvaluationClock = std::chrono::steady_clock;

double seconds_after(EvaluationClock::time_point start) {
  return std::chrono::duration<double>(EvaluationClock::now() - start).count();
}

nlohmann::json numbers_json(const RetrievalMetrics& m) {
  return {m.r1, m.r5, m.r10, m.r50, m.rsum, m.median_rank, m.mean_rank, m.mrr, m.ndcg10, m.queries, m.tied};
}

RetrievalMetrics numbers_of(const nlohmann::json& json) {
  RetrievalMetrics m;
  double* const numbers[] = {&m.r1, &m.r5, &m.r10, &m.r50, &m.rsum, &m.median_rank, &m.mean_rank, &m.mrr, &m.ndcg10};
  std::size_t i = 0;
  for (auto* number : numbers) *number = json.at(i++).get<double>();
  m.queries = json.at(i++).get<int64_t>();
  m.tied = json.at(i).get<int64_t>();
  return m;
}

// Why rank 0 could not rank; empty where it did.
struct Failure {
  std::string sentence;
  bool is_not_now = false;  // Note [failures]
};

// What rank 0 has counted, for all; where it failed, all fail alike.
void share(Communicator& peers, Evaluation& result, const Failure& failure) {
  nlohmann::json own;
  if (peers.rank() == 0) {
    own = {{"failure", failure.sentence},
           {"not_now", failure.is_not_now},
           {"t2v", numbers_json(result.t2v)},
           {"v2t", numbers_json(result.v2t)}};
  }
  const auto text = json_text(own);
  const auto shared = nlohmann::json::parse(peers.all_gather(text).front());
  if (const auto sentence = shared.at("failure").get<std::string>(); !sentence.empty()) {
    if (shared.at("not_now").get<bool>()) throw NotNow(sentence);
    throw Error(sentence);
  }
  result.t2v = numbers_of(shared.at("t2v"));
  result.v2t = numbers_of(shared.at("v2t"));
}

// The matrices of scores that an evaluation needs, on rank 0.
struct Writers {
  std::optional<ScoreWriter> own, bank_t2v, bank_v2t;
};

}  // namespace

Evaluation evaluate(RetrievalHead& head, FeatureSource& features, const EvaluationWork& work, Communicator& peers) {
  const torch::NoGradGuard no_grad;
  const bool leads = peers.rank() == 0;
  const auto start = EvaluationClock::now();
  const auto videos = features.videos();
  const auto& set = features.set();
  const bool has_bank = work.bank.has_value();
  VideoFeatures bank_videos;
  if (has_bank) bank_videos = work.bank->features->videos();
  double encode_s = seconds_after(start);

  Writers writers;
  const auto texts = std::ssize(set.queries), clips = std::ssize(set.gallery);
  if (leads) {
    auto metadata = score_metadata(set);
    metadata.insert(work.score_notes.begin(), work.score_notes.end());
    writers.own.emplace(texts, clips, work.scores, metadata);
  }
  std::vector<ScoredVideos> matrices = {{videos, leads ? &*writers.own : nullptr}};
  if (has_bank) {
    const auto& bank = work.bank->features->set();
    if (leads) {
      writers.bank_t2v.emplace(std::ssize(bank.queries), clips, fs::path(), std::map<std::string, std::string>());
      writers.bank_v2t.emplace(texts, std::ssize(bank.gallery), fs::path(), std::map<std::string, std::string>());
    }
    matrices.push_back({bank_videos, leads ? &*writers.bank_v2t : nullptr});
  }
  auto time = score_texts(head, features, matrices, work.config.block, peers);
  if (has_bank) {
    const auto more = score_texts(head, *work.bank->features, {{videos, leads ? &*writers.bank_t2v : nullptr}},
                                  work.config.block, peers);
    time.encode_s += more.encode_s;
    time.score_s += more.score_s;
  }

  const auto rank_start = EvaluationClock::now();
  Evaluation result;
  Failure failure;
  try {
    if (leads) {
      std::optional<BankScores> bank;
      if (has_bank) bank.emplace(BankScores{writers.bank_t2v->finish(), writers.bank_v2t->finish(), work.bank->name});
      result = rank_scores(writers.own->finish(), set, work, bank);
    }
  } catch (const Error& error) {
    if (peers.ranks() == 1) throw;
    failure = {error.what()};
  } catch (const NotNow& shortage) {  // a disk without room for the scores, say
    if (peers.ranks() == 1) throw;
    failure = {shortage.what(), /*is_not_now=*/true};
  }
  if (peers.ranks() > 1) share(peers, result, failure);
  result.skipped = set.skipped;
  result.clips = clips;
  result.encode_s = encode_s + time.encode_s;
  result.score_s = time.score_s + seconds_after(rank_start);
  return result;
}

ScoreFile read_scores(const fs::path& path) {
  auto file = open_safetensors(path);
  const auto value = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (value("format") != "glint scores")
    throw Error(path.string(), ": is no file of scores (glint eval --scores writes one)");
  if (value("version") != "1") {
    throw Error(path.string(), ": has version ", value("version"),
                " of the format, this glint reads version 1; evaluate again or use a newer glint");
  }
  auto set = parse_evaluated_set(value("set"), path.string());
  const auto found = file.tensors.find("scores");
  if (found == file.tensors.end()) throw Error(path.string(), ": has no tensor 'scores'; evaluate again");
  const auto& scores = found->second;
  if (scores.sizes() != std::vector<int64_t>{std::ssize(set.queries), std::ssize(set.gallery)} ||
      !torch::isFloatingType(scores.type())) {
    throw Error(path.string(), ": 'scores' is ", scores.type(), " ", scores.sizes(), " for ", set.queries.size(),
                " texts and ", set.gallery.size(), " videos; evaluate again");
  }
  return {scores, std::move(set), std::move(file.metadata)};
}

}  // namespace glint
