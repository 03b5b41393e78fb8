#pragma once

#include <string>
#include <utility>
#include <vector>

namespace glint {

// A value of a YAML file, or of a word of the command line.
struct YamlNode {
  enum class Kind { kNothing, kText, kList, kMap };
  Kind kind = Kind::kMap;
  int line = 0;                                            // 1 is the first; 0: from the command line
  std::string text;                                        // kText, without its quotes
  std::vector<std::pair<std::string, YamlNode>> children;  // kMap, in the order of the file; kList, without keys
  YamlNode* find(const std::string& key);
};

// Reads one YAML document of maps, lists and scalars. Throws Error ("FILE (line N): ...") for what is not YAML or not
// UTF-8, for tabs as indentation, keys given twice, anchors, aliases and anything nested more than a few levels deep.
YamlNode parse_yaml(const std::string& text, const std::string& file);

}  // namespace glint
