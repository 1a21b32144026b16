// Codelets, compute sets, vertices and what their fields are connected to.

#include "graph_data.hpp"
#include "numbers.hpp"
#include "poplar/Graph.hpp"
#include <algorithm>
#include <iostream>

namespace poplar {
using ipu_model::Direction;
using ipu_model::Edge;
using ipu_model::Field;
using ipu_model::FieldShape;
using ipu_model::none;
using ipu_model::VertexType;

namespace {

void addLibrary(ipu_model::GraphData &graph, std::shared_ptr<const ipu_model::CodeletLibrary> library) {
  for (const ipu_model::VertexClass &cls : library->classes()) {
    const auto known = graph.typeIndex.find(cls.name);
    if (known != graph.typeIndex.end()) {
      if (graph.types[known->second]->library == library) continue;
      throw graph_object_load_error("vertex type '" + cls.name + "' is defined by two codelet sources; rename one");
    }
    auto type = std::make_unique<VertexType>();
    type->cls = cls;
    type->library = library;
    graph.typeIndex.emplace(cls.name, graph.addType(std::move(type)));
  }
}

void checkOwn(const ipu_model::GraphData &graph, const VertexRef &vertex) {
  if (vertex.graph() == &graph) return;
  throw graph_connection_error(vertex.graph() ? "a vertex of another graph is used; use the graph that it was added to"
                                              : "a vertex that was never assigned is used; assign it what addVertex "
                                                "returns");
}

const Field &fieldOf(const ipu_model::GraphData &graph, FieldRef ref) {
  checkOwn(graph, ref.getVertex());
  return graph.typeOf(graph.vertices[ref.getVertex().getId()]).cls.fields[ref.field()];
}

std::string describe(const ipu_model::GraphData &graph, FieldRef ref) {
  return "field '" + fieldOf(graph, ref).name + (ref.isIndexed() ? "[" + std::to_string(ref.getIndex()) + "]" : "") +
         "' of " + graph.describe(ref.getVertex().getId());
}

void checkUnset(const ipu_model::GraphData &graph, FieldRef ref) {
  const auto index = ref.isIndexed() ? static_cast<std::uint32_t>(ref.getIndex()) : none;
  graph.forEachEdge(graph.vertices[ref.getVertex().getId()], [&](const Edge &edge) {
    if (edge.field == ref.field() && edge.index == index && edge.kind != Edge::Kind::Size)
      throw graph_connection_error(describe(graph, ref) + " is connected or set already");
  });
}

/// The size, or the values, that a field or a row of it has been given; null without any.
Edge *findSize(ipu_model::GraphData &graph, std::uint32_t vertex, std::uint32_t field, std::uint32_t index) {
  for (std::uint32_t e = graph.vertices[vertex].firstEdge; e != none; e = graph.edges[e].next) {
    Edge &edge = graph.edges[e];
    if (edge.field == field && edge.index == index && edge.kind != Edge::Kind::Tensor) return &edge;
  }
  return nullptr;
}

/// Makes the values the initial ones of an edge.
void giveValues(ipu_model::GraphData &graph, Edge &edge, const std::vector<std::byte> &bytes) {
  edge.kind = Edge::Kind::Value;
  edge.first = graph.values.size();
  graph.values.insert(graph.values.end(), bytes.begin(), bytes.end());
}

void addEdge(ipu_model::GraphData &graph, FieldRef ref, Edge edge) {
  ipu_model::Vertex &vertex = graph.vertices[ref.getVertex().getId()];
  edge.field = static_cast<std::uint16_t>(ref.field());
  edge.index = ref.isIndexed() ? static_cast<std::uint32_t>(ref.getIndex()) : none;
  edge.next = vertex.firstEdge;
  vertex.firstEdge = static_cast<std::uint32_t>(graph.edges.size());
  graph.edges.push_back(edge);
}

} // namespace

bool Graph::addCodelets(StringRef source, CodeletFileType, StringRef flags, StringRef) {
  auto library = ipu_model::CodeletLibrary::fromFile(source.cloneAsString(), flags.cloneAsString());
  std::cerr << library->compilerMessages(); // as popc does
  addLibrary(*data_, std::move(library));
  return true;
}

bool Graph::addCodelets(ArrayRef<std::string> files, StringRef flags, StringRef) {
  for (const std::string &file : files) addCodelets(file, CodeletFileType::Auto, flags);
  return true;
}

void Graph::addCodelets(std::stringstream &source, StringRef flags, CodeletFileType, StringRef,
                        std::ostream *compileOutput) {
  auto library = ipu_model::CodeletLibrary::fromText(source.str(), flags);
  (compileOutput ? *compileOutput : std::cerr) << library->compilerMessages();
  addLibrary(*data_, std::move(library));
}

bool Graph::hasCodelet(StringRef vertexType) const { return data_->typeIndex.count(std::string(vertexType)) != 0; }

ComputeSet Graph::addComputeSet(const DebugContext &name) {
  const auto id = static_cast<std::uint32_t>(data_->computeSets.size());
  const std::string path = name.getPathName();
  data_->computeSets.push_back({path.empty() ? "computeSet" + std::to_string(id) : path, {}});
  return ComputeSet(id);
}

VertexRef Graph::addVertex(ComputeSet computeSet, StringRef vertexType) {
  if (computeSet.getId() >= data_->computeSets.size())
    throw graph_object_creation_error("addVertex: the compute set was never added to this graph");
  const auto type = data_->typeIndex.find(std::string(vertexType));
  if (type == data_->typeIndex.end()) {
    std::string known;
    for (const auto &[name, index] : data_->typeIndex) known += (known.empty() ? "" : ", ") + name;
    throw unknown_vertex_type("no codelet defines the vertex type '" + std::string(vertexType) +
                              "'; known types: " + (known.empty() ? "(none)" : known));
  }
  const auto id = static_cast<std::uint32_t>(data_->vertices.size());
  data_->vertices.push_back({type->second, computeSet.getId(), none, none, -1});
  data_->computeSets[computeSet.getId()].vertices.push_back(id);
  return VertexRef(id, data_.get());
}

VertexRef Graph::addVertex(ComputeSet computeSet, StringRef vertexType, ArrayRef<ConnectionDesc> connections) {
  const VertexRef vertex = addVertex(computeSet, vertexType);
  for (const ConnectionDesc &connection : connections) {
    const FieldRef field = vertex[connection.field_];
    if (connection.list_) {
      connect(field, ArrayRef<Tensor>(connection.tensors_));
    } else if (!connection.tensors_.empty()) {
      connect(field, connection.tensors_.front());
    } else {
      ipu_model::HostValues value = connection.value_;
      value.data = connection.bytes_;
      connectValue(field, value);
    }
  }
  return vertex;
}

unsigned Graph::getNumVertices() const { return static_cast<unsigned>(data_->vertices.size()); }
unsigned Graph::getNumComputeSets() const { return static_cast<unsigned>(data_->computeSets.size()); }
std::string Graph::getComputeSetName(ComputeSet computeSet) const {
  return data_->computeSets.at(computeSet.getId()).name;
}

void Graph::connect(FieldRef ref, const Tensor &tensor) {
  const Field &field = fieldOf(*data_, ref);
  data_->checkOwn<graph_connection_error>(tensor, [&] { return "connecting " + describe(*data_, ref); });
  const auto fail = [&](const std::string &why) {
    throw graph_connection_error("tensor " + tensor.getDebugStr() + " cannot be connected to " + describe(*data_, ref) +
                                 ": " + why);
  };
  if (field.direction == Direction::State) fail("the field is plain vertex state; use setInitialValue");
  if (field.shape == FieldShape::VectorList && !ref.isIndexed()) {
    if (field.rowsAreScalars() && tensor.rank() != 1)
      fail("a list of single elements takes a tensor of rank 1 or a list of tensors, not shape " +
           tensor.shapeToString());
    if (!field.rowsAreScalars() && tensor.rank() != 2)
      fail("a list of vectors takes a tensor of rank 2 or a list of tensors, not shape " + tensor.shapeToString());
    if (tensor.dim(0) == 0) return setFieldSize(ref, 0);
    for (std::size_t row = 0; row != tensor.dim(0); ++row) connect(ref[row], tensor[row]);
    return;
  }
  if (ref.isIndexed() && field.shape == FieldShape::Scalar) fail("the field is a scalar and has no elements");
  const Type wanted = typeOf(field), given = tensor.elementType();
  const bool isLong = (given == LONG && wanted == INT) || (given == UNSIGNED_LONG && wanted == UNSIGNED_INT);
  if (given != wanted && !isLong) // a tile's long has 32 bits
    throw type_error("tensor " + tensor.getDebugStr() + " of type '" + given.toString() + "' cannot be connected to " +
                     describe(*data_, ref) + ", whose elements are '" + wanted.toString() + "'");
  const bool oneElement = field.shape == FieldShape::Scalar || field.rowsAreScalars() ||
                          (field.shape == FieldShape::Vector && ref.isIndexed());
  if (oneElement && tensor.numElements() != 1)
    fail("it takes one element, the tensor has shape " + tensor.shapeToString());
  if (!oneElement && tensor.rank() != 1)
    fail("a vector takes a tensor of rank 1, not of shape " + tensor.shapeToString());
  if (field.direction != Direction::Input) {
    if (tensor.containsConstant()) fail("a constant cannot be written");
    if (const auto alias = findAlias(tensor.view()))
      fail("an output shows " + data_->describe(alias->variable, alias->element, alias->element + 1) +
           " more than once");
  }
  checkUnset(*data_, ref);
  const auto &runs = tensor.view().runs();
  Edge edge{};
  edge.kind = Edge::Kind::Tensor;
  edge.runCount = static_cast<std::uint32_t>(runs.size());
  edge.first = data_->edgeRuns.size();
  edge.count = tensor.numElements();
  data_->edgeRuns.insert(data_->edgeRuns.end(), runs.begin(), runs.end());
  addEdge(*data_, ref, edge);
}

void Graph::connect(FieldRef ref, ArrayRef<Tensor> tensors) {
  const Field &field = fieldOf(*data_, ref);
  if (field.shape == FieldShape::Vector) {
    std::vector<Tensor> flat;
    for (const Tensor &tensor : tensors) flat.push_back(tensor.flatten());
    if (flat.empty()) throw no_size_specified(describe(*data_, ref) + " is connected to an empty list");
    return connect(ref, concat(flat));
  }
  if (field.shape == FieldShape::Scalar)
    throw graph_connection_error(describe(*data_, ref) + " is a scalar, a list was given");
  if (tensors.empty()) return setFieldSize(ref, 0);
  for (std::size_t row = 0; row != tensors.size(); ++row)
    connect(ref[row], tensors[row].rank() == 0 ? tensors[row].flatten() : tensors[row]);
}

void Graph::connectValue(FieldRef ref, ipu_model::HostValues value) {
  const Field &field = fieldOf(*data_, ref);
  if (field.direction == Direction::State) return setFieldValues(ref, value);
  const bool oneElement = field.shape == FieldShape::Scalar || (field.rowsAreScalars() && ref.isIndexed());
  if (field.direction != Direction::Input || !oneElement)
    throw graph_connection_error("a number cannot be connected to " + describe(*data_, ref) +
                                 ", which is not a scalar input or plain state");
  const Tensor constant = addConstantValues(typeOf(field), {}, value, true, "immediate");
  data_->immediates.emplace_back(data_->variables.size() - 1, ref.getVertex().getId());
  connect(ref, constant);
}

void Graph::setFieldValues(FieldRef ref, ipu_model::HostValues values) {
  const Field &field = fieldOf(*data_, ref);
  if (field.direction != Direction::State && field.direction != Direction::Input)
    throw graph_connection_error(describe(*data_, ref) + " is an output; it has no initial value");
  if (field.direction == Direction::Input) {
    // An input that is given numbers reads a constant.
    const Tensor constant = addConstantValues(typeOf(field), {values.count}, values, false, "immediate");
    data_->immediates.emplace_back(data_->variables.size() - 1, ref.getVertex().getId());
    return connect(ref, field.shape == FieldShape::Scalar ? constant.reshape({}) : constant);
  }
  if (field.shape == FieldShape::Scalar && ref.isIndexed())
    throw graph_connection_error(describe(*data_, ref) + " is one number and has no elements");
  if ((field.shape == FieldShape::Scalar || ref.isIndexed()) && values.count != 1)
    throw graph_connection_error(std::to_string(values.count) + " values given for " + describe(*data_, ref) +
                                 ", which is one number");
  const std::vector<std::byte> bytes = ipu_model::toDevice(typeOf(field), values, values.count);
  // A private vector has one edge: of its size until it is given values.
  Edge *const known = findSize(*data_, ref.getVertex().getId(), ref.field(), none);
  if (ref.isIndexed()) {
    if (!known)
      throw no_size_specified(describe(*data_, ref) +
                              " is an element of a vector without a size; call setFieldSize before");
    if (ref.getIndex() >= known->count)
      throw graph_connection_error(describe(*data_, ref) + " is beyond the size " + std::to_string(known->count) +
                                   " of the vector");
    if (known->kind == Edge::Kind::Size)
      giveValues(*data_, *known, std::vector<std::byte>(known->count * bytes.size()));
    std::copy(bytes.begin(), bytes.end(),
              data_->values.begin() + static_cast<std::ptrdiff_t>(known->first + ref.getIndex() * bytes.size()));
    return;
  }
  checkUnset(*data_, ref);
  if (known && known->count != values.count)
    throw graph_connection_error(std::to_string(values.count) + " values given for " + describe(*data_, ref) +
                                 ", whose size was set to " + std::to_string(known->count));
  if (known) return giveValues(*data_, *known, bytes);
  Edge edge{};
  edge.count = values.count;
  giveValues(*data_, edge, bytes);
  addEdge(*data_, ref, edge);
}

void Graph::setFieldSize(FieldRef ref, std::size_t size) {
  const Field &field = fieldOf(*data_, ref);
  if (field.shape == FieldShape::Scalar)
    throw graph_connection_error(describe(*data_, ref) + " is a scalar and has no size");
  if (field.shape == FieldShape::Vector && ref.isIndexed())
    throw graph_connection_error(describe(*data_, ref) + " is one element and has no size");
  const auto index = ref.isIndexed() ? static_cast<std::uint32_t>(ref.getIndex()) : none;
  if (const Edge *known = findSize(*data_, ref.getVertex().getId(), ref.field(), index)) {
    if (known->count != size)
      throw graph_connection_error(describe(*data_, ref) + " cannot get the size " + std::to_string(size) +
                                   ": it has the size " + std::to_string(known->count) + " already");
    return;
  }
  Edge edge{};
  edge.kind = Edge::Kind::Size;
  edge.count = size;
  addEdge(*data_, ref, edge);
}

std::size_t Graph::getFieldSize(FieldRef ref) const {
  checkOwn(*data_, ref.getVertex());
  std::size_t size = 0;
  bool found = false;
  data_->forEachEdge(data_->vertices[ref.getVertex().getId()], [&](const Edge &edge) {
    if (edge.field != ref.field()) return;
    found = true;
    const bool row = edge.index != none;
    if (ref.isIndexed() && row && edge.index == ref.getIndex())
      size = edge.count;
    else if (!ref.isIndexed())
      size = std::max(size, row ? edge.index + std::size_t{1} : edge.count);
  });
  if (!found) throw no_size_specified(describe(*data_, ref) + " is neither connected nor sized");
  return size;
}

std::size_t Graph::getMaxFieldDim(StringRef vertexName, StringRef fieldName, unsigned dim) const {
  std::size_t largest = 0;
  for (std::uint32_t id = 0; id != data_->vertices.size(); ++id) {
    const VertexRef vertex(id, data_.get());
    if (data_->typeOf(data_->vertices[id]).cls.name != vertexName) continue;
    const FieldRef field = vertex[fieldName];
    const std::size_t rows = getFieldSize(field);
    if (dim == 0)
      largest = std::max(largest, rows);
    else
      for (std::size_t row = 0; row != rows; ++row) largest = std::max(largest, getFieldSize(field[row]));
  }
  return largest;
}

void Graph::setTileMapping(VertexRef vertex, unsigned tile) {
  checkOwn(*data_, vertex);
  data_->vertices.at(vertex.getId()).tile = physicalTile(tile);
}

unsigned Graph::getTileMapping(VertexRef vertex) const {
  checkOwn(*data_, vertex);
  return data_->vertices.at(vertex.getId()).tile;
}

void Graph::setPerfEstimate(const VertexRef &vertex, std::uint64_t cycles, std::uint64_t) {
  checkOwn(*data_, vertex);
  data_->vertices.at(vertex.getId()).cycles = static_cast<std::int64_t>(cycles);
}

VertexPerfEstimate Graph::getPerfEstimate(const VertexRef &ref) const {
  checkOwn(*data_, ref);
  const ipu_model::Vertex &vertex = data_->vertices.at(ref.getId());
  if (vertex.cycles >= 0) return VertexPerfEstimate(static_cast<std::uint64_t>(vertex.cycles));
  if (const PerfEstimateFunc &estimator = data_->typeOf(vertex).estimator)
    return estimator(VertexIntrospector(*data_, ref.getId()), data_->target);
  throw missing_perf_estimate("no performance estimate for " + data_->describe(ref.getId()) +
                              "; call setPerfEstimate or registerPerfEstimator");
}

void Graph::registerPerfEstimator(StringRef vertexType, PerfEstimateFunc estimator) {
  const auto type = data_->typeIndex.find(std::string(vertexType));
  if (type == data_->typeIndex.end())
    throw unknown_vertex_type("registerPerfEstimator: no codelet defines the vertex type '" + std::string(vertexType) +
                              "'");
  data_->types[type->second]->estimator = std::move(estimator);
}

void Graph::registerCycleEstimator(StringRef vertexType,
                                   std::function<std::uint64_t(const VertexIntrospector &, const Target &)> estimator) {
  registerPerfEstimator(vertexType, [estimator](const VertexIntrospector &v, const Target &t) {
    return VertexPerfEstimate(estimator(v, t));
  });
}

} // namespace poplar
