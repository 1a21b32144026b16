#pragma once
#include "poputil/Names.hpp"
#include <memory>

namespace popops {

/// Kept for programs that pass it on; the model needs no plan.
class SlicePlan {};
namespace embedding {
inline SlicePlan plan(const Graph &, const Type &, std::size_t /*entries*/, std::size_t /*outputSize*/,
                      const std::vector<std::size_t> & /*lookups*/, const OptionFlags & = {}) {
  return {};
}
} // namespace embedding

/// Tensor whose slices along `dims` are spread evenly: each tile holds all positions of what it has.
Tensor createSliceableTensor(Graph &graph, const Type &type, const std::vector<std::size_t> &shape,
                             const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes,
                             std::size_t minGrainSize = 0, const DebugContext & = {});
Tensor createSliceableTensor(Graph &graph, const Type &type, const std::vector<std::size_t> &shape,
                             const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes,
                             const SlicePlan &, const OptionFlags &, const DebugContext & = {});
/// Offsets for multiSlice and multiUpdate: UNSIGNED_INT[numIndices, dims].
Tensor createIndicesTensor(Graph &graph, const std::vector<std::size_t> &dims, std::size_t numIndices,
                           const SlicePlan &, const OptionFlags &, const DebugContext & = {});
Tensor createSliceTensor(Graph &graph, const Tensor &t, const std::vector<std::size_t> &dims,
                         const std::vector<std::size_t> &sizes, std::size_t numIndices, const DebugContext & = {});

/// The part of `t` that starts at the UNSIGNED_INT or INT `offset` in each of `dims`; offsets wrap.
Tensor dynamicSlice(Graph &graph, const Tensor &t, const Tensor &offset, const std::vector<std::size_t> &dims,
                    const std::vector<std::size_t> &sizes, Sequence &prog, const DebugContext & = {},
                    const OptionFlags & = {});
void dynamicSliceWithOutput(Graph &graph, const Tensor &out, const Tensor &t, const Tensor &offset,
                            const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                            const DebugContext & = {}, const OptionFlags & = {});
/// Overwrites that part of `t` with `s`.
void dynamicUpdate(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offset,
                   const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                   const DebugContext & = {}, const OptionFlags & = {});

/// out[i] = the slice of `t` at offset[i], for offsets of shape [n, 1] and one dimension.
Tensor multiSlice(Graph &graph, const Tensor &t, const Tensor &offsets, const std::vector<std::size_t> &dims,
                  const std::vector<std::size_t> &sizes, Sequence &prog, const SlicePlan & = {},
                  const OptionFlags & = {}, const DebugContext & = {});
/// The slice of `t` at offset[i] = s[i], later i last.
void multiUpdate(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offsets,
                 const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                 const SlicePlan & = {}, const OptionFlags & = {}, const DebugContext & = {});
/// The slice of `t` at offset[i] += scale * s[i].
void multiUpdateAdd(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offsets, const Tensor &scale,
                    const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                    const SlicePlan & = {}, const OptionFlags & = {}, const DebugContext & = {});

} // namespace popops
