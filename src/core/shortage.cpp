#include "glint/core/shortage.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <system_error>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr const char* kLower =
    "; lower train.batch_size or train.micro_batch in training, eval.batch_size in evaluation, data.workers or "
    "data.cache_mb";

std::string memory_sentence(const std::string& asked) {
  return concat("the memory is used up", asked, kLower);
}

// "...: you tried to allocate 123456 bytes. ..." -> ": 1 MiB more were needed"
std::string asked_for(std::string_view message, std::string_view before) {
  const auto found = message.find(before);
  if (found == std::string_view::npos) return "";
  const auto bytes = std::strtoull(std::string(message.substr(found + before.size(), 20)).c_str(), nullptr, 10);
  return bytes == 0 ? "" : concat(": ", std::max<std::uint64_t>(1, bytes >> 20), " MiB more were needed");
}

}  // namespace

std::optional<std::string> shortage(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return memory_sentence("");
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
    if (!is_not_now(system->code().value())) return std::nullopt;
    return concat("the machine refuses: ", system->what(), "; lower data.workers, or raise its limits (ulimit -a)");
  }
  const std::string_view message = error.what();  // LibTorch's: c10::Error has a kind of its own for GPUs alone
  constexpr std::string_view kOfCpu = "you tried to allocate ";
  const bool of_cpu = message.find("not enough memory: ") != std::string_view::npos ||
                      message.find("DefaultCPUAllocator: can't allocate memory") != std::string_view::npos;
  if (of_cpu) return memory_sentence(asked_for(message, kOfCpu));
  for (const char* verb : {"create", "execute"}) {  // oneDNN's, which does not say why
    const auto words = concat("could not ", verb, " a primitive");
    if (message.find(words) != std::string_view::npos) return concat(words, ": the memory is likely used up", kLower);
  }
  if (message.find("CUDA out of memory") != std::string_view::npos) {
    const auto tried = message.find("Tried to allocate ");
    const auto end = message.find(". ", tried);
    if (tried == std::string_view::npos || end == std::string_view::npos)
      return concat("the GPU's memory is used up", kLower);
    const auto size = message.substr(tried + 18, end - tried - 18);
    return concat("the GPU's memory is used up: ", size, " more were needed", kLower);
  }
  return std::nullopt;
}

}  // namespace glint
