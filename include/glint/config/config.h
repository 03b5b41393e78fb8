#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace glint {

// Every setting of glint, with its default, unit and range, and nowhere else. A component takes its own section, never
// the whole Config. config_file.h reads them from YAML and key=value words. The comment beside a setting is its help
// text; src/config/fields.h lists the settings for reading and writing.

struct RunConfig {
  std::string dir;              // the run folder; empty: runs/<name of the configuration file>
  std::string device = "auto";  // where the model runs: auto (the GPU where there is one), cpu, cuda
};

struct DataConfig {
  std::string name = "manifest";      // manifest, msrvtt, msvd, didemo, lsmdc, activitynet, vatex
  std::string root = ".";             // folder that relative paths of annotations and videos start from
  std::string annotations;            // manifest: the file; others: the folder of the official files; empty: root
  std::string videos;                 // folder of the videos; empty: the manifest's folder; others: root
  std::string protocol;               // msrvtt: 9k, 7k, full; vatex: hgr, 1k5; empty: the first, or the set's only one
  std::string language = "en";        // vatex: which captions: en, zh
  std::string train_split = "train";  // manifest: which rows train
  std::string val_split = "val";      // split (a manifest: rows) that chooses the best checkpoint; empty: none
  std::string test_split = "test";    // manifest: which rows are evaluated
  std::string captions = "all";       // training samples: all = each pair, random = each video, one caption an epoch
  std::string on_bad_file = "skip";   // training: a video that is missing or unreadable: skip (named, counted), fail
  int64_t workers = 2;                // decode threads; > 0
  int64_t prefetch = 4;               // batches decoded ahead; > 0
  int64_t cache_mb = 0;               // decoded clips kept in memory, MiB; 0 keeps none; >= 0
  std::string cache;                  // folder of decoded clips, made by glint data cache; empty: none
  std::string cache_codec = "raw";    // how clips are kept there: raw (exact), yuv420 (half the size), jpeg
  int64_t cache_quality = 95;         // of jpeg; [1, 100]
};

struct VideoConfig {
  int64_t num_frames = 12;         // T, frames a clip at most; > 0
  std::string sampling = "glscl";  // uniform_3fps, clip4clip, glscl, xpool
  double fps = 1.0;                // glscl, clip4clip: frames a second that are candidates; > 0
  int64_t image_size = 224;        // R, side of the square the towers see, pixels; > 0
  std::string fit = "crop";        // into the square: crop (the middle, CLIP's), squash (all of it, SigLIP's)
  std::string augment = "none";    // of training clips: none, rand_augment (GLSCL), resized_crop_flip (X-Pool)
  bool apply_rotation = true;      // turn phone videos upright; false as in the reference loaders
  double timeout_s = 60;           // longest time one file may take, seconds; > 0
  bool isolate = false;            // decode in processes of their own: a file that crashes its decoder is a bad file
  int64_t isolate_mb = 4096;       // isolate: memory that such a process may have, MiB; > 0
};

struct TextConfig {
  std::string tokenizer = "clip";  // clip (byte-pair encoding), sentencepiece, siglip
  std::string vocabulary;  // clip: bpe_simple_vocab_16e6.txt.gz; others: their model file; empty: found or trained
  int64_t vocabulary_size = 1000;  // pieces of a sentencepiece model trained on the training captions; > 0
  int64_t max_words = 32;          // L, tokens a caption at most with start and end; >= 2
};

// The two towers. Sizes are for towers that start from nothing: weights bring their own.
struct TowerConfig {
  std::string kind = "clip";              // clip, siglip
  std::string activation = "quick_gelu";  // of the MLPs: quick_gelu (OpenAI), gelu, gelu_tanh (SigLIP)
  int64_t embed_dim = 512;                // D; > 0
  int64_t patch_size = 32;                // pixels; > 0
  int64_t vision_width = 768;             // of the tokens between blocks; > 0
  int64_t vision_layers = 12;             // blocks; > 0
  int64_t text_width = 512;               // of the tokens between blocks; > 0
  int64_t text_layers = 12;               // blocks; > 0
  int64_t context_length = 77;            // rows of the text position table, not below text.max_words; >= 2
  int64_t vision_heads = 0;               // of the image tower's attention; 0: width / 64; >= 0
  int64_t text_heads = 0;                 // of the text tower's attention; 0: width / 64; >= 0
};

