#pragma once
// Where each element lives: the mappings as sorted arrays, and what crosses tiles in a step.

#include "graph_data.hpp"
#include <algorithm>

namespace ipu_model {

class TileLayout {
public:
  explicit TileLayout(const GraphData &graph);

  /// Elements [begin, end) of a variable on one tile. On a tile a variable's elements are taken to
  /// lie densely in ascending order; `local` counts those before `begin`.
  struct Part {
    std::size_t begin, end, local;
    unsigned tile;
  };
  const std::vector<Part> &parts(poplar::VarId variable) const { return parts_[variable]; }
  /// Calls f(begin, end, part) for the parts of [begin, end).
  template <typename F> void visit(poplar::VarId variable, std::size_t begin, std::size_t end, F &&f) const {
    const std::vector<Part> &parts = parts_[variable];
    auto part = std::upper_bound(parts.begin(), parts.end(), begin,
                                 [](std::size_t position, const Part &p) { return position < p.end; });
    for (; part != parts.end() && part->begin < end; ++part)
      f(std::max(begin, part->begin), std::min(end, part->end), *part);
  }
  /// Dense, ascending pieces of the memory of `tile` in runs. What lies between them on other tiles does not part
  /// them from their order: it is received into its place. Constants do not count: there can be one wherever wanted.
  std::size_t piecesOn(unsigned tile, const Run *runs, std::size_t count) const;
  std::size_t elementsOn(unsigned tile, const Run *runs, std::size_t count) const;

private:
  std::vector<std::vector<Part>> parts_;
  std::vector<bool> constant_; ///< by variable
};

/// Elements that a tile needs or makes.
struct Touch {
  unsigned tile;
  poplar::VarId variable;
  std::size_t begin, end;
};

/// Bytes and messages that the tiles exchange in one phase.
struct Traffic {
  struct Tile {
    std::size_t bytesIn = 0, bytesOut = 0, fragmentsIn = 0, fragmentsOut = 0;
  };
  std::map<unsigned, Tile> tiles;
  bool empty() const { return tiles.empty(); }
  bool crossesIpus = false;
};

/// Traffic for tiles to get the elements of `touches` that live elsewhere; each tile gets an element
/// once, and an element is sent once however many tiles get it. `toHome` turns all directions round.
Traffic trafficOf(const GraphData &graph, const TileLayout &layout, std::vector<Touch> touches, bool toHome);

} // namespace ipu_model
