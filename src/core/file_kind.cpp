#include "glint/core/file_kind.h"

#include <algorithm>
#include <fstream>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kStartBytes = 512;
constexpr std::size_t kShownLetters = 40;
constexpr std::size_t kTarPlace = 257;  // of "ustar"

struct Magic {
  std::size_t at;
  std::string_view bytes;
  const char* sentence;
};

constexpr const char* kUnpack =
    "is a zip archive (an .xlsx or .docx file is one too); unpack it, or name what it holds";

// Of formats that are not text.
constexpr Magic kBinary[] = {
    {0, "PK\x03\x04"sv, kUnpack},
    {0, "PK\x05\x06"sv, "is an empty zip archive"},
    {0, "\x1F\x8B"sv, "is gzip data; unpack it with gunzip"},
    {0, "BZh"sv, "is bzip2 data; unpack it with bunzip2"},
    {0,
     "\xFD"
     "7zXZ"sv,
     "is xz data; unpack it with unxz"},
    {0, "\x28\xB5\x2F\xFD"sv, "is Zstandard data; unpack it with unzstd"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "is a 7z archive; unpack it"},
    {0, "Rar!\x1A\x07"sv, "is a RAR archive; unpack it"},
    {kTarPlace, "ustar"sv, "is a tar archive; unpack it"},
    {0, "%PDF-"sv, "is a PDF document"},
    {0, "\x93NUMPY"sv, "is a NumPy array (.npy)"},
    {0, "\x89HDF\r\n"sv, "is an HDF5 file; glint reads safetensors and PyTorch's files"},
    {0, "PAR1"sv, "is a Parquet file; convert it to JSON or CSV"},
    {0, "\x89PNG\r\n"sv, "is a PNG picture"},
    {0, "\xFF\xD8\xFF"sv, "is a JPEG picture"},
    {0,
     "\x7F"
     "ELF"sv,
     "is a program or library"},
    {0, "SQLite format 3"sv, "is an SQLite database"},
    {0, "\xD0\xCF\x11\xE0"sv, "is an old Office document (.xls, .doc); save it as CSV or text"},
    {0, "\x80\x02"sv, "is a Python pickle"},
    {0, "\x80\x03"sv, "is a Python pickle"},
    {0, "\x80\x04"sv, "is a Python pickle"},
    {0, "\x80\x05"sv, "is a Python pickle"},
    {0, "\xFF\xFE"sv, "is UTF-16 text; save it as UTF-8"},
    {0, "\xFE\xFF"sv, "is UTF-16 text; save it as UTF-8"},
};

constexpr Magic kVideos[] = {
    {4, "ftyp"sv, "is an MP4 or MOV video"},
    {0, "\x1A\x45\xDF\xA3"sv, "is a Matroska or WebM video"},
    {8, "AVI "sv, "is an AVI video"},
    {0, "FLV\x01"sv, "is a Flash video"},
};

std::string_view without_blanks(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

// Of texts that stand for another file.
std::optional<std::string> stand_in(std::string_view start) {
  if (start.starts_with("version https://git-lfs.github.com/spec/") || start.starts_with("version https://hawser")) {
    return "is a Git LFS pointer, not the file that it stands for; git lfs pull fetches that";
  }
  const auto line = start.substr(0, start.find('\n'));
  if (line.starts_with("/annex/objects/")) {
    return "is a git-annex pointer, not the file that it stands for; git annex get fetches that";
  }
  const auto text = without_blanks(start);
  for (const auto tag : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv, "<script"sv}) {
    if (starts_with_word(text, tag)) {
      return "is an HTML page, as a server sends it in place of a file (a login, not found); download the file anew";
    }
  }
  if (text.starts_with("<?xml") || text.starts_with("<Error>")) {
    return "is XML, as a server sends it where a download is refused; download the file anew";
  }
  return std::nullopt;
}

template <std::size_t count>
std::optional<std::string> kind_among(const Magic (&kinds)[count], std::string_view start) {
  for (const auto& magic : kinds) {
    if (start.size() >= magic.at + magic.bytes.size() && start.substr(magic.at, magic.bytes.size()) == magic.bytes) {
      return magic.sentence;
    }
  }
  return std::nullopt;
}

std::optional<std::string> binary_kind(std::string_view start) {
  if (auto kind = kind_among(kBinary, start)) return kind;
  if (start.size() >= 16 && start.find_first_not_of('\0') == std::string_view::npos) {
    return "begins with zero bytes alone; its download or copy was not finished; fetch it anew";
  }
  if (start.size() > 9 && start[8] == '{' && start[7] == 0 && start[6] == 0) return "is a safetensors file";
  return std::nullopt;
}

// A character may be cut off at the end of the bytes looked at.
bool is_text(std::string_view start) {
  const auto bad = find_bad_utf8(start);
  if (bad && (*bad + 4 <= start.size() || start.size() < kStartBytes)) return false;
  return std::none_of(start.begin(), start.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f') || c == 0x7F;
  });
}

// None where the file cannot be read: what asked has its own sentence.
std::optional<std::string> start_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string start(kStartBytes, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (in.bad()) return std::nullopt;
  start.resize(static_cast<std::size_t>(in.gcount()));
  return start;
}

}  // namespace

std::optional<std::string> kind_that_is_no_text(std::string_view start) {
  start = start.substr(0, kStartBytes);
  if (auto kind = stand_in(start)) return kind;
  if (auto kind = kind_among(kVideos, start)) return kind;
  return binary_kind(start);
}

std::optional<std::string> kind_of_bytes(std::string_view start) {
  start = start.substr(0, kStartBytes);
  if (start.empty()) return "is empty; its download or copy was not finished; fetch it anew";
  if (auto kind = kind_that_is_no_text(start)) return kind;
  if (!is_text(start)) return std::nullopt;
  const auto text = without_blanks(start);
  if (text.starts_with('{') || text.starts_with('[')) return "is JSON text";
  const auto line = text.substr(0, std::min(text.find_first_of("\r\n"), kShownLetters));
  return concat("is text that begins '", valid_utf8(std::string(line)), "'");
}

std::optional<std::string> kind_of_file(const std::filesystem::path& path) {
  const auto start = start_of(path);
  return start ? kind_of_bytes(*start) : std::nullopt;
}

std::optional<std::string> kind_that_is_no_video(std::string_view start) {
  return kind_among(kVideos, start) ? std::nullopt : kind_of_bytes(start);
}

void refuse_file(const std::filesystem::path& path, const std::string& otherwise) {
  throw BadFile(path.string(), ": ", kind_of_file(path).value_or(otherwise));
}

}  // namespace glint
