#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace glint {

// Several right answers a query (eval.qrels; docs/evaluation.md).

// Which items are right for which query, by index.
struct RightAnswers {
  std::vector<std::vector<int64_t>> of_query;  // [Q]; ascending, each item once; none: the query is not asked
  int64_t items = 0;                           // G
};

// Every text's own video.
RightAnswers own_answers(const std::vector<int64_t>& video_of_text, int64_t videos);
// The same pairs with items as queries: video-to-text uses the transposed table.
RightAnswers transposed(const RightAnswers& answers);
// The pairs of either: eval.qrels_mode = add.
RightAnswers united(const RightAnswers& a, const RightAnswers& b);
// Of the pairs those whose query and item are kept, renumbered: queries[i] and items[j] are the old indices of query i
// and item j. For clips that cannot be read.
RightAnswers restricted(const RightAnswers& answers, const std::vector<int64_t>& queries,
                        const std::vector<int64_t>& items);

// A file of relevance judgements.
struct Qrels {
  RightAnswers right;      // relevance > 0; 0 and below is judged and wrong, the same as not listed
  int64_t judgements = 0;  // different pairs
  std::string hash;        // first 8 hexadecimal digits of the file's SHA-256, for an evaluation's signature
};

// Reads TREC lines `query 0 item relevance` (the second field is not used), or, where the first line is
// `query-id TAB corpus-id TAB score`, BEIR's table with TABs between. Relevance is a whole number; empty lines are
// passed over. Throws Error ("FILE:LINE: ...") where a line has other fields, is not UTF-8, names an id that is not
// among `query_ids` or `item_ids`, or repeats a pair with another relevance; and where the file holds no judgement or
// one id stands for two queries or items.
Qrels read_qrels(const std::filesystem::path& path, const std::vector<std::string>& query_ids,
                 const std::vector<std::string>& item_ids);
// The same of a text; `file` is for the messages.
Qrels parse_qrels(std::string_view text, const std::string& file, const std::vector<std::string>& query_ids,
                  const std::vector<std::string>& item_ids);

}  // namespace glint
