#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"
#include <climits>
#include <vector>

namespace poputil {

using Regions = std::vector<std::vector<poplar::Interval>>;

/// Splits regions into at most `maxPartitions` lists of about equal size; pieces are multiples of
/// `grainSize` except the last of a region.
Regions splitRegions(const std::vector<poplar::Interval> &regions, unsigned grainSize,
                     unsigned maxPartitions, unsigned minElementsPerPartition = 0,
                     unsigned maxElementsPerPartition = UINT_MAX,
                     unsigned maxElementsPerRegion = UINT_MAX);
Regions splitRegionsBetweenWorkers(const poplar::Target &target,
                                   const std::vector<poplar::Interval> &regions, unsigned grainSize,
                                   unsigned minElementsPerPartition = 0,
                                   unsigned maxElementsPerPartition = UINT_MAX,
                                   unsigned maxElementsPerRegion = UINT_MAX);
/// The same for regions that are lists of intervals (each list stays one contiguous region).
std::vector<Regions> splitRegions(const Regions &regions, unsigned grainSize, unsigned maxPartitions,
                                  unsigned minElementsPerPartition = 0,
                                  unsigned maxElementsPerPartition = UINT_MAX,
                                  unsigned maxElementsPerRegion = UINT_MAX);
std::vector<Regions> splitRegionsBetweenWorkers(const poplar::Target &target,
                                                const Regions &regions, unsigned grainSize,
                                                unsigned minElementsPerPartition = 0,
                                                unsigned maxElementsPerPartition = UINT_MAX,
                                                unsigned maxElementsPerRegion = UINT_MAX);

/// Sizes of `partitions` parts of [0, n) that differ by at most one.
std::vector<std::size_t> balancedPartition(std::size_t n, std::size_t partitions);

std::vector<poplar::Interval> flattenIntervals(const Regions &intervals);
std::vector<poplar::Interval> mergeAdjacentRegions(const std::vector<poplar::Interval> &regions);
std::size_t intervalSequenceNumElements(const std::vector<poplar::Interval> &intervals);
std::size_t intervalSequenceNumElements(const Regions &intervals);

poplar::Tensor duplicate(poplar::Graph &graph, const poplar::Tensor &in,
                         poplar::program::Sequence &prog, const poplar::DebugContext & = {},
                         poplar::TensorCloneMethod =
                             poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
poplar::Tensor cloneN(poplar::Graph &graph, const poplar::Tensor &t, unsigned n,
                      const poplar::DebugContext & = {},
                      poplar::TensorCloneMethod =
                          poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
poplar::Tensor createBroadcastOperand(poplar::Graph &graph, const poplar::Tensor &fullTensor,
                                      const poplar::Type &type, unsigned dim,
                                      bool ditherMapping = false, const poplar::DebugContext & = {});

} // namespace poputil
