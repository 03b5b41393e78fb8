#include "glint/study/shipped.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/nearest.h"

namespace glint {
namespace {

// What is the same on real sets and on the demo set. Every arm has the base's data, towers, schedule and number of
// steps; only the head differs.
struct Shipped {
  const char* name;
  const char* question;
  const char* arms;
  const char* real;  // what else a file for a real set says
  const char* demo;
};

constexpr const char* kHeads = R"(arms:  # the first is the baseline
  mean_pool: {head.name: mean_pool}
  glscl: {head.name: glscl}
  glccl: {head.name: glccl}
  xclip: {head.name: xclip}
  xpool: {head.name: xpool}
)";

const Shipped kShipped[] = {{"heads",
                             "How accurate is global-local consistency (GLSCL, GLCCL) beside attention between text "
                             "and video (X-Pool, X-CLIP), "
                             "in domain and across domains?",
                             kHeads,
                             R"(# Data sets on which every trained model is evaluated too, without training on them:
# evaluate_on: [configs/glscl/activitynet.yaml, configs/glscl/didemo.yaml]
measure: [accuracy, cost]
)",
                             "measure: [accuracy, cost]\n"},
                            {"convergence", "Which head learns faster?", kHeads,
                             "measure: [accuracy, convergence, cost]\n", "measure: [accuracy, convergence, cost]\n"},
                            {"length", "What does the number of frames do to accuracy and cost?", kHeads,
                             R"(vary: {video.num_frames: [4, 8, 12, 16, 32, 64]}
measure: [accuracy, cost]
)",
                             "vary: {video.num_frames: [1, 2, 4, 8]}\nmeasure: [accuracy, cost]\n"},
                            {"losses", "What do the auxiliary losses bring: ICL and IDL of GLSCL, CSC of GLCCL?",
                             R"(arms:  # the first is the baseline
  full: {head.name: glscl}
  no_icl: {head.name: glscl, head.icl_weight: 0}
  no_idl: {head.name: glscl, head.alpha: 0}
  no_icl_no_idl: {head.name: glscl, head.icl_weight: 0, head.alpha: 0}
  glccl: {head.name: glccl}
  glccl_no_csc: {head.name: glccl, head.csc_weight: 0}
)",
                             "measure: [accuracy]\n", "measure: [accuracy]\n"}};

const Shipped& find_shipped(const std::string& name) {
  for (const auto& one : kShipped) {
    if (name == one.name) return one;
  }
  const auto meant = nearest(name, shipped_studies());
  std::string all;
  for (const auto& known : shipped_studies()) all += (all.empty() ? "" : ", ") + known;
  throw Error("glint study init: there is no study '", name, "'", meant.empty() ? "" : "; did you mean " + meant + "?",
              " There are ", all);
}

// Words that YAML would not take as they stand are quoted.
std::string yaml_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::vector<std::string> shipped_studies() {
  std::vector<std::string> names;
  for (const auto& one : kShipped) names.emplace_back(one.name);
  return names;
}

std::string shipped_study(const std::string& name, const std::string& config) {
  const auto& shipped = find_shipped(name);
  const bool is_demo = config.empty();
  const bool curves = name == "convergence";
  const auto set_name = is_demo ? std::string("demo") : std::filesystem::path(config).stem().string();
  // MSR-VTT's recipes train on all videos, as published; the other sets have a validation split or none at all.
  bool holds_out = false;
  if (!is_demo) {
    const auto data = read_config(config, {}).data;
    holds_out = data.name == "msrvtt" && data.val_split.empty();
  }
  std::ostringstream out;
  out << "# glint study plan FILE lists the cells, glint study work FILE trains them, glint study report FILE "
         "compares.\n"
      << "study: " << name << "_" << set_name << "\n"
      << "question: " << yaml_text(shipped.question) << "\n";
  if (is_demo) {
    out << "# glint demo demo_moments --stories moments --clips 2600   renders the clips.\n"
        << "base: configs/demo_moments.yaml\n"
        << "# Settings of every cell: some 40 s on one quiet core with the fast heads.\n"
        << "set: {data.root: demo_moments, train.epochs: 10, train.threads: 1, train.validate_every: "
        << (curves ? 1 : 5) << ", train.keep: 1";
  } else {
    out << "base: " << yaml_text(config) << "\n"
        << "# Settings of every cell. Without weights of CLIP the towers begin at random.\n"
        << "set: {model.weights: clip_b32" << (holds_out ? ", data.val_split: val" : "")
        << ", train.validate_every: " << (curves ? "0.25" : "1") << ", train.keep: 1";
  }
  if (name == "losses") out << ", train.loss_gradients_every: " << (is_demo ? 10 : 100);
  out << "}\n" << shipped.arms << "seeds: [1, 2, 3]\n" << (is_demo ? shipped.demo : shipped.real);
  return out.str();
}

}  // namespace glint
