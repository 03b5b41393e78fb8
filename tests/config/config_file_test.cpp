#include "glint/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ConfigFileTest : public testing::Test {
 protected:
  Config read(const std::string& yaml, const std::vector<std::string>& words = {}) {
    std::ofstream(folder_ / "a.yaml", std::ios::binary) << yaml;
    return read_config(folder_ / "a.yaml", words);
  }
  // The sentence goes on where the file's name ends.
  void expect_refused(const std::string& yaml, const std::string& sentence) {
    EXPECT_THAT([&] { read(yaml); }, ThrowsMessage<Error>(AllOf(HasSubstr("a.yaml"), EndsWith(sentence)))) << yaml;
  }
  void expect_word_refused(const std::string& word, const std::string& sentence) {
    EXPECT_THAT([&] { read("", {word}); }, ThrowsMessage<Error>(testing::Eq("command line: " + sentence))) << word;
  }
  TemporaryFolder folder_;
};

TEST_F(ConfigFileTest, ReadsFilesAndWordsAndWordsWin) {
  const auto config = read(
      "# a comment\n"
      "optim:\n  lr: 1e-4\n  clip_lr: 0\n"
      "train: {epochs: 7, seed: +3}\n"
      "model:\n  towers:\n    text_width: 64\n"
      "data:\n  root: 'my videos'  # with a space\n  val_split: ''\n"
      "video:\n",
      {"optim.lr=.5", "head.queries=12", "model.towers.text_width=128", "run.dir=a=b", "optim.lr=2E-3",
       "data.videos="});
  EXPECT_EQ(config.optim.lr, 2e-3);
  EXPECT_EQ(config.optim.clip_lr, 0);
  EXPECT_EQ(config.train.epochs, 7);
  EXPECT_EQ(config.train.seed, 3);
  EXPECT_EQ(config.model.towers.text_width, 128);
  EXPECT_EQ(std::get<GlsclConfig>(config.head).queries, 12);
  EXPECT_EQ(config.data.root, "my videos");
  EXPECT_EQ(config.data.val_split, "");
  EXPECT_EQ(config.run.dir, "a=b");
}

TEST_F(ConfigFileTest, ALeadingTildeOfAPathIsTheHomeFolder) {
  ::setenv("HOME", "/home/ann", 1);
  const auto config = read("data:\n  root: ~/data\n  train_split: ~a\n",
                           {"run.dir=~/runs/x", "model.weights=~", "data.cache=~/c", "data.annotations=a/~/b",
                            "eval.ids=~/ids.txt", "eval.qrels=~/q", "text.vocabulary=~/v", "data.videos=~/clips"});
  EXPECT_EQ(config.data.root, "/home/ann/data");
  EXPECT_EQ(config.data.train_split, "~a");
  EXPECT_EQ(config.run.dir, "/home/ann/runs/x");
  EXPECT_EQ(config.model.weights, "/home/ann");
  EXPECT_EQ(config.data.cache, "/home/ann/c");
  EXPECT_EQ(config.data.annotations, "a/~/b");
  EXPECT_EQ(config.data.videos, "/home/ann/clips");
  EXPECT_EQ(config.eval.ids, "/home/ann/ids.txt");
  EXPECT_EQ(config.eval.qrels, "/home/ann/q");
  EXPECT_EQ(config.text.vocabulary, "/home/ann/v");
  EXPECT_THAT([&] { read("", {"run.dir=~bob/x"}); },
              ThrowsMessage<Error>(HasSubstr("config.run.dir: '~bob/x' begins with ~ and a name")));
}

TEST_F(ConfigFileTest, ARunFolderIsNeverNamedAfterBytesThatAreNotUtf8) {
  std::ofstream(folder_ / "caf\xE9.yaml") << "train:\n  seed: 1\n";
  EXPECT_THAT([&] { read_config(folder_ / "caf\xE9.yaml", {}); },
              ThrowsMessage<Error>(HasSubstr("the run folder, which is named after it: is not UTF-8 text")));
  EXPECT_EQ(read_config(folder_ / "caf\xE9.yaml", {"run.dir=a"}).run.dir, "a");
}

TEST_F(ConfigFileTest, WhatIsNoTextIsNamed) {
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                 ": is a Git LFS pointer, not the file that it stands for; git lfs pull fetches that");
}

TEST_F(ConfigFileTest, NothingGivenMeansDefaults) {
  const Config defaults;
  const auto text = config_text(defaults);
  EXPECT_EQ(config_text(read_config("", {})), text);
  EXPECT_EQ(read("# nothing but words\n").run.dir, "runs/a");
  EXPECT_EQ(read("", {"run.dir=elsewhere"}).run.dir, "elsewhere");
}

