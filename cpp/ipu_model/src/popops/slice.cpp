#include "../numbers.hpp"
#include "kernels.hpp"
#include "popops/DynamicSlice.hpp"
#include "popops/Gather.hpp"
#include "poputil/TileMapping.hpp"
#include "poputil/exceptions.hpp"
#include <cstring>

namespace popops {

namespace {

enum class Move { Slice, Update, UpdateAdd };

/// [positions, everything else] along one dimension.
Tensor asTable(const Tensor &t, std::size_t dim) {
  const Tensor front = t.dimRoll(static_cast<unsigned>(dim));
  return front.reshape({front.dim(0), front.dim(0) == 0 ? 0 : front.numElements() / front.dim(0)});
}

/// Moves rows between a table and a list of slices of `size` rows that start at the offsets. Each
/// tile does the columns that it holds of the table's first row. Offsets beyond the table wrap for
/// one slice, and are skipped where there are many.
void addMove(Graph &graph, Move move, const Tensor &table, const Tensor &rows, const Tensor &offsets, std::size_t size,
             bool wrap, const Tensor *scale, Sequence &prog, const DebugContext &name) {
  const Type type = table.elementType(), offsetType = offsets.elementType();
  if (rows.elementType() != type)
    throw poputil::poplibs_error("slices of type '" + rows.elementType().toString() + "' and a tensor of type '" +
                                 type.toString() + "'");
  if (table.dim(0) == 0 || table.dim(1) == 0)
    throw poputil::poplibs_error("a tensor without elements cannot be sliced");
  const std::size_t positions = table.dim(0), bytes = type.size();
  std::vector<KernelField> fields{{"base", move == Move::Slice ? Direction::Input : Direction::InOut, type},
                                  {"sub", move == Move::Slice ? Direction::Output : Direction::Input, type},
                                  {"offset", Direction::Input, offsetType}};
  const Type scaleType = scale ? scale->elementType() : poplar::FLOAT;
  if (scale) fields.push_back({"scale", Direction::Input, scaleType});
  static const char *const names[] = {"Slice", "Update", "UpdateAdd"};
  const std::uint32_t kernel =
      addKernel(*graph.data(),
                std::string("popops::") + (wrap ? "Dynamic" : "Multi") + names[static_cast<int>(move)] + "<" +
                    type.toString() + ">",
                fields, [=](const Slice *f) {
                  const std::size_t columns = f[0].size / positions;
                  auto *base = static_cast<std::byte *>(f[0].data);
                  auto *sub = static_cast<std::byte *>(f[1].data);
                  for (std::size_t s = 0; s != f[2].size; ++s) {
                    const std::int64_t given = readInteger(offsetType, f[2].data, s);
                    const auto offset = static_cast<std::size_t>(given);
                    if (!wrap && (given < 0 || offset >= positions)) continue;
                    for (std::size_t r = 0; r != size; ++r) {
                      std::byte *const there = base + (offset + r) % positions * columns * bytes;
                      std::byte *const here = sub + (s * size + r) * columns * bytes;
                      if (move == Move::Slice)
                        std::memcpy(here, there, columns * bytes);
                      else if (move == Move::Update)
                        std::memcpy(there, here, columns * bytes);
                      else
                        for (std::size_t c = 0; c != columns; ++c)
                          writeNumber(type, there, c,
                                      readNumber(type, there, c) +
                                          readNumber(scaleType, f[3].data, 0) * readNumber(type, here, c));
                    }
                  }
                  return true;
                });
  const ComputeSet cs = graph.addComputeSet({name, names[static_cast<int>(move)]});
  const std::size_t width = std::max(1u, graph.getTarget().getVectorWidth(type));
  forEachTile(graph, table[0], [&](unsigned tile, const std::vector<Interval> &columns) {
    const auto part = [&](const Tensor &t) { return concat(t.slices(columns, 1), 1).flatten(); };
    std::vector<Tensor> edges{part(table), part(rows), offsets.flatten()};
    if (scale) edges.push_back(scale->flatten());
    addKernelVertex(graph, cs, kernel, tile, kernelCycles(graph.getTarget(), edges[1].numElements(), width, 2, 39),
                    edges);
  });
  prog.add(poplar::program::Execute(cs, name));
}

void checkDims(const char *what, const Tensor &t, const std::vector<std::size_t> &dims,
               const std::vector<std::size_t> &sizes, std::size_t offsets) {
  if (dims.size() != sizes.size() || dims.size() != offsets)
    throw poputil::poplibs_error(std::string(what) + ": " + std::to_string(dims.size()) + " dimensions, " +
                                 std::to_string(sizes.size()) + " sizes and " + std::to_string(offsets) +
                                 " offsets given");
  for (std::size_t i = 0; i != dims.size(); ++i)
    if (dims[i] >= t.rank() || sizes[i] > t.dim(static_cast<unsigned>(dims[i])))
      throw poputil::poplibs_error(std::string(what) + ": " + std::to_string(sizes[i]) + " positions of dimension " +
                                   std::to_string(dims[i]) + " of shape " + t.shapeToString());
}

} // namespace

Tensor createSliceableTensor(Graph &graph, const Type &type, const std::vector<std::size_t> &shape,
                             const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes,
                             std::size_t minGrainSize, const DebugContext &name) {
  const Tensor t = graph.addVariable(type, shape, name);
  checkDims("createSliceableTensor", t, dims, sizes, dims.size());
  // Each position along the sliced dimensions is mapped in the same way.
  std::vector<unsigned> order;
  std::size_t positions = 1;
  for (std::size_t d : dims) {
    order.push_back(static_cast<unsigned>(d));
    positions *= shape[d];
  }
  for (unsigned d = 0; d != shape.size(); ++d)
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) order.push_back(d);
  const Tensor table = t.dimShuffle(order).reshape({positions, positions == 0 ? 0 : t.numElements() / positions});
  const auto grain = static_cast<unsigned>(std::max<std::size_t>(minGrainSize, graph.getTarget().getVectorWidth(type)));
  for (std::size_t p = 0; p != positions; ++p) poputil::mapTensorLinearly(graph, table[p], grain, grain);
  return t;
}

