#include "glint/eval/vector_file.h"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "eval/feature_table.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/text_file.h"
#include "glint/io/file_tensor.h"
#include "glint/text/name_index.h"
#include "glint/text/visible.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdFileLimit = std::size_t{1} << 30;  // bytes

std::vector<std::string> lines_of_file(const fs::path& path) {
  std::vector<std::string> lines;
  for_each_line(read_text(path, kIdFileLimit), [&](std::string_view line, int64_t) { lines.emplace_back(line); });
  return lines;
}

// Numbers of rows where nothing names them.
std::vector<std::string> row_numbers(int64_t count) {
  std::vector<std::string> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(std::to_string(i));
  return ids;
}

std::vector<std::string> checked_ids(std::vector<std::string> ids, int64_t rows, const std::string& where) {
  if (std::ssize(ids) != rows) throw Error(where, ": names ", ids.size(), " ids for ", rows, " rows");
  std::unordered_set<std::string> seen;
  for (const auto& id : ids) {
    if (id.empty()) throw Error(where, ": has an empty id");
    if (is_blank(id)) throw Error(where, ": has a blank id, which holds nothing that a reader sees");
    if (!seen.insert(id).second) throw Error(where, ": the id '", id, "' stands twice");
  }
  return ids;
}

// clips.npy -> clips.ids.txt; row numbers where there is none.
std::vector<std::string> ids_beside(const fs::path& file, const char* kind, int64_t rows) {
  auto path = file;
  path.replace_extension(concat(".", kind, ".txt"));
  if (files::exists(path)) return checked_ids(lines_of_file(path), rows, path.string());
  log_info(file.string(), ": no ", path.filename().string(), " beside it; the numbers of its ",
           std::string(kind) == "videos" ? "columns" : "rows", ", from 0, are the ids");
  return row_numbers(rows);
}

std::vector<std::string> ids_in_metadata(const OpenTensorFile& file, const fs::path& path, const char* key,
                                         int64_t rows) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) {
    log_info(path.string(), ": has no '", key, "' in its metadata; numbers from 0 are the ids");
    return row_numbers(rows);
  }
  const auto where = concat(path.string(), " ('", key, "')");
  const auto list = parse_json(found->second, where);
  const bool is_list =
      list.is_array() && std::all_of(list.begin(), list.end(), [](const auto& id) { return id.is_string(); });
  if (!is_list) throw Error(path.string(), ": '", key, "' in its metadata is not a JSON list of texts");
  return checked_ids(list.get<std::vector<std::string>>(), rows, where);
}

bool is_npy(const fs::path& path) {
  return path.extension() == ".npy";
}

bool is_missing(const fs::path& path) {
  return !files::exists(path);
}

const FileTensor& only_tensor(const OpenTensorFile& file, const fs::path& path) {
  if (file.tensors.size() != 1) {
    throw Error(path.string(), ": holds ", file.tensors.size(), " tensors; a file of vectors holds one");
  }
  return file.tensors.begin()->second;
}

void check_vectors(const FileTensor& vectors) {
  const auto& sizes = vectors.sizes();
  if (!torch::isFloatingType(vectors.type()) || sizes.size() < 2 || sizes.size() > 3)
    throw Error(vectors.path().string(), ": is ", vectors.type(), " ", sizes, ", not floats [rows, width]");
}

class VectorFeatures final : public FeatureSource {
 public:
  VectorFeatures(VectorFile texts, VectorFile videos, EvaluatedSet set, RetrievalHead& head, int64_t batch_size)
      : texts_(std::move(texts)),
        videos_(std::move(videos)),
        set_(std::move(set)),
        head_(head),
        batch_size_(batch_size) {
    const auto text_width = texts_.vectors.sizes().back(), video_width = videos_.vectors.sizes().back();
    if (texts_.vectors.sizes().size() != 2)
      throw Error(texts_.path.string(), ": is ", texts_.vectors.sizes(), ", not one vector a text [texts, width]");
    if (text_width != video_width) {
      throw Error(texts_.path.string(), " has vectors of width ", text_width, " and ", videos_.path.string(),
                  " of width ", video_width, "; they are compared by their cosine, so they must agree");
    }
  }

