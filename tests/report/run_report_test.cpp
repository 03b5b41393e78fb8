#include "glint/report/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "report/markup_reader.h"
#include "support/environment.h"

namespace glint {
namespace {

using test::read_markup;
using test::TemporaryFolder;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr std::int64_t kPairs = 40;
const std::string kHostileCaption = "</bdi></td><script>alert(1)</script>\xE2\x80\xAE & \"x\" \x1B[31m <!--";

// 40 pairs; every third query is wrong, its winner the next video.
EvaluationRanks ranks_of_pairs(const std::string& caption, int wrong_one_in = 3) {
  EvaluationRanks ranks;
  for (std::int64_t i = 0; i < kPairs; ++i) {
    ranks.queries.push_back(
        {concat("q", i), concat(caption, " ", i), concat("v", i), {i % 2 == 0 ? "even <b>" : "odd"}});
    ranks.gallery.push_back({concat("v", i), "", "", {}});
    for (auto* direction : {&ranks.t2v, &ranks.v2t}) {
      const bool is_wrong = i % wrong_one_in == 0;
      direction->query.push_back(i);
      direction->rank.push_back(is_wrong);
      direction->rank_average.push_back(is_wrong);
      direction->truth_score.push_back(is_wrong ? 0.4 : 0.5);
      for (std::int64_t k = 0; k < 10; ++k) {
        const auto answer = k == (is_wrong ? 1 : 0) ? i : (i + 1 + k) % kPairs;
        direction->top_items.push_back(answer);
        direction->top_scores.push_back(0.5 - 0.1 * static_cast<double>(k));
      }
    }
  }
  return ranks;
}

RunRecord record_of(const std::string& name, const std::string& caption, int wrong_one_in = 3) {
  RunRecord run;
  run.name = name;
  run.folder = "/runs/" + name;
  run.evaluation.folder = run.folder / "eval/test";
  run.evaluation.ranks = ranks_of_pairs(caption, wrong_one_in);
  auto& signature = run.evaluation.signature;
  signature.protocol = "demo:test";
  signature.queries = signature.gallery = kPairs;
  signature.ids = signature_ids(run.evaluation.ranks);
  run.results.words = {{"head", "glscl"}, {"split", "test"}, {"checkpoint", "step_000005"}, {"selected_on", "val"}};
  run.results.metrics["t2v"] = {{"nDCG@10", 0.9}, {"ties", 0}};
  return run;
}

RunReport report_of(std::vector<RunRecord> runs) {
  RunReport report;
  report.runs = std::move(runs);
  report.resampling.resamples = 200;
  return report;
}

std::string text_of(const RunReport& report, std::size_t queries = 3) {
  html::Pictures pictures;
  return page_text(run_report_page(report, queries, pictures));
}

TEST(RunReportTest, OneRunHasEverySection) {
  const auto text = text_of(report_of({record_of("glscl", "a dog")}));
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  for (const char* title :
       {"Metrics", "Ranks", "Subsets", "Errors taken apart", "Queries", "Hubs", "Training", "Cost", "Data", "Settings"})
    EXPECT_THAT(text, HasSubstr(concat("<h2>", title, "</h2>")));
  EXPECT_THAT(text, Not(HasSubstr("<h2>Difference</h2>")));
  // 26 of 40; Wilson's interval as scipy.stats.binomtest(26, 40).proportion_ci(method="wilson") gives it.
  EXPECT_THAT(seen.text,
              HasSubstr("puts the right video first for 65.0 % (95 % interval 49.5 to 77.9) of 40 captions"));
}

TEST(RunReportTest, CaptionsNamesAndTagsStayTexts) {
  auto run = record_of("<img src=x onerror=alert(2)>", kHostileCaption);
  run.results.skipped = {{"<b>clip", "</details>\xFF"}};
  run.bad_files = {{"'\"><script>", "cause <i>"}};
  run.warnings = {"2026-01-01 00:00:00 warning </ul><script>alert(3)</script>"};
  run.log.training["<loss>"] = {{1, 2}, {3, 4}};
  run.log.training["nce"] = {{1, 2}, {3, 4}};
  run.log.training["seconds/<wait>"] = {{1, 2}, {3, 4}};
  run.config = Config();
  auto report = report_of({record_of("base", kHostileCaption, 5), run});
  report.command = "glint report '</pre><script>'";
  report.media.no_strips = "</p><script>";
  const auto seen = read_markup(text_of(report));
  EXPECT_EQ(seen.fault, "");
  EXPECT_EQ(seen.count("script"), 1U);  // the page's own
  EXPECT_EQ(seen.count("img"), 0U);
  EXPECT_EQ(seen.count_attribute("onerror"), 0U);
  EXPECT_THAT(seen.text, AllOf(HasSubstr("<script>alert(1)</script>"), HasSubstr("<img src=x onerror=alert(2)>"),
                               HasSubstr("alert(3)")));
}

TEST(RunReportTest, TwoRunsGiveDifferenceIntervalPAndDiscordantQueriesOfBothKinds) {
  const auto text = text_of(report_of({record_of("base", "a dog"), record_of("better", "a dog", 20)}));
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  EXPECT_THAT(text, HasSubstr("<h2>Difference</h2>"));
  EXPECT_THAT(
      seen.text,
      HasSubstr("better is better than base at text-to-video R@1: 95.0 against 65.0 %, difference +30.0 points"));
  EXPECT_THAT(seen.text, HasSubstr("better alone right: 13 queries"));
  EXPECT_THAT(seen.text, HasSubstr("base alone right: 1 query"));  // the 20th
  EXPECT_THAT(seen.text, HasSubstr("McNemar"));
}

TEST(RunReportTest, ADifferenceThatIsNoneIsCalledSo) {
  const auto seen = read_markup(text_of(report_of({record_of("a", "a dog"), record_of("b", "a dog")})));
  EXPECT_THAT(seen.text,
              HasSubstr("b cannot be told from a at text-to-video R@1: 65.0 against 65.0 %, difference 0.0 points"));
}

TEST(RunReportTest, RunsOfOtherQueriesAreRefused) {
  auto other = record_of("other", "a dog");
  other.evaluation.ranks.queries[0].id = "elsewhere";
  other.evaluation.signature.ids = signature_ids(other.evaluation.ranks);
  EXPECT_THROW(text_of(report_of({record_of("base", "a dog"), other})), Error);
}

TEST(RunReportTest, QueriesWithPicturesAreHardestFirstAndNeverTwice) {
  const auto report = report_of({record_of("glscl", "a dog")});
  const auto shown = shown_queries(report, 2);
  ASSERT_GE(shown.pairs.size(), 4U);
  EXPECT_EQ(shown.pairs.front(), (ShownPair{0, "q0", "v0"}));
  EXPECT_THAT(shown.videos, Contains("v0"));
  for (const auto& video : shown.videos) EXPECT_THAT(shown.videos, Contains(video).Times(1));
  EXPECT_EQ(shown_queries(report, 2).videos, shown.videos);  // what is drawn is the seed's
}

TEST(RunReportTest, StripsAndExplanationsStandUnderTheirQuery) {
  auto report = report_of({record_of("glscl", "a dog")});
  const auto shown = shown_queries(report, 1);
  for (const auto& video : shown.videos) report.media.strips[video] = {"jpeg of " + video, 646, 120, 3};
  report.media.explanations[shown.pairs.front()] = {
      {{"global", 0.25}, {"local", 0.15}}, {0.1, 0.9}, {}, {{"dog<", 0.75}, {"a", 0.25}}};
  const auto text = text_of(report, 1);
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  EXPECT_THAT(text, HasSubstr("alt=\"Four frames of v0\""));
  EXPECT_THAT(seen.text, HasSubstr("Score = global +0.250, local +0.150"));
  EXPECT_THAT(seen.text, HasSubstr("Attention over words, %: dog<75"));
  EXPECT_THAT(text, HasSubstr("aria-label=\"Attention over frames, %\""));
}

TEST(RunReportTest, WithoutVideosThePageSaysWhy) {
  auto report = report_of({record_of("glscl", "a dog")});
  report.media.no_strips = "Pictures are left out: no video is there.";
  const auto text = text_of(report);
  EXPECT_THAT(text, HasSubstr("Pictures are left out: no video is there."));
  EXPECT_THAT(text, Not(HasSubstr("<img")));
}

TEST(RunReportTest, ClipsByLengthAreASubsetWhereLengthsAreKnown) {
  auto report = report_of({record_of("glscl", "a dog")});
  EXPECT_THAT(text_of(report), HasSubstr("Clips by length are left out"));
  report.media.duration_s = {{"v0", 4}, {"v1", 30}};
  const auto text = text_of(report);
  EXPECT_THAT(text, AllOf(HasSubstr("over 3 to 5 s"), HasSubstr("over 20 to 40 s"), Not(HasSubstr("are left out"))));
}

// A run folder with all its files.
class RunRecordTest : public testing::Test {
 protected:
  RunRecordTest() {
    const auto record = record_of("run", "a dog");
    write_ranks(evaluation_, record.evaluation.ranks);
    write_file(
        evaluation_ / "results.json",
        concat(R"({"signature": ")", to_text(record.evaluation.signature),
               R"(", "head": "glscl", "encode_s": 1.5, "t2v": {"R@1": 65, "MdR": 1}, "raw": {"t2v": {"R@1": 60}},)",
               R"( "t2v_of_tag": {"odd": {"R@1": 70}}, "skipped_clips": [{"clip": "v9", "cause": "cut off"}]})"));
  }
  RunRecord read() { return read_run_record("run", folder_.path(), evaluation_); }