// CenterCLIP: between blocks of the image tower the frames of a segment become one, of whose tokens the medoids stay.
struct ClusteringConfig {
  std::string stages;  // BLOCK-SEGMENTS, as "6-4": 4 segments after block 6; several: "3-6 6-3"; empty: no clustering
  int64_t clusters = 49;                // K, tokens of a segment that stay besides the class token; > 0
  std::string algorithm = "k_medoids";  // k_medoids, spectral
  std::string distance = "euclidean";   // euclidean, cosine
  double norm = 2;                      // of the euclidean distance (Minkowski's p); > 0
  bool pre_norm = false;                // k_medoids: distances between unit vectors
  int64_t iterations = 100;             // passes at most; > 0
  std::string keep = "medoids";         // medoids (as they are), means (of each cluster)
  std::string graph = "heat";           // spectral: heat (all pairs), nearest (neighbours alone)
  int64_t neighbours = 0;               // nearest: of a token; 0: 5 a frame of the segment, as released; >= 0
  double sigma = 2;                     // spectral: distance over which the affinity falls; > 0
};

struct ModelConfig {
  std::string weights;  // to start from: a checkpoint (glint import), or a safetensors file under OpenAI's or released
                        // names; empty: random
  std::string start = "openai";  // without weights: openai (its random start), short_run (for some hundred steps)
  TowerConfig towers;
  ClusteringConfig clustering;
  std::string text_mask = "causal_padding";  // causal_padding (GLSCL), causal (CLIP4Clip)
  std::string temporal = "seq_transf";       // none, seq_lstm, seq_transf
  int64_t temporal_layers = 4;               // seq_transf; > 0
  std::string freeze = "conv1";              // none, conv1 (GLSCL), clip4clip (freeze_layer_num 0), towers
  double dropout = -1;                       // of every dropout of the head; 0: none; -1: each its own; [-1, 1)
};

struct MeanPoolConfig {};

struct GlsclConfig {
  double temperature = 3;                  // GIM; > 0
  int64_t queries = 8;                     // Q; > 0
  int64_t decoder_layers = 3;              // of the query decoder; > 0
  int64_t decoder_heads = 8;               // of its attention, divides D; > 0
  int64_t decoder_ffn = 2048;              // width of its feed-forward layers; > 0
  double dropout = 0.1;                    // in the query decoder; [0, 1)
  double query_weight = 0.5;               // of the query score in S; >= 0 ("loss2_weight")
  double alpha = 1e-4;                     // weight of the intra-diversity loss; >= 0
  double beta = 0.005;                     // weight of the pairs in the inter-consistency loss; >= 0
  double idl_margin = 0.1;                 // two queries are held apart from a similarity of 1 - margin on
  double icl_target = 0.75;                // similarity that the queries of a pair are drawn to
  std::string icl_normaliser = "queries";  // queries (as released), batch (methods 3.4)
  std::string idl_modalities = "video";    // video (as released), both
  std::string block = "full_decoder";      // full_decoder (as released), cross_only (the paper's figure)
  bool share_queries = true;               // one query matrix for texts and videos
  bool mask_local = false;                 // padding hidden from the query decoder (words and frames)
};

struct XclipConfig {
  double temperature = 0.01;  // of the attention over similarities; > 0
  bool mask_words = false;    // padding words take no weight and give no score
};

struct GlcclConfig {
  double temperature = 5;               // GLIM; > 0
  double score_temperature = 0.01;      // of the softmaxes over scores; > 0
  std::string aggregation = "softmax";  // GLIM's weights: softmax, softmax_linear_softmax, mlp_softmax (uniform)
  double csc_weight = 0.1;              // of the consistency loss; >= 0 ("var_loss_weight")
  std::string csc_denominator = "b2";   // mean over other pairs: b2 (as released), offdiag (methods 4.4)
  bool mask_words = false;              // padding words take no weight and give no score
  bool mask_frames = false;             // padding frames take no weight
};

struct XpoolConfig {
  std::string pooling = "transformer";  // transformer (as released), avg (mean of the unit frames, no parameters)
  double dropout = 0.3;                 // of the residual linear layer; [0, 1)
};

struct TightConfig {
  int64_t layers = 4;    // of the transformer that every pair runs through; > 0
  double dropout = 0.1;  // of its input; [0, 1)
};

