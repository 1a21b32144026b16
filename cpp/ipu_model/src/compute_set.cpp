#include "compute_set.hpp"
#include "cost_model.hpp"
#include "poplar/exceptions.hpp"
#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

namespace ipu_model {
namespace {

constexpr std::size_t roundUp(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }
constexpr std::size_t bufferAlignment = 16;

/// SplitMix64: a well-mixed value of a counter.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

bool isTensor(const Edge &edge) { return edge.kind == Edge::Kind::Tensor; }

} // namespace

const Field &BoundComputeSet::fieldOf(const Edge &edge, const BoundVertex &v) const {
  return graph_.typeOf(graph_.vertices[v.id]).cls.fields[edge.field];
}

template <typename F> void BoundComputeSet::forEachEdge(const Vertex &vertex, F &&f) const {
  for (std::uint32_t e = vertex.firstEdge; e != none; e = graph_.edges[e].next)
    if (e < edgeCount_) f(e, graph_.edges[e]);
}

bool BoundComputeSet::isDirect(std::uint32_t e, const Field &field, const SnapshotEdges &snapshots) const {
  const Edge &edge = graph_.edges[e];
  if (edge.runCount == 0) return true;
  const Run &run = graph_.edgeRuns[edge.first];
  const std::size_t align = std::max(field.minAlign, 1u);
  return edge.runCount == 1 && run.stride == 1 && !snapshots.count(e) &&
         reinterpret_cast<std::uintptr_t>(storage_.at(run)) % align == 0;
}

BoundComputeSet::BoundComputeSet(const GraphData &graph, std::uint32_t computeSet, Storage &storage,
                                 const SnapshotEdges &snapshots)
    : graph_(graph), storage_(storage), edgeCount_(graph.edges.size()) {
  std::vector<std::uint32_t> order = graph.computeSets[computeSet].vertices;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return graph.vertices[a].tile < graph.vertices[b].tile; });
  std::size_t objectBytes = 0, bufferBytes = 0;
  std::vector<std::size_t> objectOffset, bufferOffset;
  vertices_.reserve(order.size());
  for (std::uint32_t id : order) {
    const Vertex &vertex = graph.vertices[id];
    const VertexClass &cls = graph.typeOf(vertex).cls;
    objectBytes = roundUp(objectBytes, std::max<std::size_t>(cls.align, 8));
    objectOffset.push_back(objectBytes);
    objectBytes += cls.size;
    BoundVertex bound{id, vertex.tile, static_cast<std::uint32_t>(transfers_.size()), 0, nullptr};
    for (std::uint32_t e = vertex.firstEdge; e != none; e = graph.edges[e].next) {
      const Edge &edge = graph.edges[e];
      const Field &field = cls.fields[edge.field];
      if (field.direction == Direction::State) {
        if (field.shape == FieldShape::Vector) {
          scratchOffset_[e] = scratchSize_;
          scratchSize_ += roundUp(edge.count * typeOf(field).size(), bufferAlignment);
        }
        continue;
      }
      if (!isTensor(edge)) continue;
      touched_ += edge.count;
      if (isDirect(e, field, snapshots)) continue;
      transfers_.push_back({e, nullptr});
      bufferOffset.push_back(bufferBytes);
      bufferBytes += roundUp(edge.count * typeOf(field).size(), bufferAlignment);
      ++bound.transferCount;
    }
    vertices_.push_back(bound);
  }
  objects_ = allocateBytes(objectBytes);
  buffers_ = allocateBytes(bufferBytes);
  scratch_ = allocateBytes(scratchSize_);
  for (std::size_t i = 0; i != vertices_.size(); ++i) vertices_[i].object = objects_.get() + objectOffset[i];
  for (std::size_t i = 0; i != transfers_.size(); ++i) transfers_[i].buffer = buffers_.get() + bufferOffset[i];
  reset();
}

template <typename Place> void BoundComputeSet::bind(const BoundVertex &v, Place &&place) {
  const Vertex &vertex = graph_.vertices[v.id];
  const VertexType &type = graph_.typeOf(vertex);
  std::vector<std::pair<void *, std::size_t>> rows;
  for (std::uint32_t f = 0; f != type.cls.fields.size(); ++f) {
    const Field &field = type.cls.fields[f];
    if (field.direction == Direction::State) continue;
    rows.clear();
    forEachEdge(vertex, [&](std::uint32_t e, const Edge &edge) {
      if (edge.field != f || !isTensor(edge)) return;
      void *const memory = place(e);
      if (field.shape == FieldShape::VectorList) {
        if (rows.size() <= edge.index) rows.resize(edge.index + std::size_t{1});
        rows[edge.index] = {memory, edge.count};
      } else if (type.kernel) {
        const Slice slice{memory, edge.count};
        std::memcpy(v.object + field.offset, &slice, sizeof slice);
      } else {
        bindVector(v.object, field, memory, edge.count);
      }
    });
    if (field.shape == FieldShape::VectorList)
      bindVectorList(v.object, field, rows, rowTables_[std::uint64_t{v.id} << 16 | f]);
  }
}

