#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "glint/model/clip.h"
#include "glint/nn/token_clustering.h"
#include "parity/parity.h"

// B clips, T frames, S segments, n patches of a frame, N tokens of a segment, K clusters.
namespace glint::test {

namespace {

constexpr double kExact = 0;
constexpr double kOutShareOfLargest = 1e-6;  // the golden page's own tolerances
constexpr double kAffinityAtol = 1e-5;
constexpr double kGramAtol = 1e-4;

ClusteringConfig config_of(const nlohmann::json& variant) {
  ClusteringConfig config;
  config.clusters = variant.at("K");
  config.distance = variant.at("distance");
  config.norm = variant.at("minkowski_p");
  config.pre_norm = variant.at("pre_norm");
  config.iterations = variant.at("iter_limit");
  config.keep = variant.at("aggregation") == "mean" ? "means" : "medoids";
  return config;
}

// The class tokens' means and the tokens of given medoids.
torch::Tensor merged_by(const torch::Tensor& tokens, const torch::Tensor& patches, const torch::Tensor& medoids) {
  const auto S = patches.size(0), W = patches.size(2);
  const auto whole = tokens.select(1, 0).reshape({S, -1, W}).mean(1, /*keepdim=*/true);
  return torch::cat({whole, patches.gather(1, medoids.unsqueeze(-1).expand({-1, -1, W}))}, 1);
}

// Where lengths are all 1, rounding chooses the released first centre; the case gives it, and the rest follows.
void check_variant(const GoldenCase& golden, const nlohmann::json& variant, TensorMap& results, CaseReport& report) {
  const auto name = variant.at("variant").get<std::string>() + ".";
  const auto config = config_of(variant);
  const int64_t duration = variant.at("frames").get<int64_t>() / variant.at("target_frames").get<int64_t>();
  const auto& tokens = golden.input(name + "tokens");                                                // [B*T, 1+n, W]
  const auto patches = tokens.slice(1, 1).reshape({tokens.size(0) / duration, -1, tokens.size(2)});  // [S, N, W]
  const auto measured = config.pre_norm ? patches / (patches.norm(2, -1, /*keepdim=*/true) + 1e-6) : patches;
  const auto distances = token_distances(measured, config.distance, config.norm);
  const auto first = golden.want(name + "initial_centres").select(1, 0);
  results[name + "initial_centres"] = kkz_centres(distances, first, config.clusters);
  const auto clusters = k_medoids(distances, results[name + "initial_centres"], config.iterations);
  results[name + "medoids"] = clusters.medoids;
  results[name + "assignment"] = clusters.assignment;
  results[name + "iterations"] = clusters.iterations;
  const auto all = cluster_tokens(patches, duration, config);
  const bool same_start = torch::equal(all.medoids, clusters.medoids);
  report.require(same_start || config.pre_norm, name + "medoids: all steps together give others");
  results[name + "out"] =
      same_start ? merge_segments(tokens, duration, config) : merged_by(tokens, patches, clusters.medoids);
}

void check_spectral(const GoldenCase& golden, const nlohmann::json& variant, TensorMap& results) {
  const auto name = variant.at("variant").get<std::string>() + ".";
  const bool all_pairs = variant.at("mode") == "HeatKernel";
  const int64_t clusters = variant.at("K");
  const auto affinity = token_affinity(golden.input(name + "tokens"), variant.at("sigma"),
                                       all_pairs ? 0 : variant.at("knn_k").get<int64_t>());
  const auto embedding = spectral_embedding(affinity, clusters);
  const auto rows = embedding.tokens.to(torch::kDouble);
  results[name + "affinity"] = affinity;
  results[name + "laplacian_eigenvalues_desc"] = embedding.eigenvalues.flip(1);
  results[name + "embedding_gram"] = torch::bmm(rows, rows.transpose(1, 2));
  const auto distances = token_distances(embedding.tokens, "euclidean", 2);
  results[name + "first_centre"] = golden.want(name + "first_centre");  // all rows have length 1: given, not compared
  results[name + "medoids"] =
      k_medoids(distances, kkz_centres(distances, results[name + "first_centre"], clusters), 100).medoids;
}

// The image tower of the case; its text tower is the smallest there is.
ClipModel tower_of(const GoldenCase& golden, CaseReport& report) {
  const auto& tower = golden.json.at("tower");
  TowerSizes sizes;
  sizes.embed_dim = tower.at("embed");
  sizes.image_size = tower.at("image");
  sizes.patch_size = tower.at("patch");
  sizes.vision_width = tower.at("width");
  sizes.vision_layers = tower.at("layers");
  sizes.text_width = 64;
  sizes.text_layers = sizes.context_length = sizes.vocabulary_size = 1;
  ClipModel clip(sizes);
  torch::NoGradGuard no_grad;
  const auto parameters = clip.named_parameters();
  for (const auto& [name, weight] : golden.weights) {
    const auto* parameter = parameters.find("visual." + name);
    report.require(parameter != nullptr && parameter->sizes() == weight.sizes(), "no parameter for weight " + name);
    if (parameter != nullptr) torch::Tensor(*parameter).copy_(weight);
  }
  return clip;
}

// Clustering before every block at which the case has fewer frames or tokens than at the block before.
class Stages {
 public:
  explicit Stages(const nlohmann::json& tower)
      : frames_(tower.at("target_frames_blocks")), clusters_(tower.at("cluster_num_blocks")) {
    frames_.insert(frames_.begin(), tower.at("frames").get<int64_t>());
    clusters_.insert(clusters_.begin(), clusters_.front());
  }