Tensor createSliceableTensor(Graph &graph, const Type &type, const std::vector<std::size_t> &shape,
                             const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes,
                             const SlicePlan &, const OptionFlags &, const DebugContext &name) {
  return createSliceableTensor(graph, type, shape, dims, sizes, 0, name);
}

Tensor createIndicesTensor(Graph &graph, const std::vector<std::size_t> &dims, std::size_t numIndices,
                           const SlicePlan &, const OptionFlags &, const DebugContext &name) {
  return graph.addVariable(poplar::UNSIGNED_INT, {numIndices, dims.size()}, poplar::VariableMappingMethod::LINEAR,
                           name);
}

Tensor createSliceTensor(Graph &graph, const Tensor &t, const std::vector<std::size_t> &dims,
                         const std::vector<std::size_t> &sizes, std::size_t numIndices, const DebugContext &name) {
  checkDims("createSliceTensor", t, dims, sizes, dims.size());
  Tensor part = t;
  for (std::size_t i = 0; i != dims.size(); ++i) part = part.slice(0, sizes[i], static_cast<unsigned>(dims[i]));
  std::vector<Tensor> copies;
  for (std::size_t i = 0; i != numIndices; ++i) copies.push_back(graph.clone(part, name).expand({0}));
  return concat(copies);
}

void dynamicSliceWithOutput(Graph &graph, const Tensor &out, const Tensor &t, const Tensor &offset,
                            const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                            const DebugContext &name, const OptionFlags &) {
  checkDims("dynamicSlice", t, dims, sizes, offset.numElements());
  if (dims.empty()) {
    prog.add(poplar::program::Copy(t, out, false, name));
    return;
  }
  // One dimension after the other.
  Tensor from = t;
  for (std::size_t i = 0; i != dims.size(); ++i) {
    Tensor to = out;
    if (i + 1 != dims.size()) to = graph.clone(from.slice(0, sizes[i], static_cast<unsigned>(dims[i])), {name, "part"});
    addMove(graph, Move::Slice, asTable(from, dims[i]), asTable(to, dims[i]), offset.flatten().slice(i, i + 1),
            sizes[i], true, nullptr, prog, name);
    from = to;
  }
}

Tensor dynamicSlice(Graph &graph, const Tensor &t, const Tensor &offset, const std::vector<std::size_t> &dims,
                    const std::vector<std::size_t> &sizes, Sequence &prog, const DebugContext &name,
                    const OptionFlags &) {
  const Tensor out = createSliceTensor(graph, t, dims, sizes, 1, {name, "slice"})[0];
  dynamicSliceWithOutput(graph, out, t, offset, dims, sizes, prog, name);
  return out;
}

