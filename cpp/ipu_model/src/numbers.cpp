#include "numbers.hpp"
#include "poplar/exceptions.hpp"
#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>

namespace ipu_model {
using poplar::Type;

namespace {

/// Calls `f` with a value of the host type that stores `type`; half is std::uint16_t with `isHalf`.
template <typename F> auto withStorage(Type type, F &&f) {
  using Id = Type::Id;
  switch (type.id()) {
  case Id::Bool:
  case Id::UnsignedChar: return f(std::uint8_t{});
  case Id::Char:
  case Id::SignedChar: return f(std::int8_t{});
  case Id::Short: return f(std::int16_t{});
  case Id::UnsignedShort: return f(std::uint16_t{});
  case Id::Int:
  case Id::Long: return f(std::int32_t{});
  case Id::UnsignedInt:
  case Id::UnsignedLong: return f(std::uint32_t{});
  case Id::LongLong: return f(std::int64_t{});
  case Id::UnsignedLongLong: return f(std::uint64_t{});
  case Id::Float: return f(float{});
  case Id::None:
  case Id::Quarter:
  case Id::Half: break;
  }
  throw poplar::type_error("numbers of type '" + type.toString() + "' are not supported");
}

template <typename T> T load(const void *data, std::size_t i) {
  T value;
  std::memcpy(&value, static_cast<const std::byte *>(data) + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T> void store(void *data, std::size_t i, T value) {
  std::memcpy(static_cast<std::byte *>(data) + i * sizeof(T), &value, sizeof(T));
}

template <typename T> T saturate(double value) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(value);
  else if (std::isnan(value))
    return T{0};
  else if (value <= static_cast<double>(Limits::lowest()))
    return Limits::lowest();
  else if (value >= static_cast<double>(Limits::max()))
    return Limits::max();
  else
    return static_cast<T>(value);
}

} // namespace

bool isInteger(Type type) { return !type.isFloatingPoint() && type != poplar::BOOL; }

double readNumber(Type type, const void *data, std::size_t i) {
  if (type == poplar::HALF) return static_cast<double>(halfToFloat(load<std::uint16_t>(data, i)));
  return withStorage(type, [&](auto zero) { return static_cast<double>(load<decltype(zero)>(data, i)); });
}

void writeNumber(Type type, void *data, std::size_t i, double value) {
  if (type == poplar::HALF) return store(data, i, floatToHalf(static_cast<float>(value)));
  if (type == poplar::BOOL) return store(data, i, static_cast<std::uint8_t>(value != 0));
  withStorage(type, [&](auto zero) { store(data, i, saturate<decltype(zero)>(value)); });
}

std::int64_t readInteger(Type type, const void *data, std::size_t i) {
  return withStorage(type, [&](auto zero) { return static_cast<std::int64_t>(load<decltype(zero)>(data, i)); });
}

void writeInteger(Type type, void *data, std::size_t i, std::int64_t value) {
  if (type == poplar::BOOL) return store(data, i, static_cast<std::uint8_t>(value != 0));
  withStorage(type, [&](auto zero) { store(data, i, static_cast<decltype(zero)>(value)); });
}

std::vector<std::byte> toDevice(Type type, HostValues values, std::size_t count) {
  if (values.type == poplar::HALF && type != poplar::HALF)
    throw poplar::type_error("half values given for elements of type '" + type.toString() + "'");
  std::vector<std::byte> bytes(count * type.size());
  for (std::size_t i = 0; i != count; ++i) {
    const std::size_t from = values.count == 1 ? 0 : i;
    if (values.type == poplar::HALF)
      store(bytes.data(), i, load<std::uint16_t>(values.data, from));
    else if (values.type == Type())
      writeNumber(type, bytes.data(), i, load<double>(values.data, from));
    else if (type.isFloatingPoint() || values.type == poplar::FLOAT)
      writeNumber(type, bytes.data(), i, readNumber(values.type, values.data, from));
    else
      writeInteger(type, bytes.data(), i, readInteger(values.type, values.data, from));
  }
  return bytes;
}

} // namespace ipu_model

namespace poplar {

std::string Type::toString() const {
  static const char *const names[] = {"none",
                                      "bool",
                                      "char",
                                      "signed char",
                                      "unsigned char",
                                      "short",
                                      "unsigned short",
                                      "int",
                                      "unsigned int",
                                      "long",
                                      "unsigned long",
                                      "long long",
                                      "unsigned long long",
                                      "quarter",
                                      "half",
                                      "float"};
  return names[static_cast<std::size_t>(id_)];
}

std::size_t Type::size() const {
  static const unsigned char sizes[] = {0, 1, 1, 1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 1, 2, 4};
  return sizes[static_cast<std::size_t>(id_)];
}

std::ostream &operator<<(std::ostream &out, const Type &type) { return out << type.toString(); }

} // namespace poplar
