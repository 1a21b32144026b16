#include "poputil/Broadcast.hpp"
#include "poputil/GraphFunction.hpp"
#include "poputil/TileMapping.hpp"
#include "poputil/Util.hpp"
#include "poputil/exceptions.hpp"
#include <algorithm>
#include <map>

namespace poputil {

namespace {
constexpr std::size_t ceilDivide(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// What stays together on a tile by default: a vector of the type, and 128 bytes.
unsigned defaultGrain(const Graph &graph, const Tensor &t) {
  return std::max(1u, graph.getTarget().getVectorWidth(t.elementType()));
}
unsigned defaultMinimum(const Graph &graph, const Tensor &t) {
  return static_cast<unsigned>(ceilDivide(128, graph.getTarget().getTypeSize(t.elementType())));
}
} // namespace

Graph::TileToTensorMapping calcLinearTileMapping(const Graph &graph, poplar::ArrayRef<std::size_t> shape,
                                                 unsigned minElementsPerTile, unsigned grainSize, unsigned offset,
                                                 bool ascendingOrder) {
  const std::size_t tiles = graph.getTarget().getNumTiles(), elements = ipu_model::product(shape);
  Graph::TileToTensorMapping mapping(tiles);
  if (elements == 0) return mapping;
  const std::size_t grain = std::max(grainSize, 1u);
  const std::size_t grains = ceilDivide(elements, grain);
  const std::size_t minGrains = std::max<std::size_t>(1, ceilDivide(minElementsPerTile, grain));
  const std::size_t maxGrains =
      std::max(ceilDivide(grains, tiles), ceilDivide(grains, std::max<std::size_t>(1, grains / minGrains)));
  const std::size_t parts = ceilDivide(grains, maxGrains);
  for (std::size_t i = 0; i != parts; ++i) {
    const std::size_t begin = i * grains / parts * grain;
    const std::size_t end = std::min((i + 1) * grains / parts * grain, elements);
    const std::size_t tile = (offset + i) % tiles;
    if (begin != end) mapping[ascendingOrder ? tile : tiles - 1 - tile].emplace_back(begin, end);
  }
  return mapping;
}

Graph::TileToTensorMapping calcLinearTileMapping(const Graph &graph, const Tensor &t) {
  return calcLinearTileMapping(graph, t.shape(), defaultMinimum(graph, t), defaultGrain(graph, t));
}

void mapTensorLinearly(Graph &graph, const Tensor &t, unsigned minElementsPerTile, unsigned grainSize) {
  graph.setTileMapping(t, calcLinearTileMapping(graph, t.shape(), minElementsPerTile, grainSize));
}

void mapTensorLinearly(Graph &graph, const Tensor &t) { graph.setTileMapping(t, calcLinearTileMapping(graph, t)); }

unsigned mapTensorLinearlyWithOffset(Graph &graph, const Tensor &t, unsigned offset, bool ascendingOrder) {
  return mapTensorLinearlyWithOffset(graph, t, defaultMinimum(graph, t), defaultGrain(graph, t), offset,
                                     ascendingOrder);
}

unsigned mapTensorLinearlyWithOffset(Graph &graph, const Tensor &t, unsigned minElementsPerTile, unsigned grainSize,
                                     unsigned offset, bool ascendingOrder) {
  const auto mapping = calcLinearTileMapping(graph, t.shape(), minElementsPerTile, grainSize, offset, ascendingOrder);
  graph.setTileMapping(t, mapping);
  const auto used =
      static_cast<unsigned>(std::count_if(mapping.begin(), mapping.end(), [](const auto &m) { return !m.empty(); }));
  return (offset + used) % graph.getTarget().getNumTiles();
}

unsigned getTileImbalance(const Graph::TileToTensorMapping &mapping, unsigned minElementsPerTile, unsigned grainSize) {
  std::size_t total = 0, most = 0;
  for (const auto &intervals : mapping) {
    const std::size_t n = intervalSequenceNumElements(intervals);
    total += n;
    most = std::max(most, n);
  }
  std::size_t share = ceilDivide(total, std::max<std::size_t>(mapping.size(), 1));
  share =
      std::max<std::size_t>(ceilDivide(share, std::max(grainSize, 1u)) * std::max(grainSize, 1u), minElementsPerTile);
  return static_cast<unsigned>(most > share ? most - share : 0);
}

unsigned getTileImbalance(const Graph &graph, const Tensor &t, unsigned minElementsPerTile, unsigned grainSize) {
  return getTileImbalance(graph.getTileMapping(t), minElementsPerTile, grainSize);
}

Tensor cloneToIpu(Graph &graph, const Tensor &t, unsigned dstIPU, const DebugContext &name,
                  poplar::TensorCloneMethod method) {
  const unsigned perIPU = graph.getTarget().getTilesPerIPU(), ipus = graph.getTarget().getNumIPUs();
  if (dstIPU >= ipus)
    throw poplibs_error("tensor " + t.getDebugStr() + " cannot be copied to IPU " + std::to_string(dstIPU) +
                        "; the graph has " + std::to_string(ipus) + ", numbered from 0");
  Tensor copy = graph.clone(t, name, method);
  Graph::TileToTensorMapping mapping(graph.getTarget().getNumTiles());
  const auto old = graph.getTileMapping(t);
  for (std::size_t tile = 0; tile != old.size(); ++tile) {
    auto &target = mapping[dstIPU * perIPU + tile % perIPU];
    target.insert(target.end(), old[tile].begin(), old[tile].end());
  }
  graph.setTileMapping(copy, mapping);
  return copy;
}

Tensor createIpuCopy(Graph &graph, const Tensor &t, unsigned dstIPU, Tensor &copySource, Tensor &copyDestination,
                     const DebugContext &name, poplar::TensorCloneMethod method) {
  copySource = t;
  return copyDestination = cloneToIpu(graph, t, dstIPU, name, method);
}

Tensor copyToIpu(Graph &graph, const Tensor &t, Sequence &prog, unsigned dstIPU, const DebugContext &name,
                 poplar::TensorCloneMethod method) {
  Tensor copy = cloneToIpu(graph, t, dstIPU, name, method);
  prog.add(poplar::program::Copy(t, copy, false, name));
  return copy;
}

namespace {
bool dimIsSplit(const Graph &graph, const Tensor &t, unsigned dimension, unsigned tilesPerUnit) {
  // Split if somewhere along the dimension the unit changes.
  const Tensor rows = t.dimRoll(dimension, t.rank() - 1).flatten();
  const std::size_t length = t.dim(dimension);
  std::vector<unsigned> unit(rows.numElements());
  const auto mapping = graph.getTileMapping(rows);
  for (unsigned tile = 0; tile != mapping.size(); ++tile)
    for (const Interval &interval : mapping[tile])
      std::fill(unit.begin() + static_cast<std::ptrdiff_t>(interval.begin()),
                unit.begin() + static_cast<std::ptrdiff_t>(interval.end()), tile / tilesPerUnit);
  for (std::size_t i = 0; i != unit.size(); ++i)
    if (unit[i] != unit[i / length * length]) return true;
  return false;
}
} // namespace

bool dimIsSplitOverTiles(const Graph &graph, const Tensor &t, unsigned dimension) {
  return dimIsSplit(graph, t, dimension, 1);
}
bool dimIsSplitOverIPUs(const Graph &graph, const Tensor &t, unsigned dimension) {
  return dimIsSplit(graph, t, dimension, graph.getTarget().getTilesPerIPU());
}

void TensorUseTracker::add(const Graph &, unsigned tile, const Tensor &t) {
  const auto regions = t.getVarRegions();
  uses_.at(tile).insert(uses_.at(tile).end(), regions.begin(), regions.end());
}

void TensorUseTracker::add(TensorUseTracker other) {
  for (std::size_t tile = 0; tile != other.uses_.size(); ++tile)
    uses_.at(tile).insert(uses_.at(tile).end(), other.uses_[tile].begin(), other.uses_[tile].end());
}

bool TensorUseTracker::empty() const {
  return std::all_of(uses_.begin(), uses_.end(), [](const auto &use) { return use.empty(); });
}

void TensorUseTracker::mapTensorsByUse(Graph &graph, unsigned grainSize, unsigned, bool extendPartialUsage,
                                       MappingMethod) {
  // Elements with the same users form a stretch; each stretch is shared out evenly among them. Where partial usage is
  // extended, a stretch without users goes to the last tile of the stretch before it, the first one to the first user.
  const std::size_t grain = std::max(grainSize, 1u);
  std::map<poplar::VarId, std::map<std::size_t, std::vector<unsigned>>> starts, ends;
  for (unsigned tile = 0; tile != uses_.size(); ++tile)
    for (const auto &use : uses_[tile]) {
      starts[use.var][use.interval.begin()].push_back(tile);
      ends[use.var][use.interval.end()].push_back(tile);
    }
  for (const auto &[variable, begins] : starts) {
    const Tensor whole = graph.getVariable(variable);
    auto &finishes = ends[variable];
    std::map<unsigned, unsigned> users;
    std::vector<std::size_t> borders;
    for (const auto &[position, tiles] : begins) borders.push_back(position);
    for (const auto &[position, tiles] : finishes) borders.push_back(position);
    if (extendPartialUsage) borders.insert(borders.end(), {0, whole.numElements()});
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    unsigned neighbour = begins.begin()->second.front();
    for (std::size_t b = 0; b + 1 < borders.size(); ++b) {
      if (const auto here = finishes.find(borders[b]); here != finishes.end())
        for (unsigned tile : here->second)
          if (--users[tile] == 0) users.erase(tile);
      if (const auto here = begins.find(borders[b]); here != begins.end())
        for (unsigned tile : here->second) ++users[tile];
      if (users.empty()) {
        if (extendPartialUsage) graph.setTileMapping(whole.slice(borders[b], borders[b + 1]), neighbour);
        continue;
      }
      const std::size_t length = borders[b + 1] - borders[b];
      const std::size_t share = ceilDivide(ceilDivide(length, users.size()), grain) * grain;
      auto user = users.begin();
      for (std::size_t at = 0; at < length; at += share, ++user) {
        graph.setTileMapping(whole.slice(borders[b] + at, borders[b] + std::min(at + share, length)), user->first);
        neighbour = user->first;
      }
    }
  }
}

Regions splitRegions(const std::vector<Interval> &regions, unsigned grainSize, unsigned maxPartitions,
                     unsigned minElements, unsigned maxElements, unsigned maxElementsPerRegion) {
  const std::size_t grain = std::max(grainSize, 1u);
  std::size_t grains = 0;
  for (const Interval &region : regions) grains += ceilDivide(region.size(), grain);
  if (grains == 0) return {};
  std::size_t perPart = ceilDivide(grains, std::max(maxPartitions, 1u));
  perPart = std::max(perPart, ceilDivide(minElements, grain));
  perPart = std::clamp<std::size_t>(perPart, 1, std::max<std::size_t>(maxElements / grain, 1));
  const std::size_t parts = ceilDivide(grains, perPart);
  Regions result(parts);
  std::size_t done = 0; // grains
  for (const Interval &region : regions)
    for (std::size_t begin = region.begin(); begin != region.end();) {
      const std::size_t part = std::min(done * parts / grains, parts - 1);
      std::size_t limit = ceilDivide((part + 1) * grains, parts); // first grain of the next part
      limit = std::max(limit, done + 1);
      std::size_t take = std::min((limit - done) * grain, region.end() - begin);
      take = std::min<std::size_t>(take, std::max<std::size_t>(maxElementsPerRegion / grain, 1) * grain);
      result[part].emplace_back(begin, begin + take);
      begin += take;
      done += ceilDivide(take, grain);
    }
  result.erase(std::remove_if(result.begin(), result.end(), [](const auto &r) { return r.empty(); }), result.end());
  return result;
}

std::vector<Regions> splitRegions(const Regions &regions, unsigned grainSize, unsigned maxPartitions,
                                  unsigned minElements, unsigned maxElements, unsigned maxElementsPerRegion) {
  // Number the elements through, split the numbers, translate back.
  std::vector<Interval> numbered;
  std::size_t next = 0;
  for (const auto &region : regions) {
    const std::size_t n = intervalSequenceNumElements(region);
    numbered.emplace_back(next, next + n);
    next += n;
  }
  std::vector<Regions> result;
  for (const auto &part :
       splitRegions(numbered, grainSize, maxPartitions, minElements, maxElements, maxElementsPerRegion)) {
    result.emplace_back();
    for (const Interval &piece : part) {
      std::size_t region = 0;
      while (numbered[region].end() <= piece.begin()) ++region;
      std::vector<Interval> translated;
      std::size_t position = numbered[region].begin();
      for (const Interval &interval : regions[region]) {
        const std::size_t from = std::max(piece.begin(), position);
        const std::size_t to = std::min(piece.end(), position + interval.size());
        if (from < to) translated.emplace_back(interval.begin() + from - position, interval.begin() + to - position);
        position += interval.size();
      }
      result.back().push_back(std::move(translated));
    }
  }
  return result;
}

std::vector<std::size_t> balancedPartition(std::size_t n, std::size_t partitions) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i != partitions; ++i) sizes.push_back((i + 1) * n / partitions - i * n / partitions);
  return sizes;
}

