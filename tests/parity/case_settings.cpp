#include "parity/case_settings.h"

#include <map>
#include <string>

#include "glint/core/error.h"
#include "glint/weights/tower_weights.h"

namespace glint::test {

FeatureShape feature_shape_of(const GoldenCase& golden) {
  return {golden.config<int64_t>("D"), golden.config<int64_t>("L"), golden.config<int64_t>("T")};
}

GlsclConfig glscl_config(const GoldenCase& golden) {
  const bool is_head_alone = golden.json.at("config").contains("ffn");  // such cases name the decoder's sizes shorter
  GlsclConfig config;
  config.temperature = golden.config<double>("temp");
  config.queries = golden.config<int64_t>("Q");
  config.decoder_layers = golden.config<int64_t>("decoder_layers");
  config.decoder_heads = golden.config<int64_t>(is_head_alone ? "heads" : "decoder_heads");
  config.decoder_ffn = golden.config<int64_t>(is_head_alone ? "ffn" : "decoder_ffn");
  if (is_head_alone) config.share_queries = golden.config<int>("query_share") != 0;
  config.query_weight = golden.config<double>("loss2_weight");
  config.alpha = golden.config<double>("alpha");
  config.beta = golden.config<double>("beta");
  return config;
}

OptimConfig bertadam_config(const GoldenCase& golden) {
  OptimConfig config;
  config.lr = golden.config<double>("lr");
  config.clip_lr = config.lr * golden.config<double>("coef_lr");
  config.weight_decay = golden.config<double>("weight_decay");
  config.warmup = golden.config<double>("warmup");
  config.schedule = golden.config<std::string>("schedule");
  config.beta1 = golden.config<double>("b1");
  config.beta2 = golden.config<double>("b2");
  config.eps = golden.config<double>("e");
  const auto per_tensor = golden.config<double>("max_grad_norm_per_tensor");
  if (per_tensor != 1) throw Error(golden.name, ": max_grad_norm_per_tensor is ", per_tensor, "; ours is 1");
  return config;
}

std::unique_ptr<RetrievalModel> glscl_model(const GoldenCase& golden, const GlsclConfig& head) {
  static const std::map<std::string, std::string> kTemporal = {
      {"seqTransf", "seq_transf"}, {"seqLSTM", "seq_lstm"}, {"None", "none"}};
  ModelConfig config;
  config.temporal = kTemporal.at(golden.config<std::string>("temporal"));
  config.temporal_layers = golden.config<int64_t>("temporal_layers");
  config.dropout = 0;
  auto model = std::make_unique<RetrievalModel>(config, head, tower_sizes(golden.weights), feature_shape_of(golden));
  load_pretrained(*model, golden.weights);
  freeze_parameters(*model, "conv1");
  model->to(golden.device);
  return model;
}

}  // namespace glint::test
