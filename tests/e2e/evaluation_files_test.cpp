#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

// Features, scores and ranks as files: each stage starts from the file of the one before, ours or another model's.

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

class EvaluationFilesTest : public testing::Test {
 protected:
  fs::path train(const std::string& name, const Words& more = {}) {
    const auto run = folder_ / name;
    Words settings = {"train.max_steps=1", "optim.lr=0.1"};
    settings.insert(settings.end(), more.begin(), more.end());
    const auto trained = run_program(small_training(run, settings));
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
    return run;
  }

  // `glint eval words... --json`
  static json evaluate(Words words) {
    words.insert(words.begin(), "eval");
    words.push_back("--json");
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }

  static void expect_refused(const Words& command, const std::string& sentence) {
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 1) << result.out;
    EXPECT_THAT(result.err, HasSubstr(sentence));
  }

  static void expect_same(const json& a, const json& b) {
    EXPECT_EQ(a.at("t2v"), b.at("t2v"));
    EXPECT_EQ(a.at("v2t"), b.at("v2t"));
    EXPECT_EQ(a.at("signature"), b.at("signature"));
  }

  static std::vector<std::string> ids_of(const fs::path& file) {
    std::vector<std::string> ids;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) ids.push_back(json::parse(line).at("id"));
    return ids;
  }

  std::string in(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
    return in(name);
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluationFilesTest, EveryStageStartsFromTheFileOfTheOneBefore) {
  for (const std::string head : {"glscl", "xclip"}) {
    SCOPED_TRACE(head);
    const auto run = train(head, {"head.name=" + head}).string();
    const auto plain = evaluate({run});
    ASSERT_EQ(run_program({"encode", run}).exit_code, 0);
    const auto features = run + "/eval/test/features.safetensors";
    const auto from_features = evaluate({run, "--features", features, "--scores", in("s.safetensors"), "eval.block=3"});
    expect_same(from_features, plain);
    EXPECT_EQ(from_features.at("features"), features);
    EXPECT_EQ(from_features.at("model"), plain.at("model"));
    const auto from_scores = evaluate({"--from-scores", in("s.safetensors")});
    expect_same(from_scores, plain);
    EXPECT_EQ(from_scores.at("head"), head);
    EXPECT_EQ(from_scores.at("checkpoint"), plain.at("checkpoint"));
    const auto processed = evaluate({run, "eval.postprocess=sinkhorn"});
    expect_same(evaluate({"--from-scores", in("s.safetensors"), "eval.postprocess=sinkhorn"}), processed);
  }
}

TEST_F(EvaluationFilesTest, VideosCutToTheirFirstSecondsAreOthersEverywhereAndLongerCutsNone) {
  const auto run = train("run").string();
  const auto plain = evaluate({run}), longer = evaluate({run, "video.max_seconds=1000"});
  EXPECT_EQ(longer.at("t2v"), plain.at("t2v"));
  EXPECT_EQ(longer.at("v2t"), plain.at("v2t"));
  EXPECT_THAT(longer.at("signature").get<std::string>(), HasSubstr("|cut:1000|"));
  EXPECT_THAT(plain.at("signature").get<std::string>(), Not(HasSubstr("|cut:")));
  const auto features = [&](const char* name, const std::string& seconds) {
    EXPECT_EQ(run_program({"encode", run, "--out", in(name), "video.max_seconds=" + seconds}).exit_code, 0);
    return read_safetensors(folder_ / name).tensors;
  };
  const auto whole = features("whole", "0"), same = features("same", "1000"), cut = features("cut", "1");
  bool differs = false;
  for (const auto& [name, tensor] : whole) {
    EXPECT_TRUE(torch::equal(tensor, same.at(name))) << name;
    differs = differs || !torch::equal(tensor, cut.at(name));
  }
  EXPECT_TRUE(differs);
  expect_same(evaluate({run, "--features", in("cut"), "video.max_seconds=1"}), evaluate({run, "video.max_seconds=1"}));
  // In training and validation too; other runs have other losses, and a run keeps to its own.
  const auto losses = [&](const std::string& seconds) {
    return logged(train("trained on " + seconds, {"video.max_seconds=" + seconds}), "loss");
  };
  const auto of_all = losses("0");
  EXPECT_EQ(losses("1000"), of_all);
  EXPECT_NE(losses("1"), of_all);
}