std::vector<Interval> flattenIntervals(const Regions &intervals) {
  std::vector<Interval> flat;
  for (const auto &list : intervals) flat.insert(flat.end(), list.begin(), list.end());
  return flat;
}

void mergeAdjacentRegions(std::vector<Interval> &regions) {
  std::sort(regions.begin(), regions.end());
  std::vector<Interval> merged;
  for (const Interval &region : regions) {
    if (!merged.empty() && merged.back().end() == region.begin())
      merged.back() = {merged.back().begin(), region.end()};
    else if (region.size() != 0)
      merged.push_back(region);
  }
  regions = std::move(merged);
}

void mergeAdjacentRegions(Regions &mapping) {
  for (auto &regions : mapping) mergeAdjacentRegions(regions);
}

std::size_t intervalSequenceNumElements(const std::vector<Interval> &intervals) {
  std::size_t n = 0;
  for (const Interval &interval : intervals) n += interval.size();
  return n;
}

std::size_t intervalSequenceNumElements(const Regions &intervals) {
  std::size_t n = 0;
  for (const auto &list : intervals) n += intervalSequenceNumElements(list);
  return n;
}

Tensor duplicate(Graph &graph, const Tensor &in, Sequence &prog, const DebugContext &name,
                 poplar::TensorCloneMethod method) {
  Tensor copy = graph.clone(in, name, method);
  prog.add(poplar::program::Copy(in, copy, false, name));
  return copy;
}

