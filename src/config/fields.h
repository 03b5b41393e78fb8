#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "glint/config/config.h"

// The settings by name: what reads, writes and hashes them goes over these lists. A default stands in config.h alone;
// the comment beside it is the help text, and a test holds that it names the range given here.

namespace glint {

// What a value may be: a number within bounds, or one of some words.
struct Rule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;  // the bound itself is not allowed
  bool high_open = false;
  std::vector<std::string_view> choices;
  bool changes_results = true;  // counts in config_hash()

  bool allows(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
  // "> 0", ">= 0", "[0, 1)"; empty where any number will do.
  std::string text() const;
  Rule without_effect() const {
    Rule rule = *this;
    rule.changes_results = false;
    return rule;
  }
};

inline Rule any() {
  return {};
}
inline Rule above(double low) {
  return {.low = low, .low_open = true, .choices = {}};
}
inline Rule at_least(double low) {
  return {.low = low, .choices = {}};
}
inline Rule share() {
  return {.low = 0, .high = 1, .high_open = true, .choices = {}};
}
inline Rule one_of(std::vector<std::string_view> words) {
  return {.choices = std::move(words)};
}

template <class Visitor>
void describe(Visitor& v, RunConfig& c) {
  v.field("dir", c.dir, any().without_effect());
  v.field("device", c.device, one_of({"auto", "cpu", "cuda"}).without_effect());
}

template <class Visitor>
void describe(Visitor& v, DataConfig& c) {
  v.field("name", c.name, one_of({"manifest", "msrvtt", "msvd", "didemo", "lsmdc", "activitynet", "vatex"}));
  v.field("root", c.root, any());
  v.field("annotations", c.annotations, any());
  v.field("videos", c.videos, any());
  v.field("protocol", c.protocol, any());  // each data set refuses what it does not have
  v.field("language", c.language, one_of({"en", "zh"}));
  v.field("train_split", c.train_split, any());
  v.field("val_split", c.val_split, any());
  v.field("test_split", c.test_split, any());
  v.field("captions", c.captions, one_of({"all", "random"}));
  v.field("on_bad_file", c.on_bad_file, one_of({"skip", "fail"}));
  v.field("workers", c.workers, above(0).without_effect());
  v.field("prefetch", c.prefetch, above(0).without_effect());
  v.field("cache_mb", c.cache_mb, at_least(0).without_effect());
  v.field("cache", c.cache, any().without_effect());
  v.field("cache_codec", c.cache_codec, one_of({"raw", "yuv420", "jpeg"}));
  v.field("cache_quality", c.cache_quality, Rule{.low = 1, .high = 100, .choices = {}});
}

template <class Visitor>
void describe(Visitor& v, VideoConfig& c) {
  v.field("num_frames", c.num_frames, above(0));
  v.field("sampling", c.sampling, one_of({"uniform_3fps", "clip4clip", "glscl", "xpool"}));
  v.field("fps", c.fps, above(0));
  v.field("image_size", c.image_size, above(0));
  v.field("fit", c.fit, one_of({"crop", "squash"}));
  v.field("augment", c.augment, one_of({"none", "rand_augment", "resized_crop_flip"}));
  v.field("apply_rotation", c.apply_rotation, any());
  v.field("timeout_s", c.timeout_s, above(0));
  v.field("isolate", c.isolate, any().without_effect());
  v.field("isolate_mb", c.isolate_mb, above(0).without_effect());
}

template <class Visitor>
void describe(Visitor& v, TextConfig& c) {
  v.field("tokenizer", c.tokenizer, one_of({"clip", "sentencepiece", "siglip"}));
  v.field("vocabulary", c.vocabulary, any());
  v.field("vocabulary_size", c.vocabulary_size, above(0));
  v.field("max_words", c.max_words, at_least(2));
}

template <class Visitor>
void describe(Visitor& v, TowerConfig& c) {
  v.field("kind", c.kind, one_of({"clip", "siglip"}));
  v.field("activation", c.activation, one_of({"quick_gelu", "gelu", "gelu_tanh"}));
  v.field("embed_dim", c.embed_dim, above(0));
  v.field("patch_size", c.patch_size, above(0));
  v.field("vision_width", c.vision_width, above(0));
  v.field("vision_layers", c.vision_layers, above(0));
  v.field("text_width", c.text_width, above(0));
  v.field("text_layers", c.text_layers, above(0));
  v.field("context_length", c.context_length, at_least(2));
  v.field("vision_heads", c.vision_heads, at_least(0));
  v.field("text_heads", c.text_heads, at_least(0));
}

template <class Visitor>
void describe(Visitor& v, ClusteringConfig& c) {
  v.field("stages", c.stages, any());
  v.field("clusters", c.clusters, above(0));
  v.field("algorithm", c.algorithm, one_of({"k_medoids", "spectral"}));
  v.field("distance", c.distance, one_of({"euclidean", "cosine"}));
  v.field("norm", c.norm, above(0));
  v.field("pre_norm", c.pre_norm, any());
  v.field("iterations", c.iterations, above(0));
  v.field("keep", c.keep, one_of({"medoids", "means"}));
  v.field("graph", c.graph, one_of({"heat", "nearest"}));
  v.field("neighbours", c.neighbours, at_least(0));
  v.field("sigma", c.sigma, above(0));
}

template <class Visitor>
void describe(Visitor& v, ModelConfig& c) {
  v.field("weights", c.weights, any());
  v.field("start", c.start, one_of({"openai", "short_run"}));
  v.section("towers", c.towers);
  v.section("clustering", c.clustering);
  v.field("text_mask", c.text_mask, one_of({"causal_padding", "causal"}));
  v.field("temporal", c.temporal, one_of({"none", "seq_lstm", "seq_transf"}));
  v.field("temporal_layers", c.temporal_layers, above(0));
  v.field("freeze", c.freeze, one_of({"none", "conv1", "clip4clip", "towers"}));
  v.field("dropout", c.dropout, Rule{.low = -1, .high = 1, .high_open = true, .choices = {}});
}

template <class Visitor>
void describe(Visitor&, MeanPoolConfig&) {}

template <class Visitor>
void describe(Visitor& v, GlsclConfig& c) {
  v.field("temperature", c.temperature, above(0));
  v.field("queries", c.queries, above(0));
  v.field("decoder_layers", c.decoder_layers, above(0));
  v.field("decoder_heads", c.decoder_heads, above(0));
  v.field("decoder_ffn", c.decoder_ffn, above(0));
  v.field("dropout", c.dropout, share());
  v.field("query_weight", c.query_weight, at_least(0));
  v.field("alpha", c.alpha, at_least(0));
  v.field("beta", c.beta, at_least(0));
  v.field("idl_margin", c.idl_margin, any());
  v.field("icl_target", c.icl_target, any());
  v.field("icl_normaliser", c.icl_normaliser, one_of({"queries", "batch"}));
  v.field("idl_modalities", c.idl_modalities, one_of({"video", "both"}));
  v.field("block", c.block, one_of({"full_decoder", "cross_only"}));
  v.field("share_queries", c.share_queries, any());
  v.field("mask_local", c.mask_local, any());
}

template <class Visitor>
void describe(Visitor& v, GlcclConfig& c) {
  v.field("temperature", c.temperature, above(0));
  v.field("score_temperature", c.score_temperature, above(0));
  v.field("aggregation", c.aggregation, one_of({"softmax", "softmax_linear_softmax", "mlp_softmax"}));
  v.field("csc_weight", c.csc_weight, at_least(0));
  v.field("csc_denominator", c.csc_denominator, one_of({"b2", "offdiag"}));
  v.field("mask_words", c.mask_words, any());
  v.field("mask_frames", c.mask_frames, any());
}

template <class Visitor>
void describe(Visitor& v, XclipConfig& c) {
  v.field("temperature", c.temperature, above(0));
  v.field("mask_words", c.mask_words, any());
}

template <class Visitor>
void describe(Visitor& v, XpoolConfig& c) {
  v.field("pooling", c.pooling, one_of({"transformer", "avg"}));
  v.field("dropout", c.dropout, share());
}

template <class Visitor>
void describe(Visitor& v, TightConfig& c) {
  v.field("layers", c.layers, above(0));
  v.field("dropout", c.dropout, share());
}

template <class Visitor>
void describe(Visitor& v, OptimConfig& c) {
  v.field("name", c.name, one_of({"bert_adam", "adamw"}));
  v.field("lr", c.lr, above(0));
  v.field("clip_lr", c.clip_lr, at_least(0));
  v.field("weight_decay", c.weight_decay, at_least(0));
  v.field("decay_layernorm", c.decay_layernorm, any());
  v.field("decay_bias", c.decay_bias, any());
  v.field("beta1", c.beta1, share());
  v.field("beta2", c.beta2, share());
  v.field("eps", c.eps, above(0));
  v.field("per_tensor_clip", c.per_tensor_clip, any());
  v.field("grad_clip", c.grad_clip, at_least(0));
  v.field("schedule", c.schedule, one_of({"warmup_cosine", "warmup_linear", "warmup_constant", "constant"}));
  v.field("warmup", c.warmup, share());
  v.field("schedule_epochs", c.schedule_epochs, at_least(0));
  v.field("after_end", c.after_end, one_of({"rise", "clamp"}));
}

template <class Visitor>
void describe(Visitor& v, TrainConfig& c) {
  v.field("loss", c.loss, one_of({"info_nce", "sigmoid"}));
  v.field("seed", c.seed, at_least(0));
  v.field("epochs", c.epochs, above(0));
  v.field("max_steps", c.max_steps, at_least(0));
  v.field("batch_size", c.batch_size, above(0));
  v.field("micro_batch", c.micro_batch, at_least(0).without_effect());
  v.field("recompute", c.recompute, any().without_effect());
  v.field("precision", c.precision, one_of({"fp32", "bf16", "fp16"}));
  v.field("tf32", c.tf32, any());
  v.field("ema", c.ema, share());
  v.field("threads", c.threads, at_least(0).without_effect());
  v.field("validate_every", c.validate_every, at_least(0));
  v.field("save_every", c.save_every, at_least(0).without_effect());
  v.field("keep", c.keep, above(0).without_effect());
  v.field("patience", c.patience, at_least(0));
  v.field("bad_steps", c.bad_steps, above(0));
  v.field("max_logit_scale", c.max_logit_scale, above(0));
}

template <class Visitor>
void describe(Visitor& v, DistConfig& c) {
  v.field("processes", c.processes, above(0).without_effect());
  v.field("timeout_s", c.timeout_s, above(0).without_effect());
  v.field("reference_gradients", c.reference_gradients, any());
}

template <class Visitor>
void describe(Visitor& v, EvalConfig& c) {
  v.field("split", c.split, any());
  v.field("on_missing", c.on_missing, one_of({"fail", "skip"}));
  v.field("batch_size", c.batch_size, above(0));
  v.field("block", c.block, above(0));
  v.field("ties", c.ties, one_of({"optimistic", "average"}));
  v.field("postprocess", c.postprocess, one_of({"none", "dsl"}));
  v.field("dsl_temperature", c.dsl_temperature, above(0));
  v.field("ema", c.ema, any());
}

template <class Visitor>
void describe(Visitor& v, Config& c) {
  v.section("run", c.run);
  v.section("data", c.data);
  v.section("video", c.video);
  v.section("text", c.text);
  v.section("model", c.model);
  v.head("head", c.head);
  v.section("optim", c.optim);
  v.section("train", c.train);
  v.section("dist", c.dist);
  v.section("eval", c.eval);
}

// HeadConfig's alternatives: head.name chooses one.
inline const char* name_of(const MeanPoolConfig&) {
  return "mean_pool";
}
inline const char* name_of(const GlsclConfig&) {
  return "glscl";
}
inline const char* name_of(const GlcclConfig&) {
  return "glccl";
}
inline const char* name_of(const XclipConfig&) {
  return "xclip";
}
inline const char* name_of(const XpoolConfig&) {
  return "xpool";
}
inline const char* name_of(const TightConfig&) {
  return "tight";
}

// Every alternative with its defaults, in HeadConfig's order.
std::vector<HeadConfig> all_heads();

// Every key: "optim.lr"; those of heads as "head.queries", once for each head that has them.
std::vector<std::string> all_keys();

// What config.h says beside a setting: help_text("optim", "lr"); the section of a head's own settings is its name
// ("glscl"), of the towers "model.towers". Bug where it says nothing.
std::string help_text(const std::string& section, const std::string& field);

}  // namespace glint