void dynamicUpdate(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offset,
                   const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                   const DebugContext &name, const OptionFlags &) {
  checkDims("dynamicUpdate", t, dims, sizes, offset.numElements());
  if (dims.empty()) {
    prog.add(poplar::program::Copy(s, t, false, name));
    return;
  }
  if (dims.size() == 1) {
    addMove(graph, Move::Update, asTable(t, dims[0]), asTable(s, dims[0]), offset.flatten(), sizes[0], true, nullptr,
            prog, name);
    return;
  }
  // Take out the slice of the first dimension, update that, put it back.
  const std::vector<std::size_t> restDims(dims.begin() + 1, dims.end());
  const std::vector<std::size_t> restSizes(sizes.begin() + 1, sizes.end());
  const Tensor flat = offset.flatten(), first = flat.slice(0, 1), rest = flat.slice(1, flat.numElements());
  const Tensor part = dynamicSlice(graph, t, first, {dims[0]}, {sizes[0]}, prog, name);
  dynamicUpdate(graph, part, s, rest, restDims, restSizes, prog, name);
  dynamicUpdate(graph, t, part, first, {dims[0]}, {sizes[0]}, prog, name);
}

namespace {
/// [slices x rows, everything else] of the slices [n, ...] along a dimension.
Tensor sliceRows(const Tensor &s, std::size_t dim) {
  const Tensor front = s.dimShufflePartial({static_cast<unsigned>(dim + 1)}, {1});
  const std::size_t rows = front.dim(0) * front.dim(1);
  return front.reshape({rows, rows == 0 ? 0 : front.numElements() / rows});
}
void checkMulti(const char *what, const Tensor &t, const Tensor &offsets, const std::vector<std::size_t> &dims,
                const std::vector<std::size_t> &sizes) {
  checkDims(what, t, dims, sizes, offsets.rank() == 2 ? offsets.dim(1) : 1);
  if (dims.size() != 1) throw poputil::poplibs_error(std::string(what) + ": one dimension can be sliced");
}
} // namespace

Tensor multiSlice(Graph &graph, const Tensor &t, const Tensor &offsets, const std::vector<std::size_t> &dims,
                  const std::vector<std::size_t> &sizes, Sequence &prog, const SlicePlan &, const OptionFlags &,
                  const DebugContext &name) {
  checkMulti("multiSlice", t, offsets, dims, sizes);
  const Tensor out = createSliceTensor(graph, t, dims, sizes, offsets.dim(0), {name, "slices"});
  addMove(graph, Move::Slice, asTable(t, dims[0]), sliceRows(out, dims[0]), offsets, sizes[0], false, nullptr, prog,
          name);
  return out;
}

void multiUpdate(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offsets,
                 const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                 const SlicePlan &, const OptionFlags &, const DebugContext &name) {
  checkMulti("multiUpdate", t, offsets, dims, sizes);
  addMove(graph, Move::Update, asTable(t, dims[0]), sliceRows(s, dims[0]), offsets, sizes[0], false, nullptr, prog,
          name);
}

void multiUpdateAdd(Graph &graph, const Tensor &t, const Tensor &s, const Tensor &offsets, const Tensor &scale,
                    const std::vector<std::size_t> &dims, const std::vector<std::size_t> &sizes, Sequence &prog,
                    const SlicePlan &, const OptionFlags &, const DebugContext &name) {
  checkMulti("multiUpdateAdd", t, offsets, dims, sizes);
  addMove(graph, Move::UpdateAdd, asTable(t, dims[0]), sliceRows(s, dims[0]), offsets, sizes[0], false, &scale, prog,
          name);
}

Tensor createGatherInput(Graph &graph, const Type &type, const std::vector<std::size_t> &shape, unsigned axis,
                         const DebugContext &name) {
  return createSliceableTensor(graph, type, shape, {axis}, {1}, 0, name);
}

Tensor gather(Graph &graph, const Tensor &input, const Tensor &indices, unsigned axis, Sequence &prog,
              const GatherParams &, const DebugContext &name) {
  const Tensor slices = multiSlice(graph, input, indices.flatten().expand({1}), {axis}, {1}, prog, {}, {}, name);
  // [n, ..., 1, ...] to [..., n, ...], then the shape of the indices in place of n
  return slices.squeeze({axis + std::size_t{1}}).dimRoll(0, axis).reshapePartial(axis, axis + 1, indices.shape());
}

} // namespace popops