TEST_F(EvaluationFilesTest, AWordBehindTheFileOfFeaturesIsASettingOrTheRun) {
  const auto run = train("run").string();
  ASSERT_EQ(run_program({"encode", run, "--out", in("f")}).exit_code, 0);
  EXPECT_EQ(evaluate({run, "--features", in("f"), "eval.ties=optimistic"}).at("ties"), "optimistic");
  EXPECT_EQ(evaluate({"--features", in("f"), run}).at("queries"), evaluate({run}).at("queries"));
}

TEST_F(EvaluationFilesTest, FeaturesOfOtherWeightsOrSettingsAreRefused) {
  const auto run = train("run").string(), other = train("other", {"train.seed=2"}).string();
  ASSERT_EQ(run_program({"encode", run, "--out", in("f")}).exit_code, 0);
  expect_refused({"eval", other, "--features", in("f")}, "was written with other weights than those of ");
  expect_refused({"eval", run, "--features", in("f"), "video.num_frames=6"},
                 "was written with video.num_frames=12, and 6 is asked for");
  expect_refused({"eval", run, "--features", in("f"), "video.max_seconds=2"},
                 "was written with video.max_seconds=0, and 2 is asked for");
  expect_refused({"eval", run, "--features", in("f"), "eval.split=val"},
                 "holds the split 'test', and eval.split is 'val'");
  expect_refused({"eval", run, "--features", in("f"), "eval.captions=first"},
                 "was written with eval.captions=all, and first is asked for");
  expect_refused({"eval", run, "--features", in("f"), "model.text_mask=causal"},
                 "was written with model.text_mask=causal_padding, and causal is asked for");
  for (const std::string word : {"eval.on_missing=skip", "data.workers=2", "video.timeout_s=9"}) {
    expect_refused({"eval", run, "--features", in("f"), word},
                   "'" + word + "' has no effect on features that are there already");
  }
  for (const std::string word : {"eval.captions=first", "eval.block=3", "eval.batch_size=3", "optim.lr=3"}) {
    expect_refused({"eval", "--from-scores", in("f"), word}, "'" + word + "' has no effect on scores");
  }
  for (const std::string word : {"eval.ema=false", "eval.precision=bf16", "run.device=cpu", "text.max_words=9"}) {
    expect_refused({"eval", "--features", in("f"), in("g"), word}, "'" + word + "' has no effect without a model");
  }
  ASSERT_EQ(run_program({"encode", run, "--no-words", "--out", in("g")}).exit_code, 0);
  expect_refused({"eval", run, "--features", in("g")}, "without the features of single words");
  write("f", "nonsense");
  expect_refused({"eval", run, "--features", in("f")}, "is text that begins 'nonsense'");
  expect_refused({"eval", run, "--features", in("gone")}, "gone: No such file");
  expect_refused({"eval", "--features", in("g")}, "which run?");
  expect_refused({"eval", run, "--truth", in("g")}, "--truth is for files of other models");
}

