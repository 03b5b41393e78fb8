#include <torch/torch.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <thread>

#include "cuda/gpu.h"
#include "glint/device/cuda_module.h"

namespace glint::test {
namespace {

TEST(GpuTest, ItIsDescribed) {
  GLINT_NEEDS_GPU();
  const auto& first = find_gpus().gpus.front();
  EXPECT_FALSE(first.name.empty());
  EXPECT_GT(first.memory_bytes, 1 << 30);
  EXPECT_GT(first.multiprocessors, 0);
}

TEST(GpuTest, TheWorkClockSeesItsWorkAndMemoryIsCounted) {
  GLINT_NEEDS_GPU();
  LapTimer timer(make_work_clock(gpu()));
  timer.restart();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  timer.lap("wait");
  const auto a = torch::ones({4096, 4096}, gpu());
  for (int i = 0; i < 20; ++i) a.mm(a);
  timer.lap("products");
  timer.settle();
  ASSERT_EQ(timer.parts().size(), 2U);
  EXPECT_GT(timer.parts()[0].second, 0.04);
  EXPECT_GT(timer.parts()[1].second, 1e-4);
  EXPECT_GE(peak_memory_bytes(gpu()), 2 * 4096 * 4096 * 4);
}

TEST(NcclTest, OneRankSumsItself) {
  GLINT_NEEDS_GPU();
  const auto device = gpu();
  const auto store = c10::make_intrusive<c10d::HashStore>();
  const auto nccl = cuda_module().make_nccl(store, /*rank=*/0, /*ranks=*/1, /*timeout_ms=*/60'000);
  std::vector<torch::Tensor> values = {torch::arange(5, torch::TensorOptions(device).dtype(torch::kFloat32))};
  nccl->allreduce(values)->wait();
  EXPECT_TRUE(torch::equal(values[0].cpu(), torch::arange(5, torch::kFloat32)));
  nccl->shutdown();
}

}  // namespace
}  // namespace glint::test
