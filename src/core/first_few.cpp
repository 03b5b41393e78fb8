#include "glint/core/first_few.h"

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/log.h"

namespace glint {

std::vector<std::string> first_few(const std::vector<std::string>& lines, const std::string& where) {
  const auto named = std::min(kFirstFew, lines.size());
  std::vector<std::string> few(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(named));
  if (lines.size() > named) few.push_back(concat("and ", lines.size() - named, " more; ", where));
  return few;
}

std::string few_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kFirstFew, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kFirstFew ? concat(text, " and ", names.size() - kFirstFew, " more") : text;
}

void log_first(const std::vector<std::string>& lines, const std::string& where) {
  for (const auto& line : first_few(lines, where)) log_warning(line);
}

}  // namespace glint