TEST_F(EvaluationFilesTest, TextsOfUnreadableVideosLeaveTheFeaturesWithThem) {
  const auto set = folder_ / "set";
  fs::copy(small_demo_set(), set, fs::copy_options::recursive);
  const auto run = train("run", {"data.root=" + set.string()}).string();
  const auto manifest = json::parse(read_file(set / "manifest.json"));
  for (const auto& row : manifest) {
    if (row.value("split", "") != "test") continue;
    write_file(set / "videos" / fs::path(row.at("video").get<std::string>()).filename(), "no video");
    break;
  }
  expect_refused({"encode", run, "--out", in("f")}, "set eval.on_missing=skip to encode the split without such videos");
  const auto encoded = run_program({"encode", run, "eval.on_missing=skip", "--out", in("f"), "--json"});
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  EXPECT_EQ(json::parse(encoded.out).at("skipped"), 1);
  const auto plain = evaluate({run, "eval.on_missing=skip"}), from_file = evaluate({run, "--features", in("f")});
  expect_same(from_file, plain);
  EXPECT_EQ(from_file.at("skipped"), 1);
  EXPECT_EQ(from_file.at("skipped_clips"), plain.at("skipped_clips"));
}

TEST_F(EvaluationFilesTest, SeveralProcessesGiveTheSameNumbers) {
  const auto run = train("run").string();
  const auto alone = evaluate({run}), three = evaluate({run, "--processes", "3"});
  expect_same(three, alone);
  const auto banked = Words{run, "eval.postprocess=is", "eval.bank=train_captions:9,train_videos:7"};
  auto shared = banked;
  shared.insert(shared.end(), {"--processes", "2"});
  expect_same(evaluate(shared), evaluate(banked));
  ASSERT_EQ(run_program({"encode", run, "--out", in("one")}).exit_code, 0);
  ASSERT_EQ(run_program({"encode", run, "--out", in("three"), "--processes", "3"}).exit_code, 0);
  const auto one = read_safetensors(in("one")), together = read_safetensors(in("three"));
  EXPECT_EQ(one.metadata, together.metadata);
  for (const auto& [name, tensor] : one.tensors) EXPECT_TRUE(torch::equal(tensor, together.tensors.at(name))) << name;
}

TEST_F(EvaluationFilesTest, FeaturesReplaceFeaturesAlone) {
  const auto run = train("run").string();
  ASSERT_EQ(run_program({"encode", run, "--out", in("f")}).exit_code, 0);
  ASSERT_EQ(run_program({"encode", run, "eval.split=val", "--out", in("f")}).exit_code, 0);
  EXPECT_EQ(evaluate({run, "eval.split=val", "--features", in("f")}).at("split"), "val");
  const auto weights = run + "/checkpoints/last/model.safetensors";
  for (const auto& precious : {write("notes.txt", "of a year"), weights, folder_.path().string()}) {
    expect_refused({"encode", run, "--out", precious}, precious + ": is there already and is no file of features");
  }
  EXPECT_EQ(read_file(in("notes.txt")), "of a year");
}

TEST_F(EvaluationFilesTest, ABankOfTrainingCaptionsIsNamedAndChangesTheScores) {
  const auto run = train("run").string();
  const Words words = {run, "eval.postprocess=is", "eval.bank=train_captions:9,train_videos:7"};
  const auto banked = evaluate(words), own = evaluate({run, "eval.postprocess=is"});
  EXPECT_THAT(banked.at("signature").get<std::string>(),
              HasSubstr("|post:is(beta=20,bank=train_captions:9+train_videos:7+seed:0)|"));
  EXPECT_THAT(own.at("signature").get<std::string>(), HasSubstr("|post:is(beta=20,bank=test_queries)|"));
  EXPECT_EQ(banked.at("raw"), own.at("raw"));
  EXPECT_NE(banked.at("t2v").dump() + banked.at("v2t").dump(), own.at("t2v").dump() + own.at("v2t").dump());
  auto blocks = words;
  blocks.insert(blocks.end(), {"eval.batch_size=2", "eval.block=3"});
  expect_same(evaluate(blocks), banked);
  for (const std::string method : {"qb_norm", "sinkhorn"}) {
    const auto result = evaluate({run, "eval.postprocess=" + method, "eval.bank=train_captions"});
    EXPECT_THAT(result.at("signature").get<std::string>(), HasSubstr("bank=train_captions:")) << method;
  }
  expect_refused({"eval", run, "eval.postprocess=is", "eval.bank=train_captions:100000"},
                 "train_captions:100000 is more than the training split's");
}

