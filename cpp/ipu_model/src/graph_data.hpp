#pragma once
// What a graph consists of, in flat arrays that the handles of GraphElements.hpp index.

#include "codelets/codelet_library.hpp"
#include "poplar/ArrayRef.hpp"
#include "poplar/PerfEstimateFunc.hpp"
#include "poplar/Program.hpp"
#include "poplar/Tensor.hpp"
#include "view.hpp"
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ipu_model {

/// Tiles of the elements of one variable, as disjoint intervals.
class TileMap {
public:
  void set(std::size_t begin, std::size_t end, unsigned tile);
  /// Calls f(begin, end, tile) for the parts of [begin, end); tile is `none` where nothing is mapped.
  template <typename F> void visit(std::size_t begin, std::size_t end, F &&f) const {
    auto next = parts_.upper_bound(begin);
    if (next != parts_.begin() && std::prev(next)->second.end > begin) --next;
    while (begin < end) {
      if (next == parts_.end() || next->first >= end) {
        f(begin, end, unsigned{none});
        return;
      }
      if (next->first > begin) f(begin, next->first, unsigned{none});
      const std::size_t from = std::max(begin, next->first), to = std::min(end, next->second.end);
      f(from, to, next->second.tile);
      begin = to;
      ++next;
    }
  }

  bool onOneTile() const { return parts_.size() == 1; }
  /// Whether any of [begin, end) is mapped.
  bool anyIn(std::size_t begin, std::size_t end) const {
    const auto after = parts_.lower_bound(end);
    return after != parts_.begin() && std::prev(after)->second.end > begin;
  }

private:
  struct Part {
    std::size_t end;
    unsigned tile;
  };
  std::map<std::size_t, Part> parts_; ///< by begin
};

struct Variable {
  poplar::Type type;
  std::size_t count = 0;
  std::string name;
  bool constant = false;
  std::vector<std::byte> value; ///< of a constant
  TileMap tiles;
};

/// Memory of one field of a built-in vertex.
struct Slice {
  void *data;
  std::size_t size;
};
/// Body of a built-in vertex: one slice a field, in their order; returns what compute() would.
using Kernel = std::function<bool(const Slice *fields)>;

/// A vertex class: of a compiled codelet, or built in (then `kernel` is set and the host object is an
/// array of Slice).
struct VertexType {
  VertexClass cls;
  std::shared_ptr<const CodeletLibrary> library;
  Kernel kernel;
  std::unordered_map<std::string, std::uint32_t> fieldIndex;
  poplar::PerfEstimateFunc estimator;
};

/// What a field of one vertex is connected to or set to. A private vector has one: its size, or its values.
struct Edge {
  enum class Kind : std::uint8_t { Tensor, Value, Size };
  Kind kind;
  std::uint16_t field;
  std::uint32_t next;  ///< of the same vertex, or none
  std::uint32_t index; ///< row of a list, or none
  std::uint32_t runCount;
  std::size_t first; ///< first run, or first byte of the value
  std::size_t count; ///< elements
};

struct Vertex {
  std::uint32_t type;
  std::uint32_t computeSet;
  std::uint32_t tile = none;
  std::uint32_t firstEdge = none;
  std::int64_t cycles = -1; ///< author's estimate, or -1
};

struct ComputeSetData {
  std::string name;
  std::vector<std::uint32_t> vertices;
};

/// A stream, or a remote buffer.
struct ChannelData {
  std::string handle;
  poplar::Type type;
  std::size_t count;       ///< elements of one transfer
  bool toDevice = false;   ///< of a stream
  std::size_t repeats = 1; ///< rows of a remote buffer
  std::size_t bytes() const { return count * type.size(); }
};
using Channels = std::map<std::string, std::shared_ptr<const ChannelData>>;

struct InitialValue {
  View view;
  std::vector<std::byte> bytes;
};

struct GraphData {
  poplar::Target target;
  std::vector<Variable> variables;
  std::vector<std::unique_ptr<VertexType>> types;
  std::unordered_map<std::string, std::uint32_t> typeIndex;
  std::vector<Vertex> vertices;
  std::vector<Edge> edges;
  std::vector<Run> edgeRuns;
  std::vector<std::byte> values;
  std::vector<ComputeSetData> computeSets;
  std::vector<poplar::program::Program> functions;
  std::map<std::string, poplar::Tensor> hostWrites, hostReads;
  Channels streams, remoteBuffers;
  std::vector<InitialValue> initialValues;
  /// Constants made for inputs that were given numbers; they live on the tile of their vertex.
  std::vector<std::pair<poplar::VarId, std::uint32_t>> immediates;

  std::uint32_t addType(std::unique_ptr<VertexType> type);
  /// Calls f for each edge of a vertex.
  template <typename F> void forEachEdge(const Vertex &vertex, F &&f) const {
    for (std::uint32_t e = vertex.firstEdge; e != none; e = edges[e].next) f(edges[e]);
  }
  const VertexType &typeOf(const Vertex &vertex) const { return *types[vertex.type]; }
  /// Throws Error, with what use() says, unless the tensor is one of this graph. Another graph may be gone, so its
  /// names are not asked for.
  template <typename Error, typename Use> void checkOwn(const poplar::Tensor &tensor, Use &&use) const {
    if (!tensor.valid()) throw Error(use() + std::string(": the tensor was never assigned"));
    if (tensor.graph() != this)
      throw Error(use() + std::string(": the tensor of shape ") + tensor.shapeToString() +
                  " belongs to another graph; each graph has its own variables");
  }
  /// "vertex 12 of type 'Sum' on tile 3 (compute set 'cs')", for messages.
  std::string describe(std::uint32_t vertex) const;
  /// "elements [0:4) of variable 'x'", for messages.
  std::string describe(poplar::VarId variable, std::size_t begin, std::size_t end) const;
};

/// The element type of a field.
poplar::Type typeOf(const Field &field);

/// A position whose element an earlier position already has, with that element.
struct Alias {
  poplar::VarId variable;
  std::size_t element;
};
std::optional<Alias> findAlias(const View &view);

/// Adds a built-in vertex type; `fields` are vectors in the order of the kernel's slices.
struct KernelField {
  std::string name;
  Direction direction;
  poplar::Type type;
};
std::uint32_t addKernel(GraphData &graph, std::string name, const std::vector<KernelField> &fields, Kernel kernel);
/// Adds a vertex of a built-in type with all its fields connected.
void addKernelVertex(poplar::Graph &graph, poplar::ComputeSet cs, std::uint32_t type, unsigned tile,
                     std::uint64_t cycles, const std::vector<poplar::Tensor> &fields);

} // namespace ipu_model
