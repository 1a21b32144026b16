#pragma once
#include <ostream>
#include <string>
#include <string_view>

namespace poplar {

/// A string argument: made from a literal or a std::string without copying.
class StringRef : public std::string_view {
public:
  StringRef() = default;
  StringRef(const char *text) : std::string_view(text) {}
  StringRef(const char *text, std::size_t size) : std::string_view(text, size) {}
  StringRef(const std::string &text) : std::string_view(text) {}
  StringRef(std::string_view text) : std::string_view(text) {}
  std::string cloneAsString() const { return std::string(data(), size()); }
  operator std::string() const { return cloneAsString(); }
};

inline std::string operator+(const std::string &a, StringRef b) { return a + b.cloneAsString(); }
inline std::string operator+(StringRef a, const std::string &b) { return a.cloneAsString() + b; }
inline std::string operator+(StringRef a, const char *b) { return a.cloneAsString() + b; }
inline std::string operator+(const char *a, StringRef b) { return a + b.cloneAsString(); }

} // namespace poplar
