// The compiler builtins of a tile that the host can answer: random numbers, and the id of the worker. Random bits
// come from a counter-based generator that the engine seeds for every vertex: not the bits of a device.
#pragma once

#include <ipu_model/reflection.hpp>
#include <ipu_vector_math>

#include <arch/gc_tile_defines.h>

namespace ipu_model::device {

/// SplitMix64 (Steele, Lea, Flood 2014).
inline std::uint64_t random64() {
  std::uint64_t z = worker().randomState += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/// Uniform in [-1/2, 1/2), a multiple of 2^-24.
inline float uniformFloat() { return static_cast<float>(random64() >> 40) * 0x1p-24f - 0.5f; }

/// Normal, by the sum of twelve uniforms as the device does approximately.
inline float normalFloat() {
  float total = 0;
  for (int i = 0; i < 12; ++i) total += uniformFloat();
  return total;
}

}  // namespace ipu_model::device

inline unsigned __builtin_ipu_urand32() { return static_cast<unsigned>(::ipu_model::device::random64() >> 32); }
inline unsigned long long __builtin_ipu_urand64() { return ::ipu_model::device::random64(); }
inline float __builtin_ipu_urand_f32() { return ::ipu_model::device::uniformFloat(); }
inline half __builtin_ipu_urand_f16() { return half(::ipu_model::device::uniformFloat()); }
inline float2 __builtin_ipu_f32v2grand() {
  const float first = ::ipu_model::device::normalFloat();
  return float2{first, ::ipu_model::device::normalFloat()};
}
inline half2 __builtin_ipu_f16v2grand() {
  const half first = ::ipu_model::device::normalFloat();
  return half2{{first, half(::ipu_model::device::normalFloat())}};
}

inline unsigned __builtin_ipu_get_worker_id() { return ::ipu_model::device::worker().id; }
inline unsigned __builtin_ipu_get(int index) {
  return index == CSR_W_WSR__INDEX ? ::ipu_model::device::worker().id : 0;
}
/// The host has no cycle counter of a tile: it stands still.
inline unsigned __builtin_ipu_get_scount_l() { return 0; }
inline unsigned __builtin_ipu_get_scount_u() { return 0; }
/// Writes to control registers (rounding, exceptions) change nothing in the model.
inline void __builtin_ipu_put(unsigned, int) {}
template <class T>
inline void __builtin_ipu_uput(T, int) {}

#define IPU_MODEL_BUILTIN_1(name, function) \
  template <class V>                        \
  inline V __builtin_ipu_##name(V v) {      \
    return ipu::function(v);                \
  }
IPU_MODEL_BUILTIN_1(exp, exp)
IPU_MODEL_BUILTIN_1(exp2, exp2)
IPU_MODEL_BUILTIN_1(ln, log)
IPU_MODEL_BUILTIN_1(log2, log2)
IPU_MODEL_BUILTIN_1(sqrt, sqrt)
IPU_MODEL_BUILTIN_1(oorx, rsqrt)
IPU_MODEL_BUILTIN_1(rsqrt, rsqrt)
IPU_MODEL_BUILTIN_1(sigm, sigmoid)
IPU_MODEL_BUILTIN_1(tanh, tanh)
#undef IPU_MODEL_BUILTIN_1

#define IPU_MODEL_BUILTIN_2(name)           \
  template <class V>                        \
  inline V __builtin_ipu_##name(V v, V w) { \
    return ipu::name(v, w);                 \
  }
IPU_MODEL_BUILTIN_2(max)
IPU_MODEL_BUILTIN_2(min)
IPU_MODEL_BUILTIN_2(absadd)
IPU_MODEL_BUILTIN_2(absmax)
#undef IPU_MODEL_BUILTIN_2

template <class V, class Range>
inline V __builtin_ipu_clamp(V v, Range range) {
  return ipu::clamp(v, range);
}
