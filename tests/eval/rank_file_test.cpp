#include "glint/eval/rank_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

// Four texts of three videos, the last of which no text belongs to.
EvaluationRanks small_ranks() {
  EvaluationRanks ranks;
  ranks.queries = {{"q0", "a man \"sings\"", "v0", {"music"}},
                   {"q1", "ein Hund l\xC3\xA4uft", "v1", {}},
                   {"q2", "", "v0", {"music", "stage"}},
                   {"q3", "x", "v1", {}}};
  ranks.gallery = {{"v0", "", "", {"music"}}, {"v1", "", "", {}}, {"v2", "", "", {}}};
  ranks.t2v = {.query = {0, 1, 2, 3},
               .rank = {0, 1, 2, 0},
               .rank_average = {0.5, 1, 2, 0},
               .truth_score = {0.9, 0.1, -0.25, 0.5},
               .top_items = {0, 1, 2, 2, 1, 0, 1, 2, 0, 1, 0, 2},
               .top_scores = {0.9, 0.8, 0.7, 0.6, 0.1, 0, 0.3, 0.2, -0.25, 0.5, 0.4, -INFINITY},
               .ndcg10 = {},
               .average_precision = {}};
  ranks.v2t = {.query = {0, 1},
               .rank = {0, 3},
               .rank_average = {0, 3},
               .truth_score = {0.9, 0.1},
               .top_items = {0, 1, 2, 3, 3, 2, 1, 0},
               .top_scores = {4, 3, 2, 1, 4, 3, 2, 1},
               .ndcg10 = {1, 0.5},
               .average_precision = {1, 0.25}};
  return ranks;
}

class RankFileTest : public testing::Test {
 protected:
  void SetUp() override { write_ranks(folder_.path(), small_ranks()); }

  void expect_refused(const std::string& file, const std::string& what) {
    EXPECT_THAT([&] { read_ranks(folder_.path()); },
                ThrowsMessage<Error>(AllOf(HasSubstr(file), HasSubstr(what), Not(HasSubstr("\n")))));
  }

  // The file of ranks with other content and a checksum that fits.
  void rewrite(const std::function<void(TensorMap&, std::map<std::string, std::string>&)>& change) {
    auto file = read_safetensors(folder_ / "ranks.safetensors");
    change(file.tensors, file.metadata);
    std::string sums;
    for (const auto& [name, tensor] : file.tensors)
      sums += concat(name, " ", xxhash64(tensor.contiguous().const_data_ptr(), tensor.nbytes()), "\n");
    if (file.metadata.count("checksum") != 0) file.metadata["checksum"] = sha256(sums).substr(0, 16);
    write_safetensors(folder_ / "ranks.safetensors", file.tensors, file.metadata);
  }
  void expect_value_refused(const std::string& tensor, double value, const std::string& what) {
    SCOPED_TRACE(tensor);
    SetUp();
    rewrite([&](TensorMap& tensors, auto&) {
      tensors.at(tensor) = tensors.at(tensor).clone();
      tensors.at(tensor).flatten()[-1] = value;
    });
    expect_refused("ranks.safetensors: ", what);
  }
  // A line added to one of the lists of items, and the ranks bound to it.
  void append(const std::string& name, const std::string& line) {
    write_file(folder_ / name, read_file(folder_ / name) + line);
    rewrite([&](auto&, auto& metadata) { metadata[name] = xxhash64_of_file(folder_ / name); });
  }

  TemporaryFolder folder_;
};

TEST_F(RankFileTest, WhatIsWrittenIsRead) {
  const auto ranks = read_ranks(folder_.path());
  EXPECT_EQ(ranks.queries, small_ranks().queries);
  EXPECT_EQ(ranks.gallery, small_ranks().gallery);
  EXPECT_EQ(ranks.t2v, small_ranks().t2v);
  EXPECT_EQ(ranks.v2t, small_ranks().v2t);
  EXPECT_EQ(signature_ids(ranks),
            signature_ids({"q0", "q1", "q2", "q3"}, {"v0", "v1", "v0", "v1"}, {"v0", "v1", "v2"}));
}

