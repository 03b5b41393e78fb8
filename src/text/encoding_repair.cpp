#include "text/encoding_repair.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "text/legacy_encodings.h"
#include "text/mojibake.h"
#include "text/unicode.h"

namespace glint {
namespace {

constexpr int kMostRepairs = 100;  // one after the other; honest text takes three
constexpr char kNoBreakSpace = '\xA0';
constexpr char kLost = '\x1A';  // stands for a byte that became U+FFFD

// The bytes at one place of a sequence.
enum class Bytes {
  kContinuation,      // 80 to BF
  kRareContinuation,  // the same without 85 and A0
  kLostOrContinuation,
  kLostOrQuestion,
  kLostQuestionOrContinuation,
};

struct ByteRange {
  unsigned char first, last;
};

struct ByteView {
  std::string_view bytes;

  unsigned char at(std::size_t place) const { return static_cast<unsigned char>(bytes[place]); }
  bool has(std::size_t place, ByteRange range) const {
    return place < bytes.size() && at(place) >= range.first && at(place) <= range.last;
  }
  bool has(std::size_t place, char byte) const { return place < bytes.size() && bytes[place] == byte; }
  bool has(std::size_t place, Bytes kind) const {
    const bool continues = has(place, ByteRange{0x80, 0xBF});
    const bool is_lost = has(place, kLost), is_question = has(place, '?');
    switch (kind) {
      case Bytes::kContinuation:
        return continues;
      case Bytes::kRareContinuation:
        return continues && at(place) != 0x85 && at(place) != 0xA0;
      case Bytes::kLostOrContinuation:
        return is_lost || continues;
      case Bytes::kLostOrQuestion:
        return is_lost || is_question;
      case Bytes::kLostQuestionOrContinuation:
        return is_lost || is_question || continues;
    }
    return false;
  }
  // All places from 0 on.
  template <typename... Kinds>
  bool is(Kinds... kinds) const {
    std::size_t place = 0;
    return (has(place++, kinds) && ...);
  }
};

// "\xC3 " of "Ã la": the no-break space behind the à was taken for one with the space that follows it. Portuguese has
// words that begin with à.
bool is_word_a_grave(ByteView text) {
  if (!text.is('\xC3', ' ')) return false;
  const auto rest = text.bytes.substr(2);
  for (const std::string_view word : {" ", "quele", "quela", "quilo", "s "}) {
    if (rest.substr(0, word.size()) == word) return false;
  }
  return true;
}

// Length of a UTF-8 sequence in which a space stands for the byte A0 and that is likely once it is put back; 0: none.
std::size_t spaced_sequence(ByteView text) {
  using enum Bytes;
  constexpr std::string_view kPairs = "\xC2\xC3\xC5\xCE\xD0\xD9";
  constexpr ByteRange kThree{0xE0, 0xE3}, kUpperThree{0xE2, 0xE3};
  if (kPairs.find(text.bytes.front()) != kPairs.npos && text.has(1, ' ')) return 2;
  if (text.is(kUpperThree, ' ', kRareContinuation) || text.is(kThree, kRareContinuation, ' ')) return 3;
  const bool is_four = text.is('\xF0', ' ', kContinuation, kContinuation) ||
                       text.is('\xF0', kContinuation, ' ', kContinuation) ||
                       text.is('\xF0', kContinuation, kContinuation, ' ');
  return is_four ? 4 : 0;
}

// Length of a UTF-8 sequence, or a pair of surrogates, with lost bytes in it; 0: none.
std::size_t lossy_sequence(ByteView text) {
  using enum Bytes;
  constexpr ByteRange kTwo{0xC2, 0xDF}, kLatin{0xC2, 0xC3}, kThree{0xE0, 0xEF}, kFour{0xF0, 0xF4};
  constexpr ByteRange kHigh{0xA0, 0xAF}, kLow{0xB0, 0xBF};
  if (text.is(kTwo, kLost) || text.is(kLatin, '?')) return 2;
  if (text.is('\xED', kHigh, kLostOrQuestion, '\xED', kLow, kLostQuestionOrContinuation) ||
      text.is('\xED', kHigh, kLostQuestionOrContinuation, '\xED', kLow, kLostOrQuestion)) {
    return 6;
  }
  if (text.is(kThree, kLostOrQuestion, kLostOrContinuation) || text.is(kThree, kLostOrContinuation, kLostOrQuestion)) {
    return 3;
  }
  const bool is_four = text.is(kFour, kLostOrQuestion, kLostOrContinuation, kLostOrContinuation) ||
                       text.is(kFour, kLostOrContinuation, kLostOrQuestion, kLostOrContinuation) ||
                       text.is(kFour, kLostOrContinuation, kLostOrContinuation, kLostOrQuestion);
  if (is_four) return 4;
  return text.has(0, kLost) ? 1 : 0;
}

bool has_spaced_sequence(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (spaced_sequence({std::string_view(bytes).substr(at)}) > 0) return true;
  }
  return false;
}

std::string with_no_break_spaces(const std::string& bytes) {
  if (!has_spaced_sequence(bytes)) return bytes;
  std::string words;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    words += bytes[at];
    if (is_word_a_grave({std::string_view(bytes).substr(at)})) words += kNoBreakSpace;
  }
  for (std::size_t at = 0; at < words.size();) {
    const auto length = spaced_sequence({std::string_view(words).substr(at)});
    std::replace(words.begin() + static_cast<std::ptrdiff_t>(at),
                 words.begin() + static_cast<std::ptrdiff_t>(at + length), ' ', kNoBreakSpace);
    at += std::max<std::size_t>(length, 1);
  }
  return words;
}

