#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "glint/eval/comparison.h"

// What can be known of single queries from the files of an evaluation.
namespace glint {

// A question of one direction.
struct Question {
  std::int64_t row = 0;  // in queries.jsonl (t2v) or gallery.jsonl (v2t)
  std::string id;
  std::string caption;  // t2v
  std::string video;    // t2v: id of its video; empty where it has none
  std::vector<std::string> tags;
  double rank = 0;  // 0-based, ties counted as the evaluation counts them
  double truth_score = 0;
  std::vector<std::int64_t> best;  // rows of the best answers, best first
  std::vector<double> best_scores;

  bool is_right() const { return rank < 1; }
};
std::vector<Question> questions_of(const ComparedRun& run, bool is_t2v);

// The place of each of `ids` among `questions`; Error naming the run where one is not asked.
std::vector<std::size_t> places_of_ids(const std::vector<std::string>& ids, const std::vector<Question>& questions,
                                       const std::string& run);

// The row of the best answer that is not the question's own video; none where there is none. t2v.
std::optional<std::size_t> best_wrong(const Question& question, const std::vector<RankedItem>& gallery);  // in `best`

// Lower-case words of a caption, without punctuation and articles, endings (-s, -es, -ed, -ing) taken off: what two
// captions are compared by.
std::vector<std::string> caption_words(const std::string& caption);
std::int64_t count_caption_words(const std::string& caption);  // as they are written

enum class CaptionLikeness { kUnlike, kSame, kOtherOrder };
// kSame: equal caption_words(). kOtherOrder: four fifths of the words shared (first, then, before, ... left out), but
// no more than four fifths of those in the same order.
CaptionLikeness likeness(const std::vector<std::string>& a, const std::vector<std::string>& b);

enum class ErrorKind { kEqualCaption, kHub, kOrder, kNearMiss, kFar };
constexpr std::size_t kErrorKinds = 5;

constexpr std::int64_t kHubQueries = 5;  // a winner that is first for more is a hub
constexpr double kNearMissScore = 0.02;  // on the scale of the scores

// Why each wrong t2v question is wrong: the first of ErrorKind that holds; none for right ones.
std::vector<std::optional<ErrorKind>> error_kinds(const std::vector<Question>& questions, const EvaluationRanks& ranks);

// How often each gallery item stands first, and among the best ten, of all t2v questions (v2t: texts of all videos).
struct Occurrences {
  std::vector<std::int64_t> first, top_ten;  // [answers]
};
Occurrences occurrences(const std::vector<Question>& questions, std::size_t answers);
// E[(n - mean)^3] / sd^3; 0 where all are equal.
double skewness(const std::vector<std::int64_t>& counts);

// Whether another video has an equal caption (caption_words()), question by question.
std::vector<bool> has_equal_caption(const std::vector<Question>& questions);

}  // namespace glint