TEST_F(ConfigFileTest, AnUnknownKeyNamesItsLineAndTheNearestOne) {
  expect_refused("optim:\n  lr: 1\n  wramup: 0.1\n",
                 ": config.optim.wramup (line 3): unknown key; did you mean warmup?");
  expect_refused("optm:\n  lr: 1\n", ": config.optm (line 1): unknown key; did you mean optim?");
  expect_refused("model:\n  towers:\n    textwidth: 1\n",
                 ": config.model.towers.textwidth (line 3): unknown key; did you mean text_width?");
  expect_refused("optim:\n  batch_size: 3\n",
                 "config.optim.batch_size (line 2): unknown key; did you mean train.batch_size?");
  expect_refused("text:\n  favourite_colour: 3\n",
                 "unknown key; there are tokenizer, vocabulary, vocabulary_size, max_words");
  expect_refused("optim:\n  <<: 3\n",
                 "unknown key; there are name, lr, clip_lr, weight_decay, decay_layernorm, decay_bias, beta1, beta2, "
                 "eps, per_tensor_clip, grad_clip, schedule, warmup, min_lr, schedule_epochs, after_end");
  expect_word_refused("optim.wramup=1", "config.optim.wramup: unknown key; did you mean warmup?");
  expect_word_refused("lr=1", "config.lr: unknown key; did you mean optim.lr?");
}

TEST_F(ConfigFileTest, AWrongTypeSaysWhatIsWanted) {
  expect_refused("optim:\n  lr: fast\n", ": config.optim.lr (line 2): must be a number, is 'fast'");
  expect_refused("optim:\n  lr: 1e-4x\n", "must be a number, is '1e-4x'");
  expect_refused("optim:\n  lr: .inf\n", "must be a number, is '.inf'");
  expect_refused("optim:\n  lr: nan\n", "must be a number, is 'nan'");
  expect_refused("optim:\n  lr: 1e999\n", "must be a number, is '1e999'");
  expect_refused("optim:\n  lr:\n", ": config.optim.lr (line 2): must be a number, is nothing");
  expect_refused("optim:\n  lr: [1, 2]\n", "must be a number, is a list");
  expect_refused("optim:\n  lr: {a: 1}\n", "must be a number, is a section");
  expect_refused("train:\n  epochs: 1.5\n", ": config.train.epochs (line 2): must be a whole number, is '1.5'");
  expect_refused("train:\n  epochs: 99999999999999999999\n", "must be a whole number, is '99999999999999999999'");
  expect_refused("train:\n  epochs: 0x10\n", "must be a whole number, is '0x10'");
  expect_refused("video:\n  apply_rotation: yes\n", "must be true or false, is 'yes'");
  expect_refused("data:\n  root:\n", "config.data.root (line 2): has no value; write \"\" for an empty one");
  expect_refused("data:\n  root: [a]\n", "config.data.root (line 2): must be a word, is a list");
  expect_refused("data:\n  root: \"a\\0b\"\n", "config.data.root (line 2): holds a character that is not text");
  expect_refused("optim: 5\n", "config.optim (line 1): is a section with keys of its own, not '5'");
  expect_refused("- optim\n", "a.yaml: holds a list where sections (data:, train:, ...) are expected");
  expect_refused("just words\n", "a.yaml: holds 'just words' where sections (data:, train:, ...) are expected");
  expect_word_refused("train.epochs=", "config.train.epochs: must be a whole number, is ''");
  expect_word_refused("optim=5", "config.optim: is a section with keys of its own, not '5'");
}

TEST_F(ConfigFileTest, AValueOutOfRangeSaysTheRange) {
  expect_refused("optim:\n  lr: 0\n", ": config.optim.lr (line 2): must be in (0, 1e+30], is 0");
  expect_refused("optim:\n  clip_lr: -1e-9\n", "must be in [0, 1e+30], is -1e-9");
  expect_refused("optim:\n  warmup: 1\n", "must be in [0, 1), is 1");
  expect_refused("text:\n  max_words: 1\n", "must be in [2, 4096], is 1");
  expect_refused("data:\n  captions: some\n",
                 ": config.data.captions (line 2): no such choice 'some'; there are all, random");
  expect_refused("text:\n  max_words: 90\n",
                 ": config.model.towers.context_length is 77, less than text.max_words, 90");
  expect_refused(
      "model:\n  weights: clip.safetensors\n  start: short_run\n",
      ": config.model.start is 'short_run', a start from nothing, and config.model.weights names weights to start "
      "from; set model.start=openai to start from the weights");
  expect_refused("model:\n  start: short_run\n  towers:\n    patch_size: 33\n",
                 ": config.model.start is 'short_run', which is for patches of at most 32 pixels, and "
                 "config.model.towers.patch_size is 33");
  expect_refused("data:\n  val_split: test\n",
                 ": config.data.val_split is 'test', which is data.test_split too; the checkpoint may not be chosen on "
                 "the test set");
}

