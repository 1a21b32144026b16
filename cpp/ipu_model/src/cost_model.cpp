#include "cost_model.hpp"

namespace ipu_model {

const CostConstant &costConstant(cost::Id id) {
  // In the order of cost::Id. Sources in full: spec poplar, section 4.
  static const CostConstant table[cost::count] = {
      {"internal sync (default of minIPUSyncDelay)", 90, "cycles", "CTC loss planner of poplibs", "public"},
      {"global sync (default of globalSyncCycles)", 600, "cycles", "public IPU21 compiler tables", "public"},
      {"exchange latency", 52, "cycles a phase",
       "published halo exchange, implicit strategy: 450.5 cycles a step = 103 received fragments x 3 + sync + this",
       "fitted"},
      {"send control", 2, "cycles a fragment", "public IPU21 compiler tables", "public"},
      {"receive control and pointer", 3, "cycles a fragment", "public IPU21 compiler tables", "public"},
      {"local copy by six workers", 288, "cycles a call", "public IPU21 compiler tables", "public"},
      {"short copy of what arrives off an 8-byte boundary", 77, "worker cycles a piece",
       "published halo exchange: ShortMemcpy 72 to 83 cycles", "public"},
      {"strided copy, fixed part", 36, "worker cycles", "published strided copies of 100 floats: 786 cycles", "fitted"},
      {"strided copy, each element", 7.5, "worker cycles", "published strided copies of 100 floats: 786 cycles",
       "fitted"},
      {"host exchange", 6.0, "bytes a cycle, all tiles", "40 MB in 6,663,550 cycles, published profile", "public"},
      {"vertex without estimate, fixed part", 20, "worker cycles", "own choice", "assumed"},
      {"vertex without estimate, each element", 4, "worker cycles", "own choice", "assumed"},
      {"stack", 3168, "bytes a tile", "published profile of a small program", "public"},
      {"control code", 700, "bytes a tile", "published profile of a small program", "public"},
      {"control code, each step", 16, "bytes a tile", "own choice", "assumed"},
      {"host exchange code", 289, "bytes a tile", "published profile of a small program", "public"},
      {"vertex code", 400, "bytes a vertex type and tile", "own choice", "assumed"},
      {"vertex instance", 4, "bytes", "own choice: a pointer", "assumed"},
      {"exchange code, each phase", 32, "bytes a tile", "own choice", "assumed"},
      {"exchange code, each fragment", 12, "bytes", "own choice: three instructions, as the control of a fragment",
       "assumed"},
  };
  return table[id];
}

std::uint64_t defaultVertexCycles(std::size_t elements) {
  return static_cast<std::uint64_t>(costOf(cost::defaultVertexBase) +
                                    costOf(cost::defaultVertexElement) * static_cast<double>(elements));
}

} // namespace ipu_model
