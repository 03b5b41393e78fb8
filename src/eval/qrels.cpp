#include "glint/eval/qrels.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/text_file.h"
#include "glint/core/utf8.h"
#include "glint/text/name_index.h"

namespace glint {
namespace {

constexpr std::string_view kBeirHeader = "query-id\tcorpus-id\tscore";

NameIndex index_ids(const std::vector<std::string>& ids, const std::string& file, const char* what) {
  NameIndex index;
  for (const auto& id : ids) {
    if (!index.add(id)) {
      throw Error(file, ": ", what, " id '", id,
                  "' stands twice in the data set, so eval.qrels cannot name one of them");
    }
  }
  return index;
}

// The fields of a line: between single TABs, or between runs of spaces and TABs.
std::vector<std::string_view> fields_of(std::string_view line, bool between_tabs) {
  const std::string_view separators = between_tabs ? "\t" : " \t";
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find_first_of(separators, begin), line.size());
    if (between_tabs || end > begin) fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

class QrelsParser {
 public:
  QrelsParser(const std::string& file, const std::vector<std::string>& query_ids,
              const std::vector<std::string>& item_ids)
      : file_(file),
        queries_(index_ids(query_ids, file, "query")),
        items_(index_ids(item_ids, file, "item")),
        judged_(query_ids.size()) {}

  void take(std::string_view line) {
    ++line_;
    if (find_bad_utf8(line)) fail("is not UTF-8 text");
    if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line_ == 1 && line == kBeirHeader) {
      is_beir_ = true;
    } else if (line.find_first_not_of(" \t") != std::string_view::npos) {
      take_judgement(fields_of(line, is_beir_));
    }
  }

  Qrels finish() const {
    Qrels qrels;
    qrels.right.items = static_cast<int64_t>(items_.size());
    for (const auto& judgements : judged_) {
      auto& right = qrels.right.of_query.emplace_back();
      for (const auto& [item, judgement] : judgements) {
        if (judgement.relevance > 0) right.push_back(item);
      }
      qrels.judgements += std::ssize(judgements);
    }
    if (qrels.judgements == 0) throw Error(file_, ": holds no judgement, so eval.qrels names no right answer");
    return qrels;
  }

 private:
  struct Judgement {
    int64_t relevance;
    int64_t line;
  };

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(file_, ":", line_, ": ", parts...);
  }

  void take_judgement(const std::vector<std::string_view>& fields) {
    const std::size_t want = is_beir_ ? 3 : 4;
    if (fields.size() != want) {
      fail("has ", fields.size(), " fields where ",
           is_beir_ ? "query-id, corpus-id and score" : "query 0 item relevance",
           is_beir_ ? " with TABs between are wanted"
                    : " is wanted (or the header query-id TAB corpus-id TAB score first)");
    }
    const auto query = find(queries_, fields[0], "query");
    const auto item = find(items_, fields[want - 2], "item");
    const Judgement judgement{parse_relevance(fields[want - 1]), line_};
    const auto [first, is_new] = judged_[static_cast<std::size_t>(query)].try_emplace(item, judgement);
    if (!is_new && first->second.relevance != judgement.relevance) {
      fail("gives '", fields[0], "' and '", fields[want - 2], "' relevance ", judgement.relevance, ", and line ",
           first->second.line, " gives them ", first->second.relevance);
    }
  }

  int64_t find(const NameIndex& index, std::string_view id, const char* what) const {
    try {
      if (const auto found = index.find(id)) return static_cast<int64_t>(*found);
    } catch (const Error& error) {  // two names differ from it in their Unicode form alone
      fail(error.what());
    }
    fail("no ", what, " of the data set has the id '", id, "'");
  }

  int64_t parse_relevance(std::string_view text) const {
    int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
      fail("relevance '", text, "' is not a whole number");
    return value;
  }

  const std::string& file_;
  const NameIndex queries_;
  const NameIndex items_;
  std::vector<std::map<int64_t, Judgement>> judged_;  // of every query, by item
  int64_t line_ = 0;
  bool is_beir_ = false;
};

}  // namespace

RightAnswers own_answers(const std::vector<int64_t>& video_of_text, int64_t videos) {
  RightAnswers answers{{}, videos};
  for (const int64_t video : video_of_text) answers.of_query.push_back({video});
  return answers;
}

RightAnswers transposed(const RightAnswers& answers) {
  RightAnswers result{std::vector<std::vector<int64_t>>(static_cast<std::size_t>(answers.items)),
                      std::ssize(answers.of_query)};
  for (std::size_t query = 0; query < answers.of_query.size(); ++query) {
    for (const int64_t item : answers.of_query[query]) {
      result.of_query[static_cast<std::size_t>(item)].push_back(static_cast<int64_t>(query));
    }
  }
  return result;
}

RightAnswers united(const RightAnswers& a, const RightAnswers& b) {
  GLINT_CHECK(a.items == b.items && a.of_query.size() == b.of_query.size(), a.of_query.size(), " x ", a.items,
              " right answers and ", b.of_query.size(), " x ", b.items);
  RightAnswers result{{}, a.items};
  for (std::size_t query = 0; query < a.of_query.size(); ++query) {
    auto& items = result.of_query.emplace_back();
    std::set_union(a.of_query[query].begin(), a.of_query[query].end(), b.of_query[query].begin(),
                   b.of_query[query].end(), std::back_inserter(items));
  }
  return result;
}

RightAnswers restricted(const RightAnswers& answers, const std::vector<int64_t>& queries,
                        const std::vector<int64_t>& items) {
  std::vector<int64_t> new_item(static_cast<std::size_t>(answers.items), -1);
  for (std::size_t i = 0; i < items.size(); ++i)
    new_item.at(static_cast<std::size_t>(items[i])) = static_cast<int64_t>(i);
  RightAnswers result{{}, std::ssize(items)};
  for (const int64_t query : queries) {
    auto& right = result.of_query.emplace_back();
    for (const int64_t item : answers.of_query.at(static_cast<std::size_t>(query))) {
      if (const auto kept = new_item[static_cast<std::size_t>(item)]; kept >= 0) right.push_back(kept);
    }
    std::sort(right.begin(), right.end());
  }
  return result;
}

Qrels parse_qrels(std::string_view text, const std::string& file, const std::vector<std::string>& query_ids,
                  const std::vector<std::string>& item_ids) {
  QrelsParser parser(file, query_ids, item_ids);
  for_each_line(text, [&](std::string_view line, int64_t) { parser.take(line); });
  auto qrels = parser.finish();
  qrels.hash = sha256(text).substr(0, 8);
  return qrels;
}

Qrels read_qrels(const std::filesystem::path& path, const std::vector<std::string>& query_ids,
                 const std::vector<std::string>& item_ids) {
  return parse_qrels(read_text(path), path.string(), query_ids, item_ids);
}

}  // namespace glint
