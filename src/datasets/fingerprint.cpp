#include "glint/datasets/fingerprint.h"

#include <cinttypes>
#include <cstdio>

#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint {
namespace {

std::string hash_text(const std::string& bytes) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, static_cast<std::uint64_t>(xxhash64(bytes.data(), bytes.size())));
  return digits;
}

// Every bit: two windows that print alike are not the same.
void add_bits(std::string& bytes, const std::optional<double>& seconds) {
  bytes += seconds ? '1' : '0';
  const double value = seconds.value_or(0);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

DataFingerprint fingerprint(const Dataset& dataset) {
  std::string ids, windows, captions;
  for (const auto& clip : dataset.clips) {
    ids += clip.id + '\n';
    add_bits(windows, clip.start_s);
    add_bits(windows, clip.end_s);
  }
  for (const auto& caption : dataset.captions) captions += concat(caption.clip, '\t', caption.text, '\n');
  return {std::ssize(dataset.clips), std::ssize(dataset.captions), hash_text(ids), hash_text(windows),
          hash_text(captions)};
}

std::string difference(const DataFingerprint& then, const DataFingerprint& now) {
  if (then.clips != now.clips) return concat("the clips, ", then.clips, " then and ", now.clips, " now");
  if (then.captions != now.captions) return concat("the captions, ", then.captions, " then and ", now.captions, " now");
  if (then.clip_ids != now.clip_ids) return "the clips' ids or their order";
  if (then.windows != now.windows) return "the clips' windows in their files";
  if (then.caption_texts != now.caption_texts) return "the captions' texts or the clips they belong to";
  return "";
}

}  // namespace glint
