#pragma once
#include "poplar/Graph.hpp"

namespace poputil {

/// Mapping that spreads elements over all tiles: `grainSize` elements stay together, a tile gets at
/// least `minElementsPerTile` where that is possible.
poplar::Graph::TileToTensorMapping
calcLinearTileMapping(const poplar::Graph &graph, poplar::ArrayRef<std::size_t> shape,
                      unsigned minElementsPerTile, unsigned grainSize, unsigned offset = 0,
                      bool ascendingOrder = true);
inline poplar::Graph::TileToTensorMapping
calcLinearTileMapping(const poplar::Graph &graph, const poplar::Tensor &tensor, unsigned minElementsPerTile,
                      unsigned grainSize, unsigned offset = 0, bool ascendingOrder = true) {
  return calcLinearTileMapping(graph, tensor.shape(), minElementsPerTile, grainSize, offset, ascendingOrder);
}
poplar::Graph::TileToTensorMapping calcLinearTileMapping(const poplar::Graph &graph,
                                                         const poplar::Tensor &tensor);

void mapTensorLinearly(poplar::Graph &graph, const poplar::Tensor &tensor,
                       unsigned minElementsPerTile, unsigned grainSize);
void mapTensorLinearly(poplar::Graph &graph, const poplar::Tensor &tensor);
/// The same, starting at tile `offset`; return the tile after the last used.
unsigned mapTensorLinearlyWithOffset(poplar::Graph &graph, const poplar::Tensor &tensor,
                                     unsigned offset = 0, bool ascendingOrder = true);
unsigned mapTensorLinearlyWithOffset(poplar::Graph &graph, const poplar::Tensor &tensor,
                                     unsigned minElementsPerTile, unsigned grainSize,
                                     unsigned offset, bool ascendingOrder = true);

/// Elements on the fullest tile beyond an even share.
unsigned getTileImbalance(const poplar::Graph::TileToTensorMapping &mapping,
                          unsigned minElementsPerTile = 0, unsigned grainSize = 1);
unsigned getTileImbalance(const poplar::Graph &graph, const poplar::Tensor &tensor,
                          unsigned minElementsPerTile = 0, unsigned grainSize = 1);

poplar::Tensor cloneToIpu(poplar::Graph &graph, const poplar::Tensor &tensor, unsigned dstIPU,
                          const poplar::DebugContext & = {},
                          poplar::TensorCloneMethod =
                              poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
poplar::Tensor copyToIpu(poplar::Graph &graph, const poplar::Tensor &tensor,
                         poplar::program::Sequence &prog, unsigned dstIPU,
                         const poplar::DebugContext & = {},
                         poplar::TensorCloneMethod =
                             poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
/// The same copy for a caller who adds it: from `copySource` to `copyDestination`.
poplar::Tensor createIpuCopy(poplar::Graph &graph, const poplar::Tensor &tensor, unsigned dstIPU,
                             poplar::Tensor &copySource, poplar::Tensor &copyDestination,
                             const poplar::DebugContext & = {},
                             poplar::TensorCloneMethod =
                                 poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
bool dimIsSplitOverTiles(const poplar::Graph &graph, const poplar::Tensor &tensor,
                         unsigned dimension);
bool dimIsSplitOverIPUs(const poplar::Graph &graph, const poplar::Tensor &tensor,
                        unsigned dimension);

/// Collects which tiles use which elements of a tensor, then places each on one of its users.
class TensorUseTracker {
public:
  enum class MappingMethod { OptimizeHaloRegions, ConstrainMappingToUsedTiles, None };
  explicit TensorUseTracker(unsigned numTiles) : uses_(numTiles) {}
  void add(const poplar::Graph &graph, unsigned tile, const poplar::Tensor &tensor);
  void add(TensorUseTracker other);
  void mapTensorsByUse(poplar::Graph &graph, unsigned grainSize, unsigned minElementsPerTile,
                       bool extendPartialUsage = false,
                       MappingMethod method = MappingMethod::None);
  bool empty() const;

private:
  std::vector<std::vector<poplar::VariableInterval>> uses_;
};

} // namespace poputil
