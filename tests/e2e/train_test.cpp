#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

class TrainCommandTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(TrainCommandTest, ARunIsTrainedValidatedEvaluatedAndExported) {
  const auto run = folder_ / "run";
  const auto trained = run_program(small_training(run));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("text to video"));

  const auto results = nlohmann::json::parse(read_file(run / "results.json"));
  for (const char* direction : {"t2v", "v2t"}) {
    for (const char* metric : {"R@1", "R@5", "R@10", "MdR", "MnR"}) EXPECT_TRUE(results.at(direction).contains(metric));
  }
  EXPECT_EQ(results.at("queries"), 10);
  EXPECT_EQ(results.at("skipped"), 0);
  EXPECT_EQ(results.at("selected_on"), "val");
  EXPECT_THAT(logged(run, "loss"), SizeIs(12));  // 50 clips in batches of 8, twice
  EXPECT_THAT(logged(run, "icl"), SizeIs(12));
  EXPECT_TRUE(fs::exists(run / "config.yaml"));
  EXPECT_TRUE(fs::is_symlink(run / "checkpoints" / "best"));

  const auto evaluated = run_program({"eval", run.string(), "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_EQ(nlohmann::json::parse(evaluated.out).at("t2v"), results.at("t2v"));

  const auto exported = run_program({"export", run.string(), (folder_ / "out").string()});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_TRUE(nlohmann::json::parse(read_file(folder_ / "out" / "config.json")).contains("settings"));
}

TEST_F(TrainCommandTest, ARunThatClustersTokensIsTrainedAndEvaluated) {
  const auto run = folder_ / "run";
  const auto trained =
      run_program(small_training(run, {"model.clustering.stages=0-6 1-2", "model.clustering.clusters=5",
                                       "model.towers.vision_layers=2", "train.epochs=1"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(logged(run, "loss"), SizeIs(6));
  const auto evaluated = run_program({"eval", run.string(), "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_EQ(nlohmann::json::parse(evaluated.out).at("t2v"),
            nlohmann::json::parse(read_file(run / "results.json")).at("t2v"));
}

TEST_F(TrainCommandTest, PythonOpensWhatIsExported) {
  if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
  const auto run = folder_ / "run";
  const auto trained = run_program(
      small_training(run, {"train.max_steps=2", "data.val_split=", "data.test_split=", "model.towers.vision_width=192",
                           "model.towers.text_width=64"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto exported = run_program({"export", run.string(), (folder_ / "out").string()});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  // Under the released code's names, in the shapes that config.json tells, what the checkpoint holds.
  EXPECT_TRUE(
      run_python("import json, sys, numpy as np\n"
                 "from safetensors.numpy import load_file\n"
                 "t = load_file(sys.argv[1] + '/out/model.safetensors')\n"
                 "ours = load_file(sys.argv[1] + '/run/checkpoints/last/model.safetensors')\n"
                 "config = json.load(open(sys.argv[1] + '/out/config.json'))\n"
                 "s, head = config['clip'], config['settings']['head']\n"
                 "d, seen, said = s['embed_dim'], s['vision_width'], s['text_width']\n"
                 "assert (d, seen, said) == (128, 192, 64)\n"
                 "for name, shape in {\n"
                 "    'clip.visual.conv1.weight': (seen, 3, s['patch_size'], s['patch_size']),\n"
                 "    'clip.visual.proj': (seen, d),\n"
                 "    'clip.text_projection': (said, d),\n"
                 "    'clip.token_embedding.weight': (s['vocabulary_size'], said),\n"
                 "    'clip.logit_scale': (),\n"
                 "    'frame_position_embeddings.weight': (s['context_length'], d),\n"
                 "    'transformerClip.resblocks.0.attn.in_proj_weight': (3 * d, d),\n"
                 "    'spatial_queries': (head['queries'], d),\n"
                 "    'transformer_decoder_noun.layers.0.linear1.weight': (head['decoder_ffn'], d),\n"
                 "}.items():\n"
                 "    assert t[name].shape == shape, (name, t[name].shape, shape)\n"
                 "for name, value in t.items(): assert value.dtype == np.float32, name\n"
                 "assert len(t) == len(ours), (len(t), len(ours))\n"
                 "for name in t.keys() & ours.keys(): assert (t[name] == ours[name]).all(), name\n"
                 "assert (t['spatial_queries'] == ours['head.spatial_queries']).all()\n",
                 folder_.path().string()));
}

TEST_F(TrainCommandTest, AnAugmentedRunIsTheSameWhateverItsWorkersItsCacheAndItsBreaks) {
  const auto words = [&](const char* name, std::vector<std::string> more) {
    more.insert(more.end(), {"video.augment=rand_augment", "data.test_split="});
    return small_training(folder_ / name, more);
  };
  const auto whole = run_program(words("whole", {"data.workers=3"}));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  ASSERT_EQ(run_program(words("broken", {"data.workers=1", "data.cache_mb=0", "train.max_steps=3"})).exit_code, 0);
  ASSERT_EQ(run_program(words("broken", {"data.workers=2", "data.cache_mb=0"})).exit_code, 0);
  EXPECT_EQ(logged(folder_ / "broken", "loss"), logged(folder_ / "whole", "loss"));
  EXPECT_EQ(read_file(folder_ / "broken/checkpoints/last/model.safetensors"),
            read_file(folder_ / "whole/checkpoints/last/model.safetensors"));
}

TEST_F(TrainCommandTest, AnotherSettingForAnExistingRunIsRefusedByName) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program(small_training(run, {"train.max_steps=1", "data.test_split="})).exit_code, 0);
  const auto other = run_program(small_training(run, {"optim.lr=0.5"}));
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("optim.lr is 0.001 there and 0.5 now"));
}

TEST_F(TrainCommandTest, ASettingThatCouldNotTrainIsMendedInTheSameFolder) {
  const auto run = folder_ / "run";
  const std::vector<std::string> few = {"train.max_steps=1", "data.val_split=", "data.test_split="};
  auto wrong = few;
  wrong.push_back("head.decoder_heads=7");
  EXPECT_EQ(run_program(small_training(run, wrong)).exit_code, 1);
  const auto mended = run_program(small_training(run, few));
  EXPECT_EQ(mended.exit_code, 0) << mended.err;
  EXPECT_THAT(logged(run, "loss"), SizeIs(1));
}

// Numbers of metrics.jsonl.
std::vector<double> numbers(const std::vector<std::string>& logged) {
  std::vector<double> values;
  for (const auto& text : logged) values.push_back(std::stod(text));
  return values;
}

TEST_F(TrainCommandTest, PartsOfABatchGiveTheLossesOfAWholeOne) {
  const auto whole = folder_ / "whole", parts = folder_ / "parts";
  const std::vector<std::string> common = {"train.epochs=1", "model.dropout=0", "data.test_split="};
  auto in_parts = common;
  in_parts.insert(in_parts.end(), {"train.micro_batch=3", "train.recompute=true"});
  ASSERT_EQ(run_program(small_training(whole, common)).exit_code, 0);
  const auto trained = run_program(small_training(parts, in_parts));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto expected = numbers(logged(whole, "loss")), losses = numbers(logged(parts, "loss"));
  ASSERT_THAT(losses, SizeIs(6));
  for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 1e-4) << i;
}

TEST_F(TrainCommandTest, MeasuringHowMuchEachLossPullsChangesNothingElse) {
  const auto run = [&](const char* name, std::vector<std::string> more) {
    more.insert(more.begin(), "train.max_steps=5");
    const auto trained = run_program(plain_training(folder_ / name, more));
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
    return folder_ / name;
  };
  for (const std::string batch : {"train.micro_batch=0", "train.micro_batch=3"}) {
    SCOPED_TRACE(batch);
    const auto plain = run(("plain " + batch).c_str(), {batch});
    const auto measured = run(("measured " + batch).c_str(), {batch, "train.loss_gradients_every=2"});
    for (const auto* key : {"loss", "icl", "grad_norm"}) {
      EXPECT_THAT(logged(measured, key), SizeIs(5));
      EXPECT_EQ(logged(measured, key), logged(plain, key)) << key;
    }
    EXPECT_THAT(logged(measured, "seconds/loss gradients"), SizeIs(3));
    const auto weights = "checkpoints/last/model.safetensors", state = "checkpoints/last/optimizer.safetensors";
    EXPECT_EQ(read_file(measured / weights), read_file(plain / weights));
    EXPECT_EQ(read_file(measured / state), read_file(plain / state));
    EXPECT_THAT(logged(plain, "loss_grad_norm/nce"), SizeIs(0));
    const auto together = numbers(logged(measured, "grad_norm"));
    const auto nce = numbers(logged(measured, "loss_grad_norm/nce")),
               icl = numbers(logged(measured, "loss_grad_norm/icl")),
               idl = numbers(logged(measured, "loss_grad_norm/idl"));
    ASSERT_THAT(nce, SizeIs(3));  // of steps 1, 3 and 5
    ASSERT_THAT(idl, SizeIs(3));
    for (std::size_t i = 0; i < nce.size(); ++i) {
      EXPECT_GT(nce[i], 0);
      EXPECT_GT(icl.at(i), 0);
      EXPECT_LE(together.at(2 * i), (nce[i] + icl[i] + idl[i]) * 1.0001);
      EXPECT_GE(together.at(2 * i), (nce[i] - icl[i] - idl[i]) * 0.9999);
    }
  }
  // Measured or not is no matter for a run that goes on.
  const auto resumed = run_program(plain_training(folder_ / "measured train.micro_batch=0", {"train.max_steps=6"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(TrainCommandTest, TheMovingAverageIsKeptBesideTheWeightsAndEvaluated) {
  const auto run = folder_ / "run", broken = folder_ / "broken";
  const std::vector<std::string> average = {"train.ema=0.9", "train.epochs=1"};
  ASSERT_EQ(run_program(small_training(run, average)).exit_code, 0);
  ASSERT_TRUE(fs::exists(run / "checkpoints/last/ema.safetensors"));
  const auto results = nlohmann::json::parse(read_file(run / "results.json"));
  EXPECT_EQ(results.at("weights"), "moving_average");
  const auto plain = run_program({"eval", run.string(), "--json", "eval.ema=false"});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(nlohmann::json::parse(plain.out).at("weights"), "model");
  const auto exported = [&](const char* out, std::vector<std::string> more) {
    more.insert(more.begin(), {"export", run.string(), (folder_ / out).string()});
    EXPECT_EQ(run_program(more).exit_code, 0);
    return read_file(folder_ / out / "model.safetensors");
  };
  EXPECT_NE(exported("averaged", {}), exported("plain", {"--plain-weights"}));

  auto first = average;  // the same in two parts
  first.insert(first.end(), {"train.max_steps=3"});
  ASSERT_EQ(run_program(small_training(broken, first)).exit_code, 0);
  ASSERT_EQ(run_program(small_training(broken, average)).exit_code, 0);
  const char* files[] = {"checkpoints/last/ema.safetensors", "checkpoints/last/model.safetensors"};
  for (const char* file : files) EXPECT_EQ(read_file(broken / file), read_file(run / file)) << file;
}

TEST_F(TrainCommandTest, HalfPrecisionKeepsItsLossScaleAndLeavesOutWhatOverflows) {
  const auto words = [&](const char* name, const char* steps) {
    return small_training(folder_ / name, {"train.precision=fp16",
                                           "data.test_split=", "data.val_split=", concat("train.max_steps=", steps)});
  };
  const auto whole = run_program(words("whole", "6"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  ASSERT_EQ(run_program(words("broken", "3")).exit_code, 0);
  ASSERT_EQ(run_program(words("broken", "6")).exit_code, 0);
  EXPECT_EQ(logged(folder_ / "broken", "loss"), logged(folder_ / "whole", "loss"));
  EXPECT_EQ(logged(folder_ / "broken", "loss_scale"), logged(folder_ / "whole", "loss_scale"));

  // A scale that nothing fits: more steps in a row than train.bad_steps are left out, and the run goes on.
  const auto state_file = folder_ / "broken/checkpoints/last/state.json";
  auto state = nlohmann::json::parse(read_file(state_file));
  state["loss_scale"] = 0x1p+100;
  write_file(state_file, state.dump());
  const auto weights = read_file(folder_ / "broken/checkpoints/last/model.safetensors");
  const auto going_on = run_program(words("broken", "12"));
  ASSERT_EQ(going_on.exit_code, 0) << going_on.err;
  EXPECT_THAT(logged(folder_ / "broken", "left_out"), SizeIs(6));
  const auto scales = logged(folder_ / "broken", "loss_scale");
  EXPECT_EQ(std::stod(scales.back()), 0x1p+95);
  EXPECT_EQ(read_file(folder_ / "broken/checkpoints/last/model.safetensors"), weights);
}

TEST_F(TrainCommandTest, TrainingEndsWherePatienceDoes) {
  const auto run = folder_ / "run";
  // With a rate of 0 no validation is better than the first.
  const auto words = small_training(
      run, {"optim.lr=1e-30", "optim.clip_lr=0", "train.patience=2", "train.epochs=9", "train.validate_every=1"});
  const auto trained = run_program(words);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err,
              HasSubstr("2 validations without a better t2v/R@1: the training ends here (train.patience)"));
  EXPECT_THAT(logged(run, "loss"), SizeIs(18));
  EXPECT_TRUE(fs::exists(run / "results.json"));
  EXPECT_THAT(run_program(words).err, HasSubstr("nothing is left to train"));
}

TEST_F(TrainCommandTest, ADryRunTellsWhatWouldBeTrainedAndTouchesNothing) {
  const auto run = folder_ / "run";
  auto words = small_training(run, {"train.micro_batch=4", "train.ema=0.99", "dist.processes=2"});
  words.insert(words.end(), {"--dry-run", "--json"});
  const auto planned = run_program(words);
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_FALSE(fs::exists(run));
  const auto plan = nlohmann::json::parse(planned.out);
  EXPECT_EQ(plan.at("steps_per_epoch"), 6);
  EXPECT_EQ(plan.at("processes"), 2);
  EXPECT_EQ(plan.at("pairs_per_process"), 4);
  const auto& memory = plan.at("memory_bytes");
  EXPECT_EQ(memory.at("moments"), 2 * memory.at("gradients").get<int64_t>());
  EXPECT_EQ(memory.at("average"), memory.at("gradients"));
  int64_t trained = 0;
  for (const auto& group : plan.at("groups")) trained += group.at("parameters").get<int64_t>();
  EXPECT_EQ(memory.at("gradients"), 4 * trained);
  words.pop_back();
  EXPECT_THAT(run_program(words).out, HasSubstr("8 pairs on 2 processes, 4 of each at one time in the towers; "));
  words.push_back("train.batch_size=1000");
  EXPECT_THAT(run_program(words).err, HasSubstr("config.train.batch_size is 1000, more than the 50 training samples"));
}

TEST_F(TrainCommandTest, ADryRunNeedsNoVideosAndTellsTheHoursOfARunThatHasMeasuredSteps) {
  fs::create_directories(folder_ / "set");
  fs::copy_file(small_demo_set() / "manifest.json", folder_ / "set/manifest.json");
  const auto without = "data.root=" + (folder_ / "set").string();
  auto words = small_training(folder_ / "none", {without, "data.on_bad_file=fail"});
  words.push_back("--dry-run");
  const auto planned = run_program(words);
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_THAT(planned.out, HasSubstr(concat("the videos of 50 of 50 clips are missing (", (folder_ / "set").string(),
                                            "); the plan counts them\n")));
  EXPECT_THAT(planned.out, HasSubstr("12, 6 an epoch"));
  EXPECT_THAT(planned.out, testing::Not(HasSubstr("hours")));

  const auto run = folder_ / "run";
  ASSERT_EQ(run_program(small_training(run, {"data.test_split="})).exit_code, 0);
  const auto again = run_program({"train", run.string(), without, "--dry-run", "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const auto plan = nlohmann::json::parse(again.out);
  EXPECT_EQ(plan.at("missing_videos"), 50);
  EXPECT_GT(plan.at("step_s"), 0);
  EXPECT_NEAR(plan.at("hours").get<double>(), 12 * plan.at("step_s").get<double>() / 3600, 1e-9);
}

TEST_F(TrainCommandTest, ADryRunOfARecipeNeedsOfficialListsAlone) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << kNoSharedDir;
  const auto lists = fs::absolute(*shared / "data/annotations/msrvtt");
  const auto planned = run_program({"train", "configs/glscl/msrvtt.yaml", "data.root=" + lists.string(),
                                    "run.dir=" + (folder_ / "run").string(), "--dry-run", "--json"});
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_THAT(planned.err, HasSubstr("warning: model.weights is empty, and optim.clip_lr=1e-07 would hardly change"));
  const auto plan = nlohmann::json::parse(planned.out);
  EXPECT_EQ(plan.at("clips"), 9000);
  EXPECT_EQ(plan.at("missing_videos"), 9000);
  EXPECT_EQ(plan.at("steps"), 5 * (180'000 / 128));
  EXPECT_GT(plan.at("memory_bytes").at("all"), int64_t{1} << 30);
}

TEST_F(TrainCommandTest, AWeightOf0LeavesTheInterConsistencyLossOut) {
  const std::vector<std::string> few = {"train.max_steps=2", "data.val_split=", "data.test_split="};
  auto without = few;
  without.push_back("head.icl_weight=0");
  ASSERT_EQ(run_program(small_training(folder_ / "with", few)).exit_code, 0);
  ASSERT_EQ(run_program(small_training(folder_ / "without", without)).exit_code, 0);
  EXPECT_THAT(logged(folder_ / "with", "icl"), SizeIs(2));
  EXPECT_THAT(logged(folder_ / "without", "icl"), SizeIs(0));
  EXPECT_EQ(logged(folder_ / "without", "nce")[0], logged(folder_ / "with", "nce")[0]);
  EXPECT_NE(logged(folder_ / "without", "loss")[0], logged(folder_ / "with", "loss")[0]);
  EXPECT_NE(logged(folder_ / "without", "grad_norm")[0], logged(folder_ / "with", "grad_norm")[0]);
}

TEST_F(TrainCommandTest, TheCosineRisesFromItsLowestRateAndEndsThere) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program(small_training(run, {"optim.schedule=cosine", "optim.min_lr=1e-4", "optim.warmup=0.25",
                                             "data.val_split=", "data.test_split="}))
                .exit_code,
            0);
  const auto rates = numbers(logged(run, "lr"));
  ASSERT_THAT(rates, SizeIs(12));
  EXPECT_DOUBLE_EQ(rates.front(), 1e-4);
  EXPECT_DOUBLE_EQ(rates[3], 1e-3);  // where the warm-up ends
  EXPECT_DOUBLE_EQ(rates.back(), 1e-4);
  for (std::size_t i = 4; i < rates.size(); ++i) EXPECT_LE(rates[i], rates[i - 1]) << i;
}

TEST_F(TrainCommandTest, TheSigmoidLossStartsSmallFromWeightsThatAnotherLossTrained) {
  const auto run = folder_ / "run";
  const std::vector<std::string> few = {"head.name=mean_pool",
                                        "data.val_split=", "data.test_split=", "train.max_steps=1"};
  ASSERT_EQ(run_program(small_training(run, few)).exit_code, 0);
  auto sigmoid = few;
  sigmoid.insert(sigmoid.end(), {"train.loss=sigmoid", "model.weights=" + run.string()});
  const auto trained = run_program(small_training(folder_ / "sigmoid", sigmoid));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  // With scale 10 and bias -10 no logit is above 0: at most log 2 for each of 7 wrong pairs, and 20 for a right one
  // that points the other way.
  EXPECT_NEAR(numbers(logged(run, "logit_scale"))[0], 1 / 0.07, 1e-3);
  EXPECT_NEAR(numbers(logged(folder_ / "sigmoid", "logit_scale"))[0], 10, 1e-3);
  EXPECT_LT(numbers(logged(folder_ / "sigmoid", "nce"))[0], 7 * std::log(2) + 20);
}

TEST_F(TrainCommandTest, TheTimeOfEveryStepIsToldByPart) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program(small_training(run, {"train.epochs=1", "data.test_split="})).exit_code, 0);
  for (const char* part : {"wait", "towers", "head", "backward", "optimizer"}) {
    EXPECT_THAT(logged(run, std::string("seconds/") + part), SizeIs(6)) << part;
  }
  EXPECT_FALSE(fs::is_empty(run / "tensorboard"));
  for (const char* name : {"grad_norm/clip_decay", "tower_gflops", "share_of_peak", "peak_mb"}) {
    EXPECT_THAT(logged(run, name), SizeIs(6)) << name;
  }
}

TEST_F(TrainCommandTest, TheFirstStepsAreTracedWhereThatIsAskedFor) {
  const auto run = folder_ / "run";
  auto words = small_training(run, {"train.max_steps=3", "data.val_split=", "data.test_split="});
  words.push_back("--trace=2");
  const auto traced = run_program(words);
  ASSERT_EQ(traced.exit_code, 0) << traced.err;
  const auto trace = nlohmann::json::parse(read_file(run / "trace.json"));
  std::map<std::string, int64_t> ranges;
  for (const auto& event : trace.at("traceEvents")) ++ranges[event.value("name", "")];
  for (const char* name : {"text tower", "image tower", "head"}) EXPECT_EQ(ranges[name], 2) << name;
}

TEST_F(TrainCommandTest, BadInputIsOneSentence) {
  const auto refuse = [&](const std::vector<std::string>& more, const std::string& sentence) {
    const auto result = run_program(small_training(folder_ / more.front(), more));  // a model's are found in a run
    EXPECT_EQ(result.exit_code, 1) << sentence;
    EXPECT_THAT(result.err, HasSubstr(sentence));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  refuse({"optim.wramup=0.1"}, "optim.wramup: unknown key");
  refuse({"optim.lr=fast"}, "optim.lr: must be a number");
  refuse({"train.batch_size=0"}, "train.batch_size: must be in [1, 1048576], is 0");
  refuse({"head.name=glsc"}, "no head 'glsc'; there are mean_pool, glscl, glccl, xclip, xpool, tight");
  refuse({"data.annotations=none.json"}, "none.json is not there");
  refuse({"train.batch_size=51"}, "train.batch_size");
  refuse({"head.decoder_heads=7"}, "head.decoder_heads");
  refuse({"model.clustering.stages=0-5"},
         "config.model.clustering.stages: 12 frames cannot be cut into 5 equal segments");
  refuse({"model.clustering.stages=0-6", "model.clustering.clusters=9"},
         "config.model.clustering.clusters: 9 is not in 1 ... 8, the tokens of a segment");
}

}  // namespace
}  // namespace glint::test
