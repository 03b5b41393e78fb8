#pragma once

#include <map>
#include <string>
#include <vector>

namespace glint::test {

// What a strict reader sees in markup whose every element is closed.
struct SeenMarkup {
  std::vector<std::string> elements;                           // names, in the order they begin
  std::vector<std::map<std::string, std::string>> attributes;  // of each, values without references
  std::string text;   // all text outside <style> and <script>, without references
  std::string fault;  // the first thing that is not well-formed; empty: nothing

  std::size_t count(const std::string& element) const;
  std::size_t count_attribute(const std::string& name) const;
};
SeenMarkup read_markup(const std::string& markup);

}  // namespace glint::test
