#include "glint/device/device.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "device/cuda_library.h"
#include "glint/core/error.h"
#include "glint/device/cuda_module.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::filesystem::path kStandIns = GLINT_STAND_INS;

TEST(DeviceTest, TheCpuNeedsNothing) {
  EXPECT_EQ(choose_device("cpu", 7), torch::Device(torch::kCPU));
  EXPECT_EQ(make_work_clock(torch::kCPU), nullptr);
  synchronise(torch::kCPU);
}

TEST(DeviceTest, WhatWasNotChosenIsNotUsed) {  // ctest sets GLINT_CUDA_MODULE to nothing
  if (!device::is_switched_off()) GTEST_SKIP() << "GLINT_CUDA_MODULE is not set to nothing";
  EXPECT_EQ(choose_device("auto"), torch::Device(torch::kCPU));
  EXPECT_TRUE(find_gpus().gpus.empty());
  EXPECT_THAT([] { choose_device("cuda"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("config.run.device is cuda"), HasSubstr("GLINT_CUDA_MODULE"),
                                         HasSubstr("set run.device=cpu"))));
}

TEST(CudaLibraryTest, AFileThatIsNoModuleIsRefusedByName) {
  const TemporaryFolder folder;
  std::ofstream(folder / "words.so") << "no library";
  const auto refused = [](const std::filesystem::path& file, const char* why) {
    EXPECT_THAT([&] { device::open_module(file); },
                ThrowsMessage<Error>(AllOf(HasSubstr(file.string()), HasSubstr(why))));
  };
  refused(kStandIns / "libother.so", "is no CUDA module");
  refused(kStandIns / "libold_module.so", "belongs to another glint");
  EXPECT_THROW(device::open_module(folder / "words.so"), Error);
}

TEST(CudaLibraryTest, TheModuleOpensWithoutADriverAndShowsNoGpu) {
#ifdef GLINT_CUDA_MODULE_FILE
  EXPECT_EQ(device::open_module(GLINT_CUDA_MODULE_FILE).version, kCudaModuleVersion);
  const int count = c10::impl::VirtualGuardImpl(torch::kCUDA).deviceCount();
  EXPECT_TRUE(count == 0 || device::has_driver()) << count;
  EXPECT_TRUE(torch::ones({2}).add(1).eq(2).all().item<bool>());
#else
  GTEST_SKIP() << "no CUDA module was built; scripts/setup --cuda brings its libraries";
#endif
}

TEST(KnownPeakTest, GpusAreKnownByTheirNames) {
  const auto h200 = known_peak_flops("NVIDIA H200", torch::kBFloat16, false);
  ASSERT_TRUE(h200);
  EXPECT_EQ(known_peak_flops("NVIDIA H200", torch::kHalf, true), h200);
  EXPECT_LT(known_peak_flops("NVIDIA H200", torch::kFloat32, true), h200);
  EXPECT_LT(known_peak_flops("NVIDIA H200", torch::kFloat32, false),
            known_peak_flops("NVIDIA H200", torch::kFloat32, true));
  EXPECT_LT(known_peak_flops("NVIDIA H100 PCIe", torch::kHalf, false),
            known_peak_flops("NVIDIA H100 80GB HBM3", torch::kHalf, false));
  EXPECT_FALSE(known_peak_flops("NVIDIA GeForce 256", torch::kHalf, false));
}

}  // namespace
}  // namespace glint::test
