#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "glint/core/error.h"
#include "glint/eval/qrels.h"

// Any bytes as relevance judgements of a small data set.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::string> queries = {"q1", "q2", "video 3#0", "0"};
  static const std::vector<std::string> items = {"v1", "v2", "video 3", "0", "\xC3\xA9"};
  try {
    const auto qrels = glint::parse_qrels({reinterpret_cast<const char*>(data), size}, "qrels.txt", queries, items);
    GLINT_CHECK(qrels.judgements > 0 && qrels.judgements <= 20 && qrels.hash.size() == 8, qrels.judgements,
                " judgements, hash ", qrels.hash);
    GLINT_CHECK(qrels.right.of_query.size() == queries.size(), qrels.right.of_query.size(), " queries");
    const auto there_and_back = glint::transposed(glint::transposed(qrels.right));
    GLINT_CHECK(there_and_back.of_query == qrels.right.of_query, "transposing twice changes the right answers");
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
