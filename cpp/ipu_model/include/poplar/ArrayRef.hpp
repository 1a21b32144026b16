#pragma once
// A view of a contiguous list that an argument can be made from without copying.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

namespace poplar {

template <typename T> class ArrayRef {
public:
  using value_type = T;
  using const_iterator = const T *;
  using iterator = const T *;

  constexpr ArrayRef() = default;
  constexpr ArrayRef(const T *data, std::size_t size) : data_(data), size_(size) {}
  ArrayRef(std::initializer_list<T> list) : size_(list.size()) { data_ = list.begin(); }
  template <std::size_t N> constexpr ArrayRef(const T (&array)[N]) : data_(array), size_(N) {}
  template <typename C,
            typename = std::enable_if_t<std::is_convertible_v<decltype(std::declval<const C &>().data()), const T *>>>
  ArrayRef(const C &container) : data_(container.data()), size_(container.size()) {}

  const T *data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  const T *cbegin() const { return begin(); }
  const T *cend() const { return end(); }
  const T &operator[](std::size_t i) const { return data_[i]; }
  const T &front() const { return data_[0]; }
  const T &back() const { return data_[size_ - 1]; }
  std::vector<T> cloneAsVector() const { return std::vector<T>(begin(), end()); }

private:
  const T *data_ = nullptr;
  std::size_t size_ = 0;
};

template <typename T, typename A> ArrayRef(const std::vector<T, A> &) -> ArrayRef<T>;
template <typename T, std::size_t N> ArrayRef(const std::array<T, N> &) -> ArrayRef<T>;
template <typename T> ArrayRef(std::initializer_list<T>) -> ArrayRef<T>;

template <typename T> bool operator==(ArrayRef<T> a, ArrayRef<T> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i != a.size(); ++i)
    if (!(a[i] == b[i])) return false;
  return true;
}

} // namespace poplar

namespace ipu_model {
/// The number of elements of a shape.
inline std::size_t product(poplar::ArrayRef<std::size_t> shape) {
  std::size_t n = 1;
  for (std::size_t size : shape) n *= size;
  return n;
}
} // namespace ipu_model
