#pragma once
#include "Graph.hpp"
#include "Program.hpp"

namespace poplar {

/// Times a sequence: prepends and appends reads of the model's cycle counter.
/// Returns UNSIGNED_INT[2], low word first.
Tensor cycleCount(Graph &graph, program::Sequence &program, unsigned tile, SyncType type, const DebugContext & = {});
/// The form of SDK 1.x.
inline Tensor cycleCount(Graph &graph, program::Sequence &program, unsigned tile, const DebugContext &name = {}) {
  return cycleCount(graph, program, tile, SyncType::INTERNAL, name);
}
/// Reads the cycle counter where it is added: UNSIGNED_INT[2], low word first.
Tensor cycleStamp(Graph &graph, program::Sequence &program, unsigned tile, SyncType type, const DebugContext & = {});

} // namespace poplar
