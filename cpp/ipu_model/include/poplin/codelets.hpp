#pragma once
#include "poputil/Names.hpp"

namespace poplin {
/// The operations of this library are built in; nothing has to be added.
void addCodelets(Graph &graph);
} // namespace poplin
