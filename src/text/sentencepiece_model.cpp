#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/little_endian.h"

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

// The model's tables of characters, one a normalizer; few have any.
std::vector<std::string_view> character_tables(std::string_view model_bytes) {
  std::vector<std::string_view> tables;
  Fields model(model_bytes);
  while (const auto field = model.next()) {
    if (field->number != kNormalizerSpec && field->number != kDenormalizerSpec) continue;
    Fields spec(field->content);
    while (const auto part = spec.next()) {
      if (part->number == kCharacterTable && !part->content.empty()) tables.push_back(part->content);
    }
  }
  return tables;
}

// A table: 4 bytes with the length of a double-array trie (Yata et al., darts-clone), the trie's units of 4 bytes,
// little endian, then the texts that its values point into, each ended by a zero.
constexpr std::uint32_t kIsValue = 1U << 31;
constexpr std::uint32_t kHasValue = 1U << 8;
constexpr std::uint32_t kWideOffset = 1U << 9;

std::uint32_t unit_at(std::string_view units, std::size_t index) {
  return static_cast<std::uint32_t>(from_little_endian(units.substr(4 * index, 4)));
}

bool stays_inside(std::string_view table) {
  if (table.size() < 4) return false;
  const auto size = unit_at(table, 0);
  if (size == 0 || size % 4 != 0 || size >= table.size() - 4) return false;
  const auto units = table.substr(4, size), texts = table.substr(4 + size);
  if (texts.back() != '\0') return false;
  const std::size_t count = units.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    const auto unit = unit_at(units, i);
    if ((unit & kIsValue) != 0) continue;  // no walk stands on it
    const std::size_t offset = (unit & kWideOffset) != 0 ? (unit >> 10) << 8 : unit >> 10;
    const auto next = i ^ offset;  // and from there to next ^ byte
    if ((next | 0xFF) >= count) return false;
    if ((unit & kHasValue) != 0 && (unit_at(units, next) & ~kIsValue) >= texts.size()) return false;
  }
  return true;
}

}  // namespace

bool has_character_table(std::string_view model_bytes) {
  return !character_tables(model_bytes).empty();
}

void check_character_table(std::string_view model_bytes) {
  for (const auto table : character_tables(model_bytes)) {
    if (!stays_inside(table)) throw Error("the sentencepiece model's table of characters is damaged");
  }
}

void load_model(sentencepiece::SentencePieceProcessor& processor, const std::string& model_bytes) {
  const auto what = concat("the tokenizer's ", model_bytes.size(), " bytes are not a sentencepiece model: ");
  sentencepiece::util::Status status;
  try {
    status = processor.LoadFromSerializedProto(model_bytes);
  } catch (const std::exception& problem) {  // of the tries that the library builds
    throw Error(what, problem.what());
  }
  if (!status.ok() || processor.GetPieceSize() == 0) throw Error(what, library_words(status.message()));
}

std::string library_words(const std::string& message) {
  const auto end = message.rfind("] ");
  return end == message.npos ? message : message.substr(end + 2);
}

}  // namespace glint
