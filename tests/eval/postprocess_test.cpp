#include "glint/eval/postprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(DualSoftmaxTest, EveryScoreIsWeighedAgainstTheOtherQueries) {
  torch::manual_seed(2);
  const auto scores = torch::rand({5, 3});
  const auto result = dual_softmax(scores, 20);
  for (int64_t j = 0; j < 3; ++j) {
    double sum = 0;
    for (int64_t q = 0; q < 5; ++q) sum += std::exp(20 * scores[q][j].item<double>());
    for (int64_t i = 0; i < 5; ++i) {
      const double score = scores[i][j].item<double>();
      EXPECT_NEAR(result[i][j].item<double>(), score * std::exp(20 * score) / sum, 1e-6);
    }
  }
}

// The definition, in loops.
torch::Tensor literal_qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k,
                              int64_t theta) {
  std::map<int64_t, int64_t> times;
  for (int64_t q = 0; q < train.size(0); ++q) {
    const auto order = train[q].argsort(/*dim=*/0, /*descending=*/true);
    for (int64_t i = 0; i < k; ++i) ++times[order[i].item<int64_t>()];
  }
  auto result = scores.to(torch::kFloat64).clone();
  for (int64_t i = 0; i < scores.size(0); ++i) {
    if (times[scores[i].argmax().item<int64_t>()] < theta) continue;
    for (int64_t j = 0; j < scores.size(1); ++j) {
      double sum = 0;
      for (int64_t q = 0; q < train.size(0); ++q) sum += std::exp(beta * train[q][j].item<double>());
      result[i][j] = std::exp(beta * scores[i][j].item<double>()) / sum;
    }
  }
  return result;
}

TEST(QbNormTest, ItIsTheDefinitionForEverySetting) {
  torch::manual_seed(4);
  const auto scores = torch::rand({11, 7}), train = torch::rand({20, 7});
  for (const auto& [k, theta] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 3}, {2, 5}, {7, 20}, {1, 21}}) {
    const auto result = qb_norm(scores, train, 9, k, theta);
    EXPECT_TRUE(torch::allclose(result, literal_qb_norm(scores, train, 9, k, theta), 1e-9)) << k << " " << theta;
  }
  EXPECT_TRUE(torch::equal(qb_norm(scores, train, 9, 1, 21), scores.to(torch::kFloat64)));  // no hub, nothing changes
}

TEST(QbNormTest, LargeBetaDoesNotOverflow) {
  const auto scores = torch::tensor({{1.5f, 1.4f}}), train = torch::tensor({{1.5f, 1.3f}});
  const auto result = qb_norm(scores, train, 5000, 1, 1);
  EXPECT_TRUE(result.isfinite().all().item<bool>());
  EXPECT_GT(result[0][1].item<double>(), result[0][0].item<double>());
}

TEST(QbNormTest, MoreColumnsThanOneBlockAndASmallGalleryWork) {
  torch::manual_seed(5);
  const auto scores = torch::rand({3, 131}), train = torch::rand({6, 131});
  EXPECT_TRUE(torch::allclose(qb_norm(scores, train, 20, 100, 1), literal_qb_norm(scores, train, 20, 100, 1), 1e-9));
  EXPECT_NO_THROW(qb_norm(torch::rand({3, 2}), torch::rand({4, 2}), 20, /*k=*/10, 1));
}

TEST(QbNormTest, NoTrainingQueryIsAnError) {
  EXPECT_THAT(
      [] {
        qb_norm(torch::rand({3, 2}), torch::rand({0, 2}), 20, 1, 1);
      },
      ThrowsMessage<Error>(HasSubstr("training queries")));
}

// 0-based position of every entry in its row, equal entries by index.
torch::Tensor order_of_rows(const torch::Tensor& scores) {
  return std::get<1>(scores.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true));
}