TEST_F(EvaluationFilesTest, AListOfIdsMakesAProtocolOfItsOwn) {
  const auto run = train("run").string();
  evaluate({run});
  const auto videos = ids_of(run + "/eval/test/gallery.jsonl");
  ASSERT_GE(videos.size(), 4u);
  const auto some = evaluate(
      {run, "eval.ids=" + write("short4.txt", videos[3] + "\r\n\n" + videos[0] + "\n" + videos[1] + "\n" + videos[2])});
  EXPECT_EQ(some.at("clips"), 4);
  EXPECT_EQ(some.at("protocol"), "short4");
  EXPECT_THAT(some.at("signature").get<std::string>(), HasSubstr("manifest:short4|"));
  expect_refused({"eval", run, "eval.ids=" + write("bad.txt", videos[0] + "\nnobody\n")},
                 "bad.txt:2: the split 'test' of manifest has no video 'nobody'");
  expect_refused({"eval", run, "eval.ids=" + write("twice.txt", videos[0] + "\n" + videos[0])}, "stands on line 1 too");
  expect_refused({"eval", run, "eval.ids=" + write("empty.txt", "\n")}, "eval.ids: holds no id");
}

TEST_F(EvaluationFilesTest, SeveralCaptionsAVideoAreRankedAsTheSignatureSays) {
  const auto run = train("run").string();  // whose training clips have several captions
  const auto groups = evaluate({run, "eval.split=train"});
  EXPECT_GT(groups.at("queries").get<int>(), groups.at("clips").get<int>());
  EXPECT_THAT(groups.at("signature").get<std::string>(), HasSubstr("|cap:all|truth:own|dir:groups|"));
  const auto captions = evaluate({run, "eval.split=train", "eval.v2t=captions"});
  EXPECT_THAT(captions.at("signature").get<std::string>(), HasSubstr("|dir:captions|"));
  EXPECT_EQ(captions.at("v2t").at("R@1"), groups.at("v2t").at("R@1"));
  EXPECT_GT(captions.at("v2t").at("MnR").get<double>(), groups.at("v2t").at("MnR").get<double>());
  const auto first = evaluate({run, "eval.split=train", "eval.captions=first"});
  EXPECT_EQ(first.at("queries"), first.at("clips"));
  EXPECT_THAT(first.at("signature").get<std::string>(), HasSubstr("|cap:first|truth:own|ties:"));
}

TEST_F(EvaluationFilesTest, ASettingWithoutEffectIsRefused) {
  const auto run = train("run").string();
  expect_refused({"eval", run, "eval.bank=train_captions"}, "eval.bank has no effect with eval.postprocess=none");
  expect_refused({"eval", run, "eval.postprocess=dsl", "eval.beta=3"},
                 "eval.beta has no effect with eval.postprocess=dsl");
  expect_refused({"eval", run, "eval.qrels_mode=add"}, "eval.qrels_mode has no effect without eval.qrels");
  expect_refused({"eval", run, "eval.v2t=captions"},
                 "eval.v2t=captions has no effect, since no video has several captions");
  expect_refused({"encode", run, "eval.ties=optimistic"}, "'eval.ties=optimistic' has no effect on features");
  expect_refused({"encode", run, "head.query_weight=0.3"}, "'head.query_weight=0.3' has no effect on features");
  expect_refused({"eval", run, "eval.tf32=true"}, "eval.tf32=true has no effect on the CPU");
  expect_refused({"eval", run, "eval.bank=train"}, "eval.bank is 'train'; it may be test_queries");
}

