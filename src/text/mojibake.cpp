#include "text/mojibake.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace glint {
namespace {

// What a character is in the rules below; it may be several. The first 14 are ftfy's categories of the characters that
// occur in mojibake.
enum Trait : std::uint32_t {
  kCommon = 1U << 0,
  kControl = 1U << 1,
  kBad = 1U << 2,  // hardly used but in mojibake
  kLaw = 1U << 3,
  kCurrency = 1U << 4,
  kOpening = 1U << 5,  // punctuation before a word
  kClosing = 1U << 6,  // and behind one
  kNumeric = 1U << 7,
  kKaomoji = 1U << 8,  // letters that faces are made of
  kUpper = 1U << 9,    // accented capital
  kLower = 1U << 10,
  kUpperCommon = 1U << 11,  // capitals of other scripts
  kLowerCommon = 1U << 12,
  kBox = 1U << 13,
  kAsciiLetter = 1U << 14,
  kAsciiSmall = 1U << 15,
  kNoAsciiLetter = 1U << 16,
  kSpace = 1U << 17,
  kWord = 1U << 18,
  kInLine = 1U << 19,  // anything but a line's end
};
using Traits = std::uint32_t;

// '-' between two characters stands for all between them.
struct Members {
  Trait trait;
  std::u32string_view characters;
};
constexpr Members kMembers[] = {
    {kCommon, U"\u00A0\u00AD´·–-―’…"},
    {kControl, U"\u0080-\u009F"},
    {kBad, U"¤¦¨ª¬¯¸ºƒˆˇ˘˛˜†‡‰⌐◊\uFFFD"},
    {kLaw, U"§¶"},
    {kCurrency, U"¢£¥₧€"},
    {kOpening, U"¡©«¿΄΅‘‚“„•‹\uF8FF"},
    {kClosing, U"®»˝”›™"},
    {kNumeric, U"±-³µ¹¼-¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥"},
    {kKaomoji, U"°Ò-ÖÙ-Üò-öø-üŌŐŪŲ"},
    {kUpper, U"À-ÑØÜÝĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ"},
    {kLower, U"ß-ñüāăąćčďđēėęěğģīįķĺļľłœŕśşšťźżžґﬁﬂ"},
    {kUpperCommon, U"ÞΆΈ-ΊΌΎΏΑ-ΫЁ-Я"},
    {kLowerCommon, U"ά-ωа-џ"},
    {kBox, U"│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓"},
};

const std::unordered_map<char32_t, Traits>& known_traits() {
  static const auto table = [] {
    std::unordered_map<char32_t, Traits> traits;
    for (const auto& [trait, characters] : kMembers) {
      for (std::size_t i = 0; i < characters.size(); ++i) {
        const bool is_range = i + 2 < characters.size() && characters[i + 1] == U'-';
        const char32_t last = is_range ? characters[i + 2] : characters[i];
        for (char32_t c = characters[i]; c <= last; ++c) traits[c] |= trait;
        if (is_range) i += 2;
      }
    }
    return traits;
  }();
  return table;
}

Traits traits_of(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  const bool is_small = c >= U'a' && c <= U'z';
  Traits traits = is_small || (c >= U'A' && c <= U'Z') ? kAsciiLetter : kNoAsciiLetter;
  if (c != U'\n') traits |= kInLine;
  if (is_small) traits |= kAsciiSmall;
  if (u_isUWhiteSpace(point) || (c >= 0x1C && c <= 0x1F)) traits |= kSpace;
  const bool is_number = u_getIntPropertyValue(point, UCHAR_NUMERIC_TYPE) != U_NT_NONE;
  if (u_isalpha(point) || is_number || c == U'_') traits |= kWord;
  const auto known = known_traits().find(c);
  return known == known_traits().end() ? traits : traits | known->second;
}

// One place of a rule: a character of one of the traits, or one of the others.
struct Place {
  Traits traits = 0;
  std::u32string_view others = {};

