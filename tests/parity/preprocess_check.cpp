#include <algorithm>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/media/frame_transform.h"
#include "glint/media/picture_file.h"
#include "glint/model/clip.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

torch::Tensor planes_of(const Image& image) {
  return torch::tensor(at::ArrayRef<std::uint8_t>(image.rgb))
      .view({image.height, image.width, 3})
      .permute({2, 0, 1});  // [3, H, W]
}

// The statistics that the case holds of the float picture; docs/golden.md gives the tolerances.
void check_normalised(const std::string& name, const torch::Tensor& planes, const nlohmann::json& want,
                      CaseReport& report) {
  const auto pixels = normalise_pixels(planes);  // [3, R, R]
  const auto exact = pixels.to(torch::kFloat64).flatten(1);
  const auto compare = [&](const std::string& what, const torch::Tensor& actual, double atol) {
    const auto expected = torch::tensor(want.at(what).get<std::vector<double>>(), torch::kFloat64);
    report.compare(name + "." + what, actual, expected, atol);
  };
  compare("mean", exact.mean(1), 1e-5);
  compare("std_population", exact.std(1, /*unbiased=*/false), 1e-5);
  compare("min", exact.amin(1), 1e-6);
  compare("max", exact.amax(1), 1e-6);
  for (const auto& value : want.at("values")) {
    const auto c = value.at("channel").get<int64_t>(), y = value.at("y").get<int64_t>(),
               x = value.at("x").get<int64_t>();
    report.compare(concat(name, ".value[", c, ",", y, ",", x, "]"), pixels[c][y][x].item<double>(),
                   value.at("value").get<double>(), 1e-6);
  }
}

void check_picture(const GoldenCase& golden, const nlohmann::json& entry, CaseReport& report) {
  const auto name = entry.at("name").get<std::string>();
  const auto input = read_picture(golden.folder / entry.at("input").get<std::string>());
  const auto expected = read_picture(golden.folder / entry.at("expected").get<std::string>());
  report.require(input.width == entry.at("width").get<int>() && input.height == entry.at("height").get<int>(),
                 name + ": the input's size");
  report.require(expected.width == expected.height, name + ": the target is square");

  const int64_t size = expected.width;
  const auto planes = torch::empty({3, size, size}, torch::kUInt8);
  FrameTransform(static_cast<int>(size)).apply(input, planes.data_ptr<std::uint8_t>());
  report.compare(name, planes, planes_of(expected), 0);
  const auto interleaved = planes.permute({1, 2, 0}).contiguous();
  const std::string_view bytes(reinterpret_cast<const char*>(interleaved.data_ptr()), interleaved.numel());
  report.require(sha256(bytes) == entry.at("expected_rgb_sha256").get<std::string>(),
                 name + ": SHA-256 of the RGB bytes");
  check_normalised(name, planes, entry.at("normalised"), report);
}

}  // namespace

CaseReport check_preprocess(const GoldenCase& golden) {
  CaseReport report;
  const auto manifest = nlohmann::json::parse(read_file(golden.folder / golden.json.at("manifest").get<std::string>()));
  for (const auto& entry : manifest.at("images")) check_picture(golden, entry, report);
  if (manifest.contains("yuv2rgb")) check_yuv2rgb(golden, report);
  return report;
}

}  // namespace glint::test