  VideoFeatures videos() override {
    const auto count = std::ssize(videos_.ids);
    VideoFeatureTable table(std::max<int64_t>(1, count));
    for (int64_t begin = 0; begin < count; begin += batch_size_) {
      const auto rows = std::min(batch_size_, count - begin);
      VideoFeatures some;
      some.frames = checked(videos_, begin, rows);
      if (some.frames.dim() == 2) some.frames = some.frames.unsqueeze(1);  // [B, 1, D]
      some.clip_frames = some.frames;
      some.mask = torch::ones({rows, some.frames.size(1)}, torch::kInt64);
      table.add(head_.prepare_video(std::move(some)));
    }
    return table.features();
  }

  TextFeatures texts(int64_t begin, int64_t end) override {
    TextFeatures some;
    some.sentence = checked(texts_, begin, end - begin);
    return head_.prepare_text(std::move(some));
  }

  const EvaluatedSet& set() const override { return set_; }

 private:
  // float32; a vector without a direction has no cosine.
  static torch::Tensor checked(const VectorFile& file, int64_t begin, int64_t rows) {
    auto vectors = file.vectors.rows(begin, rows).to(torch::kFloat32);
    const auto bad = (~torch::isfinite(vectors)).flatten(1).any(1).nonzero();
    if (bad.size(0) > 0) {
      throw Error(file.path.string(), ": the vector of '",
                  file.ids[static_cast<std::size_t>(begin + bad[0].item<int64_t>())],
                  "' holds a value that is not finite");
    }
    return vectors;
  }

  VectorFile texts_, videos_;
  EvaluatedSet set_;
  RetrievalHead& head_;
  int64_t batch_size_;
};

// `items` in the order of `ids`, which must be the same ones.
std::vector<RankedItem> items_by_ids(const std::vector<std::string>& ids, const std::vector<RankedItem>& items,
                                     const fs::path& file, const char* kind) {
  NameIndex index;
  for (const auto& item : items) index.add(item.id);
  std::vector<RankedItem> ordered;
  for (const auto& id : ids) {
    const auto found = index.find(id);
    if (!found) throw Error(file.string(), ": has no ", kind, " '", id, "', which has a row; give the same ids");
    ordered.push_back(items[*found]);
  }
  if (ordered.size() == items.size()) return ordered;
  const NameIndex rows(ids);
  for (const auto& item : items) {
    if (!rows.find(item.id))
      throw Error(file.string(), ": lists the ", kind, " '", item.id, "', which has no row; give the same ids");
  }
  return ordered;
}

EvaluatedSet set_of_evaluation(const std::vector<std::string>& texts, const std::vector<std::string>& videos,
                               const fs::path& folder) {
  const auto signature = read_signature(folder / "results.json");
  EvaluatedSet set;
  const auto colon = signature.protocol.find(':');
  set.data = signature.protocol.substr(0, colon);
  if (colon != std::string::npos) set.protocol = signature.protocol.substr(colon + 1);
  set.captions = signature.captions;
  set.queries = items_by_ids(texts, read_ranked_items(folder / "queries.jsonl"), folder / "queries.jsonl", "text");
  set.gallery = items_by_ids(videos, read_ranked_items(folder / "gallery.jsonl"), folder / "gallery.jsonl", "video");
  return set;
}

