#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glint {

// What a retrieval number means, in one line under every table and in every results.json (docs/evaluation.md):
// msrvtt:1k-A|q:1000|g:1000|ids:3fa9c01d|cap:first|truth:own|ties:optimistic|post:none|T:12|fps:1|glint:0.2
struct EvaluationSignature {
  std::string protocol;                // "msrvtt:1k-A": data set and protocol
  std::int64_t queries = 0;            // texts
  std::int64_t gallery = 0;            // videos
  std::string ids;                     // signature_ids()
  std::string captions = "first";      // caption rule: "first", "all", "paragraph"
  std::string truth = "own";           // "own", "qrels:HASH8", "own+qrels:HASH8"
  std::string direction;               // several captions a video: "groups" or "captions"; else empty and left out
  std::string ties = "optimistic";     // or "average"
  std::string postprocess = "none";    // with its parameters and bank: "qb_norm(k=1,beta=20,theta=1,bank=...)"
  std::optional<std::int64_t> frames;  // of a video; none (another model's scores): "?"
  std::optional<double> fps;           // none (no fixed rate): "?"
  std::optional<double> max_seconds;   // video.max_seconds, field "cut"; none (whole clips): left out
  std::string glint;                   // version

  bool operator==(const EvaluationSignature&) const = default;
};

// The line, without its end. A space, a control character or a '|' in a text field becomes '_'.
std::string to_text(const EvaluationSignature& signature);

// The fields of such a line. `where` is for the message: Error ("WHERE: the signature ...") naming the field that is
// missing, unknown or not what it should be.
EvaluationSignature parse_signature(std::string_view text, const std::string& where);

// The first 8 hexadecimal digits of SHA-256 over the sorted lines "query TAB video LF" of all texts, LF, and the sorted
// ids of the gallery, each with LF. Equal `ids` prove the same list of queries and videos. video_of_query: [queries],
// the id of the video a text belongs to.
std::string signature_ids(const std::vector<std::string>& queries, const std::vector<std::string>& video_of_query,
                          const std::vector<std::string>& gallery);

// A field in which two signatures are unlike, by its key in the line ("protocol" for the first field).
struct UnlikeField {
  std::string field;
  std::string a, b;  // as the lines say it; "-" where the field is left out
};
// The first of protocol, q, g, ids, cap, truth, dir in which two evaluations are unlike: they cannot be compared.
std::optional<UnlikeField> incomparable_field(const EvaluationSignature& a, const EvaluationSignature& b);
// Those of ties, post, T, fps, cut, glint in which they are unlike: to be named beside a comparison.
std::vector<UnlikeField> differing_settings(const EvaluationSignature& a, const EvaluationSignature& b);

}  // namespace glint
