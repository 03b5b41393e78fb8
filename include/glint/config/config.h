#pragma once

#include "glint/config/data_config.h"
#include "glint/config/dist_config.h"
#include "glint/config/eval_config.h"
#include "glint/config/head_config.h"
#include "glint/config/model_config.h"
#include "glint/config/optim_config.h"
#include "glint/config/run_config.h"
#include "glint/config/text_config.h"
#include "glint/config/train_config.h"
#include "glint/config/video_config.h"

namespace glint {

// Every setting of glint. A setting stands in the header of its section and nowhere else: a member with its default,
// and below it, in describe(), its name, what it may be and its help sentence. Whatever reads, writes, hashes or
// explains settings is a visitor of describe():
//   v.field(name, value, rule, help)   one setting
//   v.section(name, section)           settings of its own below `name`
//   v.head(name, head, help)           a section whose key `name` chooses the alternative
// A component takes its own section, never the whole Config. config_file.h reads them from YAML and key=value words.
struct Config {
  RunConfig run;
  DataConfig data;
  VideoConfig video;
  TextConfig text;
  ModelConfig model;
  HeadConfig head = GlsclConfig{};
  OptimConfig optim;
  TrainConfig train;
  DistConfig dist;
  EvalConfig eval;
};

template <class Visitor>
void describe(Visitor& v, Config& c) {
  v.section("run", c.run);
  v.section("data", c.data);
  v.section("video", c.video);
  v.section("text", c.text);
  v.section("model", c.model);
  v.head("head", c.head,
         "how texts and videos are scored: mean_pool, glscl, glccl, xclip, xpool, tight; each has its own keys");
  v.section("optim", c.optim);
  v.section("train", c.train);
  v.section("dist", c.dist);
  v.section("eval", c.eval);
}

}  // namespace glint
