#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/decode_bench.h"
#include "glint/core/error.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"

namespace glint::app {

namespace {

using Json = nlohmann::ordered_json;

// printf into a string.
template <class... Values>
std::string text(const char* format, Values... values) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

Json stages(const DecodeTime& way) {
  const auto& reading = way.reading;
  return {{"open", reading.open_s},
          {"index", reading.index_s},
          {"decode", reading.decode_s},
          {"convert", reading.convert_s},
          {"resize", way.resize_s}};
}

Json to_json(const DecodeTime& way, const DecodeReport& report, const DecodeBenchOptions& options) {
  const auto videos = static_cast<double>(report.videos.size());
  Json json = {{"name", way.name}, {"seconds", way.seconds}, {"cpu_seconds", way.cpu_seconds}};
  if (way.peak_bytes) json["peak_bytes"] = *way.peak_bytes;
  json.update({{"videos", report.videos.size()}, {"frames", report.frames}});
  json.update({{"ms_a_video", 1e3 * way.seconds / videos},
               {"videos_a_s", videos / way.seconds},
               {"frames_a_s", static_cast<double>(report.frames) / way.seconds}});
  if (way.different_videos) {
    json["times_the_plan"] = way.seconds / report.ways.front().seconds;
    json["different_videos"] = *way.different_videos;
  } else {
    json["stages"] = stages(way);
  }
  json.update({{"size", options.size}, {"threads", options.threads}, {"runs", way.runs}});
  json["command"] = bench_command_line(options);
  return json;
}

Json files_json(const DecodeReport& report) {
  auto files = Json::array();
  for (const auto& video : report.videos) {
    files.push_back({{"file", video.file.string()}, {"times_s", video.times_s}, {"sha256", video.sha256}});
  }
  return files;
}

}  // namespace

std::string bench_command_line(const DecodeBenchOptions& options) {
  return concat("glint bench decode '", options.path, "' --frames ", options.frames, " --size ", options.size,
                " --threads ", options.threads, " --repeats ", options.repeats, options.compare ? " --compare" : "");
}

std::string report_json(const DecodeReport& report, const DecodeBenchOptions& options) {
  auto array = Json::array();
  for (const auto& way : report.ways) array.push_back(to_json(way, report, options));
  auto& ours = array.front();
  ours["unreadable"] = Json::array();
  for (const auto& bad : report.unreadable) {
    ours["unreadable"].push_back({{"file", bad.file.string()}, {"cause", bad.cause}});
  }
  ours["files"] = files_json(report);
  // A file's name may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json_text(array, 2) + "\n";
}

std::string report_table(const DecodeReport& report, const DecodeBenchOptions& options) {
  const auto videos = static_cast<double>(report.videos.size());
  const auto ms = [&](double seconds) { return 1e3 * seconds / videos; };
  std::string table = text("%zu videos, %lld frames to %lld x %lld, %lld thread%s\n", report.videos.size(),
                           static_cast<long long>(report.frames), static_cast<long long>(options.size),
                           static_cast<long long>(options.size), static_cast<long long>(options.threads),
                           options.threads == 1 ? "" : "s");
  table += text("%-18s %11s %10s %10s %10s  %s\n", "", "ms a video", "videos/s", "frames/s", "x the plan", "frames");
  for (const auto& way : report.ways) {
    table += text("%-18s %11.2f %10.2f %10.1f %10.2f  ", way.name.c_str(), ms(way.seconds), videos / way.seconds,
                  static_cast<double>(report.frames) / way.seconds, way.seconds / report.ways.front().seconds);
    const auto different = static_cast<long long>(way.different_videos.value_or(0));
    if (!way.different_videos) {
      table += text("peak %.1f MB\n", static_cast<double>(way.peak_bytes.value_or(0)) / 1e6);
    } else {
      table += different == 0 ? "the same in all videos\n" : text("others in %lld videos\n", different);
    }
  }
  const auto& ours = report.ways.front();
  table += text("the plan, CPU ms a video: open %.2f, index %.2f, decode %.2f, convert %.2f, resize %.2f\n",
                ms(ours.reading.open_s), ms(ours.reading.index_s), ms(ours.reading.decode_s),
                ms(ours.reading.convert_s), ms(ours.resize_s));
  if (!report.unreadable.empty()) {
    table += concat(report.unreadable.size(), " of ", report.unreadable.size() + report.videos.size(),
                    " files cannot be read:\n");
  }
  std::vector<std::string> causes;
  for (const auto& bad : report.unreadable) causes.push_back(bad.cause);
  for (const auto& line : first_few(causes, "--json names all")) table += "  " + line + "\n";
  return table + bench_command_line(options) + "\n";
}

}  // namespace glint::app
