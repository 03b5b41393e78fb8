#include "glint/eval/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr auto kLine =
    "msrvtt:1k-A|q:1000|g:1000|ids:3fa9c01d|cap:first|truth:own|ties:optimistic|post:none|T:12|fps:1|glint:0.2";

EvaluationSignature msrvtt_signature() {
  EvaluationSignature s;
  s.protocol = "msrvtt:1k-A";
  s.queries = s.gallery = 1000;
  s.ids = "3fa9c01d";
  s.frames = 12;
  s.fps = 1;
  s.glint = "0.2";
  return s;
}

TEST(SignatureTest, TheLineOfTheDesignIsWrittenAndRead) {
  EXPECT_EQ(to_text(msrvtt_signature()), kLine);
  EXPECT_EQ(parse_signature(kLine, "x"), msrvtt_signature());
}

TEST(SignatureTest, EveryFieldSurvivesTheLine) {
  auto s = msrvtt_signature();
  s.queries = 27763;
  s.gallery = 670;
  s.captions = "all";
  s.truth = "own+qrels:0badcafe";
  s.direction = "groups";
  s.ties = "average";
  s.postprocess = "qb_norm(k=1,beta=20,theta=1,bank=train_captions:9000)";
  s.frames.reset();
  s.fps = 0.1;
  EXPECT_THAT(to_text(s), HasSubstr("|truth:own+qrels:0badcafe|dir:groups|ties:average|"));
  EXPECT_EQ(parse_signature(to_text(s), "x"), s);
}

TEST(SignatureTest, VideosThatWereCutSayToHowManySeconds) {
  auto s = msrvtt_signature();
  s.max_seconds = 2.5;
  EXPECT_THAT(to_text(s), HasSubstr("|fps:1|cut:2.5|glint:"));
  EXPECT_EQ(parse_signature(to_text(s), "x"), s);
  EXPECT_FALSE(incomparable_field(s, msrvtt_signature()));
  const auto unlike = differing_settings(s, msrvtt_signature());
  ASSERT_EQ(unlike.size(), 1U);
  EXPECT_EQ(unlike[0].field + " " + unlike[0].a + " " + unlike[0].b, "cut 2.5 -");
}

TEST(SignatureTest, NamesThatWouldBreakTheLineAreMended) {
  auto s = msrvtt_signature();
  s.protocol = "my set|of\nvideos";
  EXPECT_EQ(parse_signature(to_text(s), "x").protocol, "my_set_of_videos");
}

TEST(SignatureTest, ALineThatIsNoneNamesTheField) {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& what) {
    std::string line = kLine;
    line.replace(line.find(from), from.size(), to);
    EXPECT_THAT([&] { parse_signature(line, "results.json"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("results.json: "), HasSubstr(what))))
        << line;
  };
  refused("|q:1000", "", "no field 'q'");
  refused("q:1000", "q:many", "'q:many', which is no number");
  refused("q:1000", "q:-1", "'q' below 0");
  refused("q:1000", "q:99999999999999999999", "which is no number");
  refused("ids:3fa9c01d", "ids:", "empty field 'ids'");
  refused("ties:optimistic", "ties:lucky", "'ties:lucky'");
  refused("fps:1", "fps:nan", "'fps:nan'");
  refused("T:12", "T:twelve", "'T:twelve'");
  refused("glint:0.2", "glint:0.2|more:1", "unknown field 'more:1'");
  refused("msrvtt:1k-A", "", "empty protocol");
  refused("1k-A", "1k A", "a space");
  refused("1k-A", "1k\xFF", "not UTF-8");
  EXPECT_THROW(parse_signature("", "x"), Error);
}

TEST(SignatureTest, IdsHashTheSortedPairsAndTheSortedGallery) {
  const auto ids = signature_ids({"q2", "q1"}, {"v1", "v2"}, {"v2", "v10", "v1"});
  EXPECT_EQ(ids, sha256("q1\tv2\nq2\tv1\n\nv1\nv10\nv2\n").substr(0, 8));
  EXPECT_EQ(ids, signature_ids({"q1", "q2"}, {"v2", "v1"}, {"v1", "v2", "v10"}));  // in any order
  EXPECT_NE(ids, signature_ids({"q1", "q2"}, {"v1", "v2"}, {"v1", "v2", "v10"}));  // other owners
  EXPECT_THROW(signature_ids({"q1"}, {}, {}), Bug);
}

TEST(SignatureTest, UnlikeQueriesTruthOrProtocolCannotBeCompared) {
  const auto first_unlike = [](auto change) {
    auto other = msrvtt_signature();
    change(other);
    const auto unlike = incomparable_field(msrvtt_signature(), other);
    return unlike ? unlike->field + " " + unlike->a + " " + unlike->b : "";
  };
  using S = EvaluationSignature;
  EXPECT_EQ(first_unlike([](S& s) { s.protocol = "msrvtt:full"; }), "protocol msrvtt:1k-A msrvtt:full");
  EXPECT_EQ(first_unlike([](S& s) { s.queries = 999; }), "q 1000 999");
  EXPECT_EQ(first_unlike([](S& s) { s.gallery = 2990; }), "g 1000 2990");
  EXPECT_EQ(first_unlike([](S& s) { s.ids = "0"; }), "ids 3fa9c01d 0");
  EXPECT_EQ(first_unlike([](S& s) { s.captions = "all"; }), "cap first all");
  EXPECT_EQ(first_unlike([](S& s) { s.truth = "qrels:1"; }), "truth own qrels:1");
  EXPECT_EQ(first_unlike([](S& s) { s.direction = "groups"; }), "dir - groups");
  EXPECT_EQ(first_unlike([](S& s) { s.ids = "0", s.queries = 5; }), "q 1000 5");  // the first in the line
  EXPECT_EQ(first_unlike([](S& s) { s.ties = "average"; }), "");
}

TEST(SignatureTest, SettingsMayDifferAndAreNamed) {
  auto other = msrvtt_signature();
  other.ties = "average";
  other.postprocess = "dsl(tau=100)";
  other.frames = 8;
  other.fps.reset();
  std::vector<std::string> fields;
  for (const auto& unlike : differing_settings(msrvtt_signature(), other))
    fields.push_back(unlike.field + " " + unlike.a + " " + unlike.b);
  EXPECT_THAT(fields, ElementsAre("ties optimistic average", "post none dsl(tau=100)", "T 12 8", "fps 1 ?"));
}

}  // namespace
}  // namespace glint::test