  bool takes(char32_t c, Traits of_c) const { return (traits & of_c) != 0 || others.find(c) != others.npos; }
};
using Rule = std::vector<Place>;

constexpr Traits kAccented = kLower | kUpper;
constexpr Traits kEnclosing = kOpening | kClosing;
constexpr Traits kRare = kAccented | kBox | kEnclosing | kCurrency | kNumeric | kLaw;
// What the second byte of an Arabic letter, of a Cyrillic one and of a Greek one looks like.
constexpr Place kAfterArabicLead{kCommon | kCurrency | kBad | kNumeric | kOpening, U"ŸŠ®°µ»"};
constexpr Place kAfterCyrillicLead{kControl | kBad | kEnclosing | kCurrency, U"°µ"};
constexpr Place kAfterGreekLead{kControl | kBad | kEnclosing | kCurrency, U"°"};
constexpr Place kBlank{0, U" "};

const std::vector<Rule>& garbled_rules() {
  static const std::vector<Rule> rules = {
      {{kControl}},
      // traits that do not stand beside each other
      {{kRare | kBad}, {kBad}},
      {{kBad}, {kRare}},
      {{kAsciiLetter}, {kLowerCommon | kUpperCommon}, {kBad}},
      {{kLower | kLowerCommon | kBox | kClosing | kCurrency | kNumeric}, {kUpper}},
      {{kBox | kClosing | kCurrency | kNumeric}, {kLower}},
      {{kLower | kBox | kClosing}, {kCurrency}},
      {{kSpace}, {kUpper}, {kCurrency}},
      {{kUpper | kBox}, {kNumeric | kLaw}},
      {{kAccented | kBox | kCurrency | kClosing}, {kOpening}, {kNumeric}},
      {{kAccented | kCurrency | kNumeric | kBox | kLaw}, {kClosing}, {kOpening}},
      {{kCurrency | kNumeric | kBox}, {kOpening}},
      {{kAsciiSmall}, {kUpper}, {kOpening | kCurrency}},
      {{kBox}, {kKaomoji}},
      {{kAccented | kCurrency | kNumeric | kEnclosing | kLaw}, {kBox}},
      {{kBox}, {kClosing}},
      {{kAccented}, {kEnclosing}, {kWord}},
      {{0, U"Œœ"}, {kNoAsciiLetter}},
      {{kUpper}, {0, U"°"}},
      // windows-1252
      {{0, U"ÂÃÎÐ"}, {kEnclosing, U"€œŠš¢£Ÿž\u00A0\u00AD®©°·»–—´"}},
      {{0, U"×"}, {0, U"²³"}},
      {{0, U"ØÙ"}, kAfterArabicLead, {0, U"ØÙ"}, kAfterArabicLead},
      {{0, U"à"}, {0, U"²µ¹¼½¾"}},
      {{0, U"Ã"}, {0, U"\u00A0¡"}},
      {{kAsciiSmall}, {0, U"ÃÂ"}, kBlank},
      {{kAsciiSmall}, {kSpace}, {0, U"ÃÂ"}, kBlank},
      {{kAsciiSmall | kClosing, U".,?!"}, {0, U"Â"}, {kEnclosing, U" "}},
      // Macintosh
      {{0, U"√"}, {0, U"±∂†≠®™´≤≥¥µø"}},
      {{0, U"≈"}, {0, U"°¢"}},
      {{0, U"‚"}, {0, U"Ä"}, {0, U"ìîïòôúùû†°¢π"}},
      {{0, U"‚"}, {0, U"âó"}, {0, U"àä°ê"}},
      // windows-1251
      {{0, U"в"}, {0, U"Ђ"}},
      {{0, U"ВГРС"}, kAfterCyrillicLead, {0, U"ВГРС"}},
      {{0, U"Г"}, {0, U"ў"}, {0, U"В"}, {0, U"Ђ"}, {0, U"В"}, {kInLine}, {kAsciiLetter, U" "}},
      // windows-1253
      {{0, U"β"}, {0, U"€"}, {0, U"™\u00A0Ά\u00AD®°"}},
      {{0, U"ΒΓΞΟ"}, kAfterGreekLead, {0, U"ΒΓΞΟ"}},
      // windows-1257
      {{0, U"ā"}, {0, U"€"}},
  };
  return rules;
}

bool stands_at(const Rule& rule, std::u32string_view text, const std::vector<Traits>& traits, std::size_t at) {
  if (rule.size() > text.size() - at) return false;
  for (std::size_t i = 0; i < rule.size(); ++i) {
    if (!rule[i].takes(text[at + i], traits[at + i])) return false;
  }
  return true;
}

}  // namespace

bool looks_garbled(std::u32string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; })) return false;
  std::vector<Traits> traits;
  traits.reserve(text.size());
  for (const auto c : text) traits.push_back(traits_of(c));
  if (stands_at({{0, U"ÃÂ"}, kBlank}, text, traits, 0)) return true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const auto& rule : garbled_rules()) {
      if (stands_at(rule, text, traits, at)) return true;
    }
  }
  return false;
}

}  // namespace glint
