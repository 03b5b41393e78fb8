#include "text/encoding_repair.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "support/environment.h"
#include "support/python.h"
#include "text/legacy_encodings.h"
#include "text/unicode.h"

namespace glint::test {
namespace {

std::string repaired(const std::string& text) {
  return encode_utf8(to_icu(repair_encoding(decode_utf8(text))));
}

// UTF-8 read as the number-th of legacy_encodings().
std::u32string misread(const std::u32string& text, std::size_t number) {
  std::u32string out;
  for (const char byte : encode_utf8(to_icu(text))) {
    out += legacy_encodings()[number].character(static_cast<std::uint8_t>(byte));
  }
  return out;
}

TEST(EncodingRepairTest, Utf8ReadInAnyLegacyEncodingComesBack) {
  const std::u32string meant = U"l’été à Łódź, “naïve” — Привет";
  for (std::size_t number = 0; number < legacy_encodings().size(); ++number) {
    EXPECT_EQ(repair_encoding(misread(meant, number)), meant) << number;
    EXPECT_EQ(repair_encoding(misread(misread(meant, number), 1)), meant) << number << ", twice";
  }
}

TEST(EncodingRepairTest, WhatLooksLikeWritingStays) {
  for (const char* text : {"", "plain", "café — “naïve” 100 €", "Привет, мир", "ελληνικά", "ÅÄÖ Ã", "日本語 ½ §3"}) {
    EXPECT_EQ(repaired(text), text);
  }
}

TEST(EncodingRepairTest, PartsOfATextAreRepairedByThemselves) {
  EXPECT_EQ(repaired("日本 cafÃ©, ‘schÃ¶n’"), "日本 café, ‘schön’");
}

TEST(EncodingRepairTest, ASpaceInPlaceOfANoBreakSpaceIsOne) {
  EXPECT_EQ(repaired("voilÃ  le travail"), "voilà le travail");
  EXPECT_EQ(repaired("Ã la mode"), "à la mode");
  EXPECT_EQ(repaired("vou Ã s duas"), "vou às duas");
}

TEST(EncodingRepairTest, LostBytesBecomeReplacementCharacters) {
  EXPECT_EQ(repaired("â€œ like this â€\uFFFD"), "“ like this \uFFFD");
}

TEST(EncodingRepairTest, TheUtf8OfJavaAndOracleIsReadToo) {
  const auto& latin = legacy_encodings().front();
  const auto read = [&](const std::string& bytes) {
    std::u32string text;
    for (const char byte : bytes) text += latin.character(static_cast<std::uint8_t>(byte));
    return repair_encoding(text);
  };
  EXPECT_EQ(read("caf\xC3\xA9 \xED\xA0\xBD\xED\xB8\x80"), U"café 😀");
  EXPECT_EQ(read("caf\xC3\xA9 \xC0\x80"), U"café " + std::u32string(1, U'\0'));
  EXPECT_EQ(read("caf\xC3\xA9 \xED\xA0\xBD"), U"café \u00ED\u00A0\u00BD") << "half a pair";
}

TEST(EncodingRepairTest, ControlsMeanWhatWindowsGivesThem) {
  EXPECT_EQ(repaired("it\u0092s 5 \u0080"), "it’s 5 €");
}

TEST(EncodingRepairTest, HostileTextTakesBoundedTime) {
  std::u32string nested = U"é";
  while (nested.size() < 100'000) nested = misread(nested, 1);
  EXPECT_EQ(repair_encoding(nested), U"é");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "Ã";
  EXPECT_EQ(repaired(many), many);
}

constexpr auto kCompareWithFtfy = R"(
import sys, ftfy
for line in open(sys.argv[1]):
    text, repaired = (bytes.fromhex(part).decode() for part in line.rstrip().split(','))
    want = ftfy.fix_encoding(text)
    if repaired != want:
        sys.exit(f'{text!a}: {repaired!a}, ftfy {want!a}')
)";

std::string hex_of(const std::u32string& text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : encode_utf8(to_icu(text))) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// Letters, signs and ideographs, misread and then perhaps damaged.
std::u32string random_mojibake(std::mt19937& random) {
  constexpr std::pair<char32_t, char32_t> kRanges[] = {{0x20, 0x7E},     {0x80, 0x17F},    {0x370, 0x45F},
                                                       {0x600, 0x65F},   {0x2010, 0x2040}, {0x2500, 0x259F},
                                                       {0x3040, 0x30A0}, {0x4E00, 0x4F00}, {0x1F600, 0x1F640}};
  constexpr std::u32string_view kTelling = U"ÂÃàâ€™œŠ£\u00A0®ØÙ°µ»–‚Äó√±≈вЂВГβΒāŒ ?\u001A\uFFFD\n";
  std::u32string text;
  for (auto size = 1 + random() % 12; size > 0; --size) {
    const auto [first, last] = kRanges[random() % std::size(kRanges)];
    text += random() % 4 == 0 ? kTelling[random() % kTelling.size()] : first + random() % (last - first + 1);
  }
  for (auto times = random() % 4; times > 0; --times) text = misread(text, random() % legacy_encodings().size());
  if (random() % 8 == 0) std::replace(text.begin(), text.end(), U'\u00A0', U' ');
  if (random() % 8 == 0) text.erase(random() % text.size(), 1);
  return text;
}

TEST(EncodingRepairPythonTest, RandomMojibakeBecomesWhatFtfyMakesOfIt) {
  if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  const TemporaryFolder folder;
  std::mt19937 random(3);
  {
    std::ofstream file(folder / "texts.txt");
    for (int i = 0; i < 20'000; ++i) {
      const auto text = random_mojibake(random);
      file << hex_of(text) << ',' << hex_of(repair_encoding(text)) << '\n';
    }
  }
  EXPECT_TRUE(run_test_python(kCompareWithFtfy, {(folder / "texts.txt").string()}));
}

}  // namespace
}  // namespace glint::test
