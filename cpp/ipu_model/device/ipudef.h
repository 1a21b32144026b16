// The short vector types of a tile. Deliberately not part of poplar/Vertex.hpp: codelets written for more
// targets than the IPU bring their own where the SDK has none.
#pragma once

#include <poplar/HalfFloat.hpp>

#include <cstdint>

/// Count of a hardware loop.
using rptsize_t = unsigned;

// Vectors of 16 bytes need no more than the 8 bytes of alignment that tile memory gives.
#define IPU_MODEL_VECTOR(element, name, lanes, align) \
  typedef element name __attribute__((vector_size(lanes * sizeof(element)), aligned(align)));
IPU_MODEL_VECTOR(float, float2, 2, 8)
IPU_MODEL_VECTOR(float, float4, 4, 8)
IPU_MODEL_VECTOR(char, char2, 2, 2)
IPU_MODEL_VECTOR(char, char4, 4, 4)
IPU_MODEL_VECTOR(unsigned char, uchar2, 2, 2)
IPU_MODEL_VECTOR(unsigned char, uchar4, 4, 4)
IPU_MODEL_VECTOR(short, short2, 2, 4)
IPU_MODEL_VECTOR(short, short4, 4, 8)
IPU_MODEL_VECTOR(unsigned short, ushort2, 2, 4)
IPU_MODEL_VECTOR(unsigned short, ushort4, 4, 8)
IPU_MODEL_VECTOR(int, int2, 2, 8)
IPU_MODEL_VECTOR(int, int4, 4, 8)
IPU_MODEL_VECTOR(unsigned, uint2, 2, 8)
IPU_MODEL_VECTOR(unsigned, uint4, 4, 8)
IPU_MODEL_VECTOR(long long, longlong2, 2, 8)
#undef IPU_MODEL_VECTOR

namespace ipu_model::device {

/// half2 and half4: no compiler vector, because the host has no arithmetic for half.
template <unsigned N>
struct alignas(2 * N) HalfVector {
  half lane[N];

  half& operator[](unsigned i) { return lane[i]; }
  half operator[](unsigned i) const { return lane[i]; }

#define IPU_MODEL_HALF_VECTOR_OPERATOR(op)                                                                  \
  friend HalfVector operator op(HalfVector a, HalfVector b) {                                               \
    HalfVector r;                                                                                           \
    for (unsigned i = 0; i < N; ++i) r.lane[i] = a.lane[i] op b.lane[i];                                    \
    return r;                                                                                               \
  }                                                                                                         \
  friend HalfVector operator op(HalfVector a, half b) { return a op broadcast(b); }                         \
  friend HalfVector operator op(half a, HalfVector b) { return broadcast(a) op b; }                         \
  HalfVector& operator op##=(HalfVector b) { return *this = *this op b; }
  IPU_MODEL_HALF_VECTOR_OPERATOR(+)
  IPU_MODEL_HALF_VECTOR_OPERATOR(-)
  IPU_MODEL_HALF_VECTOR_OPERATOR(*)
  IPU_MODEL_HALF_VECTOR_OPERATOR(/)
#undef IPU_MODEL_HALF_VECTOR_OPERATOR
  HalfVector operator-() const {
    HalfVector r;
    for (unsigned i = 0; i < N; ++i) r.lane[i] = -lane[i];
    return r;
  }

  static HalfVector broadcast(half value) {
    HalfVector r;
    for (unsigned i = 0; i < N; ++i) r.lane[i] = value;
    return r;
  }
};

}  // namespace ipu_model::device

using half2 = ipu_model::device::HalfVector<2>;
using half4 = ipu_model::device::HalfVector<4>;
