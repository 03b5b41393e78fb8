#pragma once

#include <cstdint>

// The loops over lanes become vector instructions; one copy a kind of processor, chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GLINT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GLINT_CLONES
#endif
#define GLINT_INLINE inline __attribute__((always_inline))

namespace glint::cpu {

// x becomes e^x for x <= 0 to about one unit in the last place: 2^n e^r with |r| <= ln(2) / 2, e^r by its series. Below
// -87 the result is 0 to 1e-37. A NaN stays one. No branch and no call, so that it becomes vector instructions. Float
// is float with Int int32_t, or vectors of those; by reference because vectors by value have no ABI on all processors.
template <class Float, class Int>
GLINT_INLINE void exp_negative(Float& x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0x1.62e4p-1F, kLn2Low = 0x1.7f7d1cf8p-20F;
  constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Float low = Float{} - 87.0F;
  x = x < low ? low : x;
  const Float shifted = x * kLog2E + kRoundToInteger;
  const Float n = shifted - kRoundToInteger;
  const Float r = (x - n * kLn2High) - n * kLn2Low;
  Float sum = r * (1.0F / 5040) + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  // The low bits of `shifted` hold n; shifted first, so that no NaN's bits overflow.
  const Int exponent = (__builtin_bit_cast(Int, shifted) << 23) + (127 << 23);
  x = sum * __builtin_bit_cast(Float, exponent);
}

}  // namespace glint::cpu
