#include "glint/eval/vector_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class VectorFileTest : public testing::Test {
 protected:
  void expect_refused(const std::string& ids, const std::string& sentence) {
    write_safetensors(folder_ / "v.safetensors", {{"v", torch::ones({2, 3})}}, {{"ids", ids}});
    EXPECT_THAT([&] { read_vectors(folder_ / "v.safetensors"); }, ThrowsMessage<Error>(HasSubstr(sentence))) << ids;
  }
  EvaluatedSet set_of(const std::string& truth, const std::vector<std::string>& texts,
                      const std::vector<std::string>& videos) {
    write_file(folder_ / "truth.txt", truth);
    EvalConfig config;
    return set_of_ids(texts, videos, folder_ / "truth.txt", config);
  }
  const TemporaryFolder folder_;
};

TEST_F(VectorFileTest, IdsInTheMetadataAreAListOfTextsThatAReaderSees) {
  write_safetensors(folder_ / "v.safetensors", {{"v", torch::ones({2, 3})}}, {{"ids", R"(["a", "\u00e9"])"}});
  EXPECT_THAT(read_vectors(folder_ / "v.safetensors").ids, ElementsAre("a", "\xC3\xA9"));
  expect_refused("['a', 'b']", "('ids'):1: is not JSON: a single quote");
  expect_refused("[\"a\", 7]", "'ids' in its metadata is not a JSON list of texts");
  expect_refused("[\"a\", \"\\u200b\"]", "has a blank id");
  expect_refused("[\"a\", \"a\"]", "the id 'a' stands twice");
}

TEST_F(VectorFileTest, TheTruthMayBeOfTheOtherUnicodeForm) {
  const auto set = set_of("t\tcafe\xCC\x81\n", {"t"}, {"caf\xC3\xA9"});
  EXPECT_EQ(set.queries.at(0).video, "caf\xC3\xA9");
}

TEST_F(VectorFileTest, ATruthThatIsNoTextIsNamed) {
  EXPECT_THAT([&] { set_of("t\tv\nt\xFF\tv\n", {"t"}, {"v"}); },
              ThrowsMessage<Error>(HasSubstr("truth.txt:2: is not UTF-8 text")));
  EXPECT_THAT([&] { set_of("<html>\tx", {"t"}, {"v"}); }, ThrowsMessage<Error>(HasSubstr("is an HTML page")));
}

}  // namespace
}  // namespace glint::test
