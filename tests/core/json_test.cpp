#include "glint/core/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;
using namespace std::string_literals;

void expect_json_refused(const std::string& text, const std::string& sentence, int64_t first_line = 1) {
  EXPECT_THAT([&] { parse_json(text, "a.json", first_line); }, ThrowsMessage<BadFile>(HasSubstr(sentence))) << text;
}

TEST(JsonTest, AFaultIsNamedWithLineColumnEntryAndLetters) {
  expect_json_refused("[{\"a\": 1},\n {\"é\": NaN, \"b\": 2}]",
                      "a.json:2: is not JSON: NaN is no number in JSON; write null or leave it out (column 8, entry 2; "
                      "near '[{\"a\": 1},  {\"é\": NaN, \"b\": 2}]')");
  expect_json_refused("{\"sentences\": [{\"id\": 1}, {\"id\": nope}]}", "(column 34, 'sentences', entry 2; near '");
  expect_json_refused("{\"video\" 1}", "a.json:7: is not JSON: a colon is missing (column 10", 7);
}

TEST(JsonTest, CausesThatPeopleMeetAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"[1, {\"a\": [2", "the file ends early; it may be cut off"},
      {"[\"abc", "the file ends early, inside a text; it may be cut off"},
      {"[tru", "the file ends early"},
      {"", "it is empty"},
      {"[-Infinity]", "-Infinity is no number in JSON"},
      {"[nan]", "nan is no number in JSON"},
      {"{'a': 1}", "a single quote, as Python's repr"},
      {"[True]", "'True' is Python's"},
      {"[1] [2]", "a second value, or something else, follows the first"},
      {"{\"a\": 1}\n{\"a\": 2}", "a.json:2: is not JSON: a second value"},
      {R"(["a\d"])", "a backslash stands before a letter that needs none"},
      {R"(["\u12"])", "\\u needs four hexadecimal digits"},
      {R"(["\ud800"])", "one half of a character"},
      {"[\"a\nb\"]", "a text holds a line break"},
      {"[\"caf\xE9\"]", "a text is not UTF-8"},
      {"[1,]", "a comma stands before the closing bracket"},
      {"[1,,2]", "two commas follow each other"},
      {"[1 2]", "a comma is missing"},
      {"{a: 1}", "a key without double quotes"},
      {"[1] // note", "a second value"},
      {"// note\n[1]", "a comment, which JSON does not have"},
      {"[01]", "'01' is no number as JSON writes them"},
      {"[.5]", "'.5' is no number as JSON writes them"},
      {"[1e999]", "a number is too large"},
      {"[1,\n\xEF\xBB\xBF{}]", "a byte order mark stands inside the text"},
      {"[1\0]"s, "a zero byte"},
      {"\xFF\xFE[\0"s, "is UTF-16 text; save it as UTF-8"},
      {"[nothing]", "'nothing' is no value of JSON"},
  };
  for (const auto& [text, cause] : cases) expect_json_refused(text, cause);
}

TEST(JsonTest, AByteOrderMarkBeforeTheValueIsPassedOver) {
  EXPECT_EQ(parse_json("\xEF\xBB\xBF[1]", "a.json"), nlohmann::json::array({1}));
}

TEST(JsonTest, KeysGivenTwiceAndDeepNestingAreRefused) {
  expect_json_refused("{\"a\": 1, \"a\": 2}", "a.json:1: key 'a' stands twice in one object");
  expect_json_refused(std::string(1'000'000, '['), "a.json: entry 1: is nested too deeply");
  EXPECT_NO_THROW(parse_json("[[[1]]]", "a.json", 1, 3));
  EXPECT_THROW(parse_json("[[[1]]]", "a.json", 1, 2), BadFile);
}

TEST(JsonTest, SentencesAreOneLineWhateverTheKeysHold) {
  expect_json_refused("{\"a\\nb\": x}", "(column 10, 'a b'; near ");
  expect_json_refused("{\"a\\nb\": 1, \"a\\nb\": 2}", "key 'a b' stands twice");
}

TEST(JsonTest, AnObjectIsAskedForWhereOneIsNeeded) {
  EXPECT_THAT([] { parse_json_object("[1]", "a.json"); },
              ThrowsMessage<BadFile>("a.json: is not a JSON object but a list"));
  EXPECT_THAT([] { parse_json_object("3", "a.json", 4); },
              ThrowsMessage<BadFile>("a.json:4: is not a JSON object but a number"));
}

TEST(JsonTest, EveryCutOfATextEndsInASentence) {
  const std::string whole = R"([{"video": "é.mp4", "captions": ["a \"dog\"", "\u00e9"], "end_s": -1.5e3, "x": null}])";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT([&] { parse_json(whole.substr(0, size), "a.json"); },
                ThrowsMessage<BadFile>(testing::AllOf(HasSubstr("is not JSON"), Not(HasSubstr("exception")))));
  }
}

TEST(JsonTest, WritingNeverThrowsWhateverTheTextsHold) {
  const nlohmann::ordered_json json = {{"name", "caf\xE9.mp4"}};
  EXPECT_EQ(json_text(json), "{\"name\":\"caf\xEF\xBF\xBD.mp4\"}");
  EXPECT_EQ(short_json(std::string(100, 'a')).size(), 63u);
  EXPECT_FALSE(find_bad_utf8(short_json(nlohmann::json("é" + std::string(56, 'a') + "éééé"))));
}

}  // namespace
}  // namespace glint::test
