#include "glint/dist/gradient_reducer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "dist/ranks.h"
#include "glint/core/error.h"

// N rows of this rank, D width.
namespace glint::test {
namespace {

constexpr std::int64_t kRows = 4, kWidth = 300;

// Wide enough for several buckets of 1 MB.
struct Model {
  Model() {
    torch::manual_seed(7);
    for (const char* name : {"in", "middle", "out", "sometimes", "never"}) {
      parameters.emplace_back(name, (torch::randn({kWidth, kWidth}, torch::kFloat64) / 20).requires_grad_());
    }
    parameters.emplace_back("frozen", torch::ones({3}));
  }

  torch::Tensor operator[](std::size_t index) const { return parameters[index].second; }

  // Rows [*, D] -> one number; `sometimes` only where asked for.
  torch::Tensor loss(const torch::Tensor& rows, bool sometimes) const {
    const auto hidden = torch::tanh(rows.matmul((*this)[0]));
    auto result = torch::tanh(hidden.matmul((*this)[1])).matmul((*this)[2]).pow(2).sum();
    if (sometimes) result = result + hidden.matmul((*this)[3]).sin().sum();
    return result;
  }

  void drop_gradients() {
    for (auto& [name, parameter] : parameters) parameter.mutable_grad() = torch::Tensor();
  }

  std::vector<std::pair<std::string, torch::Tensor>> parameters;
};

torch::Tensor batch(std::int64_t step, std::int64_t ranks) {
  torch::manual_seed(step);
  return torch::randn({ranks * kRows, kWidth}, torch::kFloat64);  // [ranks * N, D]
}

torch::Tensor rows_of(const torch::Tensor& all, std::int64_t rank) {
  return all.narrow(0, rank * kRows, kRows);
}

void expect_equal_gradients(const Model& model, const Model& whole) {
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const auto& name = model.parameters[i].first;
    ASSERT_EQ(model[i].grad().defined(), whole[i].grad().defined()) << name;
    if (!whole[i].grad().defined()) continue;
    EXPECT_TRUE(torch::allclose(model[i].grad(), whole[i].grad(), 1e-10, 1e-12)) << name;
  }
}

TEST(GradientReducerTest, GradientsAreThoseOfOneProcessOnTheWholeBatch) {
  for (const std::int64_t ranks : {2, 3}) {
    const auto body = [ranks](std::shared_ptr<Communicator> communicator) {
      Model model, whole;
      GradientReducer reducer(model.parameters, communicator, /*bucket_mb=*/1);
      for (std::int64_t step = 0; step < 3; ++step) {  // step 1 reaches `sometimes` on rank 1 alone, step 2 nowhere
        const auto all = batch(step, ranks);
        const auto uses = [&](std::int64_t rank) { return step == 0 || (step == 1 && rank == 1); };
        model.drop_gradients();
        reducer.backward({model.loss(rows_of(all, communicator->rank()), uses(communicator->rank()))});
        whole.drop_gradients();
        for (std::int64_t rank = 0; rank < ranks; ++rank) whole.loss(rows_of(all, rank), uses(rank)).backward();
        expect_equal_gradients(model, whole);
      }
    };
    EXPECT_EQ(run_communicators(ranks, body), well(ranks));
  }
}

TEST(GradientReducerTest, EarlierPassesOfAStepCountToo) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    Model model, whole;
    GradientReducer reducer(model.parameters, communicator, /*bucket_mb=*/1);
    for (std::int64_t step = 0; step < 3; ++step) {
      const auto all = batch(step, 3);
      const auto mine = rows_of(all, communicator->rank());
      // Earlier passes reach `sometimes` on rank 1 alone (never in step 2), the last one on no rank.
      const auto uses = [&](std::int64_t rank) { return step < 2 && rank == 1; };
      model.drop_gradients();
      model.loss(mine.narrow(0, 0, 1), false).backward();
      model.loss(mine.narrow(0, 1, 2), uses(communicator->rank())).backward();
      reducer.backward({model.loss(mine.narrow(0, 3, 1), false)});
      whole.drop_gradients();
      for (std::int64_t rank = 0; rank < 3; ++rank) {
        const auto rows = rows_of(all, rank);
        whole.loss(rows.narrow(0, 0, 1), false).backward();
        whole.loss(rows.narrow(0, 1, 2), uses(rank)).backward();
        whole.loss(rows.narrow(0, 3, 1), false).backward();
      }
      expect_equal_gradients(model, whole);
    }
  };
  EXPECT_EQ(run_communicators(3, body), well(3));
}

TEST(GradientReducerTest, ALastPassThatReachesNothingOnSomeRankSumsAllTheSame) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    Model model, whole;
    auto others_first = model.parameters;
    std::rotate(others_first.begin(), others_first.begin() + 4, others_first.end());  // `never` leads
    GradientReducer reducer(others_first, communicator, /*bucket_mb=*/1);
    for (std::int64_t step = 0; step < 3; ++step) {
      const auto all = batch(step, 2);
      const bool one_has_a_last_pass = step == 1;
      model.drop_gradients();
      model.loss(rows_of(all, communicator->rank()), false).backward();
      if (one_has_a_last_pass && communicator->rank() == 1) {
        reducer.backward({model.loss(all, false)}, {torch::full({}, 0.5, torch::kFloat64)});
      } else {
        reducer.backward({});
      }
      whole.drop_gradients();
      (whole.loss(all, false) * (one_has_a_last_pass ? 1.5 : 1)).backward();
      expect_equal_gradients(model, whole);
    }
  };
  EXPECT_EQ(run_communicators(2, body), well(2));
}

TEST(GradientReducerTest, GivenGradientsAndAnOptimizerThatDropsThem) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    Model model, whole;
    GradientReducer reducer(model.parameters, communicator);
    const std::vector<torch::Tensor> trained = {model[0], model[1], model[2]};
    const std::vector<torch::Tensor> judged = {whole[0], whole[1], whole[2]};
    torch::optim::AdamW optimizer(trained), judge(judged);
    for (std::int64_t step = 0; step < 3; ++step) {
      const auto all = batch(step, 2);
      const auto embed = [](const Model& net, const torch::Tensor& rows) {
        return torch::tanh(rows.matmul(net[0])).matmul(net[1]).matmul(net[2]);  // [N, D]
      };
      model.drop_gradients();
      const auto mine = embed(model, rows_of(all, communicator->rank()));
      reducer.backward({mine}, {2 * mine.detach()});
      optimizer.step();
      whole.drop_gradients();
      embed(whole, all).pow(2).sum().backward();
      judge.step();
    }
    for (std::size_t i = 0; i < trained.size(); ++i) EXPECT_TRUE(torch::allclose(trained[i], judged[i], 1e-9, 1e-9));
  };
  EXPECT_EQ(run_communicators(2, body), well(2));
}

TEST(GradientReducerTest, OtherParametersThanRank0AreRefused) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    Model model;
    if (communicator->rank() == 1) model.parameters.pop_back(), model.parameters.pop_back();
    try {
      GradientReducer reducer(model.parameters, communicator);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("rank 1 trains other parameters than rank 0"), 0) << error.what();
    }
  };
  EXPECT_EQ(run_communicators(2, body), well(2));
}

TEST(GradientReducerTest, OneRankIsLeftAlone) {
  Model model;
  GradientReducer reducer(model.parameters, Communicator::alone());
  reducer.backward({});
  reducer.backward({model.loss(batch(0, 1), false)});
  EXPECT_TRUE(model[0].grad().defined());
  EXPECT_FALSE(model[3].grad().defined());
}

}  // namespace
}  // namespace glint::test
