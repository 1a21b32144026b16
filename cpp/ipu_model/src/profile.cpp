// What a step costs and what the tiles hold.

#include "profile.hpp"
#include "poplar/exceptions.hpp"
#include <algorithm>
#include <set>
#include <sstream>

namespace ipu_model {
namespace {

constexpr std::size_t roundUp(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }
constexpr std::size_t timelineLimit = 2000;

std::uint64_t ceilDivide(double n, double by) { return static_cast<std::uint64_t>((n + by - 1) / by); }

} // namespace

const char *categoryName(MemoryCategory category) {
  static const char *const names[memoryCategories] = {"Variables",
                                                      "Constants",
                                                      "Edge Buffers",
                                                      "Vertex Instances",
                                                      "Vertex Field Data",
                                                      "Copy/VectorList Descriptors",
                                                      "Vertex Code",
                                                      "Control Code",
                                                      "Internal Exchange Code",
                                                      "Host Exchange Code",
                                                      "Stack"};
  return names[category];
}

std::size_t totalOf(const TileMemory &memory) {
  std::size_t total = 0;
  for (std::size_t bytes : memory) total += bytes;
  return total;
}

Profile::Profile(const GraphData &graph, bool enforceLimit)
    : graph_(graph), layout_(graph),
      enforceLimit_(enforceLimit && graph.target.getTargetType() != poplar::TargetType::CPU) {
  addVariables();
  checkLimit();
}

void Profile::addStep(const ProgramNode &node, Step step) {
  step.kind = kindName(node.kind);
  step.name = node.name;
  // Only the tiles that take part in a step hold code for it; control flow and the host concern all.
  for (const auto &[tile, part] : step.tiles) ++controlSteps_[tile];
  controlStepsOfAll_ += step.tiles.empty();
  stepOf_.emplace(&node, steps_.size());
  steps_.push_back(std::move(step));
}

void Profile::addPhase(Step &step, const Traffic &traffic) {
  if (traffic.empty()) return;
  const double perCycle = graph_.target.getExchangeBytesPerCycle();
  std::uint64_t slowest = 0;
  for (const auto &[tile, t] : traffic.tiles) {
    // A tile sends and receives at once; each way is held up by its data or by the control of its fragments.
    const auto cycles = [&](std::size_t bytes, std::size_t fragments, cost::Id control) {
      return std::max(ceilDivide(static_cast<double>(bytes), perCycle),
                      static_cast<std::uint64_t>(costOf(control)) * fragments);
    };
    slowest = std::max({slowest, cycles(t.bytesIn, t.fragmentsIn, cost::receiveControl),
                        cycles(t.bytesOut, t.fragmentsOut, cost::sendControl)});
    step.tiles[tile].bytesIn += t.bytesIn;
    step.tiles[tile].bytesOut += t.bytesOut;
    memory(tile)[internalExchangeBytes] +=
        bytesOf(cost::exchangeCodePerPhase) + bytesOf(cost::exchangeCodePerFragment) * (t.fragmentsIn + t.fragmentsOut);
  }
  step.exchange += slowest + static_cast<std::uint64_t>(costOf(cost::exchangeLatency));
  step.sync += traffic.crossesIpus ? graph_.target.getGlobalSyncCycles() : graph_.target.getMinIPUSyncDelay();
}

void Profile::addBuffers(const std::map<unsigned, std::size_t> &bytes) {
  for (const auto &[tile, n] : bytes) // live for one step only: the largest step counts
    memory(tile)[edgeBufferBytes] = std::max(memory(tile)[edgeBufferBytes], roundUp(n, 8));
}

void Profile::addExecute(const ProgramNode &node, BoundComputeSet &set) {
  Step step;
  const unsigned workers = graph_.target.getNumWorkerContexts();
  const bool newSet = seenSets_.emplace(node.target, true).second;
  std::vector<Touch> reads, writes;
  std::map<unsigned, std::size_t> rearranged;
  std::vector<std::uint64_t> perWorker(workers);
  const auto &vertices = set.vertices();
  for (std::size_t i = 0; i != vertices.size();) {
    const unsigned tile = vertices[i].tile;
    TileStep &tileStep = step.tiles[tile];
    std::fill(perWorker.begin(), perWorker.end(), 0);
    std::set<std::uint32_t> types;
    std::size_t nextWorker = 0;
    for (; i != vertices.size() && vertices[i].tile == tile; ++i) {
      const Vertex &vertex = graph_.vertices[vertices[i].id];
      const VertexType &type = graph_.typeOf(vertex);
      const auto [cycles, estimated] = set.cyclesOf(i);
      step.estimated += estimated;
      ++step.vertices;
      auto &ofType = step.types[type.cls.name];
      ++ofType.first;
      ofType.second += cycles;
      tileStep.busy += cycles;
      if (type.cls.kind == VertexKind::Worker)
        perWorker[nextWorker++ % workers] += cycles;
      else // has all workers: the estimate is tile cycles
        tileStep.compute += cycles;
      if (newSet) {
        memory(tile)[vertexInstanceBytes] += bytesOf(cost::vertexInstanceBytes);
        memory(tile)[vertexFieldBytes] += roundUp(type.cls.ipuStateBytes, 4);
        types.insert(vertex.type);
      }
      graph_.forEachEdge(vertex, [&](const Edge &edge) {
        const Field &field = type.cls.fields[edge.field];
        if (newSet && edge.index != none && field.shape == FieldShape::VectorList)
          memory(tile)[descriptorBytes] += field.ipuRowBytes;
        if (newSet && field.direction == Direction::State && field.shape == FieldShape::Vector)
          memory(tile)[vertexFieldBytes] += roundUp(edge.count * typeOf(field).size(), 4);
        if (edge.kind != Edge::Kind::Tensor) return;
        const Run *runs = &graph_.edgeRuns[edge.first];
        for (std::uint32_t r = 0; r != edge.runCount; ++r)
          forEachStretch(runs[r], [&](std::size_t begin, std::size_t end) {
            if (field.direction != Direction::Output) reads.push_back({tile, runs[r].variable, begin, end});
            if (field.direction != Direction::Input) writes.push_back({tile, runs[r].variable, begin, end});
          });
        if ((edge.runCount > 1 || (edge.runCount == 1 && runs->stride != 1)) &&
            layout_.piecesOn(tile, runs, edge.runCount) > 1) // what comes from elsewhere arrives in place
          rearranged[tile] += layout_.elementsOn(tile, runs, edge.runCount) * typeOf(field).size();
      });
    }
    tileStep.compute += workers * *std::max_element(perWorker.begin(), perWorker.end());
    for (std::size_t n = types.size(); n != 0; --n) memory(tile)[vertexCodeBytes] += bytesOf(cost::vertexCodeBytes);
  }
  const Traffic in = trafficOf(graph_, layout_, std::move(reads), false);
  const Traffic out = trafficOf(graph_, layout_, std::move(writes), true);
  std::map<unsigned, std::size_t> buffers = rearranged;
  for (const auto &[tile, t] : in.tiles) buffers[tile] += t.bytesIn;
  for (const auto &[tile, t] : out.tiles) buffers[tile] += t.bytesOut;
  addBuffers(buffers);
  std::uint64_t rearrange = 0;
  for (const auto &[tile, bytes] : rearranged) {
    const std::uint64_t cycles = static_cast<std::uint64_t>(costOf(cost::localCopyCall)) +
                                 ceilDivide(static_cast<double>(bytes), graph_.target.getMemcpyBytesPerCycle());
    rearrange = std::max(rearrange, cycles);
  }
  step.exchange += rearrange;
  addPhase(step, in);
  addPhase(step, out);
  for (const auto &[tile, t] : step.tiles) step.compute = std::max(step.compute, t.compute);
  addStep(node, std::move(step));
}

void Profile::addCopyTraffic(const ProgramNode &node, CopyTraffic &copy) const {
  auto &[traffic, dense, strided, received, unaligned] = copy;
  const auto &from = node.tensors[0].view().runs(), &to = node.tensors[1].view().runs();
  const std::size_t size = node.tensors[0].elementType().size();
  // Walk both sides together in pieces that lie densely on one tile each.
  struct Piece {
    poplar::VarId variable;
    std::size_t begin, length, local;
    unsigned tile;
  };
  const auto piecesOf = [&](const std::vector<Run> &runs) {
    std::vector<Piece> pieces;
    for (const Run &run : runs)
      forEachStretch(run, [&](std::size_t begin, std::size_t end) {
        layout_.visit(run.variable, begin, end, [&](std::size_t b, std::size_t e, const TileLayout::Part &part) {
          const std::size_t local = part.local + (b - part.begin);
          if (!pieces.empty()) {
            Piece &last = pieces.back();
            if (last.variable == run.variable && last.tile == part.tile && last.local + last.length == local) {
              last.length += e - b;
              return;
            }
          }
          pieces.push_back({run.variable, b, e - b, local, part.tile});
        });
      });
    return pieces;
  };
  const std::vector<Piece> sources = piecesOf(from), targets = piecesOf(to);
  const unsigned perIPU = graph_.target.getTilesPerIPU();
  std::size_t s = 0, t = 0, sUsed = 0, tUsed = 0;
  unsigned lastSource = none, lastTarget = none;
  while (s != sources.size() && t != targets.size()) {
    const Piece &a = sources[s], &b = targets[t];
    const std::size_t length = std::min(a.length - sUsed, b.length - tUsed), bytes = length * size;
    const bool isDense = length * size >= 8 || (a.length == length && b.length == length && sources.size() == 1);
    if (a.tile != b.tile) {
      Traffic::Tile &out = traffic.tiles[a.tile], &in = traffic.tiles[b.tile];
      out.bytesOut += bytes;
      in.bytesIn += bytes;
      if (lastSource != a.tile || lastTarget != b.tile) {
        ++out.fragmentsOut;
        ++in.fragmentsIn;
      }
      traffic.crossesIpus |= a.tile / perIPU != b.tile / perIPU;
      received[b.tile] += isDense ? 0 : bytes;
      if (isDense && ((b.local + tUsed) * size % 8 != 0 || bytes % 8 != 0)) ++unaligned[b.tile];
      // Scattered elements are packed before they are sent and unpacked by the receiver.
      if (!isDense) {
        strided[a.tile] += sources.size() > targets.size() ? length : 0;
        strided[b.tile] += targets.size() >= sources.size() ? length : 0;
      }
    } else {
      (isDense ? dense[a.tile] : strided[a.tile]) += isDense ? bytes : length;
    }
    lastSource = a.tile;
    lastTarget = b.tile;
    if ((sUsed += length) == a.length) ++s, sUsed = 0;
    if ((tUsed += length) == b.length) ++t, tUsed = 0;
  }
}

void Profile::addCopies(const std::vector<const ProgramNode *> &nodes) {
  Step step;
  CopyTraffic copy;
  for (const ProgramNode *node : nodes) addCopyTraffic(*node, copy);
  auto &[traffic, dense, strided, received, unaligned] = copy;
  addBuffers(received);
  std::map<unsigned, std::uint64_t> local;
  for (const auto &[tile, bytes] : dense)
    local[tile] += static_cast<std::uint64_t>(costOf(cost::localCopyCall)) +
                   ceilDivide(static_cast<double>(bytes), graph_.target.getMemcpyBytesPerCycle());
  for (const auto &[tile, elements] : strided)
    local[tile] += static_cast<std::uint64_t>(
        graph_.target.getNumWorkerContexts() *
        (costOf(cost::stridedCopyCall) + costOf(cost::stridedCopyElement) * static_cast<double>(elements)));
  for (const auto &[tile, pieces] : unaligned) {
    const std::size_t workers = graph_.target.getNumWorkerContexts();
    local[tile] += static_cast<std::uint64_t>(costOf(cost::shortCopy)) * roundUp(pieces, workers);
  }
  std::uint64_t slowest = 0;
  for (const auto &[tile, cycles] : local) {
    slowest = std::max(slowest, cycles);
    step.tiles[tile]; // takes part
  }
  step.exchange += slowest;
  addPhase(step, traffic);
  addStep(*nodes.front(), std::move(step));
}

void Profile::addOther(const ProgramNode &node) {
  using Kind = ProgramNode::Kind;
  Step step;
  switch (node.kind) {
  case Kind::StreamToTensor:
  case Kind::TensorToStream:
  case Kind::RemoteToTensor:
  case Kind::TensorToRemote:
  case Kind::PrintTensor: {
    addHostTensor(node.tensors[0]);
    const std::size_t bytes = node.tensors[0].numElements() * node.tensors[0].elementType().size();
    step.host = ceilDivide(static_cast<double>(bytes), costOf(cost::hostBytesPerCycle));
    step.sync = graph_.target.getGlobalSyncCycles();
    break;
  }
  case Kind::Sync:
    step.sync = node.sync == poplar::SyncType::INTERNAL ? graph_.target.getMinIPUSyncDelay()
                                                        : graph_.target.getGlobalSyncCycles();
    break;
  case Kind::RepeatWhile:
  case Kind::If:
  case Kind::Switch: // the predicate reaches all tiles
    step.sync = graph_.target.getMinIPUSyncDelay();
    break;
  default: return;
  }
  addStep(node, std::move(step));
}

void Profile::addHostTensor(const poplar::Tensor &tensor) {
  std::set<unsigned> tiles;
  for (const auto &region : tensor.getVarRegions())
    layout_.visit(region.var, region.interval.begin(), region.interval.end(),
                  [&](std::size_t, std::size_t, const TileLayout::Part &part) { tiles.insert(part.tile); });
  for (unsigned tile : tiles) memory(tile)[hostExchangeBytes] = bytesOf(cost::hostExchangeCodeBytes);
}

void Profile::addVariables() {
  for (poplar::VarId id = 0; id != graph_.variables.size(); ++id) {
    const Variable &variable = graph_.variables[id];
    std::map<unsigned, std::size_t> elements;
    for (const TileLayout::Part &part : layout_.parts(id)) elements[part.tile] += part.end - part.begin;
    for (const auto &[tile, n] : elements)
      memory(tile)[variable.constant ? constantBytes : variableBytes] += roundUp(n * variable.type.size(), 4);
  }
}

void Profile::finish() {
  counts_ = {graph_.vertices.size(), graph_.edges.size(), graph_.variables.size(), graph_.computeSets.size()};
  for (std::size_t id = 0; id != memory_.size(); ++id) {
    TileMemory &tile = memory_[id];
    if (totalOf(tile) == 0) continue;
    tile[stackBytes] = bytesOf(cost::stackBytes);
    tile[controlCodeBytes] =
        bytesOf(cost::controlCodeBytes) + bytesOf(cost::controlCodePerStep) * (controlSteps_[id] + controlStepsOfAll_);
  }
  checkLimit();
}

void Profile::checkLimit() const {
  if (!enforceLimit_) return;
  const std::size_t limit = graph_.target.getBytesPerTile();
  const auto worst = std::max_element(memory_.begin(), memory_.end(),
                                      [](const auto &a, const auto &b) { return totalOf(a) < totalOf(b); });
  if (worst == memory_.end() || totalOf(*worst) <= limit) return;
  const auto tile = static_cast<unsigned>(worst - memory_.begin());
  std::ostringstream text;
  text << "out of memory on tile " << tile << ": " << totalOf(*worst) << " bytes needed, " << limit << " there are (";
  for (std::size_t c = 0; c != memoryCategories; ++c)
    text << (c ? ", " : "") << categoryName(static_cast<MemoryCategory>(c)) << ' ' << (*worst)[c];
  text << "); largest on the tile: ";
  std::vector<std::pair<std::size_t, std::string>> largest;
  for (poplar::VarId id = 0; id != graph_.variables.size(); ++id)
    for (const TileLayout::Part &part : layout_.parts(id))
      if (part.tile == tile)
        largest.emplace_back((part.end - part.begin) * graph_.variables[id].type.size(),
                             graph_.describe(id, part.begin, part.end));
  std::sort(largest.rbegin(), largest.rend());
  for (std::size_t i = 0; i != std::min<std::size_t>(3, largest.size()); ++i)
    text << (i ? "; " : "") << largest[i].second << ", " << largest[i].first << " bytes";
  text << ". Map less to this tile, or set debug.allowOutOfMemory to see the whole profile (estimate "
          "of the IPU model)";
  throw poplar::graph_memory_allocation_error(text.str());
}

void Profile::beginRun(unsigned) { ++runs_; }

void Profile::countStep(std::size_t index) {
  Step &step = steps_[index];
  if (enabled_) {
    ++step.executions;
    if (timeline_.size() < timelineLimit) timeline_.push_back({index, total_});
  }
  total_ += step.cycles();
}

void Profile::reset() {
  for (Step &step : steps_) step.executions = 0;
  timeline_.clear();
  total_ = 0;
  runs_ = 0;
}

Profile::Totals Profile::totals() const {
  Totals totals;
  const std::size_t tiles = graph_.target.getNumTiles();
  totals.tiles.resize(tiles);
  for (const Step &step : steps_) {
    totals.compute += step.compute * step.executions;
    totals.exchange += step.exchange * step.executions;
    totals.sync += step.sync * step.executions;
    totals.host += step.host * step.executions;
    for (const auto &[tile, t] : step.tiles) {
      TileStep &sum = totals.tiles[tile];
      sum.compute += t.compute * step.executions;
      sum.busy += t.busy * step.executions;
      sum.bytesIn += t.bytesIn * step.executions;
      sum.bytesOut += t.bytesOut * step.executions;
    }
    for (const auto &[name, instances] : step.types) {
      auto &sum = totals.types[name];
      sum.first += instances.first;
      sum.second += instances.second * step.executions;
    }
  }
  for (const TileStep &tile : totals.tiles) {
    totals.computePerTile += static_cast<double>(tile.compute);
    totals.busyPerTile += static_cast<double>(tile.busy);
  }
  totals.computePerTile /= static_cast<double>(tiles);
  totals.busyPerTile /= static_cast<double>(tiles);
  return totals;
}

} // namespace ipu_model
