#include "graph_data.hpp"
#include "numbers.hpp"
#include "poplar/Graph.hpp"
#include <algorithm>

namespace ipu_model {

void TileMap::set(std::size_t begin, std::size_t end, unsigned tile) {
  if (begin == end) return;
  auto next = parts_.lower_bound(begin);
  if (next != parts_.begin()) { // cut or join the part before
    auto before = std::prev(next);
    if (before->second.end > begin) {
      const Part cut = before->second;
      before->second.end = begin;
      if (cut.end > end) next = parts_.emplace_hint(next, end, cut);
    }
    if (before->second.tile == tile && before->second.end == begin) {
      begin = before->first;
      next = parts_.erase(before);
    }
  }
  while (next != parts_.end() && next->first < end) { // drop or shorten what is covered
    const Part covered = next->second;
    next = parts_.erase(next);
    if (covered.end > end) next = parts_.emplace_hint(next, end, covered);
  }
  if (next != parts_.end() && next->first == end && next->second.tile == tile) {
    end = next->second.end;
    next = parts_.erase(next);
  }
  parts_.emplace_hint(next, begin, Part{end, tile});
}

std::uint32_t GraphData::addType(std::unique_ptr<VertexType> type) {
  for (std::uint32_t i = 0; i != type->cls.fields.size(); ++i) type->fieldIndex.emplace(type->cls.fields[i].name, i);
  types.push_back(std::move(type));
  return static_cast<std::uint32_t>(types.size() - 1);
}

std::string GraphData::describe(std::uint32_t id) const {
  const Vertex &vertex = vertices[id];
  return "vertex " + std::to_string(id) + " of type '" + typeOf(vertex).cls.name + "' on tile " +
         (vertex.tile == none ? "(none)" : std::to_string(vertex.tile)) + " (compute set '" +
         computeSets[vertex.computeSet].name + "')";
}

std::string GraphData::describe(poplar::VarId variable, std::size_t begin, std::size_t end) const {
  return "elements [" + std::to_string(begin) + ":" + std::to_string(end) + ") of variable '" +
         variables[variable].name + "'";
}

poplar::Type typeOf(const Field &field) {
  static const auto types = [] {
    using Id = poplar::Type::Id;
    std::unordered_map<std::string, poplar::Type> byName;
    for (auto id = static_cast<unsigned>(Id::Bool); id <= static_cast<unsigned>(Id::Float); ++id)
      byName.emplace(poplar::Type(static_cast<Id>(id)).toString(), poplar::Type(static_cast<Id>(id)));
    return byName;
  }();
  const auto found = types.find(field.elementType);
  if (found == types.end())
    throw poplar::type_error("field '" + field.name + "' has the element type '" + field.elementType +
                             "', which no tensor can have");
  return found->second;
}

std::optional<Alias> findAlias(const View &view) {
  std::vector<poplar::VariableInterval> ranges;
  for (const Run &run : view.runs()) {
    if (run.stride == 0) return Alias{run.variable, run.begin};
    forEachStretch(run, [&](std::size_t begin, std::size_t end) { ranges.push_back({run.variable, {begin, end}}); });
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].var == ranges[i - 1].var && ranges[i].interval.begin() < ranges[i - 1].interval.end())
      return Alias{ranges[i].var, ranges[i].interval.begin()};
  return std::nullopt;
}

std::uint32_t addKernel(GraphData &graph, std::string name, const std::vector<KernelField> &fields, Kernel kernel) {
  auto type = std::make_unique<VertexType>();
  type->cls.name = std::move(name);
  type->cls.kind = VertexKind::MultiVertex; // built-in vertices have a tile's workers
  type->cls.size = fields.size() * sizeof(Slice);
  type->cls.align = alignof(Slice);
  for (const KernelField &f : fields) {
    Field field;
    field.name = f.name;
    field.direction = f.direction;
    field.shape = FieldShape::Vector;
    field.elementType = f.type.toString();
    field.layout = Layout::Span;
    field.minAlign = static_cast<unsigned>(f.type.size());
    field.offset = type->cls.fields.size() * sizeof(Slice);
    field.elementSize = f.type.size();
    field.ipuBytes = 8;
    type->cls.fields.push_back(field);
  }
  type->cls.ipuStateBytes = 8 * fields.size();
  type->kernel = std::move(kernel);
  return graph.addType(std::move(type));
}

