#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/eval/rank_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kSkipped = 77;

// A run folder whose captions, names and causes are markup and script.
fs::path hostile_run(const fs::path& folder, int wrong_one_in) {
  const std::string caption =
      "</td></table><script>document.title='x'</script> \xE2\x80\xAE <img src=x onerror=alert(1)> ";
  EvaluationRanks ranks;
  constexpr std::int64_t kCount = 30;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const auto video = concat("videos/<b onmouseover=alert(1)>", i, std::string(i == 3 ? 300 : 3, 'w'), ".mp4");
    ranks.queries.push_back(
        {concat("q\"'>", i), concat(caption, std::string(i == 4 ? 400 : 4, 'm'), i), video, {"<i>tag"}});
    ranks.gallery.push_back({video, "", "", {}});
    for (auto* direction : {&ranks.t2v, &ranks.v2t}) {
      const bool is_wrong = i % wrong_one_in == 0;
      direction->query.push_back(i);
      direction->rank.push_back(is_wrong);
      direction->rank_average.push_back(is_wrong);
      direction->truth_score.push_back(is_wrong ? 0.4 : 0.5);
      for (std::int64_t k = 0; k < 10; ++k) {
        direction->top_items.push_back(k == (is_wrong ? 1 : 0) ? i : (i + 1 + k) % kCount);
        direction->top_scores.push_back(0.5 - 0.1 * static_cast<double>(k));
      }
    }
  }
  EvaluationSignature signature;
  signature.protocol = "<s>:test";
  signature.queries = signature.gallery = kCount;
  signature.ids = signature_ids(ranks);
  signature.glint = "0.1";
  write_ranks(folder / "eval/test", ranks);
  write_file(
      folder / "eval/test/results.json",
      concat(R"({"signature": ")", to_text(signature),
             R"(", "head": "<h1>", "split": "test", "skipped_clips": [{"clip": "</ul><script>", "cause": "<u>"}]})"));
  return folder;
}

// Matchers would print pages of a megabyte.
bool has(const std::string& page, const std::string& words) {
  return page.find(words) != std::string::npos;
}

