#include <set>

#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/eval/rank_file.h"

// Any bytes as queries.jsonl or gallery.jsonl.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile scratch(".jsonl");
  try {
    std::set<std::string> ids;
    for (const auto& item : glint::read_ranked_items(scratch.holding(data, size)))
      GLINT_CHECK(!item.id.empty() && ids.insert(item.id).second, "the id '", item.id, "' is empty or stands twice");
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
