#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/files.h"
#include "glint/core/gzip.h"
#include "glint/core/hash.h"
#include "glint/core/user_path.h"
#include "glint/text/tokenizer.h"
#include "text/byte_pairs.h"
#include "text/clean_caption.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr int kNumMerges = 49152 - 256 - 2;  // of the file's 262,144
constexpr const char* kVocabularySha256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a";
constexpr const char* kStart = "<|startoftext|>";
constexpr const char* kEnd = "<|endoftext|>";
constexpr std::size_t kLargestFile = 16 << 20;

// Captions repeat few words; remembering their ids makes encoding some ten times faster. Both bounds keep foreign text
// from filling the memory.
constexpr std::size_t kMostRemembered = 1 << 17;
constexpr std::size_t kLongestRemembered = 48;  // bytes

enum class Kind : unsigned char { kSpace, kLetter, kNumber, kOther };

Kind kind_of(UChar32 point) {
  static const auto kAscii = [] {
    std::array<Kind, 0x80> kinds{};
    for (UChar32 c = 0; c < 0x80; ++c) {
      kinds[static_cast<std::size_t>(c)] = u_isalpha(c)         ? Kind::kLetter
                                           : u_isdigit(c)       ? Kind::kNumber
                                           : u_isUWhiteSpace(c) ? Kind::kSpace
                                                                : Kind::kOther;
    }
    return kinds;
  }();
  if (point < 0x80) return kAscii[static_cast<std::size_t>(point)];
  // Note [U+0345]: its capital is a letter, it is none, and the published expression, ignoring case, then lets neither
  // the run of letters nor the run of the others take it: it parts words like a space. Kept for parity.
  if (point == 0x345) return Kind::kSpace;
  const auto category = U_GET_GC_MASK(point);
  if (category & U_GC_L_MASK) return Kind::kLetter;
  if (category & U_GC_N_MASK) return Kind::kNumber;
  return u_isUWhiteSpace(point) ? Kind::kSpace : Kind::kOther;
}

// The length of `word` at the start of `text`, 0 where it does not stand there. The text is in small letters, but the
// published expression ignores case, and then a long s (U+017F) is an s.
std::size_t length_at_start(std::string_view text, std::string_view word) {
  std::size_t at = 0;
  for (const char c : word) {
    if (at < text.size() && text[at] == c) {
      ++at;
    } else if (c == 's' && text.substr(at, 2) == "\u017F") {
      at += 2;
    } else {
      return 0;
    }
  }
  return at;
}

// The first word of a cleaned text: a special token, an English ending, a run of letters, one digit, a run of anything
// else, or a run of spaces.
std::string_view first_word(std::string_view text) {
  if (text[0] == '<' || text[0] == '\'') {
    for (const auto* word : {kStart, kEnd, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (const auto length = length_at_start(text, word)) return text.substr(0, length);
    }
  }
  const auto size = static_cast<int32_t>(text.size());
  int32_t end = 0;
  UChar32 point;
  U8_NEXT_OR_FFFD(text.data(), end, size, point);
  const auto kind = kind_of(point);
  for (int32_t next = end; kind != Kind::kNumber && next < size; end = next) {
    U8_NEXT_OR_FFFD(text.data(), next, size, point);
    if (kind_of(point) != kind) break;
  }
  return text.substr(0, static_cast<std::size_t>(end));
}

bool is_space(std::string_view word) {
  return word[0] == ' ' || word.substr(0, 2) == "\u0345";
}

class ClipTokenizer final : public Tokenizer {
 public:
  explicit ClipTokenizer(std::string_view merges) : pairs_(merges, kNumMerges) {}

  std::vector<int64_t> encode(std::string_view text) const override;
  int64_t vocabulary_size() const override { return pairs_.size() + 2; }
  int64_t start_id() const override { return pairs_.size(); }
  int64_t end_id() const override { return pairs_.size() + 1; }
  std::string name() const override { return "clip"; }
  std::string serialized() const override { return {}; }

 private:
  struct WordHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };
  using Words = std::unordered_map<std::string, std::vector<int64_t>, WordHash, std::equal_to<>>;

  void remember(Words words) const;

  BytePairs pairs_;
  mutable std::shared_mutex mutex_;
  mutable Words words_;  // behind mutex_
};

std::vector<int64_t> ClipTokenizer::encode(std::string_view text) const {
  const auto cleaned = clean_caption(text);
  std::vector<int64_t> ids;
  Words fresh;
  {
    const std::shared_lock lock(mutex_);
    for (std::string_view rest = cleaned; !rest.empty();) {
      const auto word = first_word(rest);
      rest.remove_prefix(word.size());
      if (is_space(word)) continue;
      if (word == kStart) {
        ids.push_back(start_id());
      } else if (word == kEnd) {
        ids.push_back(end_id());
      } else if (const auto known = words_.find(word); known != words_.end()) {
        ids.insert(ids.end(), known->second.begin(), known->second.end());
      } else {
        const auto first = static_cast<std::ptrdiff_t>(ids.size());
        pairs_.encode(word, ids);
        if (word.size() <= kLongestRemembered) fresh.emplace(word, Words::mapped_type(ids.begin() + first, ids.end()));
      }
    }
  }
  if (!fresh.empty()) remember(std::move(fresh));
  return ids;
}

void ClipTokenizer::remember(Words words) const {
  const std::unique_lock lock(mutex_);
  if (words_.size() + words.size() <= kMostRemembered) words_.merge(words);
}

// The file to read: the one named, or where scripts/setup puts it. Error where there is none.
fs::path find_vocabulary(const std::string& named) {
  if (!named.empty()) return named;
  constexpr const char* kVariable = "GLINT_CLIP_VOCABULARY";
  if (const char* set = std::getenv(kVariable); set != nullptr && *set != '\0') return expand_home(set, kVariable);
  const auto beside = (fs::path(GLINT_LIBTORCH_DIR) / ".." / "open_clip" / kClipVocabularyFile).lexically_normal();
  if (files::exists(beside)) return beside;
  throw Error(beside.string(), ": CLIP's vocabulary is not there; run scripts/setup, or name the file ",
              kClipVocabularyFile, " (any open_clip_torch wheel has it) in GLINT_CLIP_VOCABULARY");
}

// The text in it.
std::string merges_of(const std::string& vocabulary) {
  return gunzip(clip_vocabulary(vocabulary), find_vocabulary(vocabulary), kLargestFile);
}

}  // namespace

std::string clip_vocabulary(const std::string& vocabulary) {
  const auto path = find_vocabulary(vocabulary);
  auto bytes = read_file(path, kLargestFile);
  if (const auto sum = sha256(bytes); sum != kVocabularySha256) {
    const bool is_packed = bytes.starts_with("\x1F\x8B");  // as it should be
    const auto otherwise = concat("is not CLIP's vocabulary ", kClipVocabularyFile, ": its SHA-256 is ", sum,
                                  ", that one's is ", kVocabularySha256);
    if (is_packed) throw BadFile(path.string(), ": ", otherwise);
    refuse_file(path, otherwise);
  }
  return bytes;
}

ClipPieces clip_pieces(const std::string& vocabulary) {
  const auto text = merges_of(vocabulary);
  const auto lines = merge_lines(text, kNumMerges);
  ClipPieces clip{byte_pair_pieces(lines), {lines.begin(), lines.end()}};
  clip.pieces.insert(clip.pieces.end(), {kStart, kEnd});
  return clip;
}

std::shared_ptr<const Tokenizer> clip_tokenizer(const std::string& vocabulary) {
  return std::make_shared<ClipTokenizer>(merges_of(vocabulary));
}

}  // namespace glint