class ReportCommandTest : public testing::Test {
 protected:
  // Trained once for all tests.
  static void SetUpTestSuite() {
    trained_ = std::make_unique<TemporaryFolder>();
    const auto result = run_program(small_training(*trained_ / "run", {"train.max_steps=3", "train.validate_every=1"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() { trained_.reset(); }
  static fs::path run() { return *trained_ / "run"; }

  std::string reported(std::vector<std::string> words) {
    words.insert(words.begin(), "report");
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    return result.err;
  }
  void expect_refused(std::vector<std::string> words, const std::string& what) {
    words.insert(words.begin(), "report");
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 1) << what;
    EXPECT_THAT(result.err, HasSubstr(what));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  static std::unique_ptr<TemporaryFolder> trained_;
  TemporaryFolder folder_;
};
std::unique_ptr<TemporaryFolder> ReportCommandTest::trained_;

TEST_F(ReportCommandTest, ARunsPageStandsInItsFolderWithPictures) {
  EXPECT_THAT(reported({run().string()}), HasSubstr((run() / "report.html").string()));
  const auto page = read_file(run() / "report.html");
  EXPECT_TRUE(has(page, "data:image/jpeg;base64,"));
  EXPECT_TRUE(has(page, "Loss and its parts"));
  EXPECT_TRUE(has(page, "clip length"));
  EXPECT_TRUE(has(page, "glint train "));
  EXPECT_LT(page.size(), 3'000'000U);
}

TEST_F(ReportCommandTest, ASecondPageNeedsNoVideoAndIsTheSame) {
  // A copy, whose data set is not there any more.
  const auto copy = folder_ / "copy";
  files::make_folders(copy);
  reported({run().string(), "--out", (folder_ / "first.html").string()});
  ASSERT_EQ(run_shell("cp -r " + run().string() + "/. " + copy.string()).exit_code, 0);
  write_file(copy / "config.yaml",
             std::regex_replace(read_file(copy / "config.yaml"), std::regex("root: .*"), "root: nowhere"));
  reported({copy.string(), "--out", (folder_ / "second.html").string()});
  const auto second = read_file(folder_ / "second.html");
  EXPECT_TRUE(has(second, "data:image/jpeg;base64,"));
  const auto pictures = [](const std::string& page) { return times_said(page, "data:image/jpeg;base64,"); };
  EXPECT_EQ(pictures(second), pictures(read_file(folder_ / "first.html")));
}

TEST_F(ReportCommandTest, WithoutItsVideosAPageSaysSo) {
  const auto copy = folder_ / "copy";
  ASSERT_EQ(
      run_shell("cp -r " + run().string() + " " + copy.string() + " && rm -rf " + (copy / "eval/test/strips").string())
          .exit_code,
      0);
  write_file(copy / "config.yaml",
             std::regex_replace(read_file(copy / "config.yaml"), std::regex("root: .*"), "root: nowhere"));
  reported({copy.string()});
  EXPECT_TRUE(has(read_file(copy / "report.html"), "Pictures are left out: data.root: nowhere is not there."));
  EXPECT_FALSE(has(read_file(copy / "report.html"), "<img"));
  reported({run().string(), "--no-videos", "--out", (folder_ / "plain.html").string()});
  EXPECT_TRUE(has(read_file(folder_ / "plain.html"), "as --no-videos asked"));
  EXPECT_FALSE(has(read_file(folder_ / "plain.html"), "<img"));
}

TEST_F(ReportCommandTest, SplitPutsStyleScriptAndPicturesBeside) {
  reported({run().string(), "--split", "--out", (folder_ / "page.html").string()});
  const auto page = read_file(folder_ / "page.html");
  EXPECT_TRUE(has(page, "href=\"page_files/style.css\""));
  EXPECT_TRUE(has(page, "src=\"page_files/script.js\""));
  EXPECT_FALSE(has(page, "data:image"));
  EXPECT_FALSE(has(page, "<style"));
  const std::regex picture("src=\"(page_files/[0-9a-f]+\\.jpg)\"");
  auto found = std::sregex_iterator(page.begin(), page.end(), picture);
  ASSERT_NE(found, std::sregex_iterator());
  for (; found != std::sregex_iterator(); ++found) EXPECT_TRUE(files::exists(folder_ / (*found)[1].str()));
}

TEST_F(ReportCommandTest, TwoRunsAreComparedWithTheFirst) {
  const auto a = hostile_run(folder_ / "a", 2), b = hostile_run(folder_ / "b", 10);
  reported({a.string(), b.string()});
  const auto page = read_file(b / "report_against_a.html");
  EXPECT_TRUE(has(page, "<h2>Difference</h2>"));
  EXPECT_TRUE(has(page, "is better than"));
  EXPECT_TRUE(has(page, "alone right: 12 queries"));
}

TEST_F(ReportCommandTest, AReportOfAReportReadyFolderTakesSeconds) {
  reported({run().string()});
  const auto start = std::chrono::steady_clock::now();
  reported({run().string()});
  // 0.5 s where nothing else runs; the bar is 5.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

// Strips as an earlier report kept them, of `bytes` each.
void keep_strips(const fs::path& run, std::size_t bytes, const std::string& file) {
  nlohmann::json clips = nlohmann::json::object();
  for (const auto& item : read_ranked_items(run / "eval/test/gallery.jsonl"))
    clips[item.id] = {{"source", "x"}, {"duration_s", 3}, {"jpeg", file}, {"width", 646}, {"height", 120}};
  write_file(run / "eval/test/strips/x.jpg", std::string(bytes, 'j'));
  write_file(run / "eval/test/strips/index.json", nlohmann::json{{"format", 1}, {"clips", clips}}.dump());
}

TEST_F(ReportCommandTest, APageOfMoreThan20MegabytesIsRefusedWithTheOptionsThatHelp) {
  const auto a = hostile_run(folder_ / "a", 2);
  keep_strips(a, 500'000, "x.jpg");
  expect_refused({a.string()}, "more than 20; --split puts its pictures beside it, or --queries 6 shows fewer queries");
  EXPECT_FALSE(files::exists(a / "report.html"));
  reported({a.string(), "--split"});
  EXPECT_EQ(files::list(a / "report_files").size(), 3U);  // style, script and one picture
}

TEST_F(ReportCommandTest, KeptStripsAreOfTheirFolderAlone) {
  const auto a = hostile_run(folder_ / "a", 2);
  write_file(a / "secret", "none of the page's business");
  keep_strips(a, 10, "../../../secret");
  reported({a.string()});
  EXPECT_FALSE(has(read_file(a / "report.html"), "<img"));
}

TEST_F(ReportCommandTest, WhatCannotBeReportedIsOneSentence) {
  const auto a = hostile_run(folder_ / "a", 2).string();
  expect_refused({(folder_ / "none").string()}, "there is no such file or folder");
  expect_refused({folder_.path().string()}, "has no ranks of split test");
  expect_refused({a, "--eval-split", "val"}, "has no ranks of split val");
  expect_refused({a, a}, "is given twice");
  expect_refused({a, run().string(), "--no-videos"}, "");  // other queries
  expect_refused({a, "--out", "/proc/none/report.html"}, "--out FILE puts the report elsewhere");
  expect_refused({a, "--recipe", (folder_ / "none.yaml").string()}, "none.yaml");
}

// Slow, and skipped where Chromium is not installed: no part of glint needs it.
TEST_F(ReportCommandTest, ReadsWellInABrowserWhateverCaptionsAndNamesSay) {
  const auto a = hostile_run(folder_ / "<img src=x onerror=alert(1)>", 2), b = hostile_run(folder_ / "b", 3);
  const auto hostile = folder_ / "hostile.html", usual = folder_ / "usual.html", split = folder_ / "split.html";
  reported({a.string(), b.string(), "--out", hostile.string()});
  reported({run().string(), "--out", usual.string(), "--queries", "3"});
  reported({run().string(), "--out", split.string(), "--queries", "3", "--split"});
  const auto looked = run_shell("scripts/screenshots --out '" + (folder_ / "shots").string() + "' '" +
                                hostile.string() + "' '" + usual.string() + "' '" + split.string() + "'");
  if (looked.exit_code == kSkipped) GTEST_SKIP() << "Chromium is not installed";
  EXPECT_EQ(looked.exit_code, 0) << looked.out << looked.err;
  EXPECT_TRUE(files::exists(folder_ / "shots/hostile-360-dark.png"));
  EXPECT_GT(files::size(folder_ / "shots/usual-print.pdf"), 10'000U);
}

}  // namespace
}  // namespace glint::test
