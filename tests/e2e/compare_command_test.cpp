#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "e2e/program.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/eval/rank_file.h"
#include "glint/eval/statistics.h"
#include "glint/io/csv.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kVideos = 200;

// An evaluation of kVideos videos whose ranks are drawn: the larger `skill`, the better.
struct DrawnEvaluation {
  std::uint64_t seed = 1;
  double skill = 1;
  std::int64_t captions = 1;             // a video
  std::vector<std::int64_t> order = {};  // of the queries in the files; empty: as they come
  std::string prefix = "q";              // of the queries' ids
  std::function<void(EvaluationSignature&)> change = [](auto&) {};
};

DirectionRanks drawn_ranks(const DrawnEvaluation& drawn, std::uint64_t direction, std::int64_t questions,
                           std::int64_t answers) {
  DirectionRanks ranks;
  for (std::int64_t i = 0; i < questions; ++i) {
    Random hard({5, direction, static_cast<std::uint64_t>(i)}),
        luck({drawn.seed, direction, static_cast<std::uint64_t>(i)});
    const double level = 3 * hard.uniform() + 0.6 * luck.normal() - drawn.skill;
    const auto rank = std::clamp<std::int64_t>(std::llround(std::exp(level)) - 1, 0, answers - 1);
    ranks.query.push_back(i);
    ranks.rank.push_back(rank);
    ranks.rank_average.push_back(static_cast<double>(rank));
    ranks.truth_score.push_back(-static_cast<double>(rank));
    for (std::int64_t k = 0; k < std::min<std::int64_t>(10, answers); ++k) {
      ranks.top_items.push_back(k);
      ranks.top_scores.push_back(-static_cast<double>(k));
    }
  }
  return ranks;
}

void write_evaluation(const fs::path& folder, const DrawnEvaluation& drawn) {
  const auto texts = kVideos * drawn.captions;
  EvaluationRanks ranks;
  ranks.t2v = drawn_ranks(drawn, 0, texts, kVideos);
  ranks.v2t = drawn_ranks(drawn, 1, kVideos, texts);
  const auto in_order = ranks.t2v;
  for (std::int64_t place = 0; place < texts; ++place) {
    const auto i = drawn.order.empty() ? place : drawn.order[static_cast<std::size_t>(place)];
    ranks.queries.push_back({concat(drawn.prefix, i), "a caption", concat("v", i / drawn.captions), {}});
    ranks.t2v.rank[static_cast<std::size_t>(place)] = in_order.rank[static_cast<std::size_t>(i)];
    ranks.t2v.rank_average[static_cast<std::size_t>(place)] = in_order.rank_average[static_cast<std::size_t>(i)];
  }
  for (std::int64_t v = 0; v < kVideos; ++v) ranks.gallery.push_back({concat("v", v), "", "", {}});
  write_ranks(folder, ranks);
  EvaluationSignature signature;
  signature.protocol = "demo:test";
  signature.queries = texts;
  signature.gallery = kVideos;
  signature.ids = signature_ids(ranks);
  if (drawn.captions > 1) signature.captions = "all", signature.direction = "groups";
  signature.frames = 12;
  signature.fps = 1;
  signature.glint = "0.1";
  drawn.change(signature);
  write_file(folder / "results.json", json({{"signature", to_text(signature)}}).dump());
}

