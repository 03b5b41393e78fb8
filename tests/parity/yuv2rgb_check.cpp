// The half of kind `preprocess` that begins in a video file: decoded planes and their conversion to RGB.
extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <optional>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/media/picture_file.h"
#include "glint/media/video_reader.h"
#include "media/frame_decoder.h"
#include "media/frame_index.h"
#include "media/video_file.h"
#include "parity/parity.h"
#include "support/environment.h"

namespace glint::test {

namespace {

namespace fs = std::filesystem;
using Row = nlohmann::json;

std::optional<fs::path> find_clip(const GoldenCase& golden, const std::string& name) {
  std::vector<fs::path> folders = {golden.folder, golden.folder / "clips"};
  if (const auto shared = shared_dir()) {
    folders.push_back(*shared / "data" / "real_clips");
    folders.push_back(*shared / "data" / "videos");
  }
  for (const auto& folder : folders) {
    if (fs::is_regular_file(folder / name)) return folder / name;
  }
  return std::nullopt;
}

std::string rgb_sha256(const Image& image) {
  return sha256({reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size()});
}

// Frame `number` in decoding order of display, counted over the whole file as it is shown, before conversion.
struct DecodedPlanes {
  std::string bytes;  // native format, rows without gaps
  std::string format;
  std::string range;
  std::string matrix;
};

DecodedPlanes planes_of(const std::string& path, std::int64_t number) {
  media::TimeBudget budget(path, ReaderOptions().timeout_s);
  const media::VideoFile file(path);
  media::PacketSource source(file, {}, budget);
  const auto index = media::index_frames(source, {}, path, /*exact=*/false);
  media::FrameDecoder decoder(source.facts(), {}, path, index.reorder, media::FrameDecoder::Effort::kAll);
  DecodedPlanes planes;
  std::int64_t count = 0;
  const auto take = [&](const AVFrame& frame) {
    if (count++ != number) return;
    const auto format = static_cast<AVPixelFormat>(frame.format);
    planes.bytes.resize(av_image_get_buffer_size(format, frame.width, frame.height, /*align=*/1));
    av_image_copy_to_buffer(reinterpret_cast<std::uint8_t*>(planes.bytes.data()), static_cast<int>(planes.bytes.size()),
                            frame.data, frame.linesize, format, frame.width, frame.height, /*align=*/1);
    planes.format = av_get_pix_fmt_name(format);
    const char* range = av_color_range_name(frame.color_range);
    planes.range = range != nullptr ? range : "unknown";
    const char* matrix = av_color_space_name(frame.colorspace);
    planes.matrix = matrix != nullptr ? matrix : "unknown";
  };
  source.go_to(0);
  for (std::int64_t packet = 0; count <= number; ++packet) {
    const AVPacket* data = source.next();
    if (data == nullptr) break;
    decoder.send(*data, packet, AVDISCARD_DEFAULT, take);
  }
  decoder.drain(take);
  return planes;
}

// Methods 8.6: 0 for 8-bit pictures of even sides, where all readers agree; at most 4 for odd sides; a mean of 4
// for more bits, which FFmpeg's versions dither and round in different ways.
void compare_rgb(const Row& row, const Image& actual, const Image& expected, CaseReport& report) {
  const std::string name = "yuv2rgb/" + row.at("clip").get<std::string>();
  report.require(actual.width == expected.width && actual.height == expected.height, name + ": size");
  if (actual.rgb.size() != expected.rgb.size()) return;
  double largest = 0, sum = 0;
  for (std::size_t i = 0; i < actual.rgb.size(); ++i) {
    const double difference = std::abs(actual.rgb[i] - expected.rgb[i]);
    largest = std::max(largest, difference);
    sum += difference;
  }
  const bool is_odd = actual.width % 2 != 0 || actual.height % 2 != 0;
  const AVPixFmtDescriptor* kind = av_pix_fmt_desc_get(av_get_pix_fmt(row.at("pix_fmt").get<std::string>().c_str()));
  if (kind != nullptr && kind->comp[0].depth > 8) {
    report.compare(name + " mean", sum / static_cast<double>(actual.rgb.size()), 0, 4);
  } else {
    report.compare(name, largest, 0, is_odd ? 4 : 0);
    if (!is_odd)
      report.require(rgb_sha256(actual) == row.at("reference_rgb_sha256").get<std::string>(),
                     name + ": SHA-256 of the RGB bytes");
  }
}

void check_row(const GoldenCase& golden, const Row& row, const fs::path& clip, CaseReport& report) {
  const std::string name = "yuv2rgb/" + row.at("clip").get<std::string>();
  const auto number = row.at("frame_index").get<std::int64_t>();
  report.require(sha256_of_file(clip) == row.at("clip_sha256").get<std::string>(),
                 name + ": another file than the case was made of");

  const auto planes = planes_of(clip, number);
  report.require(planes.bytes.size() == row.at("planes_bytes").get<std::size_t>(), name + ": bytes of the planes");
  report.require(sha256(planes.bytes) == row.at("planes_sha256").get<std::string>(),
                 name + ": SHA-256 of the decoded planes");
  report.require(planes.format == row.at("pix_fmt").get<std::string>(), name + ": pixel format " + planes.format);
  report.require(planes.range == row.at("color_range").get<std::string>(), name + ": range " + planes.range);
  report.require(planes.matrix == row.at("color_space").get<std::string>(), name + ": matrix " + planes.matrix);

  ReaderOptions options;
  options.apply_rotation = false;
  VideoReader reader(clip, options);
  report.require(number < std::ssize(reader.frame_times()), name + ": the frame is there");
  if (number >= std::ssize(reader.frame_times())) return;
  report.compare(name + " time_s", reader.frame_times()[number], row.at("time_s").get<double>(), 1e-6);
  const Image reference = read_picture(golden.folder / row.at("reference").get<std::string>());
  report.require(rgb_sha256(reference) == row.at("reference_rgb_sha256").get<std::string>(),
                 name + ": SHA-256 of the reference picture");
  report.require(reference.width == row.at("width") && reference.height == row.at("height"), name + ": reference size");
  reader.read_frames({number}, [&](std::size_t, const Image& image) { compare_rgb(row, image, reference, report); });
}

}  // namespace

void check_yuv2rgb(const GoldenCase& golden, CaseReport& report) {
  const auto manifest_path = golden.folder / golden.json.value("manifest", "manifest.json");
  const auto manifest = nlohmann::json::parse(read_file(manifest_path));
  std::string missing;
  for (const auto& row : manifest.at("yuv2rgb")) {
    const auto name = row.at("clip").get<std::string>();
    if (const auto clip = find_clip(golden, name)) {
      check_row(golden, row, *clip, report);
    } else {
      missing += (missing.empty() ? "" : ", ") + name;
    }
  }
  if (!missing.empty()) say_left_out("conversion to RGB of " + missing);
}

}  // namespace glint::test