// Lines `text TAB video`; nothing where the first line is no such pair.
bool take_pairs(EvaluatedSet& set, const fs::path& truth) {
  const auto lines = lines_of_file(truth);
  const auto fields = [](const std::string& line) { return std::count(line.begin(), line.end(), '\t') + 1; };
  if (lines.empty() || fields(lines.front()) != 2) return false;
  NameIndex texts, videos;
  for (const auto& query : set.queries) texts.add(query.id);
  for (const auto& video : set.gallery) videos.add(video.id);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto fail = [&](const auto&... what) { throw Error(truth.string(), ":", i + 1, ": ", what...); };
    if (lines[i].empty()) continue;
    if (fields(lines[i]) != 2) fail("is not a text's id, a TAB and a video's id");
    const auto tab = lines[i].find('\t');
    const auto text = lines[i].substr(0, tab);
    const auto row = texts.find(text), column = videos.find(lines[i].substr(tab + 1));
    if (!row) fail("the text '", text, "' has no row");
    if (!column) fail("the video '", lines[i].substr(tab + 1), "' has no row");
    auto& query = set.queries[*row];
    const auto& video = set.gallery[*column].id;
    if (!query.video.empty() && query.video != video)
      fail("the text '", text, "' stands twice; several right answers are given as TREC lines `text 0 video 1`");
    query.video = video;
  }
  for (const auto& query : set.queries) {
    if (query.video.empty()) throw Error(truth.string(), ": names no video for the text '", query.id, "'");
  }
  return true;
}

}  // namespace

VectorFile read_vectors(const fs::path& path) {
  if (is_missing(path)) throw Error(path.string(), ": is not there");
  if (is_npy(path)) {
    auto vectors = open_npy(path);
    check_vectors(vectors);
    auto ids = ids_beside(path, "ids", vectors.size(0));
    return {path, std::move(vectors), std::move(ids)};
  }
  const auto file = open_safetensors(path);
  const auto& vectors = only_tensor(file, path);
  check_vectors(vectors);
  return {path, vectors, ids_in_metadata(file, path, "ids", vectors.size(0))};
}

std::unique_ptr<FeatureSource> features_of_vectors(VectorFile texts, VectorFile videos, EvaluatedSet set,
                                                   RetrievalHead& head, int64_t batch_size) {
  return std::make_unique<VectorFeatures>(std::move(texts), std::move(videos), std::move(set), head, batch_size);
}

ForeignScores read_foreign_scores(const fs::path& path) {
  if (is_missing(path)) throw Error(path.string(), ": is not there");
  const auto check = [&](const FileTensor& scores) {
    if (!torch::isFloatingType(scores.type()) || scores.sizes().size() != 2)
      throw Error(path.string(), ": is ", scores.type(), " ", scores.sizes(), ", not floats [texts, videos]");
  };
  if (is_npy(path)) {
    auto scores = open_npy(path);
    check(scores);
    auto texts = ids_beside(path, "texts", scores.size(0));
    auto videos = ids_beside(path, "videos", scores.size(1));
    return {scores, std::move(texts), std::move(videos)};
  }
  const auto file = open_safetensors(path);
  const auto found = file.tensors.find("scores");
  if (found == file.tensors.end()) throw Error(path.string(), ": has no tensor 'scores'");
  check(found->second);
  return {found->second, ids_in_metadata(file, path, "texts", found->second.size(0)),
          ids_in_metadata(file, path, "videos", found->second.size(1))};
}

EvaluatedSet set_of_ids(const std::vector<std::string>& texts, const std::vector<std::string>& videos,
                        const fs::path& truth, EvalConfig& config) {
  if (is_missing(truth)) throw Error(truth.string(), ": is not there");
  if (files::is_folder(truth)) return set_of_evaluation(texts, videos, truth);
  EvaluatedSet set;
  set.data = "files";
  set.protocol = truth.stem().string();
  for (const auto& id : texts) set.queries.push_back({id, "", "", {}});
  for (const auto& id : videos) set.gallery.push_back({id, "", "", {}});
  if (!take_pairs(set, truth)) config.qrels = truth.string();
  return set;
}

}  // namespace glint
