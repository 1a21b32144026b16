#pragma once
// Numbers of any arithmetic host type, as an argument that is converted to a device type later.

#include "Type.hpp"
#include <cstddef>
#include <type_traits>

namespace ipu_model {

struct HostValues {
  const void *data;
  std::size_t count;
  poplar::Type type; ///< none: double; half: the bits of half

  template <typename T> static HostValues of(const T *data, std::size_t count) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "a number of at most 64 bits");
    return {data, count, std::is_same_v<T, double> ? poplar::Type() : poplar::equivalent_device_type<T>::value};
  }
  static HostValues half(const unsigned short *data, std::size_t count) { return {data, count, poplar::HALF}; }
};

template <typename T> using IfArithmetic = std::enable_if_t<std::is_arithmetic_v<T>>;

} // namespace ipu_model
