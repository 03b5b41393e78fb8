#pragma once

#include <array>
#include <cstdint>

#include "glint/media/image.h"

namespace glint {

using ByteTable = std::array<std::uint8_t, 256>;  // what each byte becomes
using ByteTables = std::array<ByteTable, 3>;      // of R, G, B

// The operations of RandAugment that look at one byte alone (methods 8.5).
ByteTables auto_contrast_tables(const Image& image);
ByteTables equalize_tables(const Image& image);
ByteTable invert_table();
ByteTable posterize_table(int bits);
ByteTable solarize_table(int threshold);
ByteTable solarize_add_table(int added);
// From (to) one value away (near): the blend of contrast and brightness.
ByteTable blend_table(int ground, float factor);

// `to` has the size of `from`, and may be it.
void map_bytes(const Image& from, const ByteTables& tables, Image& to);

}  // namespace glint