TEST_F(EvaluationFilesTest, LowerPrecisionIsNamedAndChangesTheFeatures) {
  const auto run = train("run").string();
  EXPECT_EQ(evaluate({run}).at("precision"), "fp32");
  EXPECT_EQ(evaluate({run, "eval.precision=bf16"}).at("precision"), "bf16");
  const auto sentence = [&](const std::string& precision) {
    EXPECT_EQ(run_program({"encode", run, "eval.precision=" + precision, "--out", in(precision)}).exit_code, 0);
    return read_safetensors(in(precision)).tensors.at("text.sentence");
  };
  const auto full = sentence("fp32"), low = sentence("bf16");
  EXPECT_EQ(low.scalar_type(), torch::kFloat32);
  EXPECT_FALSE(torch::equal(full, low));
  EXPECT_LT((full - low).abs().max().item<float>(), 0.1F * full.abs().max().item<float>());
  expect_refused({"eval", run, "--features", in("bf16")},
                 "was written with eval.precision=bf16, and fp32 is asked for");
}

TEST_F(EvaluationFilesTest, JudgementsMayReplaceOrAddToOwnVideos) {
  const auto run = train("run").string();
  evaluate({run});
  const auto texts = ids_of(run + "/eval/test/queries.jsonl"), videos = ids_of(run + "/eval/test/gallery.jsonl");
  ASSERT_GE(texts.size(), 3u);
  const auto judged =
      write("qrels.txt", texts[0] + " 0 " + videos[1] + " 1\n" + texts[1] + " 0 " + videos[0] + " 2\n" + texts[1] +
                             " 0 " + videos[2] + " 1\n" + texts[2] + " 0 " + videos[0] + " 0\n");
  const auto replaced = evaluate({run, "eval.qrels=" + judged});
  EXPECT_EQ(replaced.at("t2v").at("queries"), 2);
  EXPECT_EQ(replaced.at("t2v").at("not_asked"), texts.size() - 2);
  EXPECT_TRUE(replaced.at("t2v").contains("MAP"));
  EXPECT_THAT(replaced.at("signature").get<std::string>(), HasSubstr("|truth:qrels:"));
  const auto added = evaluate({run, "eval.qrels=" + judged, "eval.qrels_mode=add", "--folder", in("added")});
  EXPECT_EQ(added.at("t2v").at("queries"), texts.size());
  EXPECT_GE(added.at("t2v").at("R@1").get<double>(), evaluate({run}).at("t2v").at("R@1").get<double>());
  EXPECT_THAT(added.at("signature").get<std::string>(), HasSubstr("|truth:own+qrels:"));
  EXPECT_EQ(read_safetensors(in("added/ranks.safetensors")).tensors.count("t2v.average_precision"), 1u);
  expect_refused({"eval", run, "eval.qrels=" + write("bad.txt", "nobody 0 " + videos[0] + " 1\n")}, "bad.txt:1: ");
  expect_refused({"compare", run, in("added")}, "truth");
}

// Two texts of one video, two videos; cosines by hand: text 0 finds b first, text 1 a, text 2 b.
TEST_F(EvaluationFilesTest, VectorsOfAnotherModelAreEvaluatedByTheirCosine) {
  const auto text = torch::tensor({{1.F, 2.F}, {3.F, 0.F}, {0.F, 1.F}}),
             video = torch::tensor({{5.F, 0.F}, {0.F, 0.1F}});
  write_safetensors(in("t"), {{"x", text}}, {{"ids", "[\"t0\",\"t1\",\"t2\"]"}});
  write_safetensors(in("v"), {{"x", video}}, {{"ids", "[\"a\",\"b\"]"}});
  const auto pairs = write("pairs.tsv", "t1\ta\r\nt0\ta\n\nt2\tb\n");
  const auto result =
      evaluate({"--features", in("t"), in("v"), "--truth", pairs, "--folder", in("e"), "--scores", in("s")});
  EXPECT_NEAR(result.at("t2v").at("R@1").get<double>(), 200.0 / 3, 1e-9);
  EXPECT_EQ(result.at("v2t").at("R@1"), 100);
  EXPECT_EQ(result.at("head"), "cosine");
  const auto signature = result.at("signature").get<std::string>();
  EXPECT_THAT(signature, HasSubstr("files:pairs|q:3|g:2|"));
  EXPECT_THAT(signature, HasSubstr("|cap:all|truth:own|dir:groups|"));
  // Three dimensions: a video's several vectors. Both frames of video 0 point the same way.
  write_safetensors(in("f"), {{"x", torch::stack({video, video * 2}, 1)}}, {{"ids", "[\"a\",\"b\"]"}});
  expect_same(evaluate({"--features", in("t"), in("f"), "--truth", pairs, "--folder", in("e2")}), result);
  expect_same(evaluate({"--features", in("t"), in("v"), "--truth", in("e")}), result);  // an evaluation's folder
  const auto scores = read_safetensors(in("s")).tensors.at("scores");
  EXPECT_NEAR(scores[0][1].item<double>(), 2 / std::sqrt(5.0), 1e-6);
  // The same as a bare matrix.
  write_safetensors(in("m"), {{"scores", scores}}, {{"texts", "[\"t0\",\"t1\",\"t2\"]"}, {"videos", "[\"a\",\"b\"]"}});
  expect_same(evaluate({"--from-scores", in("m"), "--truth", pairs}), result);
  const auto compared = run_program({"compare", in("e"), in("e2")});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
}

