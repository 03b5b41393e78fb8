#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "glint/report/html.h"

namespace glint::html {

struct Section {
  std::string id;  // letters, digits, '-': the address below the page's
  std::string title;
  Markup content;
};

// A page that tells of results: readable without CSS and without JavaScript (headings, tables, <details>), light or
// dark as the reader's system, printable.
struct Page {
  std::string title;
  Markup lead;  // the answer in a sentence or two, before everything else
  std::vector<Section> sections;
  Markup foot;
};

// A file of a page, by its name below the page's folder ("report_files/style.css").
struct PageFile {
  std::string name;
  std::string content;
};

// Where pictures go: into the page as data: addresses, or into files beside it. The same bytes are one file.
class Pictures {
 public:
  Pictures() = default;  // into the page
  // Into files "FOLDER/NAME.jpg"; `folder`: below the page's.
  explicit Pictures(std::string folder) : folder_(std::move(folder)) {}

  // <img> of a JPEG. `description`: what a reader who does not see it is told.
  Markup image(std::string_view jpeg, int width, int height, std::string_view description);
  const std::vector<PageFile>& files() const { return files_; }

 private:
  std::string folder_;
  std::vector<PageFile> files_;
};

// The whole page in one file that loads nothing: its policy lets no script run but its own.
std::string page_text(const Page& page);

// The page with its style and script beside it in `folder` (a name below the page's folder): for sites that forbid
// inline ones. -> the page's text; `files` gets the two.
std::string split_page_text(const Page& page, const std::string& folder, std::vector<PageFile>& files);

}  // namespace glint::html
