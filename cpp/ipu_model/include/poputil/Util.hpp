#pragma once
#include "poputil/Names.hpp"
#include <climits>

namespace poputil {

using Regions = std::vector<std::vector<Interval>>;

/// Splits regions into at most `maxPartitions` lists of about equal size; pieces are multiples of
/// `grainSize` except the last of a region.
Regions splitRegions(const std::vector<Interval> &regions, unsigned grainSize, unsigned maxPartitions,
                     unsigned minElementsPerPartition = 0, unsigned maxElementsPerPartition = UINT_MAX,
                     unsigned maxElementsPerRegion = UINT_MAX);
/// The same for regions that are lists of intervals (each list stays one contiguous region).
std::vector<Regions> splitRegions(const Regions &regions, unsigned grainSize, unsigned maxPartitions,
                                  unsigned minElementsPerPartition = 0, unsigned maxElementsPerPartition = UINT_MAX,
                                  unsigned maxElementsPerRegion = UINT_MAX);
inline Regions splitRegionsBetweenWorkers(const poplar::Target &target, const std::vector<Interval> &regions,
                                          unsigned grainSize, unsigned minElements = 0, unsigned maxElements = UINT_MAX,
                                          unsigned maxElementsPerRegion = UINT_MAX) {
  return splitRegions(regions, grainSize, target.getNumWorkerContexts(), minElements, maxElements,
                      maxElementsPerRegion);
}
inline std::vector<Regions> splitRegionsBetweenWorkers(const poplar::Target &target, const Regions &regions,
                                                       unsigned grainSize, unsigned minElements = 0,
                                                       unsigned maxElements = UINT_MAX,
                                                       unsigned maxElementsPerRegion = UINT_MAX) {
  return splitRegions(regions, grainSize, target.getNumWorkerContexts(), minElements, maxElements,
                      maxElementsPerRegion);
}

/// Sizes of `partitions` parts of [0, n) that differ by at most one.
std::vector<std::size_t> balancedPartition(std::size_t n, std::size_t partitions);

std::vector<Interval> flattenIntervals(const Regions &intervals);
/// Sorts the regions (of each list) and joins those that touch.
void mergeAdjacentRegions(std::vector<Interval> &regions);
void mergeAdjacentRegions(Regions &mapping);
std::size_t intervalSequenceNumElements(const std::vector<Interval> &intervals);
std::size_t intervalSequenceNumElements(const Regions &intervals);

Tensor duplicate(Graph &graph, const Tensor &in, Sequence &prog, const DebugContext & = {},
                 poplar::TensorCloneMethod = poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
Tensor cloneN(Graph &graph, const Tensor &t, unsigned n, const DebugContext & = {},
              poplar::TensorCloneMethod = poplar::TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);

} // namespace poputil
