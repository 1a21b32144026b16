#pragma once
#include "poputil/Names.hpp"

namespace popops::padding {
enum class Type { CONSTANT, EDGE, REFLECT };
enum class MappingMethod { NONE, ZERO, EDGE };
} // namespace popops::padding

namespace popops {

/// `t` with elements of `value` before and after, in each dimension.
Tensor pad(Graph &graph, const Tensor &t, const std::vector<std::ptrdiff_t> &lower,
           const std::vector<std::ptrdiff_t> &upper, float value = 0.0f,
           padding::MappingMethod = padding::MappingMethod::ZERO, const DebugContext & = {});
Tensor pad(Graph &graph, const Tensor &t, std::ptrdiff_t lower, std::ptrdiff_t upper, unsigned dim, float value = 0.0f,
           padding::MappingMethod = padding::MappingMethod::ZERO, const DebugContext & = {});
/// `t` with its edge elements repeated, or reflected; a view.
Tensor pad(const Tensor &t, const std::vector<std::ptrdiff_t> &lower, const std::vector<std::ptrdiff_t> &upper,
           padding::Type type);

} // namespace popops
