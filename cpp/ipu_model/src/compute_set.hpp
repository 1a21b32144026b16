#pragma once
// A compute set made ready to run: vertex objects laid out, edges bound to the variables' memory.

#include "storage.hpp"
#include "thread_pool.hpp"
#include <functional>
#include <unordered_set>

namespace ipu_model {

/// Receives what is worth knowing but not refused (refused in strict mode).
using WarningSink = std::function<void(const std::string &)>;

/// Edges that read elements which the same vertex writes through another field.
using SnapshotEdges = std::unordered_set<std::uint32_t>;

/// Throws where two vertices of the set touch an element that one of them writes.
SnapshotEdges checkRaces(const GraphData &graph, std::uint32_t computeSet, const WarningSink &warn);
/// Throws where a vertex has no tile, or a field is neither connected nor sized. Elements of a vector
/// that were connected one by one become one edge.
void checkVertices(GraphData &graph, std::uint32_t computeSet);

/// Holds the vertices and edges that the set has now; what the graph gets later is not part of it.
class BoundComputeSet {
public:
  BoundComputeSet(const GraphData &graph, std::uint32_t computeSet, Storage &storage, const SnapshotEdges &snapshots);
  BoundComputeSet(const BoundComputeSet &) = delete;
  BoundComputeSet &operator=(const BoundComputeSet &) = delete;

  /// Puts the vertices into their initial state.
  void reset();
  /// Runs every vertex once; true if all of them returned true. `seed` keys the random builtins.
  bool run(ThreadPool &pool, std::uint64_t seed);
  /// The same with private copies of all edges, poisoned outputs and shuffled order; reports outputs
  /// that are read before they are written or never written.
  bool runChecked(std::uint64_t seed, std::uint64_t shuffleSeed, const WarningSink &warn);
  /// Cycles of one execution of a vertex: the author's estimate, or one made from its edges.
  struct Cycles {
    std::uint64_t cycles;
    bool estimated; ///< nobody gave an estimate
  };
  Cycles cyclesOf(std::size_t i);

  struct BoundVertex {
    std::uint32_t id, tile;
    std::uint32_t firstTransfer, transferCount;
    std::byte *object;
  };
  /// In the order of their tiles.
  const std::vector<BoundVertex> &vertices() const { return vertices_; }

private:
  /// An edge that is not one dense piece of memory: copied to `buffer` before, from it after.
  struct Transfer {
    std::uint32_t edge;
    std::byte *buffer;
  };
  const Field &fieldOf(const Edge &edge, const BoundVertex &v) const;
  /// Calls f(number, edge) for the edges that a vertex had when the set was bound.
  template <typename F> void forEachEdge(const Vertex &vertex, F &&f) const;
  bool isDirect(std::uint32_t edge, const Field &field, const SnapshotEdges &snapshots) const;
  /// Points the fields of a vertex at memory that `place(edge index)` gives for each tensor edge.
  template <typename Place> void bind(const BoundVertex &v, Place &&place);
  /// Calls f(memory, bytes) for each private vector of a vertex.
  template <typename F> void forEachScratch(const BoundVertex &v, F &&f) const;
  bool execute(const BoundVertex &v, std::uint64_t seed) const;

  const GraphData &graph_;
  Storage &storage_;
  std::size_t edgeCount_; ///< of the graph, when the set was bound
  std::vector<BoundVertex> vertices_;
  std::vector<Transfer> transfers_;
  AlignedBytes objects_, buffers_, scratch_;
  std::size_t scratchSize_ = 0;
  std::unordered_map<std::uint32_t, std::size_t> scratchOffset_;        ///< by edge
  std::unordered_map<std::uint64_t, std::vector<std::byte>> rowTables_; ///< by vertex and field
  std::size_t touched_ = 0;                                             ///< elements of all edges
};

} // namespace ipu_model