void addKernelVertex(poplar::Graph &graph, poplar::ComputeSet cs, std::uint32_t type, unsigned tile,
                     std::uint64_t cycles, const std::vector<poplar::Tensor> &fields) {
  GraphData &data = *graph.data();
  const auto id = static_cast<std::uint32_t>(data.vertices.size());
  data.vertices.push_back({type, cs.getId(), none, none, static_cast<std::int64_t>(cycles)});
  data.computeSets[cs.getId()].vertices.push_back(id);
  const poplar::VertexRef vertex(id, &data);
  graph.setTileMapping(vertex, tile);
  for (std::uint32_t i = 0; i != fields.size(); ++i) graph.connect(poplar::FieldRef(vertex, i), fields[i].flatten());
}

namespace {
const ChannelData &checked(const std::shared_ptr<const ChannelData> &channel) {
  if (!channel)
    throw poplar::stream_connection_error("a stream or remote buffer that was never assigned is used; assign it what "
                                          "the graph's add function returns");
  return *channel;
}
} // namespace

std::string Channel::handle() const { return checked(data_).handle; }
std::size_t Channel::numElements() const { return checked(data_).count; }
poplar::Type Channel::elementType() const { return checked(data_).type; }

} // namespace ipu_model

namespace poplar {

DataStream::operator StringRef() const { return ipu_model::checked(data_).handle; }
std::size_t RemoteBuffer::getRepeats() const { return ipu_model::checked(data_).repeats; }

FieldRef VertexRef::operator[](StringRef field) const {
  if (!graph_)
    throw graph_connection_error("field '" + std::string(field) + "' of a vertex that was never assigned; assign it "
                                 "what addVertex returns");
  const ipu_model::VertexType &type = graph_->typeOf(graph_->vertices[id_]);
  const auto found = type.fieldIndex.find(std::string(field));
  if (found == type.fieldIndex.end()) {
    std::string known;
    for (const ipu_model::Field &f : type.cls.fields) known += (known.empty() ? "" : ", ") + f.name;
    throw unknown_field("vertex type '" + type.cls.name + "' has no field '" + std::string(field) +
                        "'; its fields are: " + known);
  }
  return FieldRef(*this, found->second);
}
FieldRef VertexRef::getFieldByName(StringRef field) const { return (*this)[field]; }

FieldRef FieldRef::operator[](std::size_t index) const {
  return FieldRef(vertex_, field_, static_cast<std::uint32_t>(index));
}

FieldData VertexIntrospector::getFieldInfo(const std::string &name) const {
  const ipu_model::Vertex &vertex = graph_.vertices[vertex_];
  const ipu_model::VertexType &type = graph_.typeOf(vertex);
  const auto found = type.fieldIndex.find(name);
  if (found == type.fieldIndex.end())
    throw unknown_field("vertex type '" + type.cls.name + "' has no field '" + name + "'");
  std::vector<std::size_t> rows;
  std::vector<double> values;
  const Type elementType = ipu_model::typeOf(type.cls.fields[found->second]);
  graph_.forEachEdge(vertex, [&](const ipu_model::Edge &edge) {
    if (edge.field != found->second) return;
    const std::size_t row = edge.index == ipu_model::none ? 0 : edge.index;
    if (edge.kind == ipu_model::Edge::Kind::Size) {
      if (rows.empty()) rows.push_back(edge.count);
      return;
    }
    if (rows.size() <= row) rows.resize(row + 1);
    rows[row] = edge.count;
    if (edge.kind != ipu_model::Edge::Kind::Value) return;
    for (std::size_t i = 0; i != edge.count; ++i)
      values.push_back(ipu_model::readNumber(elementType, graph_.values.data() + edge.first, i));
  });
  return FieldData(name, rows, type.cls.fields[found->second].shape == ipu_model::FieldShape::VectorList, values);
}

std::string VertexIntrospector::getVertexName() const { return graph_.typeOf(graph_.vertices[vertex_]).cls.name; }

} // namespace poplar
