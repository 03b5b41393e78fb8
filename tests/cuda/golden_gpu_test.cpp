#include "cuda/gpu.h"
#include "parity/parity.h"
#include "support/environment.h"

namespace glint::test {
namespace {

// The cases' tolerances come from float32 on one CPU; a GPU sums in another order.
constexpr double kSlack = 16;

// Every golden case whose numbers a GPU computes in training or evaluation.
class GoldenGpuTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenGpuTest, EveryCaseOfTheKindMatches) {
  GLINT_NEEDS_GPU();
  int found = 0;
  for (const auto& folder : golden_case_dirs()) {
    auto golden = load_golden_case(folder);
    if (golden.kind != GetParam()) continue;
    ++found;
    golden.move_to(gpu(), kSlack);
    const auto report = parity_checks().at(golden.kind)(golden);
    EXPECT_TRUE(report.ok()) << golden.name << ": worst " << report.worst();
    for (const auto& failure : report.failures()) ADD_FAILURE() << golden.name << ": " << failure;
  }
  if (found > 0) return;
  if (std::getenv("GLINT_GOLDEN_DIR") != nullptr) GTEST_SKIP() << "GLINT_GOLDEN_DIR has no case of the kind";
  FAIL() << "tests/golden holds no case of kind " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenGpuTest,
                         testing::Values("bertadam", "clip4clip_meanp", "clip4clip_seqtransf_loss", "clip4clip_tight",
                                         "clip_tower", "glccl_head", "glscl_full", "glscl_head", "sim_full", "temporal",
                                         "xclip_head", "xpool_head"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace glint::test