template <typename F> void BoundComputeSet::forEachScratch(const BoundVertex &v, F &&f) const {
  if (scratchSize_ == 0) return;
  forEachEdge(graph_.vertices[v.id], [&](std::uint32_t e, const Edge &edge) {
    const auto found = scratchOffset_.find(e);
    if (found != scratchOffset_.end()) f(scratch_.get() + found->second, edge.count * typeOf(fieldOf(edge, v)).size());
  });
}

void BoundComputeSet::reset() {
  std::memset(scratch_.get(), 0, scratchSize_);
  for (const BoundVertex &v : vertices_) {
    const Vertex &vertex = graph_.vertices[v.id];
    const VertexClass &cls = graph_.typeOf(vertex).cls;
    if (cls.construct)
      cls.construct(v.object);
    else
      std::memset(v.object, 0, cls.size);
    forEachEdge(vertex, [&](std::uint32_t e, const Edge &edge) {
      const Field &field = cls.fields[edge.field];
      if (field.direction != Direction::State) return;
      const std::byte *const value = edge.kind == Edge::Kind::Value ? graph_.values.data() + edge.first : nullptr;
      if (field.shape == FieldShape::Vector) {
        std::byte *const scratch = scratch_.get() + scratchOffset_.at(e);
        if (value) std::memcpy(scratch, value, edge.count * typeOf(field).size());
        bindVector(v.object, field, scratch, edge.count);
      } else if (value) {
        setState(v.object, field, value);
      }
    });
    std::uint32_t next = v.firstTransfer;
    const std::uint32_t last = v.firstTransfer + v.transferCount;
    bind(v, [&](std::uint32_t e) -> void * {
      for (std::uint32_t t = next; t != last; ++t)
        if (transfers_[t].edge == e) return transfers_[t].buffer;
      const Edge &edge = graph_.edges[e];
      return edge.runCount == 0 ? buffers_.get() : storage_.at(graph_.edgeRuns[edge.first]);
    });
  }
}

bool BoundComputeSet::execute(const BoundVertex &v, std::uint64_t seed) const {
  const VertexType &type = graph_.typeOf(graph_.vertices[v.id]);
  if (type.kernel) return type.kernel(reinterpret_cast<const Slice *>(v.object));
  if (type.cls.usesRandom) type.cls.seedRandom(mix(seed ^ mix(v.id)));
  if (type.cls.kind != VertexKind::MultiVertex) return type.cls.compute(v.object, 0);
  bool allTrue = true;
  for (unsigned worker = 0; worker != graph_.target.getNumWorkerContexts(); ++worker)
    allTrue &= type.cls.compute(v.object, worker);
  return allTrue;
}

bool BoundComputeSet::run(ThreadPool &pool, std::uint64_t seed) {
  std::atomic<bool> allTrue{true};
  const auto runRange = [&](std::size_t begin, std::size_t end) {
    bool ok = true;
    for (std::size_t i = begin; i != end; ++i) {
      const BoundVertex &v = vertices_[i];
      const Transfer *const transfers = transfers_.data() + v.firstTransfer;
      for (std::uint32_t t = 0; t != v.transferCount; ++t) {
        const Edge &edge = graph_.edges[transfers[t].edge];
        storage_.gather(&graph_.edgeRuns[edge.first], edge.runCount, transfers[t].buffer);
      }
      ok &= execute(v, seed);
      for (std::uint32_t t = 0; t != v.transferCount; ++t) {
        const Edge &edge = graph_.edges[transfers[t].edge];
        if (fieldOf(edge, v).direction != Direction::Input)
          storage_.scatter(&graph_.edgeRuns[edge.first], edge.runCount, transfers[t].buffer);
      }
    }
    if (!ok) allTrue = false;
  };
  // Below this much work waking another thread costs more than it saves.
  constexpr std::size_t smallSet = 2048, verticesPerPart = 128;
  if (vertices_.size() < 2 || touched_ + vertices_.size() < smallSet) {
    runRange(0, vertices_.size());
  } else {
    const std::size_t perPart = std::clamp<std::size_t>(vertices_.size() / 64, 1, verticesPerPart);
    pool.run((vertices_.size() + perPart - 1) / perPart,
             [&](std::size_t part) { runRange(part * perPart, std::min(vertices_.size(), (part + 1) * perPart)); });
  }
  return allTrue;
}

