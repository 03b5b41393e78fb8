#include "glint/optim/moving_average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"

namespace glint {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(MovingAverageTest, EarlyStepsCountMoreAndTheDecayTakesOver) {
  auto parameter = torch::tensor({1.0F, -2.0F});
  MovingAverage average({{"w", parameter}}, 0.5);
  double expected = 1;
  for (int64_t step = 1; step <= 20; ++step) {
    parameter.fill_(static_cast<double>(step));
    average.update(step);
    const double decay = std::min(0.5, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
    expected = decay * expected + (1 - decay) * static_cast<double>(step);
    EXPECT_NEAR(average.state().at("w")[0].item<double>(), expected, 1e-5) << step;
  }
}

TEST(MovingAverageTest, ItStandsInPlaceOfTheParametersForAWhile) {
  auto parameter = torch::tensor({1.0F, 2.0F}, torch::requires_grad());
  MovingAverage average({{"w", parameter}}, 0.9);
  {
    torch::NoGradGuard no_grad;
    parameter.fill_(5);
  }
  {
    const MovingAverage::InPlace averaged(average);
    EXPECT_EQ(parameter[1].item<float>(), 2);
  }
  EXPECT_EQ(parameter[1].item<float>(), 5);
  EXPECT_EQ(average.state().at("w")[1].item<float>(), 2);
}

TEST(MovingAverageTest, AStateOfAnotherModelIsRefusedAndChangesNothing) {
  MovingAverage average({{"w", torch::zeros({2})}, {"x", torch::zeros({3})}}, 0.9);
  EXPECT_THAT(
      [&] {
        average.load({{"w", torch::ones({4})}, {"y", torch::ones({1})}});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("'w' is [4] instead of [2]"), HasSubstr("'x' is missing"),
                                 HasSubstr("'y' is no parameter"))));
  EXPECT_EQ(average.state().at("w").sum().item<float>(), 0);
  average.load({{"w", torch::ones({2})}, {"x", torch::ones({3})}});
  EXPECT_EQ(average.state().at("x").sum().item<float>(), 3);
}

}  // namespace
}  // namespace glint
