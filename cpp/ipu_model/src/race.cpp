// What must hold before a compute set may run: complete vertices, and no element that one vertex
// writes and another touches.

#include "compute_set.hpp"
#include "poplar/exceptions.hpp"
#include <algorithm>

namespace ipu_model {
namespace {

/// Stretch of a variable that a field of a vertex touches.
struct Access {
  poplar::VarId variable;
  std::size_t begin, end;
  std::uint32_t vertex, edge;
};

std::string fieldName(const GraphData &graph, const Access &access) {
  const Edge &edge = graph.edges[access.edge];
  const Field &field = graph.typeOf(graph.vertices[access.vertex]).cls.fields[edge.field];
  return "field '" + field.name + (edge.index == none ? "" : "[" + std::to_string(edge.index) + "]") + "' of " +
         graph.describe(access.vertex);
}

[[noreturn]] void refuse(const GraphData &graph, const Access &writer, const Access &other, const char *what) {
  const std::size_t begin = std::max(writer.begin, other.begin);
  const std::size_t end = std::min(writer.end, other.end);
  throw poplar::graph_cycle_error(fieldName(graph, writer) + " writes to " +
                                  graph.describe(writer.variable, begin, end) + " that are " + what +
                                  " elsewhere in the same compute set: by " + fieldName(graph, other));
}

bool before(const Access &a, const Access &b) {
  return a.variable != b.variable ? a.variable < b.variable : a.begin < b.begin;
}

/// Warns where vertices of one tile write into the same unit of store.
void checkGranules(const GraphData &graph, const std::vector<Access> &writes, const WarningSink &warn) {
  const std::size_t granule = graph.target.getAtomicStoreGranularity();
  for (std::size_t i = 1; i < writes.size(); ++i) {
    const Access &a = writes[i - 1], &b = writes[i];
    const std::size_t size = graph.variables[b.variable].type.size();
    if (a.variable != b.variable || a.vertex == b.vertex || size >= 4 ||
        graph.vertices[a.vertex].tile != graph.vertices[b.vertex].tile)
      continue;
    if ((a.end * size - 1) / granule == b.begin * size / granule) {
      warn(fieldName(graph, a) + " and " + fieldName(graph, b) + " write into one unit of " + std::to_string(granule) +
           " bytes: " + graph.describe(a.variable, a.end - 1, b.begin + 1) + "; on the device this needs extra copies");
      return; // one message a compute set is enough
    }
  }
}

} // namespace

SnapshotEdges checkRaces(const GraphData &graph, std::uint32_t computeSet, const WarningSink &warn) {
  std::vector<Access> writes;
  const auto forEachAccess = [&](bool wantWrites, auto &&f) {
    for (std::uint32_t id : graph.computeSets[computeSet].vertices) {
      const VertexClass &cls = graph.typeOf(graph.vertices[id]).cls;
      graph.forEachEdge(graph.vertices[id], [&](const Edge &edge) {
        if (edge.kind != Edge::Kind::Tensor || (cls.fields[edge.field].direction != Direction::Input) != wantWrites)
          return;
        const auto e = static_cast<std::uint32_t>(&edge - graph.edges.data());
        for (std::uint32_t r = 0; r != edge.runCount; ++r) f(graph.edgeRuns[edge.first + r], id, e);
      });
    }
  };
  forEachAccess(true, [&](const Run &run, std::uint32_t vertex, std::uint32_t edge) {
    forEachStretch(run, [&](std::size_t begin, std::size_t end) {
      writes.push_back({run.variable, begin, end, vertex, edge});
    });
  });
  std::sort(writes.begin(), writes.end(),
            [](const Access &a, const Access &b) { return before(a, b) || (!before(b, a) && a.edge < b.edge); });
  for (std::size_t i = 1; i < writes.size(); ++i)
    if (writes[i].variable == writes[i - 1].variable && writes[i].begin < writes[i - 1].end)
      refuse(graph, writes[i], writes[i - 1], "written to");
  checkGranules(graph, writes, warn);

  SnapshotEdges snapshots;
  forEachAccess(false, [&](const Run &run, std::uint32_t vertex, std::uint32_t edge) {
    // Writes are disjoint and sorted, so the first that can overlap is found by its end.
    const auto firstAfter = [&](std::size_t begin) {
      return std::upper_bound(writes.begin(), writes.end(), begin, [&](std::size_t position, const Access &w) {
        return w.variable != run.variable ? run.variable < w.variable : position < w.end;
      });
    };
    const auto reaches = [&](std::vector<Access>::iterator w, std::size_t end) {
      return w != writes.end() && w->variable == run.variable && w->begin < end;
    };
    if (!reaches(firstAfter(run.lowest()), run.highest() + 1)) return;
    forEachStretch(run, [&](std::size_t begin, std::size_t end) {
      for (auto w = firstAfter(begin); reaches(w, end); ++w) {
        if (w->vertex != vertex) refuse(graph, *w, {run.variable, begin, end, vertex, edge}, "read");
        snapshots.insert(edge);
      }
    });
  });
  return snapshots;
}

namespace {

/// Joins the elements of a vector field that were connected one by one.
void joinElements(GraphData &graph, std::uint32_t id, std::uint32_t f, const std::string &fieldText) {
  Vertex &vertex = graph.vertices[id];
  std::vector<std::uint32_t> elements;
  std::uint32_t *link = &vertex.firstEdge;
  while (*link != none) {
    Edge &edge = graph.edges[*link];
    if (edge.field == f && edge.kind == Edge::Kind::Tensor && edge.index != none) {
      elements.push_back(*link);
      *link = edge.next;
    } else {
      link = &edge.next;
    }
  }
  if (elements.empty()) return;
  std::sort(elements.begin(), elements.end(),
            [&](std::uint32_t a, std::uint32_t b) { return graph.edges[a].index < graph.edges[b].index; });
  View view;
  for (std::size_t i = 0; i != elements.size(); ++i) {
    const Edge &edge = graph.edges[elements[i]];
    if (edge.index != i)
      throw poplar::no_size_specified("element " + std::to_string(i) + " of " + fieldText + " is not connected");
    for (std::uint32_t r = 0; r != edge.runCount; ++r) view.push(graph.edgeRuns[edge.first + r]);
  }
  const bool writes = graph.typeOf(vertex).cls.fields[f].direction != Direction::Input;
  if (const auto alias = writes ? findAlias(view) : std::nullopt)
    throw poplar::graph_connection_error(fieldText + " is an output and shows " +
                                         graph.describe(alias->variable, alias->element, alias->element + 1) +
                                         " more than once");
  Edge joined{};
  joined.kind = Edge::Kind::Tensor;
  joined.field = static_cast<std::uint16_t>(f);
  joined.index = none;
  joined.next = vertex.firstEdge;
  joined.first = graph.edgeRuns.size();
  joined.runCount = static_cast<std::uint32_t>(view.runs().size());
  joined.count = view.size();
  graph.edgeRuns.insert(graph.edgeRuns.end(), view.runs().begin(), view.runs().end());
  vertex.firstEdge = static_cast<std::uint32_t>(graph.edges.size());
  graph.edges.push_back(joined);
}

/// Refuses a row of a list that has another number of elements than it was given as its size.
void checkRowSize(const GraphData &graph, std::uint32_t id, const Edge &size) {
  std::size_t elements = 0;
  graph.forEachEdge(graph.vertices[id], [&](const Edge &edge) {
    if (edge.kind == Edge::Kind::Tensor && edge.field == size.field && edge.index == size.index) elements = edge.count;
  });
  if (elements != size.count)
    throw poplar::graph_connection_error(
        "field '" + graph.typeOf(graph.vertices[id]).cls.fields[size.field].name + "[" + std::to_string(size.index) +
        "]' of " + graph.describe(id) + " was given the size " + std::to_string(size.count) + " but " +
        std::to_string(elements) + " elements are connected");
}

} // namespace

void checkVertices(GraphData &graph, std::uint32_t computeSet) {
  std::vector<std::size_t> connected, sized;
  std::vector<std::size_t> rowsWanted, elements;
  std::vector<const Edge *> sizedRows;
  constexpr std::size_t unset = static_cast<std::size_t>(-1);
  for (std::uint32_t id : graph.computeSets[computeSet].vertices) {
    const Vertex &vertex = graph.vertices[id];
    if (vertex.tile == none)
      throw poplar::invalid_tile_mapping(graph.describe(id) + " is not mapped to a tile; call setTileMapping");
    const VertexClass &cls = graph.typeOf(vertex).cls;
    connected.assign(cls.fields.size(), 0);
    sized.assign(cls.fields.size(), unset);
    rowsWanted.assign(cls.fields.size(), 0);
    elements.assign(cls.fields.size(), 0);
    sizedRows.clear();
    bool elementWise = false;
    graph.forEachEdge(vertex, [&](const Edge &edge) {
      if (edge.kind == Edge::Kind::Size && edge.index == none) {
        sized[edge.field] = edge.count;
      } else if (edge.kind == Edge::Kind::Size) {
        sizedRows.push_back(&edge);
      } else {
        ++connected[edge.field];
        elements[edge.field] += edge.count;
        if (edge.index != none) {
          rowsWanted[edge.field] = std::max(rowsWanted[edge.field], edge.index + std::size_t{1});
          elementWise |= cls.fields[edge.field].shape == FieldShape::Vector;
        }
      }
    });
    for (std::uint32_t f = 0; f != cls.fields.size(); ++f) {
      const Field &field = cls.fields[f];
      const auto text = [&] { return "field '" + field.name + "' of " + graph.describe(id); };
      if (field.direction == Direction::State) {
        if (field.shape == FieldShape::Vector && connected[f] == 0 && sized[f] == unset)
          throw poplar::no_size_specified(text() + " is a private vector without a size; call "
                                                   "setFieldSize");
        continue;
      }
      if (connected[f] == 0 && sized[f] != 0)
        throw poplar::graph_connection_error(
            text() + (sized[f] == unset ? " is not connected"
                                        : " has the size " + std::to_string(sized[f]) + " but is not connected"));
      if (rowsWanted[f] != 0 && rowsWanted[f] != connected[f])
        throw poplar::graph_connection_error(text() + " has " + std::to_string(connected[f]) + " of its " +
                                             std::to_string(rowsWanted[f]) + " elements connected");
      const std::size_t rows = rowsWanted[f] != 0 ? rowsWanted[f] : connected[f];
      const std::size_t size = field.shape == FieldShape::VectorList ? rows : elements[f];
      if (sized[f] != unset && sized[f] != size)
        throw poplar::graph_connection_error(text() + " was given the size " + std::to_string(sized[f]) + " but " +
                                             std::to_string(size) + " elements are connected");
    }
    for (const Edge *row : sizedRows) checkRowSize(graph, id, *row);
    if (elementWise)
      for (std::uint32_t f = 0; f != cls.fields.size(); ++f)
        if (cls.fields[f].shape == FieldShape::Vector)
          joinElements(graph, id, f, "field '" + cls.fields[f].name + "' of " + graph.describe(id));
  }
}

} // namespace ipu_model
