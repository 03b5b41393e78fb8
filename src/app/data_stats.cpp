#include "app/data_stats.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"

namespace glint::app {
namespace {

using Json = nlohmann::ordered_json;

int64_t count_words(const std::string& text) {
  int64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !is_space && !in_word;
    in_word = !is_space;
  }
  return words;
}

void count_captions(SplitStats& stats, const Dataset& dataset) {
  std::vector<int64_t> of_clip(dataset.clips.size());
  int64_t words = 0;
  stats.shortest_words = std::numeric_limits<int64_t>::max();
  for (const auto& caption : dataset.captions) {
    ++of_clip[static_cast<std::size_t>(caption.clip)];
    const int64_t count = count_words(caption.text);
    words += count;
    stats.shortest_words = std::min(stats.shortest_words, count);
    stats.longest_words = std::max(stats.longest_words, count);
  }
  stats.videos = static_cast<int64_t>(dataset.clips.size());
  stats.captions = static_cast<int64_t>(dataset.captions.size());
  stats.mean_words = static_cast<double>(words) / static_cast<double>(stats.captions);
  const auto [fewest, most] = std::minmax_element(of_clip.begin(), of_clip.end());
  stats.fewest_captions = *fewest;
  stats.most_captions = *most;
}

void compare(SplitStats& stats, const char* what, int64_t here, int64_t published) {
  if (here == published) return;
  stats.differences.push_back(concat(here, " ", what, ", ", std::abs(here - published),
                                     here < published ? " fewer" : " more", " than the published ", published));
}

SplitStats split_stats(const DataConfig& config, const std::string& split) {
  SplitStats stats;
  stats.split = split;
  const Dataset dataset = read_dataset(config, split);
  GLINT_CHECK(!dataset.clips.empty() && !dataset.captions.empty(), "split ", split, " is empty");
  stats.protocol = dataset.protocol;
  count_captions(stats, dataset);
  stats.has_video_folder = files::is_folder(dataset.videos);
  if (stats.has_video_folder) {
    for (const auto& clip : dataset.clips) {
      if (clip.file.empty()) stats.missing.push_back(clip.id);
    }
  }
  stats.left_out = dataset.left_out;
  stats.published = published_counts(config, split);
  if (stats.published) {
    if (stats.published->videos) compare(stats, "videos", stats.videos, *stats.published->videos);
    compare(stats, "captions", stats.captions, stats.published->captions);
  }
  return stats;
}

Json to_json(const SplitStats& stats) {
  Json json;
  json["split"] = stats.split;
  if (!stats.error.empty()) {
    json["error"] = stats.error;
    return json;
  }
  json["protocol"] = stats.protocol;
  json["videos"] = stats.videos;
  json["captions"] = stats.captions;
  json["captions_per_video"] = {{"min", stats.fewest_captions}, {"max", stats.most_captions}};
  json["words"] = {{"min", stats.shortest_words}, {"mean", stats.mean_words}, {"max", stats.longest_words}};
  json["published"] = nullptr;
  if (stats.published) {
    json["published"]["videos"] = stats.published->videos ? Json(*stats.published->videos) : Json(nullptr);
    json["published"]["captions"] = stats.published->captions;
  }
  json["differences"] = stats.differences;
  json["files"] = nullptr;
  json["missing"] = stats.missing;
  if (stats.has_video_folder) json["files"] = stats.videos - static_cast<int64_t>(stats.missing.size());
  json["left_out"] = Json::array();
  for (const auto& video : stats.left_out) json["left_out"].push_back({{"id", video.id}, {"cause", video.cause}});
  return json;
}

void add_row(std::ostringstream& out, const SplitStats& stats) {
  out << std::left << std::setw(12) << stats.split << std::right;
  if (!stats.error.empty()) {
    out << "  cannot be read\n";
    return;
  }
  out << std::setw(9) << stats.videos << std::setw(10) << stats.captions;
  out << std::setw(12) << concat(stats.fewest_captions, "-", stats.most_captions);
  out << std::setw(7) << stats.shortest_words << std::fixed << std::setprecision(1) << std::setw(7) << stats.mean_words
      << std::setw(6) << stats.longest_words;
  if (stats.has_video_folder) {
    out << std::setw(9) << stats.videos - static_cast<int64_t>(stats.missing.size()) << std::setw(9)
        << stats.missing.size();
  } else {
    out << std::setw(9) << "-" << std::setw(9) << "-";
  }
  out << "  " << stats.protocol << "\n";
}

std::string some(const std::vector<std::string>& ids) {
  return few_names(ids) + (ids.size() > kFirstFew ? " (--json names all)" : "");
}

void add_notes(std::ostringstream& out, const SplitStats& stats) {
  const auto note = [&](const std::string& text) { out << stats.split << ": " << text << "\n"; };
  for (const auto& difference : stats.differences) note(difference);
  std::map<std::string, std::vector<std::string>> left_out;  // ids by cause
  for (const auto& video : stats.left_out) left_out[video.cause].push_back(video.id);
  for (const auto& [cause, ids] : left_out) note(concat(ids.size(), " left out (", cause, "): ", some(ids)));
  if (!stats.missing.empty()) {
    note(concat(stats.missing.size(), " without a file: ", some(stats.missing)));
  }
}

}  // namespace

DataStats data_stats(const DataConfig& config) {
  DataStats stats;
  stats.name = config.name;
  for (const auto& split : split_names(config)) {
    try {
      stats.splits.push_back(split_stats(config, split));
    } catch (const Error& error) {  // the others may be read; the caller ends with this one
      stats.splits.push_back({});
      stats.splits.back().split = split;
      stats.splits.back().error = error.what();
    }
  }
  return stats;
}

std::string stats_json(const DataStats& stats) {
  Json json;
  json["name"] = stats.name;
  json["splits"] = Json::array();
  for (const auto& split : stats.splits) json["splits"].push_back(to_json(split));
  // An id may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json_text(json, 2) + "\n";
}

std::string stats_table(const DataStats& stats) {
  std::ostringstream out;
  out << std::left << std::setw(12) << stats.name << std::right;
  out << std::setw(9) << "videos" << std::setw(10) << "captions" << std::setw(12) << "a video" << std::setw(7)
      << "words" << std::setw(7) << "mean" << std::setw(6) << "max" << std::setw(9) << "files" << std::setw(9)
      << "missing"
      << "  protocol\n";
  for (const auto& split : stats.splits) add_row(out, split);
  for (const auto& split : stats.splits) add_notes(out, split);
  const bool all_as_published = std::all_of(stats.splits.begin(), stats.splits.end(), [](const SplitStats& split) {
    return split.published && split.differences.empty();
  });
  if (all_as_published) out << "all counts are the published ones\n";
  return out.str();
}

}  // namespace glint::app