using HeadConfig = std::variant<MeanPoolConfig, GlsclConfig, GlcclConfig, XclipConfig, XpoolConfig, TightConfig>;

struct OptimConfig {
  std::string name = "bert_adam";          // bert_adam (as released), adamw
  double lr = 1e-4;                        // peak rate of the new weights; > 0
  double clip_lr = 1e-7;                   // peak rate of the towers; 0 freezes them; >= 0
  double weight_decay = 0.2;               // of the groups that decay; >= 0
  bool decay_layernorm = true;             // as released: only names with "bias" are spared
  bool decay_bias = false;                 // names with "bias" decay too, as X-Pool's AdamW has it
  double beta1 = 0.9;                      // of the mean of gradients; [0, 1)
  double beta2 = 0.98;                     // of the mean of squares; [0, 1)
  double eps = 1e-6;                       // added to the root of the mean of squares; > 0
  bool per_tensor_clip = true;             // bert_adam: each tensor's gradient norm to 1 besides the global clip
  double grad_clip = 1.0;                  // global gradient norm; 0: none; >= 0
  std::string schedule = "warmup_cosine";  // warmup_cosine, warmup_linear, warmup_constant, constant
  double warmup = 0.1;                     // share of all steps; [0, 1)
  double schedule_epochs = 0;      // length of the schedule, epochs; 0: of the run (GLSCL released: 5 always); >= 0
  std::string after_end = "rise";  // warmup_cosine past its end: rise (as released), clamp
};

struct TrainConfig {
  std::string loss = "info_nce";   // over the pairs of a batch: info_nce, sigmoid (SigLIP's)
  int64_t seed = 42;               // of everything drawn at random; >= 0
  int64_t epochs = 5;              // passes over the training samples; > 0
  int64_t max_steps = 0;           // stop after this many steps; 0: after the epochs; >= 0
  int64_t batch_size = 128;        // pairs over all processes together; > 0
  int64_t micro_batch = 0;         // pairs of a process in the towers at one time, same gradients; 0: all; >= 0
  bool recompute = false;          // towers' blocks are computed again in the backward pass: less memory
  std::string precision = "fp32";  // of the towers' products: fp32, bf16, fp16; weights, heads and losses are fp32
  bool tf32 = false;               // on a GPU: products of float32 in its shorter TF32, towers and head alike
  double ema = 0;                  // decay of the moving average of the weights; 0: none; [0, 1)
  int64_t threads = 0;             // of LibTorch's operators; 0: all cores; >= 0
  int64_t validate_every = 1;      // epochs; 0: never; >= 0
  int64_t save_every = 0;          // steps between checkpoints besides one an epoch; 0: none; >= 0
  int64_t keep = 2;                // checkpoints kept besides best; > 0
  int64_t patience = 0;            // validations in a row without a better R@1 that end the run; 0: none do; >= 0
  int64_t bad_steps = 5;           // steps in a row without a finite loss and gradient that end the run; > 0
  double max_logit_scale = 100;    // exp(logit_scale) is held at or below it; > 0
};

struct DistConfig {
  int64_t processes = 1;             // that glint train starts on this machine; torchrun, srun: they start them; > 0
  double timeout_s = 300;            // a process that makes no progress for so long ends the job; > 0
  bool reference_gradients = false;  // as released, the towers' are divided by the number of processes (methods 10)
};

struct EvalConfig {
  std::string split;                 // empty: data.test_split
  std::string on_missing = "fail";   // videos that are not there: fail, skip (counted in every result)
  int64_t batch_size = 32;           // videos or captions encoded at once; > 0
  int64_t block = 256;               // texts and videos scored at once; > 0
  std::string ties = "optimistic";   // optimistic, average
  std::string postprocess = "none";  // none, dsl (dual softmax; uses all queries together)
  double dsl_temperature = 100;      // on cosine scale; > 0
  bool ema = true;                   // the moving average of the weights, where the checkpoint has one
};

struct Config {
  RunConfig run;
  DataConfig data;
  VideoConfig video;
  TextConfig text;
  ModelConfig model;
  HeadConfig head = GlsclConfig{};  // mean_pool, glscl, glccl, xclip, xpool, tight; the other keys are its own
  OptimConfig optim;
  TrainConfig train;
  DistConfig dist;
  EvalConfig eval;
};

}  // namespace glint