TEST_F(ConfigFileTest, ASplitsNameLeadsToNoOtherFolder) {
  for (const std::string key : {"data.train_split", "data.val_split", "data.test_split", "eval.split"}) {
    for (const std::string name : {"../x", "a/b", "/tmp/x", "..", ".", ".hidden", "a\\b"}) {
      EXPECT_THAT([&] { read("", {key + "=" + name}); },
                  ThrowsMessage<Error>(HasSubstr("config." + key + " is '" + name + "', and results lie in a folder")));
    }
    EXPECT_THAT([&] { read("", {key + "=" + std::string(101, 'a')}); },
                ThrowsMessage<Error>(HasSubstr("has at most 100 bytes")));
    EXPECT_NO_THROW(read("", {key + "=" + std::string(100, 'a')}));
    EXPECT_NO_THROW(read("", {key + "="}));
    EXPECT_NO_THROW(read("", {key + "=held out 2.1_größe-b"}));
  }
}

TEST_F(ConfigFileTest, WeightsOfTheCommandLineWinOverTheFilesStartFromNothing) {
  const std::string file = "model:\n  start: short_run\n  towers: {patch_size: 16}\n";
  EXPECT_EQ(read(file, {"model.weights=a"}).model.start, "openai");
  EXPECT_EQ(read(file, {"model.weights="}).model.start, "short_run");
  EXPECT_THAT(
      [&] {
        read(file, {"model.weights=a", "model.start=short_run"});
      },
      ThrowsMessage<Error>(HasSubstr("config.model.start is 'short_run', a start from nothing")));
}

TEST_F(ConfigFileTest, SomeSettingsAreTakenFromOthers) {
  auto config = read("head:\n  queries: 3\noptim: {lr: 0.5}\n");
  const auto from = read("head:\n  queries: 5\n  decoder_layers: 2\n  alpha: 9\ndata: {root: \"a b: 'c'\"}\n");
  take_settings(config, from, [](const Setting& setting) {
    return setting.rule.role == SettingRole::kWeights || setting.key == "data.root";
  });
  const auto& head = std::get<GlsclConfig>(config.head);
  EXPECT_EQ(head.queries, 5);
  EXPECT_EQ(head.decoder_layers, 2);
  EXPECT_EQ(head.alpha, GlsclConfig().alpha);
  EXPECT_EQ(config.data.root, "a b: 'c'");
  EXPECT_EQ(config.optim.lr, 0.5);
  take_settings(config, read("head: {name: xclip, temperature: 7}\n"), [](const Setting&) { return true; });
  EXPECT_EQ(std::get<GlsclConfig>(config.head).queries, 5);
}

TEST_F(ConfigFileTest, ASettingWhoseConditionIsNotMetIsRefused) {
  expect_word_refused("eval.hub_k=2", "config.eval.hub_k has no effect with eval.postprocess=none; leave it out");
  expect_word_refused("eval.bank_seed=1",
                      "config.eval.bank_seed has no effect with eval.bank=test_queries; leave it out");
  expect_word_refused("eval.qrels_mode=add", "config.eval.qrels_mode has no effect without eval.qrels; leave it out");
  EXPECT_NO_THROW(read("", {"eval.hub_k=1"}));  // as it is anyway
  EXPECT_NO_THROW(read("", {"eval.hub_k=2", "eval.postprocess=qb_norm"}));
  EXPECT_NO_THROW(read("", {"eval.postprocess=is", "eval.bank=train_captions:9", "eval.bank_seed=1"}));
  EXPECT_NO_THROW(read("", {"eval.qrels=a.txt", "eval.qrels_mode=add"}));
  EXPECT_THAT(
      [&] {
        read("", {"eval.qrels=a.txt", "eval.v2t=captions"});
      },
      ThrowsMessage<Error>(HasSubstr("config.eval.v2t has no effect with eval.qrels=a.txt")));
}

// What a condition names is a setting of its section, and one of that setting's values.
TEST_F(ConfigFileTest, ConditionsNameSettingsAndValuesThatAreThere) {
  for (const auto& head : head_names()) {
    const auto settings = list_settings(read("", {"head.name=" + head}));
    for (const auto& setting : settings) {
      const auto& condition = setting.rule.condition;
      if (condition.key.empty()) continue;
      const auto key = setting.key.substr(0, setting.key.find('.') + 1).append(condition.key);
      const auto other = find_rule(key);
      ASSERT_TRUE(other) << setting.key << " is only with " << key;
      for (const auto value : condition.values) {
        const auto& choices = other->choices;
        const bool is_choice = choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end();
        EXPECT_TRUE(is_choice) << setting.key << " is only with " << key << "=" << value;
      }
    }
  }
}

