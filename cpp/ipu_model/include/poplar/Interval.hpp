#pragma once
#include <cstddef>
#include <ostream>

namespace poplar {

/// Half-open range [begin, end) of flattened element indices.
class Interval {
public:
  Interval() = default;
  Interval(std::size_t begin, std::size_t end) : begin_(begin), end_(end) {}
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }
  std::size_t lower() const { return begin_; }
  std::size_t upper() const { return end_; }
  std::size_t size() const { return end_ - begin_; }
  friend bool operator==(const Interval &a, const Interval &b) { return a.begin_ == b.begin_ && a.end_ == b.end_; }
  friend bool operator!=(const Interval &a, const Interval &b) { return !(a == b); }
  friend bool operator<(const Interval &a, const Interval &b) {
    return a.begin_ != b.begin_ ? a.begin_ < b.begin_ : a.end_ < b.end_;
  }

private:
  std::size_t begin_ = 0, end_ = 0;
};

inline std::ostream &operator<<(std::ostream &out, const Interval &i) {
  return out << '[' << i.begin() << ',' << i.end() << ')';
}

using VarId = unsigned;

/// Range of elements of one variable.
struct VariableInterval {
  VarId var = 0;
  Interval interval;
  VariableInterval() = default;
  VariableInterval(VarId v, Interval i) : var(v), interval(i) {}
  friend bool operator==(const VariableInterval &a, const VariableInterval &b) {
    return a.var == b.var && a.interval == b.interval;
  }
  friend bool operator<(const VariableInterval &a, const VariableInterval &b) {
    return a.var != b.var ? a.var < b.var : a.interval < b.interval;
  }
};

} // namespace poplar
