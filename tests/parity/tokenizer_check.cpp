#include <torch/torch.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/gzip.h"
#include "glint/core/hash.h"
#include "glint/text/tokenizer.h"
#include "parity/parity.h"
#include "support/environment.h"

// The golden case `tokenizer`: rows of captions with their ids, the same padded, and digests over whole annotation
// files.

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Captions = std::vector<std::string>;

// The file, or `path`.gz unpacked (large annotation files are kept so).
std::string read_text(const fs::path& path) {
  const fs::path packed = path.string() + ".gz";
  return fs::exists(path) ? read_file(path) : gunzip(read_file(packed), packed);
}
json read_json(const fs::path& path) {
  return json::parse(read_text(path));
}

// Records of quoted CSV; line ends inside quotes belong to the field.
std::vector<Captions> read_csv(const fs::path& path) {
  std::vector<Captions> records(1, Captions(1));
  bool quoted = false;
  const auto text = read_text(path);
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    auto& field = records.back().back();
    if (quoted && c == '"' && at + 1 < text.size() && text[at + 1] == '"') {
      field += text[++at];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      records.back().emplace_back();
    } else if (!quoted && c == '\n') {
      records.emplace_back(1);
    } else if (quoted || c != '\r') {
      field += c;
    }
  }
  if (records.back() == Captions(1)) records.pop_back();
  return records;
}

Captions csv_column(const fs::path& path, const std::string& name) {
  auto records = read_csv(path);
  const auto& header = records.at(0);
  const auto column = static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  Captions captions;
  for (std::size_t row = 1; row < records.size(); ++row) captions.push_back(records[row].at(column));
  return captions;
}

Captions read_lines(const fs::path& path) {
  Captions lines;
  std::istringstream in(read_text(path));
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string joined(const json& sentences) {
  std::string paragraph;
  for (const auto& sentence : sentences) {
    if (&sentence != &sentences.front()) paragraph += ' ';
    paragraph += sentence.get_ref<const std::string&>();
  }
  return paragraph;
}

Captions msrvtt(const fs::path& folder) {
  const auto data = read_json(folder / "MSRVTT_data.json");
  Captions captions;
  for (const auto& sentence : data.at("sentences")) captions.push_back(sentence.at("caption"));
  return captions;
}

// captions_msvd.json holds the pickle's captions with their words joined.
Captions msvd(const fs::path& folder) {
  const auto data = read_json(folder / "captions_msvd.json");
  Captions captions;
  for (const auto* list : {"train_list.txt", "val_list.txt", "test_list.txt"}) {
    for (const auto& video : read_lines(folder / list)) {
      for (const auto& caption : data.at(video)) captions.push_back(caption);
    }
  }
  return captions;
}

Captions activitynet(const fs::path& folder, const std::string& part, const std::string& ids) {
  const auto data = read_json(folder / part);
  Captions captions;
  for (const auto& video : read_json(folder / ids)) {
    const auto found = data.find(video.get<std::string>());
    if (found != data.end()) captions.push_back(joined(found->at("sentences")));
  }
  return captions;
}

// Descriptions of one video joined, videos in the order in which they first appear.
Captions didemo(const fs::path& folder, const std::string& part) {
  const auto lines = read_lines(folder / (part + "_list.txt"));
  const std::set<std::string> listed(lines.begin(), lines.end());
  std::map<std::string, std::size_t> places;
  Captions captions;
  for (const auto& record : read_json(folder / (part + "_data.json"))) {
    const auto& video = record.at("video").get_ref<const std::string&>();
    if (listed.count(video) == 0) continue;
    const auto& text = record.at("description").get_ref<const std::string&>();
    const auto [place, is_new] = places.emplace(video, captions.size());
    if (is_new) {
      captions.push_back(text);
    } else {
      captions[place->second] += " " + text;
    }
  }
  return captions;
}

// Name of a digest -> its captions, from the folder of annotations.
const std::map<std::string, std::function<Captions(const fs::path&)>>& sources() {
  static const std::map<std::string, std::function<Captions(const fs::path&)>> table = {
      {"msrvtt_all", [](const fs::path& root) { return msrvtt(root / "msrvtt"); }},
      {"msrvtt_1ka_test",
       [](const fs::path& root) { return csv_column(root / "msrvtt/MSRVTT_JSFUSION_test.csv", "sentence"); }},
      {"msvd_all", [](const fs::path& root) { return msvd(root / "msvd"); }},
      {"activitynet_train",
       [](const fs::path& root) { return activitynet(root / "activitynet", "train.json", "train_ids.json"); }},
      {"activitynet_val_1",
       [](const fs::path& root) { return activitynet(root / "activitynet", "val_1.json", "val_ids.json"); }},
      {"didemo_val", [](const fs::path& root) { return didemo(root / "didemo", "val"); }},
      {"didemo_test", [](const fs::path& root) { return didemo(root / "didemo", "test"); }},
      {"didemo_train_label_csv",
       [](const fs::path& root) { return csv_column(root / "didemo/didemo_train_label.csv", "text"); }},
  };
  return table;
}

// What the digest runs over: a line of ids a caption.
struct IdLines {
  std::string text;
  int64_t captions = 0;
  int64_t ids = 0;
};

IdLines id_lines(const Tokenizer& tokenizer, const Captions& captions) {
  IdLines lines;
  for (const auto& caption : captions) {
    const auto ids = tokenizer.encode(caption);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) lines.text += ' ';
      lines.text += std::to_string(ids[i]);
    }
    lines.text += '\n';
    lines.ids += static_cast<int64_t>(ids.size());
    ++lines.captions;
  }
  return lines;
}

