#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "glint/config/config.h"
#include "glint/report/page.h"
#include "glint/report/run_record.h"

// The page of `glint report` (docs/report.md), from records of runs alone. Pictures and explanations of single pairs
// are given by whoever can make them; the page says what is missing.
namespace glint {

// Four frames of a clip side by side.
struct ClipStrip {
  std::string jpeg;
  int width = 0, height = 0;  // pixels of the whole strip
  double duration_s = 0;      // of the clip
};

// Why a text and a video score as they do, for people; any part may be empty.
struct ShownWord {
  std::string text;
  double weight = 0;  // share of the head's attention, [0, 1]
};
struct ShownExplanation {
  std::vector<std::pair<std::string, double>> parts;  // what the score is the sum of: "global", "local"
  std::vector<double> frames;                         // attention over the model's frames, [0, 1]
  std::vector<double> frame_parts;                    // what each frame adds to the score
  std::vector<ShownWord> words;                       // attention over the caption's words or tokens
};

// A text and a video of a run, by the ids of queries.jsonl and gallery.jsonl.
struct ShownPair {
  std::size_t run = 0;
  std::string query, video;
  auto operator<=>(const ShownPair&) const = default;
};

struct ReportMedia {
  std::map<std::string, ClipStrip> strips;   // by the video's id
  std::string no_strips;                     // why there are none, a sentence; empty: they were made
  std::map<std::string, double> duration_s;  // of clips, by the video's id, where it is known
  std::map<ShownPair, ShownExplanation> explanations;
};

struct RunReport {
  std::vector<RunRecord> runs;   // the baseline first; evaluated on the same queries
  std::optional<Config> recipe;  // what settings are compared with; none: glint's defaults
  std::string recipe_name;       // "configs/demo.yaml"
  std::string command;           // that made the report
  Resampling resampling;
  ReportMedia media;
};

// What the page will show of single queries: fill ReportMedia with these.
struct ShownQueries {
  std::vector<std::string> videos;  // ids that get a strip, each once, the more important ones first
  std::vector<ShownPair> pairs;     // that get an explanation
};
// `queries`: of the hardest, and as many random ones.
ShownQueries shown_queries(const RunReport& report, std::size_t queries);

// Throws Error where the runs cannot be compared.
html::Page run_report_page(const RunReport& report, std::size_t queries, html::Pictures& pictures);

}  // namespace glint
