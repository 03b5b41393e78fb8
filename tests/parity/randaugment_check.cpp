#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/media/frame_transform.h"
#include "glint/media/picture_file.h"
#include "glint/media/rand_augment.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

AugmentOp op_named(const std::string& name) {
  static const std::map<std::string, AugmentOp> ops = {
      {"AutoContrast", AugmentOp::kAutoContrast},
      {"Equalize", AugmentOp::kEqualize},
      {"Invert", AugmentOp::kInvert},
      {"Rotate", AugmentOp::kRotate},
      {"PosterizeIncreasing", AugmentOp::kPosterize},
      {"SolarizeIncreasing", AugmentOp::kSolarize},
      {"SolarizeAdd", AugmentOp::kSolarizeAdd},
      {"ColorIncreasing", AugmentOp::kColor},
      {"ContrastIncreasing", AugmentOp::kContrast},
      {"BrightnessIncreasing", AugmentOp::kBrightness},
      {"SharpnessIncreasing", AugmentOp::kSharpness},
      {"ShearX", AugmentOp::kShearX},
      {"ShearY", AugmentOp::kShearY},
      {"TranslateXRel", AugmentOp::kTranslateX},
      {"TranslateYRel", AugmentOp::kTranslateY},
  };
  const auto found = ops.find(name);
  if (found == ops.end()) throw Error("no operation is called '", name, "'");
  return found->second;
}

// The step of one entry, whose argument must be the reference's to the last bit.
AugmentStep step_of(const nlohmann::json& entry, CaseReport& report) {
  AugmentStep step;
  const auto name = entry.at("op").get<std::string>();
  step.op = op_named(name);
  if (!entry.at("level").is_null()) step.level = entry.at("level").get<double>();
  if (!entry.at("sign").is_null()) step.sign = entry.at("sign").get<int>();
  if (!entry.at("argument").is_null()) {
    report.compare(name + ".argument", augment_argument(step), entry.at("argument").get<double>(), 0);
  }
  return step;
}

std::string_view bytes_of(const Image& image) {
  return {reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size()};
}

Image resized_and_cropped(const Image& image, int size) {
  std::vector<std::uint8_t> planes(static_cast<std::size_t>(3 * size * size));
  FrameTransform(size).apply(image, planes.data());
  Image out(size, size);
  for (std::size_t i = 0; i < out.rgb.size(); ++i) out.rgb[i] = planes[i % 3 * out.rgb.size() / 3 + i / 3];
  return out;
}

void check_picture(const GoldenCase& golden, const nlohmann::json& entry, const Image& actual, CaseReport& report) {
  const auto name = entry.at("expected").get<std::string>();
  const auto file = golden.folder / name;
  report.require(sha256(read_file(file)) == entry.at("expected_sha256").get<std::string>(), name + ": SHA-256");
  const auto expected = read_picture(file);
  report.require(actual.width == expected.width && actual.height == expected.height, name + ": size");
  report.compare(name, torch::tensor(at::ArrayRef<std::uint8_t>(actual.rgb)),
                 torch::tensor(at::ArrayRef<std::uint8_t>(expected.rgb)), 0);
  report.require(sha256(bytes_of(actual)) == entry.at("expected_rgb_sha256").get<std::string>(),
                 name + ": SHA-256 of the RGB bytes");
}

}  // namespace

CaseReport check_randaugment(const GoldenCase& golden) {
  CaseReport report;
  const auto manifest = nlohmann::json::parse(read_file(golden.folder / golden.json.at("manifest").get<std::string>()));
  const auto file = golden.folder / manifest.at("input").get<std::string>();
  report.require(sha256(read_file(file)) == manifest.at("input_sha256").get<std::string>(), "input: SHA-256");
  const auto input = read_picture(file);
  report.require(input.width == manifest.at("width").get<int>() && input.height == manifest.at("height").get<int>(),
                 "input: size");
  RandAugment augment;
  for (const auto& entry : manifest.at("ops")) {
    check_picture(golden, entry, augment.apply(input, {step_of(entry, report)}), report);
  }
  for (const auto& chain : manifest.at("chains")) {
    std::vector<AugmentStep> steps;
    for (const auto& entry : chain.at("ops")) steps.push_back(step_of(entry, report));
    const auto size = read_picture(golden.folder / chain.at("expected").get<std::string>()).width;
    check_picture(golden, chain, resized_and_cropped(augment.apply(input, steps), size), report);
  }
  return report;
}

}  // namespace glint::test