// A=9 texts, B=6 videos; banks of 20 training texts and 15 training videos.
struct Example {
  torch::Tensor scores, train_texts, train_videos;
  Example() {
    torch::manual_seed(31);
    scores = torch::randn({9, 6}) * 0.3;
    train_texts = torch::randn({20, 6}) * 0.3;
    train_videos = torch::randn({15, 9}) * 0.3;
  }
  DirectionBanks banks() const { return {bank_of(train_texts), bank_of(train_videos)}; }
  torch::Tensor t2v(const Postprocess& method, bool with_banks = true) const {
    return prepare_postprocess(method, scores, with_banks ? banks() : DirectionBanks{}).t2v(scores, 0);
  }
  torch::Tensor v2t(const Postprocess& method, bool with_banks = true) const {
    return prepare_postprocess(method, scores, with_banks ? banks() : DirectionBanks{}).v2t(scores.t(), 0);
  }
};

std::vector<Postprocess> every_method() {
  return {DslSettings{},      DslSharedSettings{}, InvertedSoftmaxSettings{}, QbNormSettings{}, NnnSettings{12, 0.75},
          SinkhornSettings{}, CslsSettings{4}};
}

TEST(PostprocessTest, NoneHasNoTransform) {
  const auto transforms = prepare_postprocess(NoPostprocess{}, torch::rand({3, 4}));
  EXPECT_FALSE(transforms.t2v);
  EXPECT_FALSE(transforms.v2t);
}

TEST(PostprocessTest, ABlockOfRowsIsThatOfTheWholeMatrix) {
  const Example example;
  for (const auto& method : every_method()) {
    const auto transforms = prepare_postprocess(method, example.scores, example.banks());
    const auto whole = transforms.t2v(example.scores, 0);       // [A, B]
    const auto turned = transforms.v2t(example.scores.t(), 0);  // [B, A]
    EXPECT_EQ(whole.scalar_type(), torch::kFloat64);
    for (int64_t first = 0; first < 6; first += 2) {
      EXPECT_TRUE(torch::equal(transforms.t2v(example.scores.narrow(0, first, 2), first), whole.narrow(0, first, 2)));
      EXPECT_TRUE(
          torch::equal(transforms.v2t(example.scores.t().narrow(0, first, 2), first), turned.narrow(0, first, 2)))
          << postprocess_signature(method, "test_queries");
    }
  }
}

TEST(PostprocessTest, ABankMayComeInAnyBlocks) {
  const Example example;
  const auto in_blocks = [](const torch::Tensor& bank) -> Bank {
    return [bank](const auto& take) {
      for (const auto& block : bank.split(4)) take(block);
    };
  };
  const DirectionBanks banks{in_blocks(example.train_texts), in_blocks(example.train_videos)};
  for (const auto& method : every_method()) {
    const auto transforms = prepare_postprocess(method, example.scores, banks);
    EXPECT_TRUE(torch::equal(transforms.t2v(example.scores, 0), example.t2v(method)));
    EXPECT_TRUE(torch::equal(transforms.v2t(example.scores.t(), 0), example.v2t(method)));
  }
}

TEST(PostprocessTest, WithoutABankTheTestQueriesAreIt) {
  const Example example;
  for (const Postprocess& method : {Postprocess(InvertedSoftmaxSettings{}), Postprocess(NnnSettings{5, 0.5})}) {
    const auto own =
        prepare_postprocess(method, example.scores, {bank_of(example.scores), bank_of(example.scores.t())});
    EXPECT_TRUE(torch::equal(example.t2v(method, false), own.t2v(example.scores, 0)));
    EXPECT_TRUE(torch::equal(example.v2t(method, false), own.v2t(example.scores.t(), 0)));
  }
}

TEST(PostprocessTest, ABiasIsOneNumberAnItem) {
  const Example example;
  for (const Postprocess& method : {Postprocess(InvertedSoftmaxSettings{}), Postprocess(NnnSettings{5, 0.5}),
                                    Postprocess(SinkhornSettings{}), Postprocess(CslsSettings{3})}) {
    const auto biases = example.scores.to(torch::kFloat64) - example.t2v(method);  // [A, B]
    EXPECT_TRUE(torch::allclose(biases, biases.select(0, 0).expand_as(biases), 0, 1e-12));
  }
}

