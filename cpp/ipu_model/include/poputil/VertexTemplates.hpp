#pragma once
#include "poplar/Type.hpp"
#include <string>
#include <type_traits>

namespace poputil {

inline std::string templateParam(const poplar::Type &type) { return type.toString(); }
inline std::string templateParam(bool value) { return value ? "true" : "false"; }
inline std::string templateParam(const std::string &name) { return name; }
inline std::string templateParam(const char *name) { return name; }
template <typename T, typename = std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>>
std::string templateParam(T value) {
  return std::to_string(value);
}

/// Name of an instantiation: templateVertex("Sum", FLOAT, true) == "Sum<float,true>".
inline std::string templateVertex(const std::string &name) { return name; }
template <typename First, typename... Rest>
std::string templateVertex(const std::string &name, First &&first, Rest &&...rest) {
  std::string text = name + "<" + templateParam(first);
  ((text += "," + templateParam(rest)), ...);
  return text + ">";
}

} // namespace poputil
