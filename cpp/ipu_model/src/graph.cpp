// Variables, constants, mappings, streams: the parts of a graph that are not vertices.

#include "poplar/Graph.hpp"
#include "graph_data.hpp"
#include "numbers.hpp"
#include "poputil/TileMapping.hpp"
#include "program_node.hpp"
#include <algorithm>
#include <numeric>
#include <ostream>

namespace poplar {
using ipu_model::none;
using ipu_model::Run;
using ipu_model::Variable;
using ipu_model::View;

Graph::Graph(const Target &target, unsigned replicationFactor)
    : data_(std::make_shared<ipu_model::GraphData>()), target_(target) {
  if (replicationFactor != 1)
    throw graph_replication_error("replication factor " + std::to_string(replicationFactor) +
                                  ": the model runs one replica only");
  data_->target = target;
}

Graph::Graph(std::shared_ptr<ipu_model::GraphData> data, Target target, std::vector<unsigned> tiles)
    : data_(std::move(data)), target_(std::move(target)), tiles_(std::move(tiles)) {}

Graph Graph::createVirtualGraph(unsigned numTilesPerIPU) {
  const unsigned perIPU = target_.getTilesPerIPU();
  if (numTilesPerIPU == 0 || numTilesPerIPU > perIPU)
    throw graph_object_creation_error("virtual graph of " + std::to_string(numTilesPerIPU) +
                                      " tiles an IPU; the graph has " + std::to_string(perIPU));
  std::vector<unsigned> tiles;
  for (unsigned ipu = 0; ipu != target_.getNumIPUs(); ++ipu)
    for (unsigned tile = 0; tile != numTilesPerIPU; ++tile) tiles.push_back(ipu * perIPU + tile);
  return createVirtualGraph(tiles);
}

Graph Graph::createVirtualGraph(unsigned lowerTile, unsigned upperTile) {
  if (lowerTile >= upperTile)
    throw graph_object_creation_error("virtual graph of the empty tile range [" + std::to_string(lowerTile) + "," +
                                      std::to_string(upperTile) + ")");
  std::vector<unsigned> tiles(upperTile - lowerTile);
  std::iota(tiles.begin(), tiles.end(), lowerTile);
  return createVirtualGraph(tiles);
}

Graph Graph::createVirtualGraph(const std::vector<unsigned> &tiles) {
  if (tiles.empty()) throw graph_object_creation_error("virtual graph without tiles");
  std::vector<unsigned> physical;
  for (unsigned tile : tiles) physical.push_back(physicalTile(tile));
  // A set of tiles that does not divide into whole IPUs is presented as one IPU.
  const unsigned perIPU = target_.getTilesPerIPU(), ipus = target_.getNumIPUs();
  const auto count = static_cast<unsigned>(tiles.size());
  std::vector<unsigned> perIpuCount(ipus, 0);
  for (unsigned tile : tiles) ++perIpuCount[tile / perIPU];
  const auto used =
      static_cast<unsigned>(std::count_if(perIpuCount.begin(), perIpuCount.end(), [](unsigned n) { return n != 0; }));
  const bool even =
      std::all_of(perIpuCount.begin(), perIpuCount.end(), [&](unsigned n) { return n == 0 || n == count / used; });
  return Graph(data_, target_.createVirtualTarget(even ? used : 1, even ? count / used : count), std::move(physical));
}

Graph Graph::getTopLevelGraph() { return Graph(data_, data_->target, {}); }

unsigned Graph::physicalTile(unsigned tile) const {
  const unsigned count = tiles_.empty() ? target_.getNumTiles() : static_cast<unsigned>(tiles_.size());
  if (tile >= count)
    throw invalid_tile_mapping("tile " + std::to_string(tile) + " does not exist; the graph has " +
                               std::to_string(count) + " tiles");
  return tiles_.empty() ? tile : tiles_[tile];
}

namespace {

std::size_t checkedCount(ArrayRef<std::size_t> shape) {
  std::size_t count = 1;
  for (std::size_t n : shape)
    if (__builtin_mul_overflow(count, n, &count) || count > (std::size_t{1} << 40))
      throw tensor_creation_error("a tensor of more than 2^40 elements was asked for");
  return count;
}

Tensor addVariableData(ipu_model::GraphData &graph, const Type &type, ArrayRef<std::size_t> shape,
                       const std::string &name, bool constant) {
  if (type.size() == 0) throw type_error("a variable needs an element type");
  Variable variable;
  variable.type = type;
  variable.count = checkedCount(shape);
  const auto id = static_cast<VarId>(graph.variables.size());
  variable.name = !name.empty() ? name : (constant ? "constant" : "variable") + std::to_string(id);
  variable.constant = constant;
  graph.variables.push_back(std::move(variable));
  return Tensor(&graph, type, shape.cloneAsVector(), std::make_shared<const View>(id, graph.variables.back().count));
}

} // namespace

Tensor Graph::addVariable(const Type &type, ArrayRef<std::size_t> shape, const DebugContext &name) {
  return addVariableData(*data_, type, shape, name.getPathName(), false);
}

Tensor Graph::addVariable(const Type &type, ArrayRef<std::size_t> shape, VariableMappingMethod mapping,
                          const DebugContext &name) {
  Tensor tensor = addVariable(type, shape, name);
  if (mapping == VariableMappingMethod::LINEAR) poputil::mapTensorLinearly(*this, tensor);
  return tensor;
}

Tensor Graph::addConstantValues(const Type &type, ArrayRef<std::size_t> shape, ipu_model::HostValues values,
                                bool scalar, const DebugContext &name) {
  const std::size_t count = checkedCount(shape);
  if (!scalar && values.count != count)
    throw graph_object_creation_error("constant '" + name.getPathName() + "': " + std::to_string(values.count) +
                                      " values given for " + std::to_string(count) + " elements");
  Tensor tensor = addVariableData(*data_, type, shape, name.getPathName(), true);
  data_->variables.back().value = ipu_model::toDevice(type, values, count);
  return tensor;
}

Tensor Graph::clone(const Type &type, const Tensor &tensor, const DebugContext &name, TensorCloneMethod method) {
  data_->checkOwn<tensor_creation_error>(tensor, [] { return "clone"; });
  const std::string label = name.getPathName().empty() ? tensor.getDebugStr() : name.getPathName();
  const bool keepAliases = method == TensorCloneMethod::PRESERVE_ORDER_AND_ALIASES ||
                           method == TensorCloneMethod::GATHER_AND_PRESERVE_TILE_ORDER_AND_ALIASES;
  // Each piece of a variable that the tensor shows gets memory once if aliases are kept, else
  // every position gets its own element.
  Tensor flat = tensor.flatten();
  if (!keepAliases || !tensor.containsAliases()) {
    Tensor copy = addVariable(type, tensor.shape(), label);
    std::size_t position = 0;
    Variable &variable = data_->variables.back();
    for (const VariableInterval &region : flat.getVarRegions())
      data_->variables[region.var].tiles.visit(region.interval.begin(), region.interval.end(),
                                               [&](std::size_t begin, std::size_t end, unsigned tile) {
                                                 if (tile != none)
                                                   variable.tiles.set(position, position + end - begin, tile);
                                                 position += end - begin;
                                               });
    return copy;
  }
  std::map<VarId, VarId> copies;
  View view;
  for (const Run &run : flat.view().runs()) {
    const auto [copy, added] = copies.emplace(run.variable, static_cast<VarId>(data_->variables.size()));
    if (added) {
      addVariable(type, {data_->variables[run.variable].count}, label);
      data_->variables.back().tiles = data_->variables[run.variable].tiles;
    }
    view.push({copy->second, run.begin, run.length, run.stride});
  }
  return Tensor(data_.get(), type, tensor.shape(), std::make_shared<const View>(std::move(view)));
}

Tensor Graph::cloneN(const Type &type, const Tensor &tensor, std::size_t n, const DebugContext &name,
                     TensorCloneMethod method, TensorCloneDuplicationMethod) {
  std::vector<Tensor> copies;
  for (std::size_t i = 0; i != n; ++i) copies.push_back(clone(type, tensor, name, method).expand({0}));
  if (copies.empty()) {
    std::vector<std::size_t> shape = tensor.shape();
    shape.insert(shape.begin(), 0);
    return addVariable(type, shape, name);
  }
  return concat(copies);
}

bool Graph::isConstant(VarId variable) const { return data_->variables.at(variable).constant; }

Tensor Graph::getVariable(VarId id) const {
  const Variable &variable = data_->variables.at(id);
  return Tensor(data_.get(), variable.type, {variable.count}, std::make_shared<const View>(id, variable.count));
}

Tensor Graph::findUnbroadcastTensor(const Tensor &tensor) const {
  Tensor result = tensor;
  for (unsigned d = 0; d != tensor.rank(); ++d) {
    if (result.dim(d) < 2) continue;
    const Tensor first = result.slice(0, 1, d);
    if (first.broadcast(static_cast<unsigned>(result.dim(d)), d) == result) result = first;
  }
  return result;
}

void Graph::reorderToSimplify(Tensor *tensor, ArrayRef<Tensor *> others, bool) const {
  // Order by where the elements are: then the runs of `tensor` are as long as they can be.
  if (tensor->rank() != 1) throw tensor_creation_error("reorderToSimplify: the tensor must have rank 1");
  for (Tensor *other : others)
    if (other->rank() != 1 || other->numElements() != tensor->numElements())
      throw tensor_creation_error("reorderToSimplify: the tensors must have one size");
  std::vector<VariableInterval> regions = tensor->getVarRegions();
  std::vector<std::pair<VariableInterval, Interval>> order;
  std::size_t position = 0;
  for (const VariableInterval &region : regions) {
    order.push_back({region, {position, position + region.interval.size()}});
    position += region.interval.size();
  }
  std::stable_sort(order.begin(), order.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  const auto reorder = [&](Tensor &t) {
    std::vector<Tensor> parts;
    for (const auto &part : order) parts.push_back(t.slice(part.second));
    if (!parts.empty()) t = concat(parts);
  };
  reorder(*tensor);
  for (Tensor *other : others) reorder(*other);
}

void Graph::setTileMapping(const Tensor &tensor, unsigned tile) {
  data_->checkOwn<invalid_tile_mapping>(tensor, [] { return "setTileMapping"; });
  const unsigned physical = physicalTile(tile);
  for (const Run &run : tensor.view().runs())
    ipu_model::forEachStretch(run, [&](std::size_t begin, std::size_t end) {
      data_->variables[run.variable].tiles.set(begin, end, physical);
    });
}

void Graph::setTileMapping(const Tensor &tensor, const TileToTensorMapping &mapping) {
  data_->checkOwn<invalid_tile_mapping>(tensor, [] { return "setTileMapping"; });
  const Tensor flat = tensor.flatten();
  for (unsigned tile = 0; tile != mapping.size(); ++tile)
    for (const Interval &interval : mapping[tile]) {
      if (interval.begin() > interval.end() || interval.end() > flat.numElements())
        throw invalid_tile_mapping("the mapping of tensor " + tensor.getDebugStr() + " to tile " +
                                   std::to_string(tile) + " names elements [" + std::to_string(interval.begin()) + ":" +
                                   std::to_string(interval.end()) + "), it has " + std::to_string(flat.numElements()));
      setTileMapping(flat.slice(interval), tile);
    }
}

Graph::TileToTensorMapping Graph::getTileMapping(const Tensor &tensor, bool *isComplete, bool allowExternal) const {
  data_->checkOwn<invalid_tile_mapping>(tensor, [] { return "getTileMapping"; });
  TileToTensorMapping mapping(target_.getNumTiles());
  std::vector<unsigned> virtualTile;
  if (!tiles_.empty()) {
    virtualTile.assign(data_->target.getNumTiles(), none);
    for (unsigned i = 0; i != tiles_.size(); ++i) virtualTile[tiles_[i]] = i;
  }
  bool complete = true;
  std::size_t position = 0;
  for (const VariableInterval &region : tensor.getVarRegions())
    data_->variables[region.var].tiles.visit(
        region.interval.begin(), region.interval.end(), [&](std::size_t begin, std::size_t end, unsigned tile) {
          const Interval interval(position, position + end - begin);
          position = interval.end();
          if (tile != none && !tiles_.empty()) {
            tile = virtualTile[tile];
            if (tile == none && !allowExternal)
              throw invalid_tile_mapping(data_->describe(region.var, begin, end) +
                                         " are on a tile that is not part of this virtual graph");
          }
          if (tile == none) {
            complete = false;
            return;
          }
          auto &intervals = mapping[tile];
          if (!intervals.empty() && intervals.back().end() == interval.begin())
            intervals.back() = {intervals.back().begin(), interval.end()};
          else
            intervals.push_back(interval);
        });
  if (isComplete) *isComplete = complete;
  return mapping;
}

Graph::TileToTensorMapping Graph::getTileMapping(const Tensor &tensor, bool requireComplete, bool allowExternal) const {
  bool complete = true;
  TileToTensorMapping mapping = getTileMapping(tensor, &complete, allowExternal);
  if (requireComplete && !complete && !allowExternal)
    throw invalid_tile_mapping("tensor " + tensor.getDebugStr() + " of shape " + tensor.shapeToString() +
                               " has elements without a tile");
  return mapping;
}

std::vector<std::vector<Interval>> Graph::getSortedContiguousRegions(const Tensor &tensor, ArrayRef<Interval> regions,
                                                                     bool removeAliased,
                                                                     std::vector<std::size_t> *aliases) const {
  struct Piece {
    VarId variable;
    std::size_t begin, end, position;
  };
  std::vector<Piece> pieces;
  const Tensor flat = tensor.flatten();
  for (const Interval &region : regions) {
    std::size_t position = region.begin();
    for (const VariableInterval &part : flat.slice(region).getVarRegions()) {
      pieces.push_back({part.var, part.interval.begin(), part.interval.end(), position});
      position += part.interval.size();
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return a.variable != b.variable ? a.variable < b.variable : a.begin < b.begin;
  });
  if (aliases) aliases->assign(flat.numElements(), 0);
  std::vector<std::vector<Interval>> sorted;
  const Piece *last = nullptr;
  std::size_t covered = 0; // end of what earlier pieces of this variable hold
  for (Piece &piece : pieces) {
    if (last && last->variable != piece.variable) covered = 0;
    if (removeAliased && piece.begin < covered) {
      const std::size_t skip = std::min(covered, piece.end) - piece.begin;
      piece.begin += skip;
      piece.position += skip;
    }
    covered = std::max(covered, piece.end);
    if (piece.begin == piece.end) continue;
    const Interval interval(piece.position, piece.position + piece.end - piece.begin);
    if (last && last->variable == piece.variable && last->end == piece.begin) {
      Interval &previous = sorted.back().back();
      if (previous.end() == interval.begin())
        previous = {previous.begin(), interval.end()};
      else
        sorted.back().push_back(interval);
    } else {
      sorted.push_back({interval});
    }
    last = &piece;
  }
  return sorted;
}

namespace {
template <typename T> void addHandle(std::map<std::string, T> &handles, const std::string &handle, T value) {
  if (!handles.emplace(handle, std::move(value)).second)
    throw graph_object_creation_error("the handle '" + handle + "' exists already");
}
} // namespace

void Graph::createHostWrite(StringRef handle, const Tensor &tensor, bool) {
  data_->checkOwn<graph_connection_error>(tensor, [&] { return "host write '" + std::string(handle) + "'"; });
  if (tensor.containsConstant() || tensor.containsAliases())
    throw graph_connection_error("host write '" + std::string(handle) + "': tensor " + tensor.getDebugStr() +
                                 " holds constants or shows one element several times");
  addHandle(data_->hostWrites, handle, tensor);
}

void Graph::createHostRead(StringRef handle, const Tensor &tensor, bool) {
  data_->checkOwn<graph_connection_error>(tensor, [&] { return "host read '" + std::string(handle) + "'"; });
  addHandle(data_->hostReads, handle, tensor);
}

namespace {
std::shared_ptr<const ipu_model::ChannelData> addChannel(ipu_model::Channels &channels, ipu_model::ChannelData data) {
  const auto channel = std::make_shared<const ipu_model::ChannelData>(std::move(data));
  addHandle(channels, channel->handle, channel);
  return channel;
}
} // namespace

DataStream Graph::addHostToDeviceFIFO(StringRef handle, const Type &type, std::size_t n, ReplicatedStreamMode,
                                      const OptionFlags &) {
  return DataStream(addChannel(data_->streams, {handle, type, n, true}));
}

DataStream Graph::addDeviceToHostFIFO(StringRef handle, const Type &type, std::size_t n, const OptionFlags &) {
  return DataStream(addChannel(data_->streams, {handle, type, n, false}));
}

RemoteBuffer Graph::addRemoteBuffer(StringRef handle, const Type &type, std::size_t n, std::size_t repeats, bool,
                                    bool) {
  return RemoteBuffer(addChannel(data_->remoteBuffers, {handle, type, n, false, repeats}));
}

Function Graph::addFunction(const program::Program &program) {
  data_->functions.push_back(program);
  return Function(static_cast<std::uint32_t>(data_->functions.size() - 1));
}

void Graph::setTensorValues(const Tensor &tensor, ipu_model::HostValues values, bool scalar) {
  data_->checkOwn<graph_connection_error>(tensor, [] { return "setInitialValue"; });
  if (!scalar && values.count != tensor.numElements())
    throw graph_connection_error("initial values of tensor " + tensor.getDebugStr() + ": " +
                                 std::to_string(values.count) + " given for " + std::to_string(tensor.numElements()) +
                                 " elements");
  data_->initialValues.push_back(
      {tensor.view(), ipu_model::toDevice(tensor.elementType(), values, tensor.numElements())});
}

void Graph::notCovered(const std::string &what, const std::string &instead) {
  throw poplar_error(what + " is not covered by the model: " + instead);
}

void Graph::serialize(std::ostream &out, SerializationFormat) const {
  // Programs write this beside their results; only the SDK's own tools could read its format.
  out << "# IPU model (not Graphcore software): the graph as text, in no format of the SDK\n";
  outputComputeGraph(out, {});
}

void Graph::outputComputeGraph(std::ostream &out, ArrayRef<program::Program>) const {
  out << "digraph compute_graph {\n";
  for (const ipu_model::Vertex &vertex : data_->vertices) {
    const std::string id = "v" + std::to_string(&vertex - data_->vertices.data());
    out << "  " << id << " [shape=box,label=\"" << data_->typeOf(vertex).cls.name << "\"];\n";
    data_->forEachEdge(vertex, [&](const ipu_model::Edge &edge) {
      if (edge.kind != ipu_model::Edge::Kind::Tensor) return;
      const ipu_model::Field &field = data_->typeOf(vertex).cls.fields[edge.field];
      for (std::uint32_t r = 0; r != edge.runCount; ++r) {
        const std::string variable = "\"" + data_->variables[data_->edgeRuns[edge.first + r].variable].name + "\"";
        const bool input = field.direction == ipu_model::Direction::Input;
        out << "  " << (input ? variable : id) << " -> " << (input ? id : variable) << " [label=\"" << field.name
            << "\"];\n";
      }
    });
  }
  out << "}\n";
}

void Graph::outputVertexGraph(std::ostream &out, ArrayRef<program::Program> programs) const {
  outputComputeGraph(out, programs);
}

} // namespace poplar