TEST(PostprocessTest, CslsRanksLikeThePublishedMatrix) {
  const Example example;
  const auto scores = example.scores.to(torch::kFloat64);
  const auto rows = std::get<0>(scores.topk(3, 1)).mean(1, /*keepdim=*/true);     // [A, 1]
  const auto columns = std::get<0>(scores.topk(3, 0)).mean(0, /*keepdim=*/true);  // [1, B]
  const auto csls = scores * 2 - rows - columns;
  EXPECT_TRUE(torch::equal(order_of_rows(example.t2v(CslsSettings{3})), order_of_rows(csls)));
  EXPECT_TRUE(torch::equal(order_of_rows(example.v2t(CslsSettings{3})), order_of_rows(csls.t())));
}

TEST(PostprocessTest, DslRanksPositiveZeroAndNegativeScoresWhereFloat64HoldsNoProduct) {
  // With tau 5000 every product but the best is 0 in float64.
  const auto scores = torch::tensor({{0.5f, 0.2f, 0.f, -0.3f, -0.6f}, {0.9f, 0.9f, 0.9f, 0.9f, 0.9f}});
  EXPECT_EQ(dual_softmax(scores, 5000)[0].count_nonzero().item<int64_t>(), 0);
  const auto ranked = prepare_postprocess(DslSettings{5000}, scores).t2v(scores, 0)[0];  // [5]
  EXPECT_GT(ranked[0].item<double>(), ranked[1].item<double>());
  EXPECT_GT(ranked[1].item<double>(), 0);
  EXPECT_EQ(ranked[2].item<double>(), 0);
  EXPECT_LT(ranked[3].item<double>(), ranked[4].item<double>());  // the smaller weight lifts a negative score
  EXPECT_LT(ranked[4].item<double>(), 0);
}

TEST(PostprocessTest, DslIsTheProductWhereFloat64HoldsIt) {
  const Example example;
  EXPECT_TRUE(torch::equal(example.t2v(DslSettings{}), dual_softmax(example.scores, 100)));
  EXPECT_TRUE(torch::equal(example.v2t(DslSettings{}), dual_softmax(example.scores.t(), 100)));
  EXPECT_TRUE(torch::equal(example.v2t(DslSharedSettings{20}), dual_softmax(example.scores, 20).t()));
  const auto product = dual_softmax(example.scores, 20);
  EXPECT_TRUE(torch::allclose(log_dual_softmax(example.scores, 20).exp(), product.abs(), 1e-12, 0));
}

TEST(PostprocessTest, SharedDslKeepsTheRawVideoToTextRanksOfPositiveAnswers) {
  const Example example;
  const auto ranked = example.v2t(DslSharedSettings{});
  const auto raw = example.scores.t();
  for (int64_t video = 0; video < 6; ++video) {
    for (int64_t text = 0; text < 9; ++text) {
      if (raw[video][text].item<double>() < 0) continue;
      EXPECT_EQ((raw[video] > raw[video][text]).sum().item<int64_t>(),
                (ranked[video] > ranked[video][text]).sum().item<int64_t>());
    }
  }
}

TEST(PostprocessTest, InvertedSoftmaxTellsApartWhatItsPublishedFormSaturates) {
  // Text 0 owns both videos: S - lse / beta is 0 up to rounding for them, yet video 1 has the nearer second text.
  const auto scores = torch::tensor({{0.9f, 0.9f}, {0.1f, 0.3f}});
  const auto ranked = prepare_postprocess(InvertedSoftmaxSettings{100}, scores).t2v(scores, 0);
  EXPECT_GT(ranked[0][0].item<double>(), ranked[0][1].item<double>());
}

