#pragma once
#include "Graph.hpp"
#include "Program.hpp"

namespace poplar {

/// What the device does on floating-point errors. Accepted; the model computes as IEEE 754 does,
/// without exceptions and without stochastic rounding.
struct FloatingPointBehaviour {
  FloatingPointBehaviour(bool invalid = true, bool divideByZero = true, bool overflow = true,
                         bool stochasticRounding = true, bool nanOnOverflow = true)
      : inv(invalid), div0(divideByZero), oflo(overflow), esr(stochasticRounding), nanoo(nanOnOverflow) {}
  FloatingPointBehaviour operator!() const { return {!inv, !div0, !oflo, !esr, !nanoo}; }
  bool inv, div0, oflo, esr, nanoo;
};

inline void setFloatingPointBehaviour(Graph &, program::Sequence &, const FloatingPointBehaviour &,
                                      const DebugContext & = {}) {}
inline void setStochasticRounding(Graph &, program::Sequence &, bool, const DebugContext & = {}) {}

} // namespace poplar
