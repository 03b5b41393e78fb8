#include "text/sentencepiece_model.h"

#include <cstdint>
#include <optional>

#include "glint/core/error.h"

namespace glint {
namespace {

// sentencepiece_model.proto: ModelProto.normalizer_spec and .denormalizer_spec, NormalizerSpec.precompiled_charsmap.
constexpr std::uint64_t kNormalizerSpec = 3;
constexpr std::uint64_t kDenormalizerSpec = 5;
constexpr std::uint64_t kCharacterTable = 2;

struct Field {
  std::uint64_t number;
  std::string_view content;  // empty for plain numbers
};

// Reads the fields of one message.
class Fields {
 public:
  explicit Fields(std::string_view rest) : rest_(rest) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const auto tag = number();
    Field field{tag >> 3, {}};
    switch (tag & 7) {
      case 0:
        number();
        break;
      case 1:
        bytes(8);
        break;
      case 2:
        field.content = bytes(number());
        break;
      case 5:
        bytes(4);
        break;
      default:
        refuse();
    }
    return field;
  }

 private:
  [[noreturn]] static void refuse() {
    throw Error("the tokenizer's bytes are not a sentencepiece model: they are damaged or cut short");
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    refuse();
  }

  std::string_view bytes(std::uint64_t size) {
    if (size > rest_.size()) refuse();
    const auto start = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return start;
  }

  std::string_view rest_;
};

}  // namespace

bool has_character_table(std::string_view model_bytes) {
  Fields model(model_bytes);
  while (const auto field = model.next()) {
    if (field->number != kNormalizerSpec && field->number != kDenormalizerSpec) continue;
    Fields spec(field->content);
    while (const auto part = spec.next()) {
      if (part->number == kCharacterTable && !part->content.empty()) return true;
    }
  }
  return false;
}

}  // namespace glint