TEST(PostprocessTest, QbNormFindsTheBestItemInTheScoresThemselves) {
  // exp(beta S) overflows for both items in float64; item 1 is better and no hub, so the row stays raw.
  const auto scores = torch::tensor({{1.4f, 1.5f}}), bank = torch::tensor({{1.5f, 1.3f}});
  const auto transforms =
      prepare_postprocess(QbNormSettings{5000, 1, 1, {}}, scores, {bank_of(bank), bank_of(torch::ones({1, 1}))});
  EXPECT_TRUE(torch::equal(transforms.t2v(scores, 0), scores.to(torch::kFloat64)));
}

TEST(PostprocessTest, SinkhornOnTestQueriesGivesBothDirectionsFromOneRun) {
  const Example example;
  SinkhornScaling scaling(6, 0.01);
  for (int round = 0; round < 5; ++round) {
    scaling.add(example.scores);
    scaling.end_round();
  }
  const auto scores = example.scores.to(torch::kFloat64);
  EXPECT_TRUE(torch::equal(example.t2v(SinkhornSettings{}, false), scores - scaling.item_biases()));
  EXPECT_TRUE(torch::equal(example.v2t(SinkhornSettings{}, false), scores.t() - scaling.query_biases()));
}

TEST(PostprocessTest, ABankWithoutQueriesNamesMethodAndSetting) {
  const auto scores = torch::rand({3, 4});
  const auto prepare = [&](const Postprocess& method) {
    prepare_postprocess(method, scores, {bank_of(torch::rand({0, 4})), bank_of(torch::rand({0, 3}))});
  };
  const auto refusal = [](const std::string& method) {
    return ThrowsMessage<Error>(AllOf(HasSubstr("eval.postprocess = " + method), HasSubstr("its bank")));
  };
  EXPECT_THAT([&] { prepare(InvertedSoftmaxSettings{}); }, refusal("is"));
  EXPECT_THAT([&] { prepare(QbNormSettings{}); }, refusal("qb_norm"));
  EXPECT_THAT([&] { prepare(SinkhornSettings{}); }, refusal("sinkhorn"));
  EXPECT_THAT([&] { prepare(NnnSettings{}); }, ThrowsMessage<Error>(HasSubstr("has 0 queries")));
  EXPECT_THAT([&] { prepare(CslsSettings{}); }, ThrowsMessage<Error>(HasSubstr("10 largest")));
}

TEST(PostprocessTest, ScoresThatAreNotFiniteAreRefusedWithTheirPlace) {
  for (const auto& method : every_method()) {
    auto scores = Example().scores;
    scores[4][1] = -std::numeric_limits<float>::infinity();
    EXPECT_THAT([&] { prepare_postprocess(method, scores); },
                ThrowsMessage<Error>(HasSubstr("text 4 and video 1 is -inf")));
  }
}

TEST(PostprocessTest, TheSignatureNamesParametersAndBank) {
  EXPECT_EQ(postprocess_signature(NoPostprocess{}, "test_queries"), "none");
  EXPECT_EQ(postprocess_signature(DslSettings{}, "test_queries"), "dsl(tau=100)");
  EXPECT_EQ(postprocess_signature(QbNormSettings{}, "train_captions:9000"),
            "qb_norm(k=1,beta=20,theta=1,bank=train_captions:9000)");
  EXPECT_EQ(postprocess_signature(QbNormSettings{70, 1, 3, 5}, "train_captions:9"),
            "qb_norm(k=1,beta=70,theta=3,theta_v2t=5,bank=train_captions:9)");
  EXPECT_EQ(postprocess_signature(SinkhornSettings{}, "test_queries"), "sinkhorn(tau=0.01,bank=test_queries)");
  EXPECT_TRUE(uses_bank(NnnSettings{}));
  EXPECT_FALSE(uses_bank(CslsSettings{}));
}

}  // namespace
}  // namespace glint::test