TEST_F(ConfigFileTest, TheHeadsNameDecidesItsKeys) {
  EXPECT_EQ(head_name(read("head:\n  name: mean_pool\n").head), "mean_pool");
  const auto& head = read("head:\n  queries: 3\n  name: glscl\n").head;
  EXPECT_EQ(std::get<GlsclConfig>(head).queries, 3);
  expect_refused("head:\n  name: foo\n",
                 ": config.head.name (line 2): no head 'foo'; there are mean_pool, glscl, glccl, xclip, xpool, tight");
  expect_refused("head:\n  name: mean_pool\n  queries: 3\n",
                 ": config.head.queries (line 3): unknown key; it belongs to another head");
  // From the command line another head starts with its own defaults; the file's keys were for the file's head.
  EXPECT_EQ(head_name(read("head:\n  name: glscl\n  queries: 3\n", {"head.name=mean_pool"}).head), "mean_pool");
  EXPECT_EQ(std::get<GlsclConfig>(read("head:\n  queries: 3\n", {"head.name=glscl"}).head).queries, 3);
  EXPECT_EQ(head_names(), (std::vector<std::string>{"mean_pool", "glscl", "glccl", "xclip", "xpool", "tight"}));
}

TEST_F(ConfigFileTest, WordsThatAreNoSettingsAreRefused) {
  expect_word_refused("fast", "'fast' is not a setting; write section.key=value, as in optim.lr=1e-4");
  expect_word_refused("=3", "'=3' is not a setting; write section.key=value, as in optim.lr=1e-4");
  expect_word_refused("..=3",
                      "config.: unknown key; there are run, data, video, text, model, head, optim, train, dist, eval");
  EXPECT_THAT([&] { read("", {"optim.lr=3", "optim.lr.x=3"}); }, ThrowsMessage<Error>(HasSubstr("contradict")));
  EXPECT_THAT([&] { read("", {"optim.lr.x=3", "optim.lr=3"}); }, ThrowsMessage<Error>(HasSubstr("contradict")));
}

TEST_F(ConfigFileTest, WhatIsNotOnePlainYamlDocumentIsRefused) {
  expect_refused("optim:\n  lr: 1\ntrain: {}\noptim:\n  eps: 1\n",
                 "a.yaml (line 4): key 'optim' is given twice; first on line 1");
  expect_refused("optim:\n  lr: 1\n  lr: 2\n", "a.yaml (line 3): key 'lr' is given twice; first on line 2");
  expect_refused("optim:\n\tlr: 1\n", "a.yaml (line 2): is indented with a tab; YAML wants spaces");
  expect_refused("optim:\n  lr: \"1\xE9\"\n", "a.yaml (line 2): is not UTF-8 text");
  expect_refused(std::string("optim:\n  lr: 1\0\n", 16), "a.yaml (line 2): is not UTF-8 text");
  expect_refused("optim: &o\n  lr: 1\n",
                 "(line 1): anchors and aliases (& and *) are not read here; write the value out");
  expect_refused("a: 1\n---\nb: 2\n", "a second document begins; one is read");
  expect_refused("? [a, b]\n: 1\n", "a key must be a word");
  expect_refused("data: [[[[[[[[[[1]]]]]]]]]]\n", "is nested too deeply");
  EXPECT_THAT([&] { read("optim:\n  lr: [1\n"); }, ThrowsMessage<Error>(HasSubstr("): is not YAML: ")));
  EXPECT_THAT([&] { read("optim:\n  lr: 1\n bad: 2\n"); }, ThrowsMessage<Error>(HasSubstr("): is not YAML: ")));
  EXPECT_THAT([&] { read(std::string(100'000, '[')); }, ThrowsMessage<Error>(HasSubstr("a.yaml (line 1): ")));
  EXPECT_THAT([&] { read(std::string(100'000, '{')); }, ThrowsMessage<Error>(HasSubstr("a.yaml (line 1): ")));
  EXPECT_THAT([&] { read(std::string(2'000'000, ' ')); }, ThrowsMessage<Error>(HasSubstr("is larger than")));
}

TEST_F(ConfigFileTest, AMissingFileIsNamed) {
  EXPECT_THAT([&] { read_config(folder_ / "none.yaml", {}); },
              ThrowsMessage<Error>(EndsWith("none.yaml: No such file or directory")));
}

TEST(ConfigFolderTest, EveryFileUnderConfigsReads) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(GLINT_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    EXPECT_NO_THROW(read_config(entry.path(), {})) << entry.path();
  }
  EXPECT_GE(files, 2);
}

}  // namespace
}  // namespace glint::test