TEST_F(EvaluationFilesTest, FilesOfAnotherModelThatDoNotFitAreRefusedByName) {
  write_safetensors(in("t"), {{"x", torch::rand({2, 3})}});
  write_safetensors(in("v"), {{"x", torch::rand({2, 3})}}, {{"ids", "[\"a\",\"b\"]"}});
  const auto refused = [&](const std::string& texts, const std::string& videos, const std::string& truth,
                           const std::string& sentence) {
    expect_refused({"eval", "--features", in(texts), in(videos), "--truth", in(truth)}, sentence);
  };
  write("pairs.tsv", "0\ta\n1\tb\n");
  EXPECT_EQ(evaluate({"--features", in("t"), in("v"), "--truth", in("pairs.tsv")}).at("queries"), 2);
  write("one.tsv", "0\ta\n");
  refused("t", "v", "one.tsv", "one.tsv: names no video for the text '1'");
  write("other.tsv", "0\ta\n1\tc\n");
  refused("t", "v", "other.tsv", "other.tsv:2: the video 'c' has no row");
  write("twice.tsv", "0\ta\n0\tb\n1\tb\n");
  refused("t", "v", "twice.tsv",
          "twice.tsv:2: the text '0' stands twice; several right answers are given as TREC lines");
  refused("t", "v", "gone.tsv", "gone.tsv: is not there");
  refused("gone", "v", "pairs.tsv", "gone: is not there");
  write_safetensors(in("wide"), {{"x", torch::rand({2, 4})}});
  refused("wide", "v", "pairs.tsv", "they are compared by their cosine, so they must agree");
  write_safetensors(in("nan"), {{"x", torch::full({2, 3}, NAN)}});
  refused("nan", "v", "pairs.tsv", "the vector of '0' holds a value that is not finite");
  write_safetensors(in("two"), {{"x", torch::rand({2, 3})}, {"y", torch::rand({2, 3})}});
  refused("two", "v", "pairs.tsv", "holds 2 tensors");
  write_safetensors(in("ids"), {{"x", torch::rand({2, 3})}}, {{"ids", "[\"a\"]"}});
  refused("ids", "v", "pairs.tsv", "names 1 ids for 2 rows");
  write_safetensors(in("same"), {{"x", torch::rand({2, 3})}}, {{"ids", "[\"a\",\"a\"]"}});
  refused("same", "v", "pairs.tsv", "the id 'a' stands twice");
  expect_refused({"eval", "--features", in("t"), in("v")}, "Set --truth");
  expect_refused({"eval", "--features", in("t"), in("v"), "--truth", in("pairs.tsv"), "head.name=xclip"},
                 "'head.name=xclip' has no effect without a model");
  expect_refused({"eval", "--from-scores", in("v")}, "is no file of scores");
}

}  // namespace
}  // namespace glint::test