void check_digests(const GoldenCase& golden, const Tokenizer& tokenizer, CaseReport& report) {
  if (!golden.json.contains("digests")) return;
  const auto shared = shared_dir();
  if (!shared || !fs::is_directory(*shared / "data/annotations")) {
    std::string names;
    for (const auto& [name, want] : golden.json["digests"].items()) names += (names.empty() ? "" : ", ") + name;
    say_left_out("digests of captions of whole data sets (" + names + ")");
    return;
  }
  std::map<std::string, std::string> texts;
  for (const auto& [name, want] : golden.json["digests"].items()) {
    const auto source = sources().find(name);
    report.require(source != sources().end(), concat("digest ", name, ": the check knows no such source"));
    if (source == sources().end()) continue;
    auto lines = id_lines(tokenizer, source->second(*shared / "data/annotations"));
    report.compare(concat("digest ", name, " captions"), static_cast<double>(lines.captions),
                   want.at("captions").get<double>(), 0);
    report.compare(concat("digest ", name, " ids"), static_cast<double>(lines.ids), want.at("ids").get<double>(), 0);
    report.require(sha256(lines.text) == want.at("sha256").get<std::string>(), concat("digest ", name, " differs"));
    texts[name] = std::move(lines.text);
  }
  if (!golden.json.contains("digest_all")) return;
  std::string all;
  for (const auto& name : golden.json["digest_all"].at("over")) all += texts[name.get<std::string>()];
  report.require(sha256(all) == golden.json["digest_all"].at("sha256").get<std::string>(), "digest_all differs");
}

struct Rows {
  Captions texts;
  std::vector<std::vector<int64_t>> ids;
};

Rows read_rows(const GoldenCase& golden) {
  Rows rows;
  for (const auto& line : read_lines(golden.folder / "plain.jsonl")) {
    const auto row = json::parse(line);
    rows.texts.push_back(row.at("text"));
    rows.ids.push_back(row.at("ids"));
  }
  return rows;
}

void check_padded(const GoldenCase& golden, const Tokenizer& tokenizer, const Rows& rows, CaseReport& report) {
  const auto padded = read_safetensors(golden.folder / "padded.safetensors").tensors;
  for (const auto& [name, want] : padded) {
    const bool is_mask = name.compare(0, 4, "mask") == 0;
    if (!is_mask && name.compare(0, 3, "ids") != 0) {
      report.require(false, concat("padded.safetensors: '", name, "' is neither ids nor a mask"));
      continue;
    }
    report.compare(concat(name, " rows"), static_cast<double>(want.size(0)), static_cast<double>(rows.texts.size()), 0);
    auto batch = tokenizer.batch(rows.texts, want.size(1));
    const auto actual = torch::tensor(is_mask ? batch.mask : batch.ids).view({batch.rows, batch.max_words});  // [A, L]
    report.compare(name, actual, want, 0);
  }
}

}  // namespace

CaseReport check_tokenizer(const GoldenCase& golden) {
  CaseReport report;
  const auto tokenizer = clip_tokenizer();
  const auto rows = read_rows(golden);
  report.compare("rows", static_cast<double>(rows.texts.size()), golden.json.at("rows").get<double>(), 0);
  for (std::size_t i = 0; i < rows.texts.size(); ++i) {
    report.require(tokenizer->encode(rows.texts[i]) == rows.ids[i], concat("row ", i, ": ids differ: ", rows.texts[i]));
  }
  check_padded(golden, *tokenizer, rows, report);
  check_digests(golden, *tokenizer, report);
  return report;
}

}  // namespace glint::test
