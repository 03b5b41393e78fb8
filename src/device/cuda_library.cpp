#include "device/cuda_library.h"

#include <ATen/Version.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <cstdlib>
#include <string_view>
#include <system_error>

#include "glint/core/error.h"
#include "glint/core/files.h"

namespace glint::device {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFileName = "libglint_cuda.so";
constexpr const char* kVariable = "GLINT_CUDA_MODULE";

// The folder of the libtorch_cpu.so that this process uses.
fs::path torch_folder() {
  Dl_info info = {};
  const bool known = dladdr(reinterpret_cast<void*>(&at::get_cpu_capability), &info) != 0 && info.dli_fname != nullptr;
  return known ? fs::path(info.dli_fname).parent_path() : fs::path();
}

void* open(const fs::path& file) {
  return dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
}

std::string last_problem() {
  const char* text = dlerror();
  return text == nullptr ? "no reason given" : text;
}

}  // namespace

bool has_driver() {
  static const bool found = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr;  // stays open for LibTorch
  return found;
}

bool is_switched_off() {
  const char* named = std::getenv(kVariable);
  return named != nullptr && *named == '\0';
}

fs::path find_module() {
  if (is_switched_off()) return {};
  if (const char* named = std::getenv(kVariable)) {
    if (!files::exists(named)) throw Error(kVariable, "=", named, ": no such file");
    return named;
  }
  const fs::path program = "/proc/self/exe";
  const auto folder = files::is_link(program) ? files::target_of(program).parent_path() : fs::path();
  for (const auto& file : {folder / kFileName, folder.parent_path() / "lib" / kFileName}) {
    if (!folder.empty() && files::exists(file)) return file;
  }
  return {};
}

const CudaModule& open_module(const fs::path& file) {
  void* library = open(file);
  if (library == nullptr) {  // perhaps since its own paths do not lead to LibTorch
    const auto problem = last_problem();
    const auto torch = torch_folder() / "libtorch_cuda.so";
    if (!files::exists(torch)) throw Error(file.string(), ": the CUDA module cannot be opened: ", problem);
    if (open(torch) == nullptr)
      throw Error(torch.string(), ": LibTorch's CUDA part cannot be opened: ", last_problem());
    library = open(file);
  }
  if (library == nullptr) throw Error(file.string(), ": the CUDA module cannot be opened: ", last_problem());
  const auto entry = reinterpret_cast<CudaModuleEntry>(dlsym(library, kCudaModuleEntry));
  const CudaModule* module = entry == nullptr ? nullptr : entry();
  if (module == nullptr) throw Error(file.string(), ": is no CUDA module of glint's");
  if (module->version != kCudaModuleVersion || std::string_view(module->torch) != TORCH_VERSION) {
    throw Error(file.string(), ": belongs to another glint; build or bundle program and module together");
  }
  return *module;
}

}  // namespace glint::device
