#pragma once
#include "poputil/Names.hpp"

namespace poputil {

/// Mapping that spreads elements over all tiles: `grainSize` elements stay together, a tile gets at
/// least `minElementsPerTile` where that is possible.
Graph::TileToTensorMapping calcLinearTileMapping(const Graph &graph, poplar::ArrayRef<std::size_t> shape,
                                                 unsigned minElementsPerTile, unsigned grainSize, unsigned offset = 0,
                                                 bool ascendingOrder = true);
inline Graph::TileToTensorMapping calcLinearTileMapping(const Graph &graph, const Tensor &tensor,
                                                        unsigned minElementsPerTile, unsigned grainSize,
                                                        unsigned offset = 0, bool ascendingOrder = true) {
  return calcLinearTileMapping(graph, tensor.shape(), minElementsPerTile, grainSize, offset, ascendingOrder);
}
Graph::TileToTensorMapping calcLinearTileMapping(const Graph &graph, const Tensor &tensor);

void mapTensorLinearly(Graph &graph, const Tensor &tensor, unsigned minElementsPerTile, unsigned grainSize);
void mapTensorLinearly(Graph &graph, const Tensor &tensor);
/// The same, starting at tile `offset`; return the tile after the last used.
unsigned mapTensorLinearlyWithOffset(Graph &graph, const Tensor &tensor, unsigned offset = 0,
                                     bool ascendingOrder = true);
unsigned mapTensorLinearlyWithOffset(Graph &graph, const Tensor &tensor, unsigned minElementsPerTile,
                                     unsigned grainSize, unsigned offset, bool ascendingOrder = true);

/// Elements on the fullest tile beyond an even share.
unsigned getTileImbalance(const Graph::TileToTensorMapping &mapping, unsigned minElementsPerTile = 0,
                          unsigned grainSize = 1);
unsigned getTileImbalance(const Graph &graph, const Tensor &tensor, unsigned minElementsPerTile = 0,
                          unsigned grainSize = 1);

Tensor cloneToIpu(Graph &graph, const Tensor &tensor, unsigned dstIPU, const DebugContext & = {},
                  poplar::TensorCloneMethod = poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
Tensor copyToIpu(Graph &graph, const Tensor &tensor, Sequence &prog, unsigned dstIPU, const DebugContext & = {},
                 poplar::TensorCloneMethod = poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
/// The same copy for a caller who adds it: from `copySource` to `copyDestination`.
Tensor createIpuCopy(Graph &graph, const Tensor &tensor, unsigned dstIPU, Tensor &copySource, Tensor &copyDestination,
                     const DebugContext & = {},
                     poplar::TensorCloneMethod = poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
bool dimIsSplitOverTiles(const Graph &graph, const Tensor &tensor, unsigned dimension);
bool dimIsSplitOverIPUs(const Graph &graph, const Tensor &tensor, unsigned dimension);

/// Collects which tiles use which elements of a tensor, then places each on one of its users.
class TensorUseTracker {
public:
  enum class MappingMethod { OptimizeHaloRegions, ConstrainMappingToUsedTiles, None };
  explicit TensorUseTracker(unsigned numTiles) : uses_(numTiles) {}
  void add(const Graph &graph, unsigned tile, const Tensor &tensor);
  void add(TensorUseTracker other);
  /// `extendPartialUsage` also maps the elements that nobody uses, of variables of which others are used.
  void mapTensorsByUse(Graph &graph, unsigned grainSize, unsigned minElementsPerTile, bool extendPartialUsage = false,
                       MappingMethod method = MappingMethod::None);
  bool empty() const;

private:
  std::vector<std::vector<poplar::VariableInterval>> uses_;
};

} // namespace poputil
