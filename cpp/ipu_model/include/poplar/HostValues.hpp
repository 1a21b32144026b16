#pragma once
// Numbers of any arithmetic host type, as an argument that is converted to a device type later.

#include "ArrayRef.hpp"
#include <cstddef>
#include <type_traits>

namespace ipu_model {

struct HostValues {
  enum class Kind : unsigned char { Bool, Signed, Unsigned, Floating, HalfBits };
  const void *data;
  std::size_t count;
  Kind kind;
  unsigned char size; ///< bytes of one number

  template <typename T> static HostValues of(const T *data, std::size_t count) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "a number of at most 64 bits");
    constexpr Kind kind = std::is_same_v<T, bool>       ? Kind::Bool
                          : std::is_floating_point_v<T> ? Kind::Floating
                          : std::is_signed_v<T>         ? Kind::Signed
                                                        : Kind::Unsigned;
    return {data, count, kind, sizeof(T)};
  }
  static HostValues half(const unsigned short *data, std::size_t count) { return {data, count, Kind::HalfBits, 2}; }
};

template <typename T> using IfArithmetic = std::enable_if_t<std::is_arithmetic_v<T>>;

} // namespace ipu_model
