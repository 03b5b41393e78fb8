#pragma once

#include <ATen/record_function.h>

#include <cstdint>

namespace glint::test {

// Counts the multiply-accumulates of the matrix products that LibTorch's operators compute in this thread while it
// lives: mm, bmm, mv, dot and their kin, which linear, matmul and einsum come down to. One at a time a thread.
class ProductCounter {
 public:
  ProductCounter();
  ~ProductCounter();
  ProductCounter(const ProductCounter&) = delete;
  ProductCounter& operator=(const ProductCounter&) = delete;
  int64_t macs() const;

 private:
  at::CallbackHandle handle_;
};

}  // namespace glint::test
