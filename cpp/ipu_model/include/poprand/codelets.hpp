#pragma once
#include "poplar/Graph.hpp"

namespace poprand {
/// The operations of this library are built in; nothing has to be added.
void addCodelets(poplar::Graph &graph);
} // namespace poprand