bool BoundComputeSet::runChecked(std::uint64_t seed, std::uint64_t shuffleSeed, const WarningSink &warn) {
  constexpr auto poison = static_cast<std::byte>(0xa5);
  std::vector<std::size_t> order(vertices_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[mix(shuffleSeed + i) % i]);

  struct Copy {
    std::uint32_t edge;
    std::size_t offset, bytes;
  };
  std::vector<std::vector<Copy>> copies(vertices_.size());
  std::size_t total = 0;
  for (std::size_t i = 0; i != vertices_.size(); ++i)
    forEachEdge(graph_.vertices[vertices_[i].id], [&](std::uint32_t e, const Edge &edge) {
      if (!isTensor(edge)) return;
      const std::size_t bytes = edge.count * typeOf(fieldOf(edge, vertices_[i])).size();
      copies[i].push_back({e, total, bytes});
      total += roundUp(bytes, bufferAlignment);
    });
  const AlignedBytes snapshot = allocateBytes(total), poisoned = allocateBytes(total);
  for (const auto &list : copies)
    for (const Copy &copy : list) {
      const Edge &edge = graph_.edges[copy.edge];
      storage_.gather(&graph_.edgeRuns[edge.first], edge.runCount, snapshot.get() + copy.offset);
    }
  std::memcpy(poisoned.get(), snapshot.get(), total);

  bool allTrue = true;
  for (std::size_t i : order) {
    const BoundVertex &v = vertices_[i];
    const Vertex &vertex = graph_.vertices[v.id];
    const VertexClass &cls = graph_.typeOf(vertex).cls;
    const auto runOn = [&](std::byte *memory) {
      bind(v, [&](std::uint32_t e) -> void * {
        for (const Copy &copy : copies[i])
          if (copy.edge == e) return memory + copy.offset;
        return memory;
      });
      return execute(v, seed);
    };
    // First on poisoned outputs to see what depends on them, then, from the same state, for real.
    for (const Copy &copy : copies[i])
      if (fieldOf(graph_.edges[copy.edge], v).direction == Direction::Output)
        std::memset(poisoned.get() + copy.offset, static_cast<int>(poison), copy.bytes);
    const std::vector<std::byte> state(v.object, v.object + cls.size);
    std::vector<std::byte> scratch;
    forEachScratch(
        v, [&](std::byte *memory, std::size_t bytes) { scratch.insert(scratch.end(), memory, memory + bytes); });
    runOn(poisoned.get());
    std::memcpy(v.object, state.data(), state.size());
    const std::byte *saved = scratch.data();
    forEachScratch(v, [&](std::byte *memory, std::size_t bytes) {
      std::copy_n(saved, bytes, memory);
      saved += bytes;
    });
    allTrue &= runOn(snapshot.get());
    for (const Copy &copy : copies[i]) {
      const Edge &edge = graph_.edges[copy.edge];
      const Field &field = fieldOf(edge, v);
      if (field.direction != Direction::Output) continue;
      const std::size_t size = typeOf(field).size();
      for (std::size_t element = 0; element * size < copy.bytes; ++element) {
        const std::byte *const a = poisoned.get() + copy.offset + element * size;
        if (std::memcmp(a, snapshot.get() + copy.offset + element * size, size) == 0) continue;
        const bool unwritten = std::all_of(a, a + size, [&](std::byte b) { return b == poison; });
        warn("output field '" + field.name + "' of " + graph_.describe(v.id) + ": element " + std::to_string(element) +
             (unwritten ? " was not written" : " depends on its value before it was written"));
        break; // one message a field is enough
      }
    }
  }
  for (std::size_t i = 0; i != vertices_.size(); ++i)
    for (const Copy &copy : copies[i]) {
      const Edge &edge = graph_.edges[copy.edge];
      if (fieldOf(edge, vertices_[i]).direction != Direction::Input)
        storage_.scatter(&graph_.edgeRuns[edge.first], edge.runCount, snapshot.get() + copy.offset);
    }
  return allTrue;
}

BoundComputeSet::Cycles BoundComputeSet::cyclesOf(std::size_t i) {
  const BoundVertex &v = vertices_[i];
  const Vertex &vertex = graph_.vertices[v.id];
  const VertexType &type = graph_.typeOf(vertex);
  if (vertex.cycles >= 0) return {static_cast<std::uint64_t>(vertex.cycles), false};
  if (type.estimator) return {type.estimator(poplar::VertexIntrospector(graph_, v.id), graph_.target).cycles, false};
  if (type.cls.perfEstimate) return {type.cls.perfEstimate(v.object), false};
  std::size_t elements = 0;
  graph_.forEachEdge(vertex, [&](const Edge &edge) { elements += isTensor(edge) ? edge.count : 0; });
  return {defaultVertexCycles(elements), true};
}

} // namespace ipu_model