Tensor cloneN(Graph &graph, const Tensor &t, unsigned n, const DebugContext &name, poplar::TensorCloneMethod method) {
  return graph.cloneN(t, n, name, method);
}

void expandToMatchRanks(Tensor &a, Tensor &b) {
  const auto raise = [](Tensor &t, unsigned rank) {
    while (t.rank() < rank) t = t.expand({0});
  };
  raise(a, b.rank());
  raise(b, a.rank());
}

void broadcastToMatch(Tensor &a, const std::vector<std::size_t> &shape) {
  Tensor t = a;
  if (t.rank() > shape.size() && t.numElements() == 1) t = t.reshape({}); // one element fits any shape
  while (t.rank() < shape.size()) t = t.expand({0});
  bool fits = t.rank() == shape.size();
  for (unsigned d = 0; fits && d != shape.size(); ++d) fits = t.dim(d) == shape[d] || t.dim(d) == 1;
  if (!fits)
    throw poplibs_error("tensor " + a.getDebugStr() + " of shape " + a.shapeToString() +
                        " cannot be broadcast to the other operand's shape");
  for (unsigned d = 0; d != shape.size(); ++d)
    if (t.dim(d) != shape[d]) t = t.broadcast(static_cast<unsigned>(shape[d]), d);
  a = t;
}

