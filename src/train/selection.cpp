#include "train/selection.h"

#include <map>

#include "glint/core/error.h"

namespace glint {
namespace {

using Member = double RetrievalMetrics::*;

Member member_of(const std::string& metric) {
  static const std::map<std::string, Member> members = {
      {"R@1", &RetrievalMetrics::r1},         {"R@5", &RetrievalMetrics::r5},
      {"R@10", &RetrievalMetrics::r10},       {"R@50", &RetrievalMetrics::r50},
      {"RSum", &RetrievalMetrics::rsum},      {"MRR", &RetrievalMetrics::mrr},
      {"nDCG@10", &RetrievalMetrics::ndcg10}, {"MdR", &RetrievalMetrics::median_rank},
      {"MnR", &RetrievalMetrics::mean_rank}};
  const auto found = members.find(metric);
  GLINT_CHECK(found != members.end(), "no metric '", metric, "'");
  return found->second;
}

}  // namespace

double selected_metric(const RetrievalMetrics& t2v, const RetrievalMetrics& v2t, const std::string& select) {
  const auto slash = select.find('/');
  if (slash == std::string::npos) return t2v.*member_of(select) + v2t.*member_of(select);
  return (select.starts_with("t2v/") ? t2v : v2t).*member_of(select.substr(slash + 1));
}

bool is_better(double score, double best, const std::string& select) {
  if (best < 0) return true;
  const bool is_rank = select.ends_with("/MdR") || select.ends_with("/MnR");
  return is_rank ? score < best : score > best;
}

}  // namespace glint