  TemporaryFolder folder_;
  std::filesystem::path evaluation_ = folder_ / "eval/test";
};

TEST_F(RunRecordTest, AnEvaluationAloneIsARecord) {
  const auto run = read();
  EXPECT_EQ(run.results.word("head"), "glscl");
  EXPECT_EQ(run.results.numbers.at("encode_s"), 1.5);
  EXPECT_EQ(run.results.metrics.at("raw t2v").at("R@1"), 60);
  EXPECT_EQ(run.results.of_tag.at("odd").at("R@1"), 70);
  EXPECT_THAT(run.results.skipped, ElementsAre(std::pair<std::string, std::string>("v9", "cut off")));
  EXPECT_FALSE(run.config);
  EXPECT_EQ(run.log.steps, 0);
  EXPECT_EQ(read_markup(text_of(report_of({run}))).fault, "");
}

TEST_F(RunRecordTest, StepsWrittenAgainCountOnceAndHalfALastLineNot) {
  write_file(
      folder_ / "metrics.jsonl",
      "{\"step\":1,\"loss\":4,\"nce\":4,\"icl\":0.5,\"lr\":1}\n{\"step\":2,\"loss\":3}\n{\"step\":2,\"loss\":2}\n"
      "{\"split\":\"val\",\"step\":2,\"t2v/R@1\":50}\n{\"step\":3,\"lo");
  const auto run = read();
  EXPECT_EQ(run.log.steps, 2);
  EXPECT_THAT(run.log.training.at("loss").value, ElementsAre(4, 2));
  EXPECT_THAT(run.log.evaluations.at("val").at("t2v/R@1").value, ElementsAre(50));
  EXPECT_THAT(run.log.loss_parts(), UnorderedElementsAre("nce", "icl"));
}

