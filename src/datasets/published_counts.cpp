#include <algorithm>
#include <array>
#include <string_view>

#include "glint/datasets/dataset.h"

namespace glint {
namespace {

struct Row {
  std::string_view set;
  std::string_view protocol;  // empty: of each
  std::string_view split;
  std::optional<int64_t> videos;
  int64_t captions;
};

// Of the papers and the official pages; a paragraph counts as one caption.
constexpr std::array<Row, 22> kRows = {{
    {"msrvtt", "9k", "train", 9000, 180'000},
    {"msrvtt", "7k", "train", 7010, 140'200},
    {"msrvtt", "full", "train", 6513, 130'260},
    {"msrvtt", "", "val", 497, 9940},
    {"msrvtt", "9k", "test", 1000, 1000},
    {"msrvtt", "7k", "test", 1000, 1000},
    {"msrvtt", "full", "test", 2990, 59'800},
    {"msvd", "", "train", 1200, 48'774},
    {"msvd", "", "val", 100, 4290},
    {"msvd", "", "test", 670, 27'763},
    {"didemo", "", "train", 8395, 8395},
    {"didemo", "", "val", 1065, 1065},
    {"didemo", "", "test", 1004, 1004},
    {"lsmdc", "", "train", std::nullopt, 101'079},  // lines; a clip may stand on several
    {"lsmdc", "", "val", std::nullopt, 7408},
    {"lsmdc", "", "test", 1000, 1000},
    {"activitynet", "", "train", 10'009, 10'009},
    {"activitynet", "", "test", 4917, 4917},
    {"vatex", "", "train", 25'991, 259'910},
    {"vatex", "hgr", "val", 1500, 15'000},
    {"vatex", "hgr", "test", 1500, 15'000},
    {"vatex", "1k5", "test", 1500, 15'000},
}};

}  // namespace

std::optional<PublishedCounts> published_counts(const DataConfig& config, const std::string& split) {
  const std::string_view first = config.name == "msrvtt" ? "9k" : config.name == "vatex" ? "hgr" : "";
  const std::string_view protocol = config.protocol.empty() ? first : std::string_view(config.protocol);
  const auto* row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& known) {
    return known.set == config.name && (known.protocol.empty() || known.protocol == protocol) && known.split == split;
  });
  if (row == kRows.end()) return std::nullopt;
  return PublishedCounts{row->videos, row->captions};
}

}  // namespace glint
