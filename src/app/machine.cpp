#include "app/machine.h"

#include <ATen/Version.h>
#include <dlfcn.h>
#include <sys/sysinfo.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/device/device.h"
#include "glint/media/codecs.h"
#include "glint/text/tokenizer.h"

namespace glint::app {

namespace fs = std::filesystem;

namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

std::string gib(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / kGib);
  return text;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown model";
}

Finding cpu() {
  return {"CPU", true, concat(cpu_model(), ", ", std::thread::hardware_concurrency(), " cores for glint"), ""};
}

Finding vectors() {
  const auto capability = at::get_cpu_capability();
  return {"vector units", capability != "DEFAULT", capability,
          "LibTorch knows no vector instructions of this CPU (AVX2 or AVX512 on x86): training will be several times "
          "slower"};
}

// The limit of the container we are in, where there is one.
double container_limit_bytes() {
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream in(file);
    if (double bytes = 0; in >> bytes) return bytes;
  }
  return std::numeric_limits<double>::infinity();  // none, or the word "max"
}

Finding memory() {
  struct sysinfo info = {};
  sysinfo(&info);
  const double total = std::min(static_cast<double>(info.totalram) * info.mem_unit, container_limit_bytes());
  return {"memory", total >= 6 * kGib, gib(total),
          "a training step of ViT-B/32 at batch 4 takes 5 GiB; smaller batches or the demo's model need less"};
}

Finding libtorch() {
  Dl_info info = {};
  const bool known = dladdr(reinterpret_cast<void*>(&at::get_cpu_capability), &info) != 0 && info.dli_fname != nullptr;
  return {"LibTorch", true,
          concat(TORCH_VERSION, known ? concat(" in ", fs::path(info.dli_fname).parent_path().string()) : ""), ""};
}

Finding libav() {
  std::string versions;
  for (const auto& version : libav_versions()) versions += (versions.empty() ? "" : ", ") + version;
  return {"FFmpeg", true, versions, ""};
}

Finding decoder(const std::string& codec) {
  const auto name = decoder_of(codec);
  return {codec + " decoder", !name.empty(), name.empty() ? "none" : name,
          concat("videos in ", codec, " cannot be read; install an FFmpeg built with a decoder for it")};
}

Finding vocabulary() {
  try {
    const auto tokenizer = clip_tokenizer();
    return {"CLIP vocabulary", true, concat(tokenizer->vocabulary_size(), " tokens, checked"), ""};
  } catch (const Error& error) {
    return {"CLIP vocabulary", false, "none", error.what()};
  }
}

Finding gpu_driver() {
  const std::string advice = "training and evaluation run on the CPU; a GPU needs NVIDIA's driver";
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return {"GPU driver", false, "none", advice};
  const auto ask_version = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDriverGetVersion"));
  int version = 0;  // 1000 * major + 10 * minor
  const bool told = ask_version != nullptr && ask_version(&version) == 0;
  dlclose(driver);
  return {"GPU driver", told, told ? concat("for CUDA ", version / 1000, ".", version % 1000 / 10) : "gives no version",
          advice};
}

// Opens the module where there is a driver.
Finding cuda_module_file() {
  const auto& report = find_gpus();
  return {"CUDA module", !report.module.empty(), report.module.empty() ? "none" : report.module,
          "this glint works on the CPU alone; scripts/setup --cuda, then scripts/build make it work on a GPU too"};
}

Finding gpus() {
  const auto& report = find_gpus();
  std::string names;
  for (const auto& gpu : report.gpus) {
    names += concat(names.empty() ? "" : ", ", gpu.name, " (", gib(static_cast<double>(gpu.memory_bytes)), ", ",
                    gpu.multiprocessors, " multiprocessors)");
  }
  return {"GPU", !names.empty(), names.empty() ? "none" : names, concat("works on the CPU: ", report.problem)};
}

Finding disk(const std::string& name, const fs::path& folder, double wanted_bytes, const std::string& advice) {
  try {
    const auto bytes = static_cast<double>(files::free_bytes(folder));
    return {name, bytes >= wanted_bytes, concat(gib(bytes), " in ", folder.string()), advice};
  } catch (const std::runtime_error& failure) {
    return {name, false, failure.what(), advice};
  }
}

fs::path temporary_folder() try { return files::temporary_folder(); } catch (const Error&) {
  return "/tmp";
}

}  // namespace

std::vector<Finding> examine_machine() {
  std::vector<Finding> findings = {cpu(), vectors(), memory(), libtorch(), libav()};
  for (const char* codec : {"h264", "hevc", "vp9", "av1", "mpeg4"}) findings.push_back(decoder(codec));
  findings.push_back(vocabulary());
  for (const auto& look : {gpu_driver, cuda_module_file, gpus}) findings.push_back(look());
  findings.push_back(disk("disk, here", ".", 2 * kGib,
                          "a checkpoint of ViT-B/32 takes 1.8 GiB; run where there is more, or set run.dir"));
  findings.push_back(
      disk("disk, temporary", temporary_folder(), 0.5 * kGib, "free some, or set TMPDIR to another folder"));
  return findings;
}

}  // namespace glint::app
