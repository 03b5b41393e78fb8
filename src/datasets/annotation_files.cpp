#include "datasets/annotation_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "datasets/json_text.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/files.h"
#include "glint/core/text_file.h"
#include "glint/core/utf8.h"
#include "glint/io/zip.h"
#include "glint/text/visible.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

// A pickle is no text; what else lies in place of either is named.
AnnotationFile checked(AnnotationFile file) {
  const bool is_pickle = file.text.starts_with('\x80') || fs::path(file.name).extension() == ".pkl";
  if (!is_pickle) require_text(file.text, file.name);
  const auto kind = is_pickle && !file.text.starts_with('\x80') ? kind_that_is_no_text(file.text) : std::nullopt;
  if (kind) throw BadFile(file.name, ": ", *kind);
  return file;
}

// The member of that name in whatever folder of the archive.
std::optional<AnnotationFile> find_member(const fs::path& path, const std::string& name) {
  if (!files::is_file(path)) return std::nullopt;
  const ZipArchive zip(path);
  for (const auto& member : zip.members()) {
    if (fs::path(member.name).filename() != name) continue;
    AnnotationFile file{concat(path.string(), ": ", member.name), zip.read(member, kTextFileLimit)};
    if (file.text.starts_with("\xEF\xBB\xBF")) file.text.erase(0, 3);
    return checked(std::move(file));
  }
  return std::nullopt;
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

AnnotationFolder::AnnotationFolder(const DataConfig& config, std::vector<std::string> archives)
    : set_(config.name),
      folder_(config.annotations.empty() ? fs::path(config.root) : fs::path(config.root) / config.annotations),
      archives_(std::move(archives)) {}

std::optional<AnnotationFile> AnnotationFolder::find(const std::string& name) const {
  for (const auto& file : {folder_ / name, folder_ / (name + ".gz")}) {
    if (files::is_file(file)) return checked({file.string(), read_unpacked(file)});
  }
  if (auto member = find_member(folder_ / (name + ".zip"), name)) return member;
  for (const auto& archive : archives_) {
    if (auto member = find_member(folder_ / archive, name)) return member;
  }
  return std::nullopt;
}

AnnotationFile AnnotationFolder::read(const std::vector<std::string>& names) const {
  std::string wanted;
  for (const auto& name : names) {
    if (auto file = find(name)) return std::move(*file);
    wanted += (wanted.empty() ? "" : " or ") + name;
  }
  throw Error(folder_.string(), ": ", wanted, " (plain or .gz) is not there; docs/datasets/", set_,
              ".md lists the files of ", set_, ", data.annotations says where they are");
}

void for_each_line(const AnnotationFile& file, const std::function<void(std::string_view, int64_t)>& take) {
  for_each_line(file.text, [&](std::string_view whole, int64_t number) {
    const auto line = stripped(whole);
    require_utf8(line, concat(file.name, ":", number));
    if (line.find('\0') != std::string_view::npos) throw Error(file.name, ":", number, ": holds a NUL");
    if (!line.empty()) take(line, number);
  });
}

std::vector<std::string> distinct_ids(const std::vector<ListedId>& ids, const std::string& file) {
  if (ids.empty()) throw Error(file, ": lists no video");
  std::vector<std::string> distinct;
  std::unordered_map<std::string_view, int64_t> lines;
  for (const auto& [id, line] : ids) {
    if (is_blank(id)) throw Error(file, ":", line, ": the id is blank; it holds nothing that a reader sees");
    const auto [first, is_new] = lines.try_emplace(id, line);
    if (!is_new) {
      throw Error(file, ":", line, ": video '", id, "' stands on line ", first->second,
                  " already; a video may be listed once");
    }
    distinct.push_back(id);
  }
  return distinct;
}

std::vector<std::string> parse_id_list(const AnnotationFile& file) {
  std::vector<ListedId> ids;
  for_each_line(file, [&](std::string_view id, int64_t line) { ids.push_back({std::string(id), line}); });
  return distinct_ids(ids, file.name);
}

std::vector<std::string> parse_id_json(const AnnotationFile& file) {
  const auto list = parse_json(file.text, file.name);
  if (!list.is_array()) throw Error(file.name, ": is no list of ids");
  std::vector<ListedId> ids;
  for (const auto& id : list) {
    if (!id.is_string()) throw Error(file.name, ": entry ", ids.size() + 1, " is no text but ", short_json(id));
    ids.push_back({id.get<std::string>(), static_cast<int64_t>(ids.size()) + 1});
  }
  return distinct_ids(ids, file.name);
}

VideoText& CaptionTable::at(std::string_view id) {
  const std::string name(id);
  if (!index_.add(name)) return videos_[*index_.find(name)];
  videos_.emplace_back();
  videos_.back().id = name;
  return videos_.back();
}

VideoText* CaptionTable::find(const std::string& id) {
  const auto place = index_.find(id);
  return place ? &videos_[*place] : nullptr;
}

void join_sentences(VideoText& video) {
  if (video.captions.empty()) return;
  std::string paragraph;
  for (std::size_t i = 0; i < video.captions.size(); ++i) {
    if (i > 0) paragraph += ' ';
    paragraph += video.captions[i];
  }
  video.captions = {std::move(paragraph)};
}

Dataset new_split(const DataConfig& config, const std::string& split) {
  const auto splits = split_names(config);
  const auto has = [&](const std::string& name) {
    return std::find(splits.begin(), splits.end(), name) != splits.end();
  };
  const bool has_val = has("val");
  if (config.train_split != "train" || config.test_split != "test" ||
      (config.val_split != "val" && !config.val_split.empty())) {
    throw Error(
        config.name, " has the splits train, ",
        has_val ? "val and test; data.val_split may be empty for none" : "and test; data.val_split must be empty");
  }
  if (!has(split)) {
    throw Error(config.name, " has no split '", split, "'; there are train, ",
                has_val ? "val, test" : "test; set data.val_split to \"\"");
  }
  Dataset dataset;
  dataset.name = config.name;
  dataset.split = split;
  return dataset;
}

std::string chosen_protocol(const DataConfig& config, const std::vector<std::string>& protocols) {
  if (config.protocol.empty()) return protocols[0];
  if (std::find(protocols.begin(), protocols.end(), config.protocol) != protocols.end()) return config.protocol;
  std::string known;
  for (const auto& protocol : protocols) known += (known.empty() ? "" : ", ") + protocol;
  throw Error("config.data.protocol: ", config.name, " has no protocol '", config.protocol, "'; there are ", known);
}

void add_clip(Dataset& dataset, VideoText video) {
  for (auto& text : video.captions) {
    dataset.captions.push_back({std::move(text), static_cast<int64_t>(dataset.clips.size())});
  }
  Clip clip;
  clip.id = std::move(video.id);
  clip.start_s = video.start_s;
  clip.end_s = video.end_s;
  dataset.clips.push_back(std::move(clip));
}

void add_listed(Dataset& dataset, const std::vector<std::string>& ids, const std::string& list, CaptionTable& table,
                const std::string& table_name, WithoutCaptions without_captions) {
  for (const auto& id : ids) {
    auto* video = table.find(id);
    const bool has_captions = video != nullptr && !video->captions.empty();
    if (has_captions) {
      add_clip(dataset, std::move(*video));
    } else if (without_captions == WithoutCaptions::kLeaveOut) {
      dataset.left_out.push_back({id, concat("listed in ", fs::path(list).filename().string(), ", without captions in ",
                                             fs::path(table_name).filename().string())});
    } else {
      throw Error(list, ": video '", id, "' has no captions in ", fs::path(table_name).filename().string());
    }
  }
  if (dataset.clips.empty()) throw Error(list, ": none of its videos has captions in ", table_name);
}

}  // namespace glint
