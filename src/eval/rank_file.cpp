#include "glint/eval/rank_file.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/utf8.h"
#include "glint/io/safetensors.h"

// Q questions of a direction, A its answers, K = min(10, A).

namespace glint {
namespace {

namespace fs = std::filesystem;
using RankJson = nlohmann::ordered_json;

constexpr const char* kRankFormat = "glint ranks";
constexpr const char* kRankVersion = "1";
constexpr std::int64_t kTopItems = 10;
constexpr std::size_t kItemFileLimit = std::size_t{1} << 30;     // bytes
constexpr std::size_t kResultsFileLimit = std::size_t{1} << 28;  // bytes
constexpr std::size_t kItemDepth = 4;                            // an object with a list; what nests deeper is refused
constexpr std::size_t kResultsDepth = 64;

// Reads the fields of one row; every sentence it throws names the file and the line.
class ItemReader {
 public:
  ItemReader(std::string_view line, const fs::path& file, std::int64_t number) : file_(file), number_(number) {
    object_ = parse_json_object(line, file.string(), number, kItemDepth);
  }

  RankedItem item() const {
    RankedItem item{text("id"), text("caption"), text("video"), {}};
    if (item.id.empty()) fail("has no id");
    if (const auto tags = object_.find("tags"); tags != object_.end()) {
      if (!tags->is_array()) fail("has 'tags' that are no list");
      for (const auto& tag : *tags) {
        if (!tag.is_string()) fail("has a tag that is no text");
        item.tags.push_back(tag.get<std::string>());
      }
    }
    return item;
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(file_.string(), ":", number_, ": ", what); }

 private:
  std::string text(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) return {};
    if (!found->is_string()) fail(concat("has '", name, "' that is no text"));
    return found->get<std::string>();
  }

  const fs::path& file_;
  std::int64_t number_;
  nlohmann::json object_;
};

std::string line_of(const RankedItem& item, const fs::path& file) {
  auto texts = item.tags;
  texts.insert(texts.end(), {item.id, item.caption, item.video});
  for (const auto& text : texts) {
    if (find_bad_utf8(text)) throw Error(file.string(), ": cannot hold '", text, "', since it is not UTF-8");
  }
  RankJson json = {{"id", item.id}};
  if (!item.caption.empty()) json["caption"] = item.caption;
  if (!item.video.empty()) json["video"] = item.video;
  if (!item.tags.empty()) json["tags"] = item.tags;
  return json_text(json) + "\n";
}

void write_items(const fs::path& file, const std::vector<RankedItem>& items) {
  std::unordered_set<std::string> ids;
  std::string text;
  for (const auto& item : items) {
    GLINT_CHECK(!item.id.empty(), file.string(), ": an item without an id");
    if (!ids.insert(item.id).second) throw Error(file.string(), ": the id '", item.id, "' stands twice");
    text += line_of(item, file);
  }
  write_file(file, text);
}

// The members of a direction with their names in the file, for reading and writing.
template <class Direction, class Visit>
void visit_tensors(Direction& direction, const Visit& visit) {
  visit("query", direction.query, /*is_table=*/false, /*is_optional=*/false);
  visit("rank", direction.rank, false, false);
  visit("rank_average", direction.rank_average, false, false);
  visit("truth_score", direction.truth_score, false, false);
  visit("top_items", direction.top_items, true, false);
  visit("top_scores", direction.top_scores, true, false);
  visit("ndcg10", direction.ndcg10, false, true);
  visit("average_precision", direction.average_precision, false, true);
}

constexpr torch::ScalarType file_type(std::int64_t) {
  return torch::kInt64;
}
constexpr torch::ScalarType file_type(double) {
  return torch::kFloat64;
}

// A direction that asks `queries` items for `answers` others; `fail` throws for what does not hold.
class DirectionCheck {
 public:
  using Fail = std::function<void(const std::string&)>;
  DirectionCheck(const DirectionRanks& ranks, std::size_t queries, std::size_t answers, Fail fail)
      : ranks_(ranks),
        queries_(static_cast<std::int64_t>(queries)),
        answers_(static_cast<std::int64_t>(answers)),
        fail_(std::move(fail)) {}

  void run() const {
    counts();
    rows();
    ranks();
    top();
    shares("ndcg10", ranks_.ndcg10);
    shares("average_precision", ranks_.average_precision);
  }

