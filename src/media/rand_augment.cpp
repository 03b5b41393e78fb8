#include "glint/media/rand_augment.h"

#include <charconv>
#include <cmath>
#include <numbers>

#include "glint/core/error.h"
#include "media/augment_kernels.h"
#include "media/augment_tables.h"

namespace glint {

namespace {

constexpr int kDraws = 4;
constexpr double kProbability = 0.5;  // that an operation drawn is used
constexpr double kMeanLevel = 7, kLevelDeviation = 0.5, kMaxLevel = 10;

// To 15 decimal places, from the exact value of the double.
double rounded_to_15_places(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 15).ptr;
  double rounded = 0;
  std::from_chars(text, end, rounded);
  return rounded;
}

AffineMap rotation(double degrees, double width, double height) {
  const double turn = degrees < 0 ? degrees + 360 : degrees;  // the reference's detour; it can change the last bit
  const double radians = -(turn * (std::numbers::pi / 180));
  const double cosine = rounded_to_15_places(std::cos(radians)), sine = rounded_to_15_places(std::sin(radians));
  const double x = width / 2, y = height / 2;
  return {cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y};
}

AffineMap map_of(AugmentOp op, double argument, double width, double height) {
  AffineMap map;
  switch (op) {
    case AugmentOp::kRotate:
      return rotation(argument, width, height);
    case AugmentOp::kShearX:
      map.b = argument;
      break;
    case AugmentOp::kShearY:
      map.d = argument;
      break;
    case AugmentOp::kTranslateX:
      map.c = argument * width;
      break;
    case AugmentOp::kTranslateY:
      map.f = argument * height;
      break;
    default:
      GLINT_CHECK(false, "operation ", static_cast<int>(op), " moves no pixels");
  }
  return map;
}

ByteTables of_all_channels(const ByteTable& table) {
  return {table, table, table};
}

}  // namespace

struct RandAugment::Impl {
  AugmentKernels kernels = augment_kernels().front();
  Image buffers[2];
  PaddedPicture padded;

  int mean_luma(const Image& image) const {
    const auto pixels = static_cast<std::uint64_t>(image.width) * static_cast<std::uint64_t>(image.height);
    return static_cast<int>((2 * kernels.luma_sum(image) + pixels) / (2 * pixels));
  }

  // Of an operation that maps bytes.
  ByteTables tables_of(AugmentOp op, double argument, const Image& image) const {
    const auto factor = static_cast<float>(argument);
    switch (op) {
      case AugmentOp::kAutoContrast:
        return auto_contrast_tables(image);
      case AugmentOp::kEqualize:
        return equalize_tables(image);
      case AugmentOp::kInvert:
        return of_all_channels(invert_table());
      case AugmentOp::kPosterize:
        return of_all_channels(posterize_table(static_cast<int>(argument)));
      case AugmentOp::kSolarize:
        return of_all_channels(solarize_table(static_cast<int>(argument)));
      case AugmentOp::kSolarizeAdd:
        return of_all_channels(solarize_add_table(static_cast<int>(argument)));
      case AugmentOp::kContrast:
        return of_all_channels(blend_table(mean_luma(image), factor));
      case AugmentOp::kBrightness:
        return of_all_channels(blend_table(0, factor));
      default:
        break;
    }
    GLINT_CHECK(false, "operation ", static_cast<int>(op), " maps no bytes");
  }

  void run(const AugmentStep& step, const Image& from, Image& to) {
    const double argument = augment_argument(step);
    switch (step.op) {
      case AugmentOp::kRotate:
      case AugmentOp::kShearX:
      case AugmentOp::kShearY:
      case AugmentOp::kTranslateX:
      case AugmentOp::kTranslateY:
        return kernels.affine(from, map_of(step.op, argument, from.width, from.height), padded, to);
      case AugmentOp::kColor:
        return kernels.color(from, static_cast<float>(argument), to);
      case AugmentOp::kSharpness:
        return kernels.sharpness(from, static_cast<float>(argument), to);
      default:
        return map_bytes(from, tables_of(step.op, argument, from), to);
    }
  }
};

RandAugment::RandAugment() : impl_(std::make_unique<Impl>()) {}
RandAugment::~RandAugment() = default;
RandAugment::RandAugment(RandAugment&&) noexcept = default;
RandAugment& RandAugment::operator=(RandAugment&&) noexcept = default;

double augment_argument(const AugmentStep& step) {
  const double level = step.level / kMaxLevel;
  switch (step.op) {
    case AugmentOp::kAutoContrast:
    case AugmentOp::kEqualize:
    case AugmentOp::kInvert:
      return 0;
    case AugmentOp::kRotate:
      return step.sign * (level * 30);
    case AugmentOp::kPosterize:
      return 4 - static_cast<int>(level * 4);
    case AugmentOp::kSolarize:
      return 256 - static_cast<int>(level * 256);
    case AugmentOp::kSolarizeAdd:
      return static_cast<int>(level * 110);
    case AugmentOp::kColor:
    case AugmentOp::kContrast:
    case AugmentOp::kBrightness:
    case AugmentOp::kSharpness:
      return 1 + step.sign * (level * 0.9);
    case AugmentOp::kShearX:
    case AugmentOp::kShearY:
      return step.sign * (level * 0.3);
    case AugmentOp::kTranslateX:
    case AugmentOp::kTranslateY:
      return step.sign * (level * 0.45);
  }
  GLINT_CHECK(false, "operation ", static_cast<int>(step.op));
}

std::vector<AugmentStep> draw_rand_augment(Random& random) {
  std::vector<AugmentStep> steps;
  for (int i = 0; i < kDraws; ++i) {
    AugmentStep step;
    step.op = static_cast<AugmentOp>(random.below(kAugmentOps));
    step.level = std::clamp(kMeanLevel + kLevelDeviation * random.normal(), 0.0, kMaxLevel);
    step.sign = random.chance(0.5) ? 1 : -1;
    if (random.chance(kProbability)) steps.push_back(step);
  }
  return steps;
}

const Image& RandAugment::apply(const Image& image, const std::vector<AugmentStep>& steps) {
  GLINT_CHECK(image.width > 0 && image.height > 0, image.width, " x ", image.height);
  GLINT_CHECK(image.rgb.size() == std::size_t{3} * image.width * image.height, image.rgb.size(), " bytes");
  const Image* current = &image;
  for (const auto& step : steps) {
    Image& next = impl_->buffers[current == &impl_->buffers[0] ? 1 : 0];
    next.width = image.width;
    next.height = image.height;
    next.rgb.resize(image.rgb.size());
    impl_->run(step, *current, next);
    current = &next;
  }
  return *current;
}

}  // namespace glint
