#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

#include <jpeglib.h>

#include "data/frame_cache_codec.h"
#include "glint/core/error.h"

// libjpeg tells of errors by a function that must not return: ours jumps back. So nothing with a destructor lives
// between a setjmp and the calls after it.

namespace glint::cache {

namespace {

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf back;
};

void jump_back(j_common_ptr codec) {
  std::longjmp(reinterpret_cast<ErrorManager*>(codec->err)->back, 1);
}

void say_nothing(j_common_ptr) {}

void prepare(ErrorManager& manager) {
  jpeg_std_error(&manager.base);
  manager.base.error_exit = jump_back;
  manager.base.output_message = say_nothing;
}

struct Compressed {
  unsigned char* data = nullptr;
  unsigned long size = 0;
  ~Compressed() { std::free(data); }
};

// False where libjpeg has no memory.
bool compress(int quality, const Image& image, Compressed& out) {
  jpeg_compress_struct codec;
  ErrorManager errors;
  prepare(errors);
  codec.err = &errors.base;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_compress(&codec);
    return false;
  }
  jpeg_create_compress(&codec);
  jpeg_mem_dest(&codec, &out.data, &out.size);
  codec.image_width = static_cast<JDIMENSION>(image.width);
  codec.image_height = static_cast<JDIMENSION>(image.height);
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);  // 4:2:0, the exact integer DCT
  jpeg_set_quality(&codec, quality, /*force_baseline=*/TRUE);
  jpeg_start_compress(&codec, /*write_all_tables=*/TRUE);
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(codec.next_scanline)));
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  return true;
}

}  // namespace

void encode_jpeg(int quality, const Image& image, std::vector<std::uint8_t>& out) {
  constexpr int kMaxSide = 65500;  // libjpeg's
  if (image.width > kMaxSide || image.height > kMaxSide)
    throw Error("a picture of ", image.width, " x ", image.height,
                " pixels is too large for JPEG; set data.cache_codec");
  Compressed compressed;
  if (!compress(quality, image, compressed)) throw std::bad_alloc();
  out.insert(out.end(), compressed.data, compressed.data + compressed.size);
}

bool decode_jpeg(std::span<const std::uint8_t> bytes, int width, int height, Image& image) {
  jpeg_decompress_struct codec;
  ErrorManager errors;
  prepare(errors);
  codec.err = &errors.base;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_decompress(&codec);
    return false;
  }
  jpeg_create_decompress(&codec);
  codec.mem->max_memory_to_use = 256L << 20;  // of a progressive file, which is none of ours
  jpeg_mem_src(&codec, bytes.data(), bytes.size());
  bool is_ours = jpeg_read_header(&codec, /*require_image=*/TRUE) == JPEG_HEADER_OK &&
                 codec.image_width == static_cast<JDIMENSION>(width) &&
                 codec.image_height == static_cast<JDIMENSION>(height) && codec.num_components == 3 &&
                 codec.progressive_mode == FALSE && codec.arith_code == FALSE;
  if (is_ours) {
    codec.out_color_space = JCS_RGB;
    jpeg_start_decompress(&codec);
    while (codec.output_scanline < codec.output_height) {
      JSAMPROW row = image.row(static_cast<int>(codec.output_scanline));
      jpeg_read_scanlines(&codec, &row, 1);
    }
    jpeg_finish_decompress(&codec);
    is_ours = errors.base.num_warnings == 0;
  }
  jpeg_destroy_decompress(&codec);
  return is_ours;
}

}  // namespace glint::cache