void broadcastToMatch(Tensor &a, Tensor &b) {
  expandToMatchRanks(a, b);
  std::vector<std::size_t> shape = a.shape();
  for (unsigned d = 0; d != shape.size(); ++d)
    if (shape[d] == 1) shape[d] = b.dim(d);
  broadcastToMatch(a, shape);
  broadcastToMatch(b, shape);
}

void broadcastToMatch(Tensor &a, Tensor &b, Tensor &c) {
  broadcastToMatch(a, b);
  broadcastToMatch(a, c);
  broadcastToMatch(b, a);
}

bool canBroadcastToMatch(const Tensor &a, const Tensor &b) {
  const std::vector<std::size_t> x = a.shape(), y = b.shape();
  for (std::size_t i = 1; i <= std::min(x.size(), y.size()); ++i)
    if (x[x.size() - i] != y[y.size() - i] && x[x.size() - i] != 1 && y[y.size() - i] != 1) return false;
  return true;
}

namespace graphfn {

VoidFunction::VoidFunction(Graph &graph, Signature signature, const Body &body, bool, const DebugContext &name)
    : graph_(graph), signature_(std::move(signature)) {
  for (const ArgSig &arg : signature_)
    params_.push_back(arg.type == CreatedArg ? Tensor() : graph.clone(arg.similarTensor, {name, arg.debugName}));
  Sequence program;
  body(params_, program);
  function_ = graph.addFunction(program);
}

void VoidFunction::operator()(std::vector<Tensor> &args, Sequence &prog, const DebugContext &name) {
  if (args.size() != params_.size())
    throw poplibs_error("graph function called with " + std::to_string(args.size()) + " arguments; it takes " +
                        std::to_string(params_.size()));
  const auto copy = [&](const Tensor &from, const Tensor &to) {
    prog.add(poplar::program::Copy(from, to, false, name));
  };
  for (std::size_t i = 0; i != args.size(); ++i)
    if (signature_[i].type == InputArg || signature_[i].type == InOutArg) copy(args[i], params_[i]);
  prog.add(poplar::program::Call(function_, name));
  for (std::size_t i = 0; i != args.size(); ++i) {
    if (signature_[i].type == CreatedArg) args[i] = graph_.clone(params_[i], name);
    if (signature_[i].type != InputArg) copy(params_[i], args[i]);
  }
}

} // namespace graphfn
} // namespace poputil
