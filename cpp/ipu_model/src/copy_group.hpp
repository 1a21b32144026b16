#pragma once
// Copies that follow each other and make one exchange step.

#include "graph_data.hpp"
#include "program_node.hpp"
#include <map>
#include <vector>

namespace ipu_model {

/// Adjacent copies that touch different elements. Inside one variable of several tiles they must be of one shape, too:
/// on the published halo benchmark (spec poplar, section 4, L) copies grouped by direction run as a few steps, while
/// the same copies, directions mixed, run one by one; mixed copies between many variables do not.
class CopyGroup {
public:
  explicit CopyGroup(const GraphData &graph) : graph_(graph) {}
  bool admits(const ProgramNode &node) const {
    if (nodes_.empty()) return true;
    const Shape shape = shapeOf(node);
    if (insideSpreadVariable(node) && (shape.elements != shape_.elements || shape.denseSource != shape_.denseSource ||
                                       shape.denseDestination != shape_.denseDestination))
      return false;
    for (const auto &read : node.tensors[0].getVarRegions())
      if (touches(written_, read)) return false;
    for (const auto &write : node.tensors[1].getVarRegions())
      if (touches(written_, write) || touches(read_, write)) return false;
    return true;
  }
  void add(const ProgramNode &node) {
    shape_ = shapeOf(node);
    nodes_.push_back(&node);
    note(read_, node.tensors[0]);
    note(written_, node.tensors[1]);
  }
  /// The copies so far; the group is empty afterwards.
  std::vector<const ProgramNode *> take() {
    read_.clear();
    written_.clear();
    return std::move(nodes_);
  }
  bool empty() const { return nodes_.empty(); }

private:
  struct Shape {
    std::size_t elements = 0;
    bool denseSource = false, denseDestination = false;
  };
  using Elements = std::map<poplar::VarId, TileMap>; ///< those that are mapped, whatever the tile

  bool insideSpreadVariable(const ProgramNode &node) const {
    const auto &from = node.tensors[0].view().runs(), &to = node.tensors[1].view().runs();
    return !from.empty() && !to.empty() && from.front().variable == to.front().variable &&
           !graph_.variables[to.front().variable].tiles.onOneTile();
  }
  static Shape shapeOf(const ProgramNode &node) {
    return {node.tensors[0].numElements(), node.tensors[0].isContiguous(), node.tensors[1].isContiguous()};
  }
  static void note(Elements &elements, const poplar::Tensor &tensor) {
    for (const auto &region : tensor.getVarRegions())
      elements[region.var].set(region.interval.begin(), region.interval.end(), 0);
  }
  static bool touches(const Elements &elements, const poplar::VariableInterval &region) {
    const auto found = elements.find(region.var);
    return found != elements.end() && found->second.anyIn(region.interval.begin(), region.interval.end());
  }

  const GraphData &graph_;
  std::vector<const ProgramNode *> nodes_;
  Shape shape_;
  Elements read_, written_;
};

} // namespace ipu_model
