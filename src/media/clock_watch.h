#pragma once

#include <cstdint>
#include <vector>

namespace glint::media {

// Note [new clocks]: a live recording can begin its clock anew in the middle of a file (a stream that was taken up
// again, files put one behind the other). Pictures are stored in another order than they are shown, but a decoder holds
// back 16 at most, and a keyframe is never shown before what is stored before it. So a picture with an earlier time
// than more than 16 stored before it, or a keyframe with an earlier time than two, begins a new clock; where the file
// tells decoding times they step back there too. The new clock's first frame is shown when the old one's last has stood
// as long as the frame before it; the frames keep their distances. A jump forward is a gap, however long: the frame
// before it stands on screen.
class ClockWatch {
 public:
  // Whether the next picture, in the order of the file or as shown, begins a new clock.
  bool begins_anew(std::int64_t time, bool is_key);
  // The next picture without the question.
  void note(std::int64_t time);

 private:
  std::vector<std::int64_t> latest_;  // times in this clock, ascending: as many as matter
};

// Sums that stay at the ends of their range, where a damaged file's times would leave it.
std::int64_t sum_of(std::int64_t a, std::int64_t b);
std::int64_t difference_of(std::int64_t a, std::int64_t b);

}  // namespace glint::media
