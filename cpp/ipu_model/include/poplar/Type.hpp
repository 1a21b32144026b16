#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <type_traits>

namespace poplar {

/// Element type of a tensor. Sizes are those of the device (2-byte half, 1-byte bool, 4-byte long).
class Type {
public:
  enum class Id : std::uint8_t {
    None,
    Bool,
    Char,
    SignedChar,
    UnsignedChar,
    Short,
    UnsignedShort,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    LongLong,
    UnsignedLongLong,
    Quarter,
    Half,
    Float
  };

  constexpr Type() = default;
  constexpr explicit Type(Id id) : id_(id) {}
  constexpr Id id() const { return id_; }
  /// The spelling used in vertex names: "float", "unsigned int", ...
  std::string toString() const;
  std::size_t hash() const { return static_cast<std::size_t>(id_); }
  bool isFloatingPoint() const { return id_ >= Id::Quarter; }
  bool requiresMetadata() const { return id_ == Id::Quarter; }
  /// Bytes of one element on the device and in the host's buffers.
  std::size_t size() const;

  friend constexpr bool operator==(Type a, Type b) { return a.id_ == b.id_; }
  friend constexpr bool operator!=(Type a, Type b) { return a.id_ != b.id_; }
  friend constexpr bool operator<(Type a, Type b) { return a.id_ < b.id_; }

private:
  Id id_ = Id::None;
};

std::ostream &operator<<(std::ostream &out, const Type &type);

inline constexpr Type BOOL{Type::Id::Bool};
inline constexpr Type CHAR{Type::Id::Char};
inline constexpr Type SIGNED_CHAR{Type::Id::SignedChar};
inline constexpr Type UNSIGNED_CHAR{Type::Id::UnsignedChar};
inline constexpr Type SHORT{Type::Id::Short};
inline constexpr Type UNSIGNED_SHORT{Type::Id::UnsignedShort};
inline constexpr Type INT{Type::Id::Int};
inline constexpr Type UNSIGNED_INT{Type::Id::UnsignedInt};
inline constexpr Type LONG{Type::Id::Long};
inline constexpr Type UNSIGNED_LONG{Type::Id::UnsignedLong};
inline constexpr Type LONGLONG{Type::Id::LongLong};
inline constexpr Type UNSIGNED_LONGLONG{Type::Id::UnsignedLongLong};
inline constexpr Type QUARTER{Type::Id::Quarter};
inline constexpr Type HALF{Type::Id::Half};
inline constexpr Type FLOAT{Type::Id::Float};

/// Device type that a host type is passed as: equivalent_device_type<float>().value == FLOAT.
template <typename T> struct equivalent_device_type {
  static constexpr Type deduce() {
    using V = std::remove_cv_t<T>;
    if constexpr (std::is_same_v<V, bool>)
      return BOOL;
    else if constexpr (std::is_same_v<V, char>)
      return CHAR;
    else if constexpr (std::is_floating_point_v<V>)
      return FLOAT;
    else if constexpr (sizeof(V) == 1)
      return std::is_signed_v<V> ? SIGNED_CHAR : UNSIGNED_CHAR;
    else if constexpr (sizeof(V) == 2)
      return std::is_signed_v<V> ? SHORT : UNSIGNED_SHORT;
    else if constexpr (sizeof(V) == 4)
      return std::is_signed_v<V> ? INT : UNSIGNED_INT;
    else
      return std::is_signed_v<V> ? LONGLONG : UNSIGNED_LONGLONG;
  }
  static_assert(std::is_arithmetic_v<std::remove_cv_t<T>>, "no device type for this host type");
  static constexpr Type value = deduce();
};

} // namespace poplar

template <> struct std::hash<poplar::Type> {
  std::size_t operator()(const poplar::Type &type) const { return type.hash(); }
};