TEST_F(RankFileTest, TheNamesAreThoseThatScriptsRelyOn) {
  const auto tensors = read_safetensors(folder_ / "ranks.safetensors").tensors;
  for (const std::string direction : {"t2v", "v2t"}) {
    const auto asked = direction == "t2v" ? 4 : 2, best = direction == "t2v" ? 3 : 4;
    EXPECT_EQ(tensors.at(direction + ".rank").sizes(), torch::IntArrayRef({asked}));
    EXPECT_EQ(tensors.at(direction + ".rank_average").scalar_type(), torch::kFloat64);
    EXPECT_EQ(tensors.at(direction + ".truth_score").sizes(), torch::IntArrayRef({asked}));
    EXPECT_EQ(tensors.at(direction + ".top_items").sizes(), torch::IntArrayRef({asked, best}));
    EXPECT_EQ(tensors.at(direction + ".top_scores").sizes(), torch::IntArrayRef({asked, best}));
  }
  EXPECT_THAT(read_file(folder_ / "queries.jsonl"),
              testing::StartsWith(
                  "{\"id\":\"q0\",\"caption\":\"a man \\\"sings\\\"\",\"video\":\"v0\",\"tags\":[\"music\"]}\n"));
  EXPECT_THAT(read_file(folder_ / "gallery.jsonl"), EndsWith("{\"id\":\"v2\"}\n"));
}

TEST_F(RankFileTest, NumbersThatAreNoRanksAreRefused) {
  expect_value_refused("t2v.rank", -1, "t2v: 'rank' has -1 among 3 answers");
  expect_value_refused("t2v.rank", 3, "'rank' has 3 among 3 answers");
  expect_value_refused("v2t.rank_average", NAN, "v2t: 'rank_average' has nan");
  expect_value_refused("v2t.rank_average", 2.5, "'rank_average' has 2.5 where 'rank' has 3");
  expect_value_refused("t2v.rank_average", 7, "'rank_average' has 7");
  expect_value_refused("t2v.truth_score", NAN, "'truth_score' has nan");
  expect_value_refused("t2v.top_items", 3, "'top_items' has row 3 of 3 rows");
  expect_value_refused("t2v.top_scores", NAN, "'top_scores' has a score that is not a number");
  expect_value_refused("v2t.query", 0, "'query' has row 0 after row 0");
  expect_value_refused("v2t.query", 3, "'query' has row 3 after row 0, of 3 rows");
  expect_value_refused("v2t.ndcg10", 1.5, "'ndcg10' has 1.5");
}

TEST_F(RankFileTest, CountsThatDoNotFitAreRefused) {
  rewrite([](TensorMap& tensors, auto&) { tensors["t2v.rank"] = torch::zeros({3}, torch::kInt64); });
  expect_refused("ranks.safetensors: ", "t2v: 'rank' has 3 values instead of 4");
  SetUp();
  rewrite([](TensorMap& tensors, auto&) { tensors["t2v.top_items"] = torch::zeros({4, 2}, torch::kInt64); });
  expect_refused("ranks.safetensors: ", "'top_items' has 8 values instead of 12");
  SetUp();
  rewrite([](TensorMap& tensors, auto&) { tensors["t2v.top_items"] = torch::zeros({3, 4}, torch::kInt64); });
  expect_refused("ranks.safetensors: ", "3 rows for 4 questions");
  SetUp();
  rewrite([](TensorMap& tensors, auto&) { tensors["t2v.rank"] = torch::zeros({4}, torch::kFloat32); });
  expect_refused("ranks.safetensors: ", "'t2v.rank' is Float");
  SetUp();
  rewrite([](TensorMap& tensors, auto&) { tensors.erase("v2t.truth_score"); });
  expect_refused("ranks.safetensors: ", "has no tensor 'v2t.truth_score'");
}

TEST_F(RankFileTest, AnotherVersionOrFormatIsRefused) {
  rewrite([](auto&, auto& metadata) { metadata["version"] = "2"; });
  expect_refused("ranks.safetensors: ", "has version 2 of the format, this glint reads version 1");
  rewrite([](auto&, auto& metadata) { metadata.erase("version"); });
  expect_refused("ranks.safetensors: ", "has no 'version'");
  rewrite([](auto&, auto& metadata) { metadata["format"] = "features"; });
  expect_refused("ranks.safetensors: ", "is not a file of ranks");
}

