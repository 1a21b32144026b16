#pragma once
// The names of poplar that the signatures of the libraries are written with.

#include "poplar/Graph.hpp"
#include "poplar/OptionFlags.hpp"
#include "poplar/Program.hpp"
#include <vector>

#define IPU_MODEL_NAMES                                                                                                \
  using poplar::ComputeSet;                                                                                            \
  using poplar::DebugContext;                                                                                          \
  using poplar::Graph;                                                                                                 \
  using poplar::Interval;                                                                                              \
  using poplar::OptionFlags;                                                                                           \
  using poplar::Tensor;                                                                                                \
  using poplar::Type;                                                                                                  \
  using poplar::program::Program;                                                                                      \
  using poplar::program::Sequence;

namespace poputil {
IPU_MODEL_NAMES
}
namespace popops {
IPU_MODEL_NAMES
}
namespace poprand {
IPU_MODEL_NAMES
}
namespace poplin {
IPU_MODEL_NAMES
}

#undef IPU_MODEL_NAMES
