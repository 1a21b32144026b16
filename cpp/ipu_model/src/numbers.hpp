#pragma once
// Device numbers as bytes: IEEE binary16, and conversion between host values and device types.

#include "../device/poplar/HalfFloat.hpp"
#include "poplar/HostValues.hpp"
#include "poplar/Type.hpp"
#include <cstdint>
#include <vector>

namespace ipu_model {

using device::floatToHalf; ///< round to nearest, ties to even
using device::halfToFloat;

/// Value of element `i` of an array of `type`, and back (saturating where the type is an integer).
double readNumber(poplar::Type type, const void *data, std::size_t i);
void writeNumber(poplar::Type type, void *data, std::size_t i, double value);
/// The same for integer types without the detour through double.
std::int64_t readInteger(poplar::Type type, const void *data, std::size_t i);
void writeInteger(poplar::Type type, void *data, std::size_t i, std::int64_t value);

bool isInteger(poplar::Type type);

/// Bytes of `count` device elements made from host values; one value is repeated.
std::vector<std::byte> toDevice(poplar::Type type, HostValues values, std::size_t count);

} // namespace ipu_model
