#pragma once
// Every number of the cycle and memory model that is not a property of poplar::Target.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ipu_model {

/// A constant of the model with where it comes from and how far it can be trusted.
struct CostConstant {
  const char *name;
  double value;
  const char *unit;
  const char *source;
  const char *confidence; ///< "public", "fitted" or "assumed"
};

namespace cost {
enum Id : std::size_t {
  internalSync,
  globalSync,
  exchangeLatency,
  sendControl,
  receiveControl,
  localCopyCall,
  shortCopy,
  stridedCopyCall,
  stridedCopyElement,
  hostBytesPerCycle,
  defaultVertexBase,
  defaultVertexElement,
  stackBytes,
  controlCodeBytes,
  controlCodePerStep,
  hostExchangeCodeBytes,
  vertexCodeBytes,
  vertexInstanceBytes,
  exchangeCodePerPhase,
  exchangeCodePerFragment,
  count
};
}

const CostConstant &costConstant(cost::Id id);
inline double costOf(cost::Id id) { return costConstant(id).value; }
inline std::size_t bytesOf(cost::Id id) { return static_cast<std::size_t>(costOf(id)); }

/// Cycles of a worker for a vertex that nobody gave an estimate for, from the elements it touches.
std::uint64_t defaultVertexCycles(std::size_t elements);

/// First line of every report.
inline constexpr const char *disclaimer = "IPU MODEL: an estimate of a model, not measured and not Graphcore software";

} // namespace ipu_model
