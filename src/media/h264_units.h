#pragma once

#include "media/av.h"

namespace glint::media {

// H.264 is a row of units. MP4 and Matroska write their length before them (so their header tells), the others 00 00
// 01.
// -> bytes of a length; 0 where there are none.
int h264_length_bytes(const AVCodecParameters& parameters);

// A keyframe by its packet's word that holds no whole picture: the picture is renewed column by column over the frames
// from here on ("intra refresh"), and encoders promise the renewed one some frames too early.
bool refreshes_gradually(const AVPacket& packet, int length_bytes);

}  // namespace glint::media
