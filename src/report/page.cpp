#include "glint/report/page.h"

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "report/page_assets.h"

namespace glint::html {
namespace {

// The bytes behind hexadecimal digits.
std::string bytes_of(const std::string& hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

// As a Content-Security-Policy names an inline text.
std::string policy_hash(std::string_view text) {
  return concat("'sha256-", base64(bytes_of(sha256(text))), "'");
}

// A fault in escaping would still run no script and load nothing.
std::string policy() {
  return concat("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src ",
                policy_hash(page_style()), "; script-src ", policy_hash(page_script()));
}

Markup navigation(const Page& page) {
  std::vector<Markup> links;
  for (const auto& section : page.sections) links.push_back(element("a", {{"href", "#" + section.id}}, section.title));
  return links.empty() ? Markup() : element("nav", {{"aria-label", "Sections"}}, list(links));
}

Markup body_of(const Page& page) {
  const auto line = Markup::trusted("\n");
  auto content = element("h1", page.title) + line;
  content += page.lead + line + navigation(page) + line;
  for (const auto& section : page.sections)
    content += element("section", {{"id", section.id}}, element("h2", section.title) + line + section.content) + line;
  auto body = element("main", content) + line;
  if (!page.foot.empty()) body += element("footer", page.foot) + line;
  return body;
}

std::string document(const Page& page, const Markup& head, const Markup& script) {
  const auto line = Markup::trusted("\n");
  const auto heading = single("meta", {{"charset", "utf-8"}}) +
                       single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
                       single("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
                       element("title", page.title) + line + head;
  const auto html = element("html", {{"lang", "en"}},
                            element("head", heading) + line + element("body", body_of(page) + script) + line);
  return "<!DOCTYPE html>\n" + html.text() + "\n";
}

}  // namespace

Markup Pictures::image(std::string_view jpeg, int width, int height, std::string_view description) {
  std::string source;
  if (folder_.empty()) {
    source = "data:image/jpeg;base64," + base64(jpeg);
  } else {
    source = concat(folder_, "/", sha256(jpeg).substr(0, 16), ".jpg");
    const bool is_new =
        std::none_of(files_.begin(), files_.end(), [&](const auto& file) { return file.name == source; });
    if (is_new) files_.push_back({source, std::string(jpeg)});
  }
  return single("img", {{"src", source},
                        {"width", std::to_string(width)},
                        {"height", std::to_string(height)},
                        {"alt", std::string(description)}});
}

std::string page_text(const Page& page) {
  const auto head = single("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy()}}) +
                    element("style", Markup::trusted(std::string(page_style())));
  return document(page, head, element("script", Markup::trusted(std::string(page_script()))));
}

std::string split_page_text(const Page& page, const std::string& folder, std::vector<PageFile>& files) {
  files.push_back({folder + "/style.css", std::string(page_style())});
  files.push_back({folder + "/script.js", std::string(page_script())});
  return document(page, single("link", {{"rel", "stylesheet"}, {"href", folder + "/style.css"}}),
                  element("script", {{"src", folder + "/script.js"}}, ""));
}

}  // namespace glint::html