std::string with_replacements(const std::string& bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = lossy_sequence({std::string_view(bytes).substr(at)});
    if (length > 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out += bytes[at];
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

// A character outside the first plane as two surrogates of three bytes each (CESU-8), at the start of `text`. A line
// end that ends the text passes for the last byte, as ftfy's expression has it.
std::optional<char32_t> surrogate_pair(ByteView text) {
  using enum Bytes;
  constexpr ByteRange kHigh{0xA0, 0xAF}, kLow{0xB0, 0xBF};
  if (!text.is('\xED', kHigh, kContinuation, '\xED', kLow)) return std::nullopt;
  if (!text.has(5, kContinuation) && !(text.bytes.size() == 6 && text.has(5, '\n'))) return std::nullopt;
  return (text.at(1) & 0x0FU) << 16 | (text.at(2) & 0x3FU) << 10 | (text.at(4) & 0x0FU) << 6 | (text.at(5) & 0x3FU);
}

// C0 80 is how Java writes U+0000. The line end passes as above.
bool is_java_null(ByteView text) {
  return text.is('\xC0', '\x80') || (text.bytes.size() == 2 && text.is('\xC0', '\n'));
}

// None where the bytes are not UTF-8, or one of its kin.
std::optional<std::u32string> decode_exactly(const std::string& bytes) {
  std::u32string text;
  const auto size = static_cast<int32_t>(bytes.size());
  for (int32_t at = 0; at < size;) {
    const ByteView rest{std::string_view(bytes).substr(static_cast<std::size_t>(at))};
    if (is_java_null(rest)) {
      text += U'\0';
      at += 2;
    } else if (const auto pair = surrogate_pair(rest)) {
      text += *pair + 0x10000;
      at += 6;
    } else {
      UChar32 point;
      U8_NEXT(bytes.data(), at, size, point);
      if (point < 0) return std::nullopt;
      text += static_cast<char32_t>(point);
    }
  }
  return text;
}

// The whole text read anew: as the bytes that an encoding would have had, in UTF-8.
std::optional<std::u32string> read_anew(const std::u32string& text) {
  const auto& encodings = legacy_encodings();
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    auto bytes = encodings[i].bytes_of(text);
    if (!bytes) continue;
    if (i != kMacintoshEncoding) *bytes = with_no_break_spaces(*bytes);  // there it is a dash and a space
    if (encodings[i].is_lenient()) *bytes = with_replacements(*bytes);
    if (auto decoded = decode_exactly(*bytes)) return decoded;
  }
  return std::nullopt;
}

// What a character may be in UTF-8 that was read in one of the encodings that are like latin-1.
enum Role : unsigned {
  kFirstOfTwo = 1,
  kFirstOfThree = 2,
  kFirstOfFour = 4,
  kContinues = 8,
  kContinuesSurely = 16,  // and is not often written beside others
};

unsigned role_of_byte(unsigned byte) {
  if (byte < 0xC0) return kContinues;
  if (byte >= 0xC2 && byte <= 0xDF) return kFirstOfTwo;
  if (byte >= 0xE0 && byte <= 0xEF) return kFirstOfThree;
  if (byte == 0xF0 || byte == 0xF3) return kFirstOfFour;  // the others begin characters that nobody writes
  return 0;
}

unsigned roles_of(char32_t c) {
  static const auto table = [] {
    std::unordered_map<char32_t, unsigned> roles;
    for (unsigned byte = 0x80; byte <= 0xFF; ++byte) {
      for (std::size_t i = 0; i < kLatinLike; ++i) {
        roles[legacy_encodings()[i].character(static_cast<std::uint8_t>(byte))] |= role_of_byte(byte);
      }
    }
    constexpr std::u32string_view kWritten = U"–—―‘’‚“”„•…";
    for (auto& [character, role] : roles) {
      if ((role & kContinues) != 0 && kWritten.find(character) == kWritten.npos) role |= kContinuesSurely;
    }
    roles[U' '] |= kContinues;  // may have been a no-break space
    return roles;
  }();
  const auto found = table.find(c);
  return found == table.end() ? 0 : found->second;
}

// The end of the run of such sequences that begins at `at`, or `at`.
std::size_t end_of_sequences(const std::u32string& text, std::size_t at) {
  if (at > 0 && (roles_of(text[at - 1]) & kContinuesSurely) != 0) return at;
  const auto continues = [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      if (i >= text.size() || (roles_of(text[i]) & kContinues) == 0) return false;
    }
    return true;
  };
  while (at < text.size()) {
    const unsigned roles = roles_of(text[at]);
    if ((roles & kFirstOfTwo) != 0 && continues(at + 1, 1)) {
      at += 2;
    } else if ((roles & kFirstOfThree) != 0 && continues(at + 1, 2)) {
      at += 3;
    } else if ((roles & kFirstOfFour) != 0 && continues(at + 1, 3)) {
      at += 4;
    } else {
      break;
    }
  }
  return at;
}

// Parts that look like UTF-8 in another encoding, each repaired by itself.
std::u32string with_parts_repaired(const std::u32string& text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = end_of_sequences(text, at);
    if (end == at) {
      out += text[at++];
      continue;
    }
    const auto part = text.substr(at, end - at);
    out += part.size() < text.size() && looks_garbled(part) ? repair_encoding(part) : part;
    at = end;
  }
  return out;
}

std::u32string repaired_once(const std::u32string& text) {
  if (!looks_garbled(text)) return text;
  if (auto anew = read_anew(text)) return *anew;
  auto repaired = with_parts_repaired(text);
  if (repaired != text) return repaired;
  for (auto& c : repaired) {
    if (c >= 0x80 && c <= 0x9F) c = from_windows_1252(c);
  }
  return repaired;
}

}  // namespace

std::u32string repair_encoding(std::u32string text) {
  for (int round = 0; round < kMostRepairs; ++round) {
    auto repaired = repaired_once(text);
    if (repaired == text) break;
    text = std::move(repaired);
  }
  return text;
}

}  // namespace glint
