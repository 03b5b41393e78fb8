#include <algorithm>
#include <optional>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/media/frame_sampler.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

using Indices = std::vector<std::int64_t>;

// The frames of one row; none where the sampler throws Error, as the reference does.
std::optional<Indices> sampled(const nlohmann::json& row) {
  const double fps = row.at("fps").get<double>();
  std::vector<double> times(row.at("n_frames").get<std::size_t>());
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = static_cast<double>(i) / fps;

  SamplingRequest request;
  request.num_frames = row.at("max_frames").get<std::int64_t>();
  request.fps = row.at("framerate").get<double>();
  if (!row.at("start").is_null()) request.start_s = row["start"].get<double>();
  if (!row.at("end").is_null()) request.end_s = row["end"].get<double>();
  if (row.contains("slice_framepos")) request.slice = static_cast<Slice>(row["slice_framepos"].get<int>());
  const auto reader = row.at("reader").get<std::string>();
  GLINT_CHECK(reader == "cv2" || reader == "decord", "reader ", reader);
  const auto policy = reader == "cv2" ? SamplingPolicy::kClip4Clip : SamplingPolicy::kGlscl;
  try {
    auto frames = sample_frames(policy, {&times, fps, static_cast<double>(times.size()) / fps}, request);
    if (row.value("frame_order", 0) == 1) std::reverse(frames.begin(), frames.end());
    return frames;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

CaseReport check_frame_sampling(const GoldenCase& golden) {
  CaseReport report;
  std::istringstream rows(read_file(golden.folder / "rows.jsonl"));
  int line = 0;
  for (std::string text; std::getline(rows, text);) {
    ++line;
    const auto row = nlohmann::json::parse(text);
    const auto frames = sampled(row);
    const auto place = concat("rows.jsonl line ", line, ": ");
    if (row.contains("error")) {
      report.require(!frames, place + "the reference raises, the sampler does not");
      continue;
    }
    report.require(frames && *frames == row.at("indices").get<Indices>(), place + "other frames than the reference's");
    report.require(frames && std::ssize(*frames) == row.at("valid").get<std::int64_t>(), place + "another count");
  }
  return report;
}

}  // namespace glint::test
