#pragma once
#include "Graph.hpp"
#include "Program.hpp"

namespace poplar {

/// Which floating-point exceptions stop a tile, and whether half rounds stochastically.
struct FloatingPointBehaviour {
  bool inv = true, div0 = true, oflo = true, esr = true, nanoo = true;
};

// The model raises no floating-point exceptions and always rounds to nearest: these change nothing.
inline void setFloatingPointBehaviour(Graph &, program::Sequence &, const FloatingPointBehaviour &,
                                      const DebugContext & = {}) {}
inline void setStochasticRounding(Graph &, program::Sequence &, bool /*enable*/, const DebugContext & = {}) {}

} // namespace poplar