class CompareCommandTest : public testing::Test {
 protected:
  // A run folder: its config.yaml and its evaluation of the test split.
  std::string run(const std::string& name, const DrawnEvaluation& drawn, const std::string& head = "glscl") {
    write_file(folder_ / name / "config.yaml", concat("run:\n  dir: ", name, "\nhead:\n  name: ", head,
                                                      "\ntrain:\n  seed: ", drawn.seed, "\n  epochs: 5\n"));
    write_evaluation(folder_ / name / "eval/test", drawn);
    return name;
  }
  ProgramResult compare(std::vector<std::string> words) {
    words.insert(words.begin(), "compare");
    return run_program(words, {.folder = folder_.path()});
  }
  json compared(std::vector<std::string> words) {
    words.push_back("--json");
    const auto result = compare(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? json::parse(result.out) : json::object();
  }
  // One sentence on stderr, nothing on stdout, exit code 1.
  void expect_refused(const std::vector<std::string>& words, const std::string& what) {
    const auto result = compare(words);
    EXPECT_EQ(result.exit_code, 1) << what;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr(what));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  TemporaryFolder folder_;
};

TEST_F(CompareCommandTest, TwoRunsGiveDifferenceIntervalAndMcNemarsP) {
  run("old", {.seed = 1, .skill = 1}, "mean_pool");
  run("new", {.seed = 2, .skill = 1.6});
  const auto report = compared({"old", "new"});
  EXPECT_EQ(report.at("baseline"), "old");
  EXPECT_EQ(report.at("seed_noise"), "unknown");
  EXPECT_THAT(report.at("signature").get<std::string>(), StartsWith("demo:test|q:200|g:200|ids:"));
  const auto& r1 = report.at("metrics").at("t2v/R@1");
  const auto difference = r1.at("difference").get<double>();
  EXPECT_NEAR(difference, r1.at("b").get<double>() - r1.at("a").get<double>(), 1e-9);
  EXPECT_GT(difference, 5);
  EXPECT_LT(r1.at("low").get<double>(), difference);
  EXPECT_GT(r1.at("high").get<double>(), difference);
  EXPECT_NEAR(difference, 0.5 * (r1.at("b_only").get<double>() - r1.at("a_only").get<double>()), 1e-9);  // of 200
  EXPECT_DOUBLE_EQ(r1.at("p").get<double>(), mcnemar_p(r1.at("a_only"), r1.at("b_only")));
  EXPECT_EQ(r1.at("p_holm"), r1.at("p"));
  EXPECT_EQ(r1.at("test"), "McNemar");
  EXPECT_EQ(report.at("metrics").at("v2t/MnR").at("test"), "sign flips");
  EXPECT_EQ(report.at("metrics").at("v2t/MRR").at("test"), "sign flips (100000 draws)");
  EXPECT_TRUE(report.at("metrics").at("v2t/MRR").at("a_only").is_null());
  EXPECT_EQ(report.at("metrics").size(), 12u);
  const auto smallest = report.at("smallest_significant").at("t2v/R@1").get<double>();
  EXPECT_GT(smallest, 1);
  EXPECT_GT(report.at("found_in_80").at("t2v/R@1").get<double>(), smallest);
}

TEST_F(CompareCommandTest, QueriesAreMatchedByIdWhateverTheirOrder) {
  std::vector<std::int64_t> backwards;
  for (std::int64_t i = kVideos; i-- > 0;) backwards.push_back(i);
  run("old", {.seed = 1}, "mean_pool");
  run("new", {.seed = 2, .skill = 1.3});
  run("turned", {.seed = 2, .skill = 1.3, .order = backwards}, "xclip");
  EXPECT_EQ(compared({"old", "new"}).at("metrics"), compared({"old", "turned"}).at("metrics"));
}

TEST_F(CompareCommandTest, ASystemAgainstItselfDiffersInNothing) {
  run("a", {.seed = 1}, "mean_pool");
  run("b", {.seed = 1});
  const auto report = compared({"a", "b", "--metric", "t2v/R@1,v2t/MRR"});
  for (const auto& [name, metric] : report.at("metrics").items()) {
    EXPECT_EQ(metric.at("p"), 1) << name;
    EXPECT_EQ(metric.at("low"), 0) << name;
    EXPECT_EQ(metric.at("high"), 0) << name;
  }
  EXPECT_TRUE(report.at("smallest_significant").at("t2v/R@1").is_null());
}

TEST_F(CompareCommandTest, TheTableNamesWhatIsUnlikeAboveAndWhatItCanSeeBelow) {
  run("old", {.seed = 1}, "mean_pool");
  run("new", {.seed = 2, .skill = 1.6, .change = [](auto& s) { s.postprocess = "dsl(tau=100)"; }});
  const auto result = compare({"old", "new", "--metric", "t2v/R@1", "--metric", "v2t/R@3", "--seed", "7"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out, StartsWith("Unlike evaluations: old has post:none, new has post:dsl(tau=100).\nmetric "));
  for (const char* text :
       {"95 % interval", "p (Holm)", "baseline only", "arm only", "McNemar", "\nv2t/R@3",
        "\nt2v/R@1, new: 200 queries, ", " % right in one of the two only; smallest significant difference ",
        " points is found in 80 of 100 cases.", "Seed noise unknown", "10000 resamples, seed 7",
        "\ndemo:test|q:200|"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
}

TEST_F(CompareCommandTest, SeveralArmsAreCorrectedAndTheBaselineIsChosen) {
  run("a", {.seed = 1}, "mean_pool");
  run("b", {.seed = 2, .skill = 1.2}, "xclip");
  run("c", {.seed = 3, .skill = 1.1});
  const auto holm = compared({"a", "b", "c", "--baseline", "b"});
  EXPECT_EQ(holm.at("baseline"), "b");
  ASSERT_EQ(holm.at("comparisons").size(), 2u);
  EXPECT_EQ(holm.at("comparisons")[1].at("arm"), "c");
  EXPECT_EQ(compared({"a", "b", "c", "--baseline", "2"}).at("comparisons"), holm.at("comparisons"));
  const auto p_of = [&](std::size_t i) { return holm.at("comparisons")[i].at("metrics").at("t2v/MRR"); };
  const double first = p_of(0).at("p"), second = p_of(1).at("p");
  EXPECT_DOUBLE_EQ((first < second ? p_of(0) : p_of(1)).at("p_holm").get<double>(),
                   std::min(1.0, 2 * std::min(first, second)));
  const auto bh = compared({"a", "b", "c", "--correction", "bh"});
  EXPECT_TRUE(bh.at("metrics").at("t2v/R@1").contains("p_bh"));
  EXPECT_FALSE(compared({"a", "b", "c", "--correction", "none"}).at("metrics").at("t2v/R@1").contains("p_holm"));
}

TEST_F(CompareCommandTest, RunsThatDifferInTheSeedAloneAreOneArm) {
  std::vector<std::string> words;
  for (const std::uint64_t seed : {1, 2, 3}) words.push_back(run(concat("old", seed), {.seed = seed}, "mean_pool"));
  for (const std::uint64_t seed : {4, 5, 6, 7}) words.push_back(run(concat("new", seed), {.seed = seed, .skill = 1.8}));
  const auto report = compared(words);
  ASSERT_EQ(report.at("arms").size(), 2u);
  EXPECT_EQ(report.at("arms")[1].at("runs").size(), 4u);
  EXPECT_EQ(report.at("seed_noise"), "in the interval and p");
  const auto& r1 = report.at("metrics").at("t2v/R@1");
  EXPECT_EQ(r1.at("test"), "two-level bootstrap");
  EXPECT_GT(r1.at("a_sd").get<double>(), 0);
  const auto named = compared({"old=old1,old2,old3", "new=new4,new5,new6,new7"});
  EXPECT_EQ(named.at("metrics"), report.at("metrics"));
  EXPECT_EQ(named.at("baseline"), "old");

  const auto two = compare({"old=old1,old2", "new=new4,new5", "--metric", "t2v/R@1"});
  EXPECT_THAT(two.out, AllOf(HasSubstr("Seed noise unknown"), HasSubstr("sign flips"), HasSubstr("(sd ")));
}

TEST_F(CompareCommandTest, CaptionsOfOneVideoAreOneUnit) {
  run("old", {.seed = 1, .captions = 3}, "mean_pool");
  run("new", {.seed = 2, .skill = 1.1, .captions = 3});
  const auto report = compared({"old", "new"});
  EXPECT_EQ(report.at("metrics").at("t2v/R@1").at("test"), "sign flips");
  EXPECT_EQ(report.at("metrics").at("t2v/R@1").at("units"), kVideos);
  EXPECT_EQ(report.at("metrics").at("t2v/R@1").at("queries"), 3 * kVideos);
  EXPECT_EQ(report.at("metrics").at("v2t/R@1").at("test"), "McNemar");
  EXPECT_THAT(compare({"old", "new"}).out, HasSubstr("200 videos with 600 captions; smallest significant"));
}

TEST_F(CompareCommandTest, EveryFormHasTheSameNumbers) {
  run("old", {.seed = 1}, "mean_pool");
  run("new_100%", {.seed = 2, .skill = 1.4});
  const std::vector<std::string> words = {"old", "new_100%", "--metric", "t2v/R@1"};
  const auto form = [&](const std::string& flag) {
    auto with_flag = words;
    with_flag.push_back(flag);
    const auto result = compare(with_flag);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const auto r1 = compared(words).at("metrics").at("t2v/R@1");
  EXPECT_THAT(form("--markdown"),
              AllOf(HasSubstr("| --- | --- | ---: |"), HasSubstr("| new\\_100% |"), HasSubstr("`demo:test|q:200|")));
  EXPECT_THAT(form("--latex"), AllOf(HasSubstr("\\begin{tabular}{ll"), HasSubstr(" & new\\_100\\% & "),
                                     HasSubstr("\\toprule"), HasSubstr("% demo:test|q:200|")));
  const auto table = parse_csv(form("--csv"), "csv");
  ASSERT_EQ(table.rows.size(), 1u);
  const auto& fields = table.rows[0].fields;
  EXPECT_EQ(fields[*table.column("arm")], "new_100%");
  EXPECT_EQ(std::stod(fields[*table.column("difference")]), r1.at("difference").get<double>());
  EXPECT_EQ(std::stod(fields[*table.column("p_holm")]), r1.at("p_holm").get<double>());
  EXPECT_EQ(compare({"old", "new_100%", "--csv", "--json"}).exit_code, 1);
}

TEST_F(CompareCommandTest, FoldersOfAnEvaluationAndResultFilesAreTakenToo) {
  run("old", {.seed = 1}, "mean_pool");
  run("new", {.seed = 2});
  write_evaluation(folder_ / "other", {.seed = 2});  // another program's, without a run
  const auto want = compared({"old", "new"}).at("metrics");
  EXPECT_EQ(compared({"old/eval/test/", "new/eval/test/results.json"}).at("metrics"), want);
  EXPECT_EQ(compared({"old", "other"}).at("metrics"), want);
  EXPECT_EQ(compared({"old", "other"}).at("arms")[1].at("name"), "other");
}

TEST_F(CompareCommandTest, EvaluationsOfOtherQueriesAreRefusedByTheField) {
  run("old", {.seed = 1}, "mean_pool");
  run("other", {.seed = 2, .prefix = "text"});
  expect_refused({"old", "other"}, "its signature has ids:");
  run("other", {.seed = 2, .captions = 2});
  expect_refused({"old", "other"}, "its signature has q:400, that of old/eval/test/results.json has q:200");
  run("other", {.seed = 2, .change = [](auto& s) { s.protocol = "demo:val"; }});
  expect_refused({"old", "other"}, "other/eval/test/results.json: its signature has protocol:demo:val");
  run("other", {.seed = 2, .change = [](auto& s) { s.truth = "qrels:12345678"; }});
  expect_refused({"old", "other"}, "has truth:qrels:12345678");
  run("other", {.seed = 2, .change = [](auto& s) { s.ids = "00000000"; }});
  expect_refused({"old", "other"},
                 "its signature has ids:00000000, queries.jsonl and gallery.jsonl beside it make ids:");
}

TEST_F(CompareCommandTest, MistakesEndInOneSentence) {
  run("a", {.seed = 1}, "mean_pool");
  run("b", {.seed = 2}, "mean_pool");
  run("c", {.seed = 3});
  run("twin", {.seed = 1}, "mean_pool");
  expect_refused({"a", "nothing"}, "nothing: there is no such file or folder");
  expect_refused({"a", "c", "--split", "val"},
                 "a: has no ranks of split val (a/eval/val/ranks.safetensors is not there)");
  expect_refused({"a", "b"}, "the runs given are one arm, 'a'");
  expect_refused({"a"}, "the runs given are one arm, 'a'");
  expect_refused({"a", "twin", "c"}, "twin: has the settings, the seed and the evaluation of a/eval/test");
  expect_refused({"a", "a/eval/test"}, "a/eval/test: is given twice");
  expect_refused({"x=a", "x=c"}, "x: two arms have this name");
  expect_refused({"x=", "c"}, "x=: the arm has no runs");
  expect_refused({"=a", "c"}, "the arm has no name");
  expect_refused({"a", "c", "--baseline", "d"}, "--baseline: no arm 'd'; there are a, c");
  expect_refused({"a", "c", "--baseline", "3"}, "--baseline: no arm '3'");
  expect_refused({"a", "c", "--metric", "t2v/R@0"}, "no metric 't2v/R@0'");
  expect_refused({"a", "c", "--metric", "R@1"}, "no metric 'R@1'");
  run("dsl", {.seed = 4, .change = [](auto& s) { s.postprocess = "dsl(tau=100)"; }});
  expect_refused({"x=a,dsl", "c"}, "another run of arm 'x' has post:none");
  write_file(folder_ / "c/eval/test/queries.jsonl", "");
  expect_refused({"a", "c"}, "c/eval/test/queries.jsonl: is not the file that ranks.safetensors was written with");
  write_file(folder_ / "c/eval/test/results.json", "{}");
  expect_refused({"a", "c"}, "c/eval/test/results.json: has no 'signature'");
}

TEST_F(CompareCommandTest, HelpShowsAnExample) {
  const auto help = compare({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Example: glint compare runs/"));
}

}  // namespace
}  // namespace glint::test
