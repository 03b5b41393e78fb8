#include <cstdint>
#include <string>

#include "glint/core/error.h"
#include "glint/io/pickle.h"

// Any bytes as a pickle; what is read is walked whole, shared parts once for each place they stand in.

namespace {

struct Walker {
  std::uint64_t values = 0;

  void operator()(const glint::PickleValue& value, int depth) {
    GLINT_CHECK(depth <= 64, "values nest ", depth, " deep");
    ++values;
    if (const auto* list = std::get_if<const glint::PickleList*>(&value)) {
      for (const auto& item : (*list)->items) (*this)(item, depth + 1);
    } else if (const auto* tuple = std::get_if<const glint::PickleTuple*>(&value)) {
      for (const auto& item : (*tuple)->items) (*this)(item, depth + 1);
    } else if (const auto* dict = std::get_if<const glint::PickleDict*>(&value)) {
      for (const auto& [key, item] : (*dict)->items) (*this)(key, depth + 1), (*this)(item, depth + 1);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const glint::Pickle pickle(std::string(reinterpret_cast<const char*>(data), size), "fuzz.pkl");
    Walker walker;
    walker(pickle.value(), 0);
    GLINT_CHECK(walker.values <= std::uint64_t{1} << 25, walker.values, " values");
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
