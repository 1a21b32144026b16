#pragma once
#include "poplar/Graph.hpp"
#include "poplar/OptionFlags.hpp"
#include "poplar/Program.hpp"
#include <memory>
#include <vector>

namespace popops {

/// Kept for programs that pass it on; the model needs no plan.
class SlicePlan {};
namespace embedding {
inline SlicePlan plan(const poplar::Graph &, const poplar::Type &, std::size_t /*entries*/, std::size_t /*outputSize*/,
                      const std::vector<std::size_t> & /*lookups*/, const poplar::OptionFlags & = {}) {
  return {};
}
} // namespace embedding

/// Tensor whose slices along `dims` are spread evenly: each tile holds all positions of what it has.
poplar::Tensor createSliceableTensor(poplar::Graph &graph, const poplar::Type &type,
                                     const std::vector<std::size_t> &shape,
                                     const std::vector<std::size_t> &dims,
                                     const std::vector<std::size_t> &sizes,
                                     std::size_t minGrainSize = 0, const poplar::DebugContext & = {});
poplar::Tensor createSliceTensor(poplar::Graph &graph, const poplar::Tensor &t,
                                 const std::vector<std::size_t> &dims,
                                 const std::vector<std::size_t> &sizes, std::size_t numIndices,
                                 const poplar::DebugContext & = {});

/// The part of `t` that starts at the UNSIGNED_INT or INT `offset` in each of `dims`; offsets wrap.
poplar::Tensor dynamicSlice(poplar::Graph &graph, const poplar::Tensor &t,
                            const poplar::Tensor &offset, const std::vector<std::size_t> &dims,
                            const std::vector<std::size_t> &sizes, poplar::program::Sequence &prog,
                            const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});
void dynamicSliceWithOutput(poplar::Graph &graph, const poplar::Tensor &out, const poplar::Tensor &t,
                            const poplar::Tensor &offset, const std::vector<std::size_t> &dims,
                            const std::vector<std::size_t> &sizes, poplar::program::Sequence &prog,
                            const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});
/// Overwrites that part of `t` with `s`.
void dynamicUpdate(poplar::Graph &graph, const poplar::Tensor &t, const poplar::Tensor &s,
                   const poplar::Tensor &offset, const std::vector<std::size_t> &dims,
                   const std::vector<std::size_t> &sizes, poplar::program::Sequence &prog,
                   const poplar::DebugContext & = {}, const poplar::OptionFlags & = {});

/// out[i] = the slice of `t` at offset[i], for offsets of shape [n, 1] and one dimension.
poplar::Tensor multiSlice(poplar::Graph &graph, const poplar::Tensor &t,
                          const poplar::Tensor &offsets, const std::vector<std::size_t> &dims,
                          const std::vector<std::size_t> &sizes, poplar::program::Sequence &prog,
                          const SlicePlan & = {}, const poplar::OptionFlags & = {},
                          const poplar::DebugContext & = {});
/// The slice of `t` at offset[i] = s[i], later i last.
void multiUpdate(poplar::Graph &graph, const poplar::Tensor &t, const poplar::Tensor &s,
                 const poplar::Tensor &offsets, const std::vector<std::size_t> &dims,
                 const std::vector<std::size_t> &sizes, poplar::program::Sequence &prog,
                 const SlicePlan & = {}, const poplar::OptionFlags & = {},
                 const poplar::DebugContext & = {});
/// The slice of `t` at offset[i] += scale * s[i].
void multiUpdateAdd(poplar::Graph &graph, const poplar::Tensor &t, const poplar::Tensor &s,
                    const poplar::Tensor &offsets, const poplar::Tensor &scale,
                    const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes,
                    poplar::program::Sequence &prog, const SlicePlan & = {},
                    const poplar::OptionFlags & = {}, const poplar::DebugContext & = {});

} // namespace popops
