#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "config/fields.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Gives every field another allowed value than its default.
struct Scrambler {
  Random random;
  void field(const char*, std::string& value, const SettingRule& rule, const char*) {
    static const std::vector<std::string> awkward = {
        "",   "~",  "null", "true", "1e3", "a b", "a: b", "#",           "- x",      "\"q\\\"",   "'",
        "&a", "*a", "{",    "[",    "%",   "@",   "`",    "größe/видео", " leading", "trailing ", "---"};
    const std::size_t first = rule.is_path ? 2 : 0;  // the ~ of a path is gone once it is read
    value = rule.choices.empty() ? awkward[first + random.below(awkward.size() - first)]
                                 : std::string(rule.choices[random.below(rule.choices.size())]);
  }
  void field(const char*, int64_t& value, const SettingRule& rule, const char*) {
    const auto low = static_cast<int64_t>(std::max(rule.low, -1e6)) + 2;
    const auto high = static_cast<int64_t>(std::min(rule.high, static_cast<double>(low) + 999'999));
    value = low + static_cast<int64_t>(random.below(static_cast<uint64_t>(high - low + 1)));
  }
  void field(const char*, double& value, const SettingRule& rule, const char*) {
    value = std::isfinite(rule.high) ? random.uniform(rule.low, rule.high)
                                     : random.uniform() * std::pow(10, random.uniform(-12, 12));
  }
  void field(const char*, bool& value, const SettingRule&, const char*) { value = random.chance(0.5); }
  template <class Section>
  void section(const char*, Section& section) {
    describe(*this, section);
  }
  void head(const char*, HeadConfig& head, const char*) {
    head = all_heads()[random.below(all_heads().size())];
    std::visit([&](auto& alternative) { describe(*this, alternative); }, head);
  }
};

// The same where no setting contradicts another.
EvalConfig fitting(const EvalConfig& scrambled) {
  EvalConfig eval;
  eval.split = scrambled.split;
  eval.ids = scrambled.ids;
  eval.captions = scrambled.captions;
  eval.on_missing = scrambled.on_missing;
  eval.batch_size = scrambled.batch_size;
  eval.block = scrambled.block;
  eval.precision = scrambled.precision;
  eval.tf32 = scrambled.tf32;
  eval.ties = scrambled.ties;
  eval.qrels = scrambled.qrels;
  eval.ema = scrambled.ema;
  eval.postprocess = "qb_norm";
  eval.bank = "train_captions:7";
  eval.bank_seed = scrambled.bank_seed;
  eval.beta = scrambled.beta;
  eval.hub_k = scrambled.hub_k;
  eval.hub_theta = scrambled.hub_theta;
  eval.hub_theta_v2t = scrambled.hub_theta_v2t;
  return eval;
}

TEST(ConfigTextTest, ReadsBackToTheSameSettings) {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Config config;
    Scrambler scrambler{Random{seed}};
    describe(scrambler, config);
    config.model.towers.context_length = 4096;
    config.run.dir = "runs/x y";
    for (auto* split :
         {&config.data.train_split, &config.data.val_split, &config.data.test_split, &config.eval.split}) {
      std::replace(split->begin(), split->end(), '/', '_');
      std::replace(split->begin(), split->end(), '\\', '_');
    }
    config.eval = fitting(config.eval);
    if (config.data.val_split == config.data.test_split) config.data.val_split += "2";
    if (config.model.start != "openai") {
      config.model.weights.clear();
      config.model.towers.patch_size = 16;
    }
    for (const bool with_comments : {false, true}) {
      const auto text = config_text(config, with_comments);
      std::ofstream(folder / "a.yaml") << text;
      const auto again = read_config(folder / "a.yaml", {});
      EXPECT_EQ(config_text(again), config_text(config)) << text;
      EXPECT_EQ(config_hash(again), config_hash(config));
    }
  }
}

// What is computed from a setting, and narrowed, stays within its type.
struct NumberVisitor {
  std::vector<std::string> without_end = {};
  std::vector<std::string> not_allowed = {};  // a default that the rule refuses
  template <class Number>
  void number(const char* name, Number value, const SettingRule& rule) {
    if (!std::isfinite(rule.low) || !std::isfinite(rule.high)) without_end.emplace_back(name);
    if (!rule.allows(static_cast<double>(value))) not_allowed.emplace_back(name);
  }
  void field(const char* name, int64_t& value, const SettingRule& rule, const char*) { number(name, value, rule); }
  void field(const char* name, double& value, const SettingRule& rule, const char*) { number(name, value, rule); }
  void field(const char*, std::string&, const SettingRule&, const char*) {}
  void field(const char*, bool&, const SettingRule&, const char*) {}
  template <class Section>
  void section(const char*, Section& section) {
    describe(*this, section);
  }
  void head(const char*, HeadConfig&, const char*) {
    for (auto head : all_heads()) std::visit([&](auto& alternative) { describe(*this, alternative); }, head);
  }
};

TEST(ConfigTextTest, EveryNumberHasALowestAndAHighestValue) {
  NumberVisitor visitor;
  Config config;
  describe(visitor, config);
  EXPECT_THAT(visitor.without_end, testing::IsEmpty());
  EXPECT_THAT(visitor.not_allowed, testing::IsEmpty());
  const TemporaryFolder folder;
  for (const char* word : {"data.workers=1025", "video.image_size=4294967520", "data.cache_mb=9007199254740992",
                           "train.seed=9007199254740993000", "video.timeout_s=1e300"}) {
    EXPECT_THROW(read_config({}, {word}), Error) << word;
  }
  EXPECT_EQ(read_config({}, {"train.seed=9007199254740992"}).train.seed, 9007199254740992);
}

TEST(ConfigTextTest, HoldsDefaultsInReadableForm) {
  EXPECT_THAT(config_text(Config{}),
              testing::StartsWith("run:\n  dir: \"\"\n  device: auto\ndata:\n  name: manifest\n  root: \".\"\n"));
  EXPECT_THAT(config_text(Config{}), HasSubstr("optim:\n  name: bert_adam\n  lr: 1e-04\n  clip_lr: 1e-07\n"));
  EXPECT_THAT(config_text(Config{}), HasSubstr("head:\n  name: glscl\n  temperature: 3\n"));
  EXPECT_THAT(config_text(Config{}, true),
              HasSubstr("# peak learning rate of the new layers (temporal encoder and head); (0, 1e+30]\n"));
  Config other;
  other.head = MeanPoolConfig{};
  EXPECT_THAT(config_text(other), HasSubstr("head:\n  name: mean_pool\noptim:\n"));
}

TEST(ConfigKeysTest, EveryKeyIsThatOfASettingOfSomeHeadAndStandsOnce) {
  const auto keys = all_keys();
  std::set<std::string> want;
  for (const auto& head : all_heads()) {
    Config config;
    config.head = head;
    for (const auto& setting : list_settings(config)) want.insert(setting.key);
  }
  EXPECT_EQ(std::set(keys.begin(), keys.end()), want);
  EXPECT_EQ(keys.size(), want.size());
  for (const std::string key : {"optim.lr", "model.towers.text_width", "head.name", "head.queries"}) {
    EXPECT_THAT(keys, testing::Contains(key));
  }
}

struct HelpChecker {
  std::string path = {};
  template <class Value>
  void field(const char* name, Value&, const SettingRule& rule, const std::string& help) {
    EXPECT_NE(help, "") << path << "." << name;
    EXPECT_THAT(help, Not(HasSubstr("; >"))) << path << "." << name << ": the range follows from the rule";
    for (const auto word : rule.choices) {
      const std::string choice(word);
      const auto slash = choice.find('/');  // "t2v/MnR": its parts, as others share them
      const auto first = slash == std::string::npos ? 0 : slash + 1;
      EXPECT_THAT(help, HasSubstr(choice.substr(0, first))) << choice;
      EXPECT_THAT(help, HasSubstr(choice.substr(first))) << path << "." << name;
    }
  }
  template <class Section>
  void section(const std::string& name, Section& fields) {
    HelpChecker inner{path.empty() ? name : path + "." + name};
    describe(inner, fields);
  }
  void head(const char*, HeadConfig&, const std::string& help) {
    for (const auto& known : head_names()) EXPECT_THAT(help, HasSubstr(known));
    for (auto& known : all_heads()) {
      std::visit([&](auto& alternative) { section(alternative.kName, alternative); }, known);
    }
  }
};

TEST(ConfigTextTest, EverySettingHasAHelpSentenceThatNamesItsChoices) {
  Config config;
  HelpChecker checker;
  describe(checker, config);
}

// A row for each section that has one; of eval.* all may change.
std::string resume_table() {
  std::string table, section;
  for (const auto& setting : list_settings(Config{})) {
    if (setting.rule.on_resume == OnResume::kSame || setting.key.starts_with("eval.")) continue;
    const auto dot = setting.key.find('.');
    if (setting.key.substr(0, dot) != section) {
      section = setting.key.substr(0, dot);
      table += concat(table.empty() ? "" : " |\n", "| `", section, "` | ");
    } else {
      table += ", ";
    }
    table += concat("`", setting.key.substr(dot + 1), "`");
    if (setting.rule.on_resume == OnResume::kEnough) table += " (not below what is done)";
  }
  return table + " |\n| `eval` | all |\n";
}

TEST(ConfigTextTest, WhatARunMayChangeOnItsWayIsDocumented) {
  EXPECT_THAT(read_file(std::filesystem::path(GLINT_SOURCE_DIR) / "docs/training.md"), HasSubstr(resume_table()));
}

TEST(ConfigTextTest, WhatHasNoEffectOnResultsAndWhatIsAMachinesOwnMayChangeOnTheWay) {
  const Config config;
  const auto may_change = [&](const std::string& key) {
    for (const auto& setting : list_settings(config)) {
      if (setting.key == key) return setting.rule.on_resume != OnResume::kSame;
    }
    ADD_FAILURE() << key;
    return false;
  };
  for (const auto& setting : list_settings(config)) {
    const bool is_free = setting.rule.is_of_machine || setting.key.starts_with("eval.");
    EXPECT_TRUE(!is_free || may_change(setting.key)) << setting.key;
  }
  for (const char* key : {"video.isolate", "video.isolate_mb", "train.keep", "train.epochs", "model.weights"}) {
    EXPECT_TRUE(may_change(key)) << key;
  }
  for (const char* key : {"optim.lr", "train.seed", "train.batch_size", "train.select", "head.queries", "data.name"}) {
    EXPECT_FALSE(may_change(key)) << key;
  }
}

TEST(ConfigTextTest, ARangeIsShownAsItIsChecked) {
  const auto text = config_text(Config{}, true);
  EXPECT_THAT(text, HasSubstr("  warmup: 0.1                       # fraction of all steps over which the learning "
                              "rate rises linearly; [0, 1)\n"));
  EXPECT_THAT(text, HasSubstr("; [1, 100]\n"));
  EXPECT_THAT(config_text(Config{}), Not(HasSubstr("#")));
}

TEST(ConfigHashTest, ChangesWithWhatCanChangeAResultAlone) {
  const auto hash = [](const std::vector<std::string>& words) { return config_hash(read_config("", words)); };
  EXPECT_THAT(hash({}), testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(hash({}).size(), 16u);
  EXPECT_EQ(hash({}), hash({"run.dir=x", "data.workers=7", "data.prefetch=9", "data.cache_mb=5", "data.cache=y",
                            "train.threads=1"}));
  EXPECT_NE(hash({}), hash({"optim.lr=1e-3"}));
  EXPECT_NE(hash({}), hash({"train.seed=1"}));
  EXPECT_NE(hash({}), hash({"head.name=mean_pool"}));
  EXPECT_NE(hash({}), hash({"data.root=x"}));
  EXPECT_NE(hash({}), hash({"data.cache_codec=jpeg"}));
}

}  // namespace
}  // namespace glint::test
