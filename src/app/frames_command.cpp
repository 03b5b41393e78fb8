#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/commands.h"
#include "app/result_places.h"
#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/media/contact_sheet.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/picture_file.h"
#include "glint/media/video_reader.h"

namespace glint::app {

namespace {

struct FramesOptions {
  std::string video;
  std::string sheet;
  double fps = 3;
  std::int64_t num_frames = 12;
  bool all = false;
  bool json = false;
};

// The frames that uniform_3fps would pick if its grid had `options.fps` times a second: the same grid on a clock that
// runs faster or slower.
std::vector<std::int64_t> uniform_frames(const VideoReader& reader, const FramesOptions& options) {
  const double clock = options.fps / 3;
  std::vector<double> times = reader.frame_times();
  for (auto& time : times) time *= clock;
  SamplingRequest request;
  request.num_frames = options.num_frames;
  return sample_frames(SamplingPolicy::kUniform3Fps,
                       {&times, reader.info().average_fps / clock, reader.info().duration_s * clock}, request);
}

void print_frames(const VideoReader& reader, const std::vector<std::int64_t>& frames, bool as_json) {
  const auto& times_s = reader.frame_times();
  if (!as_json) {
    for (const auto frame : frames) {
      char line[64];
      std::snprintf(line, sizeof line, "%6" PRId64 " %12.6f s\n", frame, times_s[frame]);
      std::cout << line;
    }
    return;
  }
  auto list = nlohmann::ordered_json::array();
  for (const auto frame : frames) list.push_back({{"index", frame}, {"pts_s", times_s[frame]}});
  std::cout << json_text(nlohmann::ordered_json{{"frames", std::move(list)}}) << "\n";
}

void read_and_draw(VideoReader& reader, const std::vector<std::int64_t>& frames, const std::string& path) {
  if (path.empty()) {  // to know that they can be read
    reader.read_frames(frames, [](std::size_t, const Image&) {});
    return;
  }
  ContactSheet sheet(static_cast<std::int64_t>(frames.size()), reader.info().width, reader.info().height);
  reader.read_frames(frames, [&](std::size_t position, const Image& image) {
    char caption[64];
    std::snprintf(caption, sizeof caption, "%" PRId64 ":  %.3f s", frames[position],
                  reader.frame_times()[frames[position]]);
    sheet.add(image, caption);
  });
  write_png(path, sheet.image());
  log_info("the frames stand in ", path);
}

void run(const FramesOptions& options) {
  if (!options.sheet.empty()) require_place(options.sheet, "");
  ReaderOptions reading;
  reading.exact_times = options.all;  // every frame that decodes, and no other
  VideoReader reader(options.video, reading);
  std::vector<std::int64_t> frames(reader.frame_times().size());
  std::iota(frames.begin(), frames.end(), 0);
  if (!options.all) frames = uniform_frames(reader, options);
  if (!options.all || !options.sheet.empty()) read_and_draw(reader, frames, options.sheet);
  if (reader.lost_frames() > 0) {
    log_warning(options.video, ": ", reader.lost_frames(),
                " of these frames are damaged; the ones before them are shown");
  }
  print_frames(reader, frames, options.json);
}

}  // namespace

void add_frames_command(CLI::App& app) {
  auto options = std::make_shared<FramesOptions>();
  auto* command =
      app.add_subcommand("frames", "Show frames of a video and their times, chosen as by video.sampling=uniform_3fps");
  command->add_option("VIDEO", options->video, "The video file")->required();
  command->add_option("OUT.png", options->sheet, "Contact sheet to write (a picture)");
  command->add_option("--fps", options->fps, "Candidate frames a second")
      ->check(CLI::Range(1e-3, 1000.0))
      ->capture_default_str();
  command->add_option("--num-frames", options->num_frames, "Number of frames, spread evenly over the candidates")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_flag("--all", options->all, "Show every frame of the file");
  command->add_flag("--json", options->json, R"(Print {"frames": [{"index":, "pts_s":}, ...]})");
  command->footer("Example: glint frames talk.mp4 sheet.png --num-frames 24");
  command->callback([options] { run(*options); });
}

}  // namespace glint::app