 private:
  void counts() const {
    const auto asked = ranks_.query.size();
    const auto top = asked * static_cast<std::size_t>(std::min(kTopItems, answers_));
    visit_tensors(ranks_, [&](const char* name, const auto& values, bool is_table, bool is_optional) {
      const auto wanted = is_table ? top : asked;
      if (values.size() != wanted && !(is_optional && values.empty()))
        fail_(concat("'", name, "' has ", values.size(), " values instead of ", wanted));
    });
  }
  void rows() const {
    std::int64_t last = -1;
    for (const auto row : ranks_.query) {
      if (row <= last || row >= queries_)
        fail_(concat("'query' has row ", row, " after row ", last, ", of ", queries_, " rows"));
      last = row;
    }
  }
  void ranks() const {
    for (std::size_t i = 0; i < ranks_.rank.size(); ++i) {
      const auto rank = ranks_.rank[i];
      const auto average = ranks_.rank_average[i];
      if (rank < 0 || rank >= answers_) fail_(concat("'rank' has ", rank, " among ", answers_, " answers"));
      if (!(average >= static_cast<double>(rank) && average <= static_cast<double>(answers_ - 1)))
        fail_(concat("'rank_average' has ", average, " where 'rank' has ", rank, ", among ", answers_, " answers"));
      if (!std::isfinite(ranks_.truth_score[i])) fail_(concat("'truth_score' has ", ranks_.truth_score[i]));
    }
  }
  void top() const {
    for (const auto item : ranks_.top_items) {
      if (item < 0 || item >= answers_) fail_(concat("'top_items' has row ", item, " of ", answers_, " rows"));
    }
    for (const auto score : ranks_.top_scores) {
      if (std::isnan(score)) fail_("'top_scores' has a score that is not a number");
    }
  }
  void shares(const char* name, const std::vector<double>& values) const {
    for (const auto value : values) {
      if (!(value >= 0 && value <= 1 + 1e-9)) fail_(concat("'", name, "' has ", value, ", which is not in [0, 1]"));
    }
  }

  const DirectionRanks& ranks_;
  std::int64_t queries_, answers_;
  Fail fail_;
};

void check_ranks(const EvaluationRanks& ranks, const std::function<void(const std::string&)>& fail) {
  const auto in = [&](const char* direction) {
    return [&fail, direction](const std::string& what) { fail(concat(direction, ": ", what)); };
  };
  DirectionCheck(ranks.t2v, ranks.queries.size(), ranks.gallery.size(), in("t2v")).run();
  DirectionCheck(ranks.v2t, ranks.gallery.size(), ranks.queries.size(), in("v2t")).run();
}

void check_videos(const EvaluationRanks& ranks, const fs::path& queries_file) {
  std::unordered_set<std::string> videos;
  for (const auto& item : ranks.gallery) videos.insert(item.id);
  for (std::size_t i = 0; i < ranks.queries.size(); ++i) {
    const auto& video = ranks.queries[i].video;
    if (!video.empty() && videos.count(video) == 0)
      throw Error(queries_file.string(), ":", i + 1, ": the video '", video, "' is not in gallery.jsonl");
  }
}

// Of all values, in the order of the tensors' names.
std::string checksum_of_tensors(const TensorMap& tensors) {
  std::string sums;
  for (const auto& [name, tensor] : tensors) {
    const auto plain = tensor.contiguous();
    sums += concat(name, " ", xxhash64(plain.const_data_ptr(), plain.nbytes()), "\n");
  }
  return sha256(sums).substr(0, 16);
}

void add_tensors(TensorMap& tensors, const std::string& direction, const DirectionRanks& ranks) {
  const auto asked = static_cast<std::int64_t>(ranks.query.size());
  visit_tensors(ranks, [&](const char* name, const auto& values, bool is_table, bool is_optional) {
    if (is_optional && values.empty()) return;
    auto tensor = torch::tensor(values, file_type(typename std::decay_t<decltype(values)>::value_type{}));
    if (is_table) tensor = tensor.view({asked, asked == 0 ? 0 : tensor.numel() / asked});  // [Q, K]
    tensors[concat(direction, ".", name)] = tensor;
  });
}

DirectionRanks take_tensors(const TensorMap& tensors, const std::string& direction, const fs::path& file) {
  DirectionRanks ranks;
  visit_tensors(ranks, [&](const char* name, auto& values, bool is_table, bool is_optional) {
    using Value = typename std::decay_t<decltype(values)>::value_type;
    const auto full = concat(direction, ".", name);
    const auto found = tensors.find(full);
    if (found == tensors.end()) {
      if (!is_optional) throw Error(file.string(), ": has no tensor '", full, "'; evaluate again");
      return;
    }
    const auto& tensor = found->second;
    if (tensor.scalar_type() != file_type(Value{}) || tensor.dim() != (is_table ? 2 : 1))
      throw Error(file.string(), ": tensor '", full, "' is ", tensor.scalar_type(), " ", tensor.sizes(), ", not ",
                  file_type(Value{}), is_table ? " [questions, best answers]" : " [questions]");
    if (is_table && tensor.size(0) != static_cast<std::int64_t>(ranks.query.size()))
      throw Error(file.string(), ": tensor '", full, "' has ", tensor.size(0), " rows for ", ranks.query.size(),
                  " questions");
    const auto plain = tensor.contiguous();
    const auto* data = plain.template const_data_ptr<Value>();
    values.assign(data, data + plain.numel());
  });
  return ranks;
}

std::string required_metadata(const TensorFile& file, const char* key, const fs::path& path) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) throw Error(path.string(), ": has no '", key, "' in its metadata; evaluate again");
  return found->second;
}

