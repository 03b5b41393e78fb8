#include "config/fields.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <utility>

#include "config/config_header.h"
#include "glint/core/error.h"

namespace glint {
namespace {

template <std::size_t... Index>
std::vector<HeadConfig> make_heads(std::index_sequence<Index...>) {
  return {HeadConfig(std::variant_alternative_t<Index, HeadConfig>{})...};
}

// Collects the full names of all fields.
struct KeyCollector {
  std::vector<std::string> keys = {};
  std::string prefix = {};

  template <class Value>
  void field(const char* name, Value&, const Rule&) {
    keys.push_back(prefix + name);
  }
  template <class Section>
  void section(const char* name, Section& section) {
    const std::string outer = prefix;
    prefix += concat(name, ".");
    describe(*this, section);
    prefix = outer;
  }
  void head(const char* name, HeadConfig&) {
    keys.push_back(concat(name, ".name"));
    for (auto& head : all_heads()) std::visit([&](auto& alternative) { section(name, alternative); }, head);
  }
};

struct HeaderField {
  std::string type;
  std::string comment;
};
using HeaderStructs = std::map<std::string, std::map<std::string, HeaderField>>;  // struct -> its fields

// The next line, with the one after it where a declaration goes on there. -> whether there is one
bool next_line(std::istream& lines, std::string& line, bool in_struct) {
  if (!std::getline(lines, line)) return false;
  const bool whole = line.find_first_of(";{}") != line.npos || line.find("//") != line.npos;
  std::string rest;
  if (in_struct && !whole && !line.empty() && std::getline(lines, rest)) {
    line += ' ' + rest.substr(std::min(rest.size(), rest.find_first_not_of(' ')));
  }
  return true;
}

// config.h is a table: "struct NAME {", lines "TYPE FIELD [= DEFAULT];  // COMMENT" and "//   MORE OF IT", "};".
HeaderStructs parse_header(const std::string& header) {
  HeaderStructs structs;
  std::map<std::string, HeaderField>* fields = nullptr;
  HeaderField* last = nullptr;
  std::istringstream lines(header);
  for (std::string line; next_line(lines, line, fields != nullptr);) {
    std::string first, second;
    std::istringstream(line.substr(0, line.find_first_of("=;{"))) >> first >> second;
    const auto comment = line.find("// ");
    if (first == "struct") {
      fields = &structs[second];
      last = nullptr;
    } else if (first == "//" && last != nullptr && comment != std::string::npos) {
      last->comment += line.substr(line.find_first_not_of(' ', comment + 2) - 1);
    } else if (fields != nullptr && first != "//" && line.find(';') != std::string::npos) {
      last = &((*fields)[second] = {first, comment == std::string::npos ? "" : line.substr(comment + 3)});
    } else {
      last = nullptr;
    }
    if (line.rfind("};", 0) == 0) fields = nullptr;
  }
  return structs;
}

// "mean_pool" -> "MeanPoolConfig".
std::string head_struct(const std::string& head) {
  std::string name;
  bool upper = true;
  for (const char c : head) {
    if (c != '_') name += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '_';
  }
  return name + "Config";
}

}  // namespace

std::string Rule::text() const {
  if (std::isfinite(high)) return concat(low_open ? "(" : "[", low, ", ", high, high_open ? ")" : "]");
  if (std::isfinite(low)) return concat(low_open ? "> " : ">= ", low);
  return "";
}

std::vector<HeadConfig> all_heads() {
  return make_heads(std::make_index_sequence<std::variant_size_v<HeadConfig>>());
}

std::vector<std::string> all_keys() {
  Config config;
  KeyCollector collector;
  describe(collector, config);
  return collector.keys;
}

std::string help_text(const std::string& section, const std::string& field) {
  static const HeaderStructs structs = parse_header(kConfigHeader);
  std::string type = "Config";
  if (structs.count(head_struct(section)) != 0 && structs.at("Config").count(section) == 0) {
    type = head_struct(section);
  } else {
    std::istringstream steps(section);
    for (std::string step; std::getline(steps, step, '.');) type = structs.at(type).at(step).type;
  }
  const auto found = structs.at(type).find(field);
  GLINT_CHECK(found != structs.at(type).end() && !found->second.comment.empty(), "config.h says nothing beside ", type,
              "::", field);
  return found->second.comment;
}

}  // namespace glint