TEST_F(RunRecordTest, ALongLogIsThinnedButKeepsItsEvaluations) {
  std::string lines;
  for (int step = 1; step <= 20'000; ++step) {
    lines += concat("{\"step\":", step, ",\"loss\":1}\n");
    if (step % 5000 == 0) lines += concat("{\"split\":\"val\",\"step\":", step, ",\"t2v/R@1\":50}\n");
  }
  write_file(folder_ / "metrics.jsonl", lines);
  const auto run = read();
  EXPECT_LE(run.log.training.at("loss").step.size(), 4000U);
  EXPECT_EQ(run.log.evaluations.at("val").at("t2v/R@1").step.size(), 4U);
}

TEST_F(RunRecordTest, BadFilesAndWarningsAreRead) {
  write_file(folder_ / "bad_files.jsonl", "{\"clip\":\"v1\",\"cause\":\"no video\"}\n");
  write_file(folder_ / "log.txt", "2026-11-30 15:11:37 info all well\n2026-11-30 15:11:38 warning odd \xFF\n");
  const auto run = read();
  EXPECT_THAT(run.bad_files, ElementsAre(std::pair<std::string, std::string>("v1", "no video")));
  EXPECT_THAT(run.warnings, ElementsAre(HasSubstr("warning odd")));
}

TEST_F(RunRecordTest, AFileThatIsNoneOfItsKindIsNamedWithItsLine) {
  write_file(folder_ / "metrics.jsonl", "{\"step\":1}\nnonsense\n");
  EXPECT_THAT([&] { read(); }, testing::ThrowsMessage<Error>(HasSubstr("metrics.jsonl:2: ")));
  write_file(folder_ / "metrics.jsonl", "");
  write_file(folder_ / "config.yaml", "head:\n  nmae: glscl\n");
  EXPECT_THAT([&] { read(); }, testing::ThrowsMessage<Error>(HasSubstr("head.nmae")));
}

}  // namespace
}  // namespace glint