void check_identity(const TensorFile& file, const fs::path& path) {
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kRankFormat)
    throw Error(path.string(), ": is not a file of ranks: its metadata have no format '", kRankFormat, "'");
  const auto version = required_metadata(file, "version", path);
  if (version != kRankVersion)
    throw Error(path.string(), ": has version ", version, " of the format, this glint reads version ", kRankVersion,
                "; evaluate again or use a newer glint");
  if (required_metadata(file, "checksum", path) != checksum_of_tensors(file.tensors))
    throw Error(path.string(), ": is damaged: its values do not have its checksum; evaluate again");
  for (const char* name : {"queries.jsonl", "gallery.jsonl"}) {
    const auto other = path.parent_path() / name;
    if (required_metadata(file, name, path) != xxhash64_of_file(other))
      throw Error(other.string(), ": is not the file that ranks.safetensors was written with; evaluate again");
  }
}

}  // namespace

std::vector<RankedItem> read_ranked_items(const fs::path& file) {
  const auto text = read_text(file, kItemFileLimit);
  std::vector<RankedItem> items;
  std::unordered_set<std::string> ids;
  for_each_line(text, [&](std::string_view line, std::int64_t number) {
    const ItemReader reader(line, file, number);
    items.push_back(reader.item());
    if (!ids.insert(items.back().id).second) reader.fail(concat("the id '", items.back().id, "' stands twice"));
  });
  return items;
}

void write_ranks(const fs::path& folder, const EvaluationRanks& ranks) {
  const auto path = folder / "ranks.safetensors";
  check_ranks(ranks, [&](const std::string& what) { throw Bug(path.string(), ": ", what); });
  check_videos(ranks, folder / "queries.jsonl");
  TensorMap tensors;
  add_tensors(tensors, "t2v", ranks.t2v);
  add_tensors(tensors, "v2t", ranks.v2t);
  write_items(folder / "queries.jsonl", ranks.queries);
  write_items(folder / "gallery.jsonl", ranks.gallery);
  write_safetensors(path, tensors,
                    {{"format", kRankFormat},
                     {"version", kRankVersion},
                     {"checksum", checksum_of_tensors(tensors)},
                     {"queries.jsonl", xxhash64_of_file(folder / "queries.jsonl")},
                     {"gallery.jsonl", xxhash64_of_file(folder / "gallery.jsonl")}});
}

EvaluationRanks read_ranks(const fs::path& folder) {
  const auto path = folder / "ranks.safetensors";
  const auto file = read_safetensors(path);
  check_identity(file, path);
  EvaluationRanks ranks;
  ranks.queries = read_ranked_items(folder / "queries.jsonl");
  ranks.gallery = read_ranked_items(folder / "gallery.jsonl");
  check_videos(ranks, folder / "queries.jsonl");
  ranks.t2v = take_tensors(file.tensors, "t2v", path);
  ranks.v2t = take_tensors(file.tensors, "v2t", path);
  check_ranks(ranks, [&](const std::string& what) { throw Error(path.string(), ": ", what, "; evaluate again"); });
  return ranks;
}

EvaluationSignature read_signature(const fs::path& results) {
  const auto object = parse_json_object(read_text(results, kResultsFileLimit), results.string(), 1, kResultsDepth);
  const auto found = object.find("signature");
  if (found == object.end() || !found->is_string())
    throw Error(results.string(), ": has no 'signature'; evaluate again with this glint");
  return parse_signature(found->get_ref<const std::string&>(), results.string());
}

std::string signature_ids(const EvaluationRanks& ranks) {
  std::vector<std::string> queries, videos, gallery;
  for (const auto& item : ranks.queries) {
    queries.push_back(item.id);
    videos.push_back(item.video);
  }
  for (const auto& item : ranks.gallery) gallery.push_back(item.id);
  return signature_ids(queries, videos, gallery);
}

}  // namespace glint
