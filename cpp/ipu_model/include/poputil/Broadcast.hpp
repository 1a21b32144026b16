#pragma once
#include "poputil/Names.hpp"

namespace poputil {

/// Expands dimensions of size 1, and missing leading ones, to the given shape.
void expandToMatchRanks(Tensor &a, Tensor &b);
void broadcastToMatch(Tensor &a, const std::vector<std::size_t> &shape);
void broadcastToMatch(Tensor &a, Tensor &b);
void broadcastToMatch(Tensor &a, Tensor &b, Tensor &c);
bool canBroadcastToMatch(const Tensor &a, const Tensor &b);

} // namespace poputil
