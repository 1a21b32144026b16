// IEEE binary16, the `half` of codelets: every operation rounds to nearest even, as a tile does with
// stochastic rounding off.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ipu_model::device {

inline float halfToFloat(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t exponent = (h >> 10) & 31u, fraction = h & 1023u;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, exact in float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  const std::uint32_t bits = sign | wide << 23 | fraction << 13;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

inline std::uint16_t floatToHalf(float f) {
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);   // NaN
  if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // rounds beyond 65504
  if (magnitude < 0x38800000u) {  // subnormal: adding 1/2 makes the float unit round at 2^-24
    float positive;
    std::memcpy(&positive, &magnitude, sizeof positive);
    positive += 0.5f;
    std::uint32_t rounded;
    std::memcpy(&rounded, &positive, sizeof rounded);
    return static_cast<std::uint16_t>(sign | (rounded - 0x3F000000u));
  }
  const std::uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

}  // namespace ipu_model::device

#ifdef __POPC__

struct half {
  std::uint16_t bits;

  half() = default;
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  half(T value) : bits(ipu_model::device::floatToHalf(static_cast<float>(value))) {}
  operator float() const { return ipu_model::device::halfToFloat(bits); }

  static half fromBits(std::uint16_t bits) {
    half h;
    h.bits = bits;
    return h;
  }

  template <class T>
  half& operator+=(T x) { return *this = half(float(*this) + float(x)); }
  template <class T>
  half& operator-=(T x) { return *this = half(float(*this) - float(x)); }
  template <class T>
  half& operator*=(T x) { return *this = half(float(*this) * float(x)); }
  template <class T>
  half& operator/=(T x) { return *this = half(float(*this) / float(x)); }
  half& operator++() { return *this += 1.0f; }
  half& operator--() { return *this -= 1.0f; }
  half operator-() const { return fromBits(static_cast<std::uint16_t>(bits ^ 0x8000u)); }
  half operator+() const { return *this; }
};

namespace ipu_model::device {
/// half with an integer stays half; with float or double it is promoted.
template <class T>
using promoted_t = std::conditional_t<std::is_floating_point_v<T>, T, half>;
template <class T>
using if_arithmetic_t = std::enable_if_t<std::is_arithmetic_v<T>, int>;
}  // namespace ipu_model::device

#define IPU_MODEL_HALF_OPERATOR(op)                                                    \
  inline half operator op(half a, half b) { return half(float(a) op float(b)); }       \
  template <class T, ipu_model::device::if_arithmetic_t<T> = 0>                        \
  inline ipu_model::device::promoted_t<T> operator op(half a, T b) {                   \
    using R = ipu_model::device::promoted_t<T>;                                        \
    if constexpr (std::is_same_v<R, half>)                                             \
      return a op half(b);                                                             \
    else                                                                               \
      return static_cast<R>(float(a)) op b;                                            \
  }                                                                                    \
  template <class T, ipu_model::device::if_arithmetic_t<T> = 0>                        \
  inline ipu_model::device::promoted_t<T> operator op(T a, half b) {                   \
    using R = ipu_model::device::promoted_t<T>;                                        \
    if constexpr (std::is_same_v<R, half>)                                             \
      return half(a) op b;                                                             \
    else                                                                               \
      return a op static_cast<R>(float(b));                                            \
  }
IPU_MODEL_HALF_OPERATOR(+)
IPU_MODEL_HALF_OPERATOR(-)
IPU_MODEL_HALF_OPERATOR(*)
IPU_MODEL_HALF_OPERATOR(/)
#undef IPU_MODEL_HALF_OPERATOR

#define IPU_MODEL_HALF_COMPARISON(op)                                                  \
  inline bool operator op(half a, half b) { return float(a) op float(b); }             \
  template <class T, ipu_model::device::if_arithmetic_t<T> = 0>                        \
  inline bool operator op(half a, T b) { return float(a) op static_cast<float>(b); }   \
  template <class T, ipu_model::device::if_arithmetic_t<T> = 0>                        \
  inline bool operator op(T a, half b) { return static_cast<float>(a) op float(b); }
IPU_MODEL_HALF_COMPARISON(==)
IPU_MODEL_HALF_COMPARISON(!=)
IPU_MODEL_HALF_COMPARISON(<)
IPU_MODEL_HALF_COMPARISON(>)
IPU_MODEL_HALF_COMPARISON(<=)
IPU_MODEL_HALF_COMPARISON(>=)
#undef IPU_MODEL_HALF_COMPARISON

inline half operator""_h(long double value) { return half(static_cast<float>(value)); }

template <>
class std::numeric_limits<half> {
 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true, is_integer = false, is_exact = false, is_bounded = true;
  static constexpr bool has_quiet_NaN = true, has_infinity = false;
  static constexpr int digits = 11, digits10 = 3, radix = 2;
  static half min() { return half::fromBits(0x0400); }
  static half max() { return half::fromBits(0x7BFF); }
  static half lowest() { return half::fromBits(0xFBFF); }
  static half epsilon() { return half::fromBits(0x1400); }
  static half denorm_min() { return half::fromBits(0x0001); }
  static half infinity() { return half::fromBits(0x7C00); }
  static half quiet_NaN() { return half::fromBits(0x7E00); }
};

#endif
