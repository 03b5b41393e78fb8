#include "report/query_facts.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <unordered_map>

#include "glint/core/error.h"

namespace glint {
namespace {

const std::set<std::string> kArticles = {"a", "an", "the", "is", "are"};
// Words that only say in which order things happen.
const std::set<std::string> kOrderWords = {"first", "then",    "and",  "before", "after",    "next", "later",
                                           "last",  "finally", "when", "while",  "followed", "by"};
constexpr double kShared = 0.8;
constexpr std::size_t kLongestLists = 200;  // words of a caption that are compared

// A letter or digit of ASCII, or a byte of any other letter: captions of other languages are split at blanks.
bool is_word_byte(unsigned char c) {
  return std::isalnum(c) != 0 || c >= 0x80;
}

// "runs", "running" -> "run"; "dance", "dancing" -> "danc": a key to compare by, no word.
std::string stem(std::string word) {
  for (const std::string ending : {"ing", "es", "ed", "s"}) {
    if (word.size() < ending.size() + 3 || !word.ends_with(ending)) continue;
    word.resize(word.size() - ending.size());
    break;
  }
  if (word.size() >= 3 && word.back() == 'e') word.pop_back();
  if (word.size() >= 3 && word.back() == word[word.size() - 2]) word.pop_back();
  return word;
}

std::vector<std::string> without_order_words(const std::vector<std::string>& words) {
  std::vector<std::string> rest;
  for (const auto& word : words) {
    if (kOrderWords.count(word) == 0 && rest.size() < kLongestLists) rest.push_back(word);
  }
  return rest;
}

std::size_t shared_words(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

std::size_t longest_common_order(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (const auto& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += word + " ";
  return text;
}

// What the wrong answers of an evaluation are judged by.
class ErrorJudge {
 public:
  ErrorJudge(const std::vector<Question>& questions, const EvaluationRanks& ranks) : ranks_(ranks) {
    for (const auto& query : ranks.queries) {
      if (!query.video.empty()) captions_of_[query.video].push_back(caption_words(query.caption));
    }
    for (const auto& question : questions) {
      if (question.best.empty()) continue;
      const auto winner = question.best.front();
      const bool is_own = ranks.gallery[static_cast<std::size_t>(winner)].id == question.video;
      if (!is_own || own_counted_.insert(winner).second) ++first_for_[winner];  // its own captions count once
    }
  }

  ErrorKind kind_of(const Question& question) const {
    const auto at = best_wrong(question, ranks_.gallery);
    if (!at) return ErrorKind::kFar;
    const auto winner = question.best[*at];
    const auto words = caption_words(question.caption);
    bool is_equal = false, is_order = false;
    if (const auto found = captions_of_.find(ranks_.gallery[static_cast<std::size_t>(winner)].id);
        found != captions_of_.end()) {
      for (const auto& other : found->second) {
        const auto alike = likeness(words, other);
        is_equal = is_equal || alike == CaptionLikeness::kSame;
        is_order = is_order || alike == CaptionLikeness::kOtherOrder;
      }
    }
    if (is_equal) return ErrorKind::kEqualCaption;
    if (first_for_.at(question.best.front()) > kHubQueries) return ErrorKind::kHub;
    if (is_order) return ErrorKind::kOrder;
    return question.best_scores[*at] - question.truth_score <= kNearMissScore ? ErrorKind::kNearMiss : ErrorKind::kFar;
  }

 private:
  const EvaluationRanks& ranks_;
  std::unordered_map<std::string, std::vector<std::vector<std::string>>> captions_of_;
  std::map<std::int64_t, std::int64_t> first_for_;
  std::set<std::int64_t> own_counted_;
};

}  // namespace

std::vector<Question> questions_of(const ComparedRun& run, bool is_t2v) {
  const auto& direction = is_t2v ? run.ranks.t2v : run.ranks.v2t;
  const auto& items = is_t2v ? run.ranks.queries : run.ranks.gallery;
  const bool is_average = run.signature.ties == "average";
  const auto count = direction.query.size();
  const auto width = count == 0 ? 0 : direction.top_items.size() / count;
  std::vector<Question> questions(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& question = questions[i];
    const auto& item = items[static_cast<std::size_t>(direction.query[i])];
    question.row = direction.query[i];
    question.id = item.id;
    question.caption = item.caption;
    question.video = item.video;
    question.tags = item.tags;
    question.rank = is_average ? direction.rank_average[i] : static_cast<double>(direction.rank[i]);
    question.truth_score = direction.truth_score[i];
    for (std::size_t k = 0; k < width; ++k) {
      const double score = direction.top_scores[i * width + k];
      if (!std::isfinite(score)) break;  // ruled out
      question.best.push_back(direction.top_items[i * width + k]);
      question.best_scores.push_back(score);
    }
  }
  return questions;
}

std::vector<std::size_t> places_of_ids(const std::vector<std::string>& ids, const std::vector<Question>& questions,
                                       const std::string& run) {
  std::unordered_map<std::string, std::size_t> place;
  for (const auto& question : questions) place.emplace(question.id, place.size());
  std::vector<std::size_t> places;
  for (const auto& id : ids) {
    const auto found = place.find(id);
    if (found == place.end()) throw Error(run, ": does not ask '", id, "', which the other runs ask");
    places.push_back(found->second);
  }
  return places;
}

std::optional<std::size_t> best_wrong(const Question& question, const std::vector<RankedItem>& gallery) {
  for (std::size_t k = 0; k < question.best.size(); ++k) {
    if (gallery[static_cast<std::size_t>(question.best[k])].id != question.video) return k;
  }
  return std::nullopt;
}

std::vector<std::string> caption_words(const std::string& caption) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && kArticles.count(word) == 0) words.push_back(stem(word));
    word.clear();
  };
  for (const char c : caption) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'') continue;
    if (is_word_byte(byte)) {
      word += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

std::int64_t count_caption_words(const std::string& caption) {
  std::int64_t count = 0;
  bool in_word = false;
  for (const char c : caption) {
    const bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
    count += !is_space && !in_word;
    in_word = !is_space;
  }
  return count;
}

CaptionLikeness likeness(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return CaptionLikeness::kUnlike;
  if (a == b) return CaptionLikeness::kSame;
  const auto words_a = without_order_words(a), words_b = without_order_words(b);
  const auto longer = static_cast<double>(std::max(words_a.size(), words_b.size()));
  const auto shared = static_cast<double>(shared_words(words_a, words_b));
  if (longer < 2 || shared < kShared * longer) return CaptionLikeness::kUnlike;
  const auto ordered = static_cast<double>(longest_common_order(words_a, words_b));
  return ordered <= kShared * shared ? CaptionLikeness::kOtherOrder : CaptionLikeness::kUnlike;
}

std::vector<std::optional<ErrorKind>> error_kinds(const std::vector<Question>& questions,
                                                  const EvaluationRanks& ranks) {
  const ErrorJudge judge(questions, ranks);
  std::vector<std::optional<ErrorKind>> kinds;
  for (const auto& question : questions)
    kinds.push_back(question.is_right() ? std::nullopt : std::optional(judge.kind_of(question)));
  return kinds;
}

Occurrences occurrences(const std::vector<Question>& questions, std::size_t answers) {
  Occurrences counts{std::vector<std::int64_t>(answers), std::vector<std::int64_t>(answers)};
  for (const auto& question : questions) {
    for (std::size_t k = 0; k < question.best.size(); ++k) {
      const auto item = static_cast<std::size_t>(question.best[k]);
      ++counts.top_ten[item];
      if (k == 0) ++counts.first[item];
    }
  }
  return counts;
}

double skewness(const std::vector<std::int64_t>& counts) {
  const auto n = static_cast<double>(counts.size());
  double mean = 0, square = 0, cube = 0;
  for (const auto count : counts) mean += static_cast<double>(count) / n;
  for (const auto count : counts) {
    const double off = static_cast<double>(count) - mean;
    square += off * off / n;
    cube += off * off * off / n;
  }
  return square > 0 ? cube / std::pow(square, 1.5) : 0;
}

std::vector<bool> has_equal_caption(const std::vector<Question>& questions) {
  std::unordered_map<std::string, std::set<std::string>> videos_of;
  for (const auto& question : questions)
    videos_of[joined_words(caption_words(question.caption))].insert(question.video);
  std::vector<bool> has;
  for (const auto& question : questions)
    has.push_back(videos_of.at(joined_words(caption_words(question.caption))).size() > 1);
  return has;
}

}  // namespace glint
