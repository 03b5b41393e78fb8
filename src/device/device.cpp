#include "glint/device/device.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "device/cuda_library.h"
#include "glint/core/error.h"
#include "glint/core/log.h"

namespace glint {

namespace {

constexpr const char* kOnTheCpu = "set run.device=cpu to go on without a GPU";

struct Search {
  GpuReport report;
  const CudaModule* module = nullptr;
};

void describe_gpus(Search& found) {
  const int count = c10::impl::VirtualGuardImpl(torch::kCUDA).deviceCount();
  for (int i = 0; i < count; ++i) {
    CudaModule::Gpu gpu = {};
    found.module->describe(i, &gpu);
    found.report.gpus.push_back({gpu.name, gpu.memory_bytes, gpu.multiprocessors});
  }
  if (count > 0) return;
  found.report.problem =
      "LibTorch sees no GPU: none is there, CUDA_VISIBLE_DEVICES hides them, or the driver is older than LibTorch's "
      "CUDA";
}

Search search() {
  Search found;
  auto& report = found.report;
  report.has_driver = device::has_driver();
  try {
    const auto file = device::find_module();
    report.module = file.string();
    if (device::is_switched_off()) {
      report.problem = "GLINT_CUDA_MODULE is set to nothing, which leaves GPUs alone";
    } else if (!report.has_driver) {
      report.problem = "there is no NVIDIA driver (libcuda.so.1)";
    } else if (file.empty()) {
      report.problem =
          "this glint has no CUDA module (libglint_cuda.so beside it or in ../lib; scripts/build makes it "
          "after scripts/setup --cuda)";
    } else {
      found.module = &device::open_module(file);
      describe_gpus(found);
    }
  } catch (const Error& error) {
    report.problem = error.what();
  }
  return found;
}

const Search& searched() {
  static const Search found = search();
  return found;
}

}  // namespace

const GpuReport& find_gpus() {
  return searched().report;
}

const CudaModule& cuda_module() {
  GLINT_CHECK(searched().module != nullptr, "there is no CUDA module: ", find_gpus().problem);
  return *searched().module;
}

torch::Device choose_device(const std::string& wanted, std::int64_t local_rank) {
  if (wanted == "cpu") return torch::kCPU;
  GLINT_CHECK(wanted == "auto" || wanted == "cuda", "run.device '", wanted, "'");
  const auto& report = find_gpus();
  const auto count = static_cast<std::int64_t>(report.gpus.size());
  if (count == 0) {
    if (wanted == "cuda") throw Error("config.run.device is cuda, but ", report.problem, "; ", kOnTheCpu);
    const bool is_news = report.has_driver && !device::is_switched_off() && local_rank == 0;
    if (is_news) log_warning("works on the CPU: ", report.problem);
    return torch::kCPU;
  }
  if (local_rank >= count) {
    throw Error("process ", local_rank + 1, " of this machine has no GPU of its own, there ",
                count == 1 ? "is 1" : concat("are ", count), " (run.device is ", wanted,
                "): start no more processes than GPUs, or ", kOnTheCpu);
  }
  const torch::Device device(torch::kCUDA, static_cast<c10::DeviceIndex>(local_rank));
  c10::impl::VirtualGuardImpl(torch::kCUDA).setDevice(device);
  return device;
}

void synchronise(torch::Device device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

std::int64_t peak_memory_bytes(torch::Device gpu) {
  GLINT_CHECK(!gpu.is_cpu(), "the CPU's memory is the system's affair");
  constexpr std::size_t kAll = 0;  // CachingDeviceAllocator's StatType::AGGREGATE
  return at::getDeviceAllocator(gpu.type())->getDeviceStats(gpu.index()).allocated_bytes[kAll].peak;
}

void use_tf32(bool on) {
  at::globalContext().setAllowTF32CuBLAS(on);
  at::globalContext().setAllowTF32CuDNN(on);  // of recurrent layers
}

}  // namespace glint