  torch::Tensor operator()(int64_t done, const torch::Tensor& tokens) {
    const auto block = static_cast<std::size_t>(done);
    if (frames_[block + 1] == frames_[block] && clusters_[block + 1] == clusters_[block]) return tokens;
    const auto duration = frames_[block] / frames_[block + 1];
    ClusteringConfig config;
    config.clusters = clusters_[block + 1];
    const auto patches = tokens.slice(1, 1).reshape({tokens.size(0) / duration, -1, tokens.size(2)});
    last = cluster_tokens(patches, duration, config);
    duration_of_all *= duration;
    return merge_segments(tokens, duration, config);
  }

  Clusters last;
  int64_t duration_of_all = 1;

 private:
  std::vector<int64_t> frames_, clusters_;  // before the tower, then of every block
};

void check_tower(const GoldenCase& golden, TensorMap& results, CaseReport& report) {
  auto clip = tower_of(golden, report);
  Stages stages(golden.json.at("tower"));
  const auto pixels = golden.input("tower.pixels").clone().set_requires_grad(true);
  const auto features = clip.encode_image(pixels, std::ref(stages));
  const auto loss = (features * golden.input("tower.cotangent")).sum();
  loss.backward();
  results["tower.features"] = features;
  results["tower.loss"] = loss;
  results["tower.medoids"] = stages.last.medoids;
  results["tower.iterations"] = stages.last.iterations;
  results["tower.mask_after_cluster"] = segment_mask(golden.input("tower.video_mask"), stages.duration_of_all);
  const auto parameters = clip.named_parameters();
  std::vector<torch::Tensor> norms;
  for (const auto& name : golden.json.at("tower").at("grad_names").get<std::vector<std::string>>()) {
    const auto gradient = name == "pixels" ? pixels.grad() : parameters["visual." + name].grad();
    results["tower.grad." + name] = gradient;
    norms.push_back(gradient.norm());
  }
  results["tower.grad.pixels_row0"] = pixels.grad()[0];
  results["tower.gradnorm"] = torch::stack(norms);
  const torch::NoGradGuard no_grad;
  results["tower.hidden"] = clip.encode_image_tokens(pixels, Stages(golden.json.at("tower")));
}

double tolerance(const GoldenCase& golden, const std::string& name) {
  if (golden.json.at("atol").contains(name)) return golden.atol(name);
  if (name.ends_with(".out")) return kOutShareOfLargest * golden.want(name).abs().max().item<double>();
  if (name.ends_with(".affinity") || name.ends_with(".laplacian_eigenvalues_desc")) return kAffinityAtol;
  return name.ends_with(".embedding_gram") ? kGramAtol : kExact;
}

}  // namespace

CaseReport check_centerclip_cluster(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  for (const auto& variant : golden.json.at("variants")) check_variant(golden, variant, results, report);
  for (const auto& variant : golden.json.at("spectral")) check_spectral(golden, variant, results);
  check_tower(golden, results, report);
  for (const auto& [name, want] : golden.expected) {
    const auto found = results.find(name);
    report.require(found != results.end(), "nothing was computed for " + name);
    if (found != results.end()) report.compare(name, found->second, want, tolerance(golden, name));
  }
  return report;
}

}  // namespace glint::test
