#pragma once

#include <cstdint>
#include <string>

#include "glint/media/image.h"

namespace glint {

// Frames of a video side by side in one picture, each with a line of words below it. Only the sheet itself is held in
// memory; a frame is drawn when it is added.
class ContactSheet {
 public:
  // Room for `num_cells` frames of about `width` x `height` pixels; a frame of another shape is fitted into its cell.
  // Throws Error where the sheet would hold more than 2,000 cells.
  ContactSheet(std::int64_t num_cells, int width, int height);
  // Draws into the next cell. `caption`: ASCII.
  void add(const Image& image, const std::string& caption);
  const Image& image() const { return sheet_; }

 private:
  std::int64_t num_cells_;
  std::int64_t added_ = 0;
  std::int64_t columns_;
  int cell_width_;
  int cell_height_;
  Image sheet_;
};

}  // namespace glint
