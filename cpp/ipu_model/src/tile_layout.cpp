#include "tile_layout.hpp"
#include <algorithm>

namespace ipu_model {

TileLayout::TileLayout(const GraphData &graph) : parts_(graph.variables.size()) {
  std::vector<std::size_t> used(graph.target.getNumTiles(), 0);
  for (std::size_t id = 0; id != parts_.size(); ++id) {
    const Variable &variable = graph.variables[id];
    constant_.push_back(variable.constant);
    variable.tiles.visit(0, variable.count, [&](std::size_t begin, std::size_t end, unsigned tile) {
      if (tile == none) // a number for a vertex that has no tile either: no program can run it
        return;
      parts_[id].push_back({begin, end, used[tile], tile});
      used[tile] += end - begin;
    });
    for (const Part &part : parts_[id]) used[part.tile] = 0;
  }
}

std::size_t TileLayout::piecesOn(unsigned tile, const Run *runs, std::size_t count) const {
  std::size_t pieces = 0, next = 0;
  poplar::VarId variable = 0;
  for (std::size_t r = 0; r != count; ++r)
    forEachStretch(runs[r], [&](std::size_t begin, std::size_t end) {
      visit(runs[r].variable, begin, end, [&](std::size_t from, std::size_t to, const Part &part) {
        if (part.tile != tile || constant_[runs[r].variable]) return;
        const std::size_t local = part.local + (from - part.begin);
        if (pieces == 0 || runs[r].variable != variable || local != next) ++pieces;
        variable = runs[r].variable;
        next = local + (to - from);
      });
    });
  return pieces;
}

std::size_t TileLayout::elementsOn(unsigned tile, const Run *runs, std::size_t count) const {
  std::size_t elements = 0;
  for (std::size_t r = 0; r != count; ++r)
    forEachStretch(runs[r], [&](std::size_t begin, std::size_t end) {
      visit(runs[r].variable, begin, end,
            [&](std::size_t from, std::size_t to, const Part &part) { elements += part.tile == tile ? to - from : 0; });
    });
  return elements;
}

namespace {

/// Sorts and joins, for each tile, what overlaps or continues.
void unite(std::vector<Touch> &touches) {
  std::sort(touches.begin(), touches.end(), [](const Touch &a, const Touch &b) {
    return a.tile != b.tile ? a.tile < b.tile : a.variable != b.variable ? a.variable < b.variable : a.begin < b.begin;
  });
  std::size_t kept = 0;
  for (const Touch &touch : touches) {
    if (kept != 0) {
      Touch &last = touches[kept - 1];
      if (last.tile == touch.tile && last.variable == touch.variable && touch.begin <= last.end) {
        last.end = std::max(last.end, touch.end);
        continue;
      }
    }
    touches[kept++] = touch;
  }
  touches.resize(kept);
}

} // namespace

Traffic trafficOf(const GraphData &graph, const TileLayout &layout, std::vector<Touch> touches, bool toHome) {
  Traffic traffic;
  std::vector<Touch> sent;
  const unsigned perIPU = graph.target.getTilesPerIPU();
  unite(touches);
  for (const Touch &touch : touches)
    layout.visit(touch.variable, touch.begin, touch.end,
                 [&](std::size_t begin, std::size_t end, const TileLayout::Part &part) {
                   if (part.tile == touch.tile) return;
                   Traffic::Tile &user = traffic.tiles[touch.tile];
                   const std::size_t bytes = (end - begin) * graph.variables[touch.variable].type.size();
                   (toHome ? user.bytesOut : user.bytesIn) += bytes;
                   ++(toHome ? user.fragmentsOut : user.fragmentsIn);
                   traffic.crossesIpus |= touch.tile / perIPU != part.tile / perIPU;
                   sent.push_back({part.tile, touch.variable, begin, end});
                 });
  unite(sent);
  for (const Touch &touch : sent) {
    Traffic::Tile &home = traffic.tiles[touch.tile];
    const std::size_t bytes = (touch.end - touch.begin) * graph.variables[touch.variable].type.size();
    (toHome ? home.bytesIn : home.bytesOut) += bytes;
    ++(toHome ? home.fragmentsIn : home.fragmentsOut);
  }
  return traffic;
}

} // namespace ipu_model
