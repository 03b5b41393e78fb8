#include "report/markup_reader.h"

#include <algorithm>

#include "glint/core/error.h"

namespace glint::test {
namespace {

std::string without_references(std::string text) {
  for (const auto& [reference, meant] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
    for (auto at = text.find(reference); at != std::string::npos; at = text.find(reference, at + meant.size()))
      text.replace(at, reference.size(), meant);
  }
  return text;
}

class MarkupReader {
 public:
  explicit MarkupReader(const std::string& markup) : markup_(markup) {}

  SeenMarkup read() {
    while (at_ < markup_.size() && seen_.fault.empty()) step();
    if (seen_.fault.empty() && !open_.empty()) fail("<" + open_.back() + "> is not closed");
    return seen_;
  }

 private:
  void step() {
    const auto next = markup_.find('<', at_);
    const auto text = markup_.substr(at_, next - at_);
    const bool is_code = !open_.empty() && (open_.back() == "style" || open_.back() == "script");
    if (!is_code) {
      if (text.find('>') != std::string::npos) return fail("a '>' in text: " + text);
      seen_.text += without_references(text);
    }
    if (next == std::string::npos) return void(at_ = markup_.size());
    if (is_code) {
      const auto end = "</" + open_.back();
      at_ = markup_.find(end, next);
      if (at_ == std::string::npos) return fail(end + " is missing");
      return close();
    }
    at_ = next;
    if (markup_.compare(at_, 9, "<!DOCTYPE") == 0) return void(at_ = markup_.find('>', at_) + 1);
    if (markup_.compare(at_, 2, "</") == 0) return close();
    open();
  }

  void close() {
    const auto end = markup_.find('>', at_);
    const auto name = markup_.substr(at_ + 2, end - at_ - 2);
    if (open_.empty() || open_.back() != name) return fail("</" + name + "> closes nothing");
    open_.pop_back();
    at_ = end + 1;
  }

  std::string name() {
    const auto end = markup_.find_first_of(" =/>", at_);
    auto word = markup_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  void open() {
    ++at_;
    const auto element = name();
    std::map<std::string, std::string> attributes;
    while (at_ < markup_.size() && markup_[at_] == ' ') {
      ++at_;
      const auto key = name();
      if (markup_.compare(at_, 2, "=\"") != 0) return fail("attribute " + key + " of <" + element + "> has no value");
      const auto end = markup_.find('"', at_ + 2);
      if (!attributes.emplace(key, without_references(markup_.substr(at_ + 2, end - at_ - 2))).second)
        return fail("<" + element + "> has " + key + " twice");
      at_ = end + 1;
    }
    seen_.elements.push_back(element);
    seen_.attributes.push_back(attributes);
    if (markup_.compare(at_, 2, "/>") == 0) return void(at_ += 2);
    if (markup_.compare(at_, 1, ">") != 0) return fail("<" + element + "> does not end");
    ++at_;
    open_.push_back(element);
  }

  void fail(const std::string& why) { seen_.fault = concat("byte ", at_, ": ", why); }

  const std::string& markup_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  SeenMarkup seen_;
};

}  // namespace

std::size_t SeenMarkup::count(const std::string& element) const {
  return static_cast<std::size_t>(std::count(elements.begin(), elements.end(), element));
}

std::size_t SeenMarkup::count_attribute(const std::string& name) const {
  return static_cast<std::size_t>(
      std::count_if(attributes.begin(), attributes.end(), [&](const auto& some) { return some.count(name) > 0; }));
}

SeenMarkup read_markup(const std::string& markup) {
  return MarkupReader(markup).read();
}

}  // namespace glint::test