TEST_F(RankFileTest, DamagedOrForeignFilesAreRefused) {
  auto bytes = read_file(folder_ / "ranks.safetensors");
  bytes.back() ^= 1;
  write_file(folder_ / "ranks.safetensors", bytes);
  expect_refused("ranks.safetensors: ", "is damaged");
  SetUp();
  write_file(folder_ / "gallery.jsonl", "{\"id\":\"v0\"}\n{\"id\":\"v1\"}\n{\"id\":\"v3\"}\n");
  expect_refused("gallery.jsonl: ", "is not the file that ranks.safetensors was written with");
  fs::remove(folder_ / "gallery.jsonl");
  expect_refused("gallery.jsonl", "No such file");
  fs::remove(folder_ / "ranks.safetensors");
  expect_refused("ranks.safetensors", "No such file");
}

TEST_F(RankFileTest, RowsThatAreNoItemsAreRefusedWithTheirLine) {
  const auto refused = [&](const std::string& line, const std::string& what) {
    SCOPED_TRACE(line);
    SetUp();
    append("gallery.jsonl", line + "\n");
    expect_refused("gallery.jsonl:4: ", what);
  };
  refused("{\"id\":\"v0\"}", "the id 'v0' stands twice");
  refused("{\"id\":\"\"}", "has no id");
  refused("{\"caption\":\"x\"}", "has no id");
  refused("{\"id\":7}", "'id' that is no text");
  refused("{\"id\":\"v\xFF\"}", "is not UTF-8");
  refused("[\"v3\"]", "is not a JSON object");
  refused("{\"id\":\"v3\",\"id\":\"v4\"}", "key 'id' stands twice");
  refused("", "is not JSON: it is empty");
  refused("{\"id\":\"v3\",\"tags\":\"music\"}", "'tags' that are no list");
  refused("{\"id\":\"v3\",\"tags\":[1]}", "a tag that is no text");
  refused(std::string(100'000, '['), "is nested too deeply");
}

TEST_F(RankFileTest, ATextOfAVideoThatIsNotThereIsRefused) {
  append("queries.jsonl", "{\"id\":\"q4\",\"video\":\"v9\"}\n");
  expect_refused("queries.jsonl:5: ", "the video 'v9' is not in gallery.jsonl");
  auto ranks = small_ranks();
  ranks.queries[1].video = "v9";
  EXPECT_THAT([&] { write_ranks(folder_.path(), ranks); },
              ThrowsMessage<Error>(HasSubstr("queries.jsonl:2: the video 'v9' is not in gallery.jsonl")));
}

TEST_F(RankFileTest, TheWriterRefusesWhatTheReaderWould) {
  auto twice = small_ranks();
  twice.gallery[2].id = "v0";
  EXPECT_THAT([&] { write_ranks(folder_.path(), twice); },
              ThrowsMessage<Error>(AllOf(HasSubstr("gallery.jsonl: "), HasSubstr("'v0' stands twice"))));
  auto bytes = small_ranks();
  bytes.queries[0].caption = "\xFF";
  EXPECT_THAT([&] { write_ranks(folder_.path(), bytes); }, ThrowsMessage<Error>(HasSubstr("is not UTF-8")));
  auto counts = small_ranks();
  counts.t2v.rank.pop_back();
  EXPECT_THROW(write_ranks(folder_.path(), counts), Bug);
}

TEST_F(RankFileTest, TheSignatureComesFromResultsJson) {
  const auto file = folder_ / "results.json";
  write_file(
      file, R"({"signature": "demo:test|q:4|g:3|ids:0|cap:all|truth:own|ties:average|post:none|T:?|fps:?|glint:0.1"})");
  EXPECT_EQ(read_signature(file).ties, "average");
  EXPECT_FALSE(read_signature(file).frames);
  const auto refused = [&](const std::string& text, const std::string& what) {
    write_file(file, text);
    EXPECT_THAT([&] { read_signature(file); }, ThrowsMessage<Error>(AllOf(HasSubstr("results.json"), HasSubstr(what))));
  };
  refused("{}", "has no 'signature'");
  refused("{\"signature\": 3}", "has no 'signature'");
  refused("{", "is not JSON: the file ends early");
  refused("{\"signature\": \"x\"}", "no field 'q'");
}

}  // namespace
}  // namespace glint::test
