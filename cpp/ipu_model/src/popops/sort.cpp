#include "popops/Sort.hpp"
#include "../numbers.hpp"
#include "kernels.hpp"
#include "popops/TopK.hpp"
#include "poputil/exceptions.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace popops {

namespace {

/// For each row: the first k keys in sorted order, and the values (or the indices) beside them.
/// One vertex a row, where the row's output lives.
void addSort(Graph &graph, const Tensor &keys, const Tensor *values, const Tensor &sortedKeys,
             const Tensor *sortedValues, bool descending, Sequence &prog, const DebugContext &name) {
  const Type keyType = keys.elementType();
  const Type valueType = sortedValues ? sortedValues->elementType() : poplar::UNSIGNED_INT;
  std::vector<KernelField> fields{{"keys", Direction::Input, keyType}, {"sortedKeys", Direction::Output, keyType}};
  if (sortedValues) fields.push_back({"sortedValues", Direction::Output, valueType});
  if (values) fields.push_back({"values", Direction::Input, valueType});
  const bool hasValues = values != nullptr, hasOrder = sortedValues != nullptr;
  const std::uint32_t kernel =
      addKernel(*graph.data(), "popops::HeapSort<" + keyType.toString() + ">", fields, [=](const Slice *f) {
        std::vector<std::size_t> order(f[0].size);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
          const double x = readNumber(keyType, f[0].data, a);
          const double y = readNumber(keyType, f[0].data, b);
          return descending ? x > y : x < y;
        });
        const auto copy = [](const void *from, std::size_t i, void *to, std::size_t o, std::size_t size) {
          std::memcpy(static_cast<std::byte *>(to) + o * size, static_cast<const std::byte *>(from) + i * size, size);
        };
        for (std::size_t o = 0; o != f[1].size; ++o) {
          copy(f[0].data, order[o], f[1].data, o, keyType.size());
          if (hasValues)
            copy(f[3].data, order[o], f[2].data, o, valueType.size());
          else if (hasOrder)
            writeInteger(valueType, f[2].data, o, static_cast<std::int64_t>(order[o]));
        }
        return true;
      });
  const ComputeSet cs = graph.addComputeSet({name, "sort"});
  const double n = static_cast<double>(std::max<std::size_t>(keys.dim(1), 1));
  const auto cycles = static_cast<std::uint64_t>(8 * (19 * n * std::floor(std::log2(n)) + 6 * n + 2));
  for (std::size_t row = 0; row != keys.dim(0); ++row) {
    const auto mapping = graph.getTileMapping(sortedKeys[row]);
    const auto tile = static_cast<unsigned>(
        std::find_if(mapping.begin(), mapping.end(), [](const auto &m) { return !m.empty(); }) - mapping.begin());
    std::vector<Tensor> edges{keys[row], sortedKeys[row]};
    if (sortedValues) edges.push_back((*sortedValues)[row]);
    if (values) edges.push_back((*values)[row]);
    addKernelVertex(graph, cs, kernel, tile, cycles, edges);
  }
  prog.add(poplar::program::Execute(cs, name));
}

Tensor asRows(const Tensor &t) {
  if (t.rank() == 0 || t.dim(t.rank() - 1) == 0)
    throw poputil::poplibs_error("sort of a tensor of shape " + t.shapeToString());
  const std::size_t n = t.dim(t.rank() - 1);
  return t.reshape({t.numElements() / n, n});
}

Tensor makeRows(Graph &graph, const Type &type, std::size_t rows, std::size_t k, const DebugContext &name) {
  const Tensor t = graph.addVariable(type, {rows, k}, name);
  for (std::size_t row = 0; row != rows; ++row)
    graph.setTileMapping(t[row], static_cast<unsigned>(row % graph.getTarget().getNumTiles()));
  return t;
}

std::pair<Tensor, Tensor> select(Graph &graph, Sequence &prog, const Tensor &keys, const Tensor *values,
                                 const Type *valueType, const TopKParams &params, const DebugContext &name) {
  const Tensor rows = asRows(keys);
  if (params.k > rows.dim(1))
    throw poputil::poplibs_error("topK: " + std::to_string(params.k) + " of " + std::to_string(rows.dim(1)) +
                                 " elements");
  Tensor sortedKeys = makeRows(graph, keys.elementType(), rows.dim(0), params.k, {name, "keys"});
  Tensor sortedValues;
  if (valueType) sortedValues = makeRows(graph, *valueType, rows.dim(0), params.k, {name, "values"});
  Tensor valueRows = values ? asRows(*values) : Tensor();
  addSort(graph, rows, values ? &valueRows : nullptr, sortedKeys, valueType ? &sortedValues : nullptr, params.largest,
          prog, name);
  // The best come first; the other order is a view.
  if (params.sortOrder != SortOrder::NONE && (params.sortOrder == SortOrder::DESCENDING) != params.largest) {
    sortedKeys = sortedKeys.reverse(1);
    if (valueType) sortedValues = sortedValues.reverse(1);
  }
  std::vector<std::size_t> shape = keys.shape();
  shape.back() = params.k;
  return {sortedKeys.reshape(shape), valueType ? sortedValues.reshape(shape) : sortedValues};
}

} // namespace

Tensor topK(Graph &graph, Sequence &prog, const Tensor &t, const TopKParams &params, const DebugContext &name) {
  return select(graph, prog, t, nullptr, nullptr, params, name).first;
}
std::pair<Tensor, Tensor> topKKeyValue(Graph &graph, Sequence &prog, const Tensor &keys, const Tensor &values,
                                       const TopKParams &params, const DebugContext &name) {
  const Type type = values.elementType();
  return select(graph, prog, keys, &values, &type, params, name);
}
std::pair<Tensor, Tensor> topKWithPermutation(Graph &graph, Sequence &prog, const Tensor &t, const TopKParams &params,
                                              const DebugContext &name) {
  const Type type = poplar::UNSIGNED_INT;
  return select(graph, prog, t, nullptr, &type, params, name);
}

Tensor sort(Graph &graph, const Tensor &t, unsigned dim, Sequence &prog, const DebugContext &name) {
  const Tensor out = graph.clone(t, {name, "sorted"});
  const unsigned last = t.rank() - 1;
  addSort(graph, asRows(t.dimRoll(dim, last)), nullptr, asRows(out.dimRoll(dim, last)), nullptr, false, prog, name);
  return out;
}
void sortInPlace(Graph &graph, const Tensor &t, unsigned dim, Sequence &prog, const DebugContext &name) {
  prog.add(poplar::program::Copy(sort(graph, t, dim, prog, name), t, false, name));
}
Tensor sortKeyValue(Graph &graph, const Tensor &k, const Tensor &v, unsigned dim, Sequence &prog,
                    const DebugContext &name) {
  const Tensor keys = graph.clone(k, {name, "keys"}), out = graph.clone(v, {name, "sorted"});
  const unsigned last = k.rank() - 1;
  const Tensor values = asRows(v.dimRoll(dim, last)), sorted = asRows(out.dimRoll(dim, last));
  addSort(graph, asRows(k.dimRoll(dim, last)), &values, asRows(keys.dimRoll(dim, last)), &sorted, false, prog, name);
  return out;
}
void sortKeyValueInPlace(Graph &graph, const Tensor &k, const Tensor &v, unsigned dim, Sequence &prog,
                         const DebugContext &name) {
  const Tensor values = sortKeyValue(graph, k, v, dim, prog, name);
  sortInPlace(graph, k, dim, prog, name);
  prog.add(poplar::program::Copy(values, v, false, name));
}

} // namespace popops
