// What the machine does not allow is refused, with the names of what is wrong.

#include "fixture.hpp"
#include "poplar/exceptions.hpp"

using namespace poplar;
using namespace poplar::program;

namespace {

struct Fields : Machine {
  Fields() {
    addCodelets();
    cs = graph.addComputeSet("set");
    x = variable(FLOAT, {8}, "x", 3);
    y = variable(FLOAT, {8}, "y", 3);
  }
  VertexRef sum(const Tensor &in, const Tensor &out, unsigned tile = 1) {
    const VertexRef v = graph.addVertex(cs, "Sum");
    graph.connect(v["in"], in);
    graph.connect(v["out"], out);
    graph.setTileMapping(v, tile);
    return v;
  }
  template <typename E> std::string compileError(const OptionFlags &options = {}) {
    return messageOf<E>([&] { Engine(graph, Execute(cs), options); });
  }
  ComputeSet cs;
  Tensor x, y;
};

} // namespace

TEST_CASE_FIXTURE(Fields, "two vertices that write one element") {
  sum(x, y[2]);
  sum(x, y[2], 4);
  const std::string text = compileError<graph_cycle_error>();
  CHECK_CONTAINS(text, "field 'out' of vertex 1 of type 'Sum' on tile 4 (compute set 'set') writes to elements [2:3) of variable 'y' that are written to elsewhere in the same compute set");
  CHECK_CONTAINS(text, "field 'out' of vertex 0 of type 'Sum' on tile 1");
}

TEST_CASE_FIXTURE(Fields, "one vertex writes what another reads") {
  sum(x, y[5]);
  sum(y.slice(4, 8), y[0], 2);
  const std::string text = compileError<graph_cycle_error>();
  CHECK_CONTAINS(text, "writes to elements [5:6) of variable 'y' that are read elsewhere");
  CHECK_CONTAINS(text, "field 'in' of vertex 1 of type 'Sum' on tile 2");
}

TEST_CASE_FIXTURE(Fields, "races are found through strided and transposed views") {
  const Tensor t = variable(FLOAT, {4, 4}, "t");
  sum(x, t.transpose()[1][2]); // t[2][1]
  sum(t[2], y[0]);
  CHECK_CONTAINS(compileError<graph_cycle_error>(), "elements [9:10) of variable 't'");
}

TEST_CASE_FIXTURE(Fields, "one vertex may read what it writes, many may read one element") {
  const Tensor t = variable(INT, {4}, "t");
  const VertexRef v = graph.addVertex(cs, "AddOne", {{"in", t}, {"out", t}});
  graph.setTileMapping(v, 0);
  sum(x, y[0]);
  sum(x, y[1]);
  CHECK(result<int>(Repeat(3, Execute(cs)), t) == std::vector<int>{3, 3, 3, 3});
}

TEST_CASE_FIXTURE(Fields, "vertices and elements without a tile") {
  SUBCASE("a variable") {
    const Tensor t = graph.addVariable(FLOAT, {6}, "homeless");
    graph.setTileMapping(t.slice(0, 2), 0);
    graph.setTileMapping(t.slice(5, 6), 0);
    CHECK_CONTAINS(compileError<invalid_tile_mapping>(), "elements [2:5) of variable 'homeless' are not mapped to a tile");
    CHECK_CONTAINS(messageOf<invalid_tile_mapping>([&] { graph.getTileMapping(t); }), "'homeless'");
    bool complete = true;
    CHECK(graph.getTileMapping(t, &complete)[0] == std::vector<Interval>{{0, 2}, {5, 6}});
    CHECK_FALSE(complete);
  }
  SUBCASE("a vertex") {
    graph.addVertex(cs, "Sum", {{"in", x}, {"out", y[0]}});
    CHECK_CONTAINS(compileError<invalid_tile_mapping>(), "vertex 0 of type 'Sum' on tile (none) (compute set 'set') is not mapped");
  }
  SUBCASE("a vertex that reads a number") {
    const VertexRef v = graph.addVertex(cs, "SingleElements", {{"out", std::vector<Tensor>{y[0]}}});
    graph.connect(v["in"][0], 1.5f);
    CHECK_CONTAINS(compileError<invalid_tile_mapping>(), "vertex 0 of type 'SingleElements' on tile (none) (compute set 'set') is not mapped to a tile");
    CHECK_NOTHROW(Engine(graph, Sequence())); // no program runs it
    graph.setTileMapping(v, 2);
    CHECK(result<float>(Execute(cs), y[0]) == std::vector<float>{3});
  }
  SUBCASE("a tile that does not exist") {
    CHECK_CONTAINS(messageOf<invalid_tile_mapping>([&] { graph.setTileMapping(x, 8); }), "tile 8 does not exist; the graph has 8 tiles");
  }
}

TEST_CASE_FIXTURE(Fields, "fields that are missing, doubled or of another size or type") {
  SUBCASE("not connected") {
    graph.setTileMapping(graph.addVertex(cs, "Sum", {{"in", x}}), 2);
    CHECK_CONTAINS(compileError<graph_connection_error>(), "field 'out' of vertex 0 of type 'Sum' on tile 2 (compute set 'set') is not connected");
  }
  SUBCASE("unknown") {
    const VertexRef v = graph.addVertex(cs, "Sum");
    CHECK_CONTAINS(messageOf<unknown_field>([&] { v["input"]; }), "vertex type 'Sum' has no field 'input'; its fields are: in, out");
    CHECK_CONTAINS(messageOf<unknown_vertex_type>([&] { graph.addVertex(cs, "Summ"); }), "'Summ'");
  }
  SUBCASE("connected twice") {
    const VertexRef v = sum(x, y[0]);
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.connect(v["in"], y); }), "field 'in' of vertex 0");
  }
  SUBCASE("another type") {
    const Tensor t = variable(INT, {4}, "ints");
    CHECK_CONTAINS(messageOf<type_error>([&] { sum(t, y[0]); }), "tensor 'ints' of type 'int' cannot be connected to field 'in'");
  }
  SUBCASE("a scalar of several elements") {
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { sum(x, y.slice(0, 2)); }), "one element");
  }
  SUBCASE("a vector of rank 2") {
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { sum(x.reshape({2, 4}), y[0]); }), "rank 1, not of shape {2,4}");
  }
  SUBCASE("an output that shows an element twice") {
    const Tensor t = variable(INT, {2}, "t");
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.addVertex(cs, "AddOne", {{"out", t.broadcast(2, 0)}}); }), "elements [0:1) of variable 't' more than once");
  }
  SUBCASE("a constant that is written") {
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { sum(x, constant<float>(FLOAT, {}, {1})); }), "constant");
  }
  SUBCASE("a list with a missing row") {
    const VertexRef v = graph.addVertex(cs, "Rows", {{"sums", y.slice(0, 2)}});
    graph.setFieldSize(v["scratch"], 1);
    graph.setTileMapping(v, 0);
    graph.connect(v["rows"][1], x);
    CHECK_CONTAINS(compileError<graph_connection_error>(), "field 'rows' of vertex 0");
  }
  SUBCASE("a private vector without a size") {
    const VertexRef v = graph.addVertex(cs, "Rows", {{"sums", y.slice(0, 1)}, {"rows", x.expand({0})}});
    graph.setTileMapping(v, 0);
    CHECK_CONTAINS(compileError<no_size_specified>(), "field 'scratch' of vertex 0");
    CHECK_THROWS_AS(graph.getFieldSize(v["scratch"]), no_size_specified);
  }
  SUBCASE("a private vector of two sizes") {
    const VertexRef v = graph.addVertex(cs, "Rows");
    graph.setFieldSize(v["scratch"], 3);
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.setFieldSize(v["scratch"], 8); }), "field 'scratch' of vertex 0 of type 'Rows' on tile (none) (compute set 'set') cannot get the size 8: it has the size 3 already");
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.setInitialValue(v["scratch"], std::vector<float>{1, 2}); }), "2 values given");
    CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.setInitialValue(v["scratch"][3], 1.0f); }), "field 'scratch[3]' of vertex 0");
    graph.setInitialValue(v["scratch"], std::vector<float>{1, 2, 3});
    CHECK_THROWS_AS(graph.setFieldSize(v["scratch"], 8), graph_connection_error);
    CHECK_THROWS_AS(graph.setInitialValue(v["scratch"], std::vector<float>{4, 5, 6}), graph_connection_error);
    const VertexRef other = graph.addVertex(cs, "Rows");
    CHECK_CONTAINS(messageOf<no_size_specified>([&] { graph.setInitialValue(other["scratch"][0], 1.0f); }), "call setFieldSize before");
  }
  SUBCASE("a size that is not that of the tensor") {
    const VertexRef v = sum(x, y[0]);
    graph.setFieldSize(v["in"], 7);
    CHECK_CONTAINS(compileError<graph_connection_error>(), "field 'in' of vertex 0 of type 'Sum' on tile 1 (compute set 'set') was given the size 7 but 8 elements are connected");
  }
  SUBCASE("a size that is not that of the elements") {
    const VertexRef v = graph.addVertex(cs, "Sum", {{"out", y[0]}});
    graph.setTileMapping(v, 0);
    graph.setFieldSize(v["in"], 3);
    for (unsigned i = 0; i != 2; ++i)
      graph.connect(v["in"][i], x[i]);
    CHECK_CONTAINS(compileError<graph_connection_error>(), "given the size 3 but 2 elements");
    graph.connect(v["in"][2], x[2]);
    CHECK_NOTHROW(Engine(graph, Execute(cs)));
  }
  SUBCASE("a size that is not that of the row") {
    const VertexRef v = graph.addVertex(cs, "Rows", {{"sums", y.slice(0, 1)}, {"rows", x.expand({0})}});
    graph.setTileMapping(v, 0);
    graph.setFieldSize(v["scratch"], 1);
    graph.setFieldSize(v["rows"][0], 9);
    CHECK_CONTAINS(compileError<graph_connection_error>(), "field 'rows[0]' of vertex 0 of type 'Rows' on tile 0 (compute set 'set') was given the size 9 but 8 elements");
  }
  SUBCASE("plain state is not connected, outputs are not set") {
    const VertexRef v = graph.addVertex(cs, "Count");
    CHECK_THROWS_AS(graph.connect(v["calls"], x[0]), graph_connection_error);
    CHECK_THROWS_AS(graph.setInitialValue(v["out"], 1), graph_connection_error);
  }
}

TEST_CASE_FIXTURE(Fields, "copies that cannot be") {
  const auto copyError = [&](const Tensor &from, const Tensor &to) {
    return messageOf<control_program_error>([&] { Engine(graph, Copy(from, to, false, "c")); });
  };
  CHECK_CONTAINS(copyError(x.slice(0, 4), x.slice(2, 6)), "Copy 'c' of 'x' to 'x': source and destination overlap in elements [2:4) of variable 'x'");
  CHECK_CONTAINS(copyError(x, x.reverse(0)), "overlap");
  CHECK_CONTAINS(copyError(concat(x, x), concat(y, y)), "shows elements [0:1) of variable 'y' more than once");
  CHECK_CONTAINS(copyError(x.slice(0, 1), constant<float>(FLOAT, {1}, {1})), "constant");
  CHECK_CONTAINS(copyError(x, y.slice(0, 4)), "another number of elements");
  CHECK_THROWS_AS(Copy(x, variable(INT, {8}, "i")), type_error);
  CHECK_NOTHROW(Engine(graph, Copy(x, x)));
}

TEST_CASE_FIXTURE(Fields, "what a program writes is neither constant nor shown twice") {
  const auto refused = [&](const Program &program) {
    return messageOf<control_program_error>([&] { Engine(graph, program); });
  };
  const Tensor fixed = constant<float>(FLOAT, {2}, {1, 2}), flag = constant<int>(BOOL, {}, {1});
  const Tensor row = variable(UNSIGNED_INT, {1}, "row"), once = variable(FLOAT, {1}, "once");
  const DataStream in = graph.addHostToDeviceFIFO("in", FLOAT, 2);
  const RemoteBuffer rows = graph.addRemoteBuffer("rows", FLOAT, 2, 4);
  CHECK_CONTAINS(refused(Copy(in, fixed, false, "c")), "Copy 'c' of 'in' to 'constant2': a constant cannot be written");
  CHECK_CONTAINS(refused(Copy(rows, fixed)), "a constant cannot be written");
  CHECK_CONTAINS(refused(Copy(rows, fixed, row)), "a constant cannot be written");
  CHECK_CONTAINS(refused(Execute(cs, flag, "e")), "Execute 'e': a constant cannot be written: 'constant3'");
  CHECK_CONTAINS(refused(Copy(in, once.broadcast(2, 0))), "shows elements [0:1) of variable 'once' more than once");
  CHECK_CONTAINS(refused(Copy(rows, once.broadcast(2, 0))), "shows elements [0:1) of variable 'once' more than once");
  CHECK_CONTAINS(messageOf<type_error>([&] { Copy(rows, x.slice(0, 2), y.slice(0, 1)); }), "the offset 'y' has the type 'float'; it must be an integer");
  CHECK_THROWS_AS(Copy(x.slice(0, 2), rows, y.slice(0, 1)), type_error);
  CHECK_NOTHROW(Engine(graph, {Copy(in, x.slice(0, 2)), Copy(rows, x.slice(2, 4), row), Copy(fixed, rows, row)}));
}

TEST_CASE_FIXTURE(Fields, "handles of another graph, or never assigned, are refused") {
  Fields other;
  for (int i = 0; i != 3; ++i) // more variables and vertices than this graph has
    other.sum(other.x, other.variable(FLOAT, {}, "z", 3));
  const Tensor foreign = other.variable(FLOAT, {1}, "foreign"), none;
  const auto refused = [&](const Program &program) {
    return messageOf<control_program_error>([&] { Engine(graph, program); });
  };
  CHECK_CONTAINS(refused(Copy(foreign, y.slice(0, 1))), "Copy '': the tensor of shape {1} belongs to another graph");
  CHECK_CONTAINS(refused(Sequence(Copy(y.slice(0, 1), foreign, false, "c"), Sequence())), "Copy 'c': the tensor of shape {1} belongs");
  CHECK_CONTAINS(refused(Repeat(2, PrintTensor(foreign))), "PrintTensor '': the tensor");
  CHECK_CONTAINS(refused(Copy(other.graph.addHostToDeviceFIFO("in", FLOAT, 8), x)), "the stream 'in' belongs to another graph");
  graph.addRemoteBuffer("rows", FLOAT, 8); // of the same name
  CHECK_CONTAINS(refused(Copy(x, other.graph.addRemoteBuffer("rows", FLOAT, 8))), "the remote buffer 'rows' belongs to another graph");
  CHECK_CONTAINS(messageOf<control_program_error>([&] { Copy(DataStream(), x, false, "c"); }), "Copy 'c': the stream was never assigned");
  CHECK_THROWS_AS(Copy(x, RemoteBuffer()), control_program_error);
  CHECK_THROWS_AS(DataStream().handle(), stream_connection_error);

  CHECK_CONTAINS(messageOf<invalid_tile_mapping>([&] { graph.setTileMapping(foreign, 0); }), "belongs to another graph");
  CHECK_CONTAINS(messageOf<invalid_tile_mapping>([&] { graph.setTileMapping(none, 0); }), "never assigned");
  CHECK_THROWS_AS(graph.setTileMapping(none, Graph::TileToTensorMapping(8)), invalid_tile_mapping);
  CHECK_THROWS_AS(graph.getTileMapping(foreign), invalid_tile_mapping);
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.createHostRead("r", foreign); }), "host read 'r': the tensor of shape {1} belongs to another graph");
  CHECK_THROWS_AS(graph.createHostWrite("w", none), graph_connection_error);
  CHECK_THROWS_AS(graph.setInitialValue(foreign, 1.0f), graph_connection_error);
  CHECK_THROWS_AS(graph.clone(foreign), tensor_creation_error);
  CHECK_THROWS_AS(concat(x, foreign), tensor_creation_error);
  const VertexRef theirs = other.graph.addVertex(other.cs, "Sum");
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.connect(theirs["in"], x); }), "a vertex of another graph");
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { graph.connect(sum(x, y[0])["in"], foreign); }), "connecting field 'in' of vertex 0");
  CHECK_THROWS_AS(graph.setTileMapping(theirs, 0), graph_connection_error);
  CHECK_THROWS_AS(graph.setPerfEstimate(VertexRef(), 1), graph_connection_error);
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { VertexRef()["in"]; }), "field 'in' of a vertex that was never assigned");
}

TEST_CASE_FIXTURE(Fields, "control programs check their tensors") {
  CHECK_CONTAINS(messageOf<control_program_error>([&] { If(variable(INT, {2}, "p"), Sequence(), Sequence()); }), "'p' has shape {2}");
  CHECK_THROWS_AS(RepeatWhileTrue(Sequence(), x[0], Sequence()), type_error);
  CHECK_THROWS_AS(Switch(x.slice(0, 1)), type_error);
  Switch s(variable(INT, {}, "s"));
  s.add(1, Sequence());
  CHECK_THROWS_AS(s.add(1, Sequence()), control_program_error);
  CHECK_THROWS_AS(Engine(graph, Execute(ComputeSet())), control_program_error);
  const DataStream in = graph.addHostToDeviceFIFO("in", FLOAT, 8);
  CHECK_THROWS_AS(Copy(x, in), control_program_error);
  CHECK_THROWS_AS(Copy(in, x.slice(0, 4)), control_program_error);
  CHECK_THROWS_AS(graph.addDeviceToHostFIFO("in", FLOAT, 8), graph_object_creation_error);
}

TEST_CASE("a tile whose memory does not suffice") {
  Machine m(4, "ipu1"); // 256 KiB a tile
  const Tensor t = m.variable(FLOAT, {65536}, "large", 2); // 256 KiB
  const std::string text = messageOf<graph_memory_allocation_error>([&] { Engine(m.graph, Sequence()); });
  CHECK_CONTAINS(text, "out of memory on tile 2");
  CHECK_CONTAINS(text, "262144 there are");
  CHECK_CONTAINS(text, "Variables 262144");
  CHECK_CONTAINS(text, "elements [0:65536) of variable 'large'");
  CHECK_NOTHROW(Engine(m.graph, Sequence(), {{"debug.allowOutOfMemory", "true"}}));
  // Two bytes an element: the same shape fits as half.
  Machine half(4, "ipu1");
  half.variable(HALF, {65536}, "h", 2);
  CHECK_NOTHROW(Engine(half.graph, Sequence()));
  // What no host could hold is refused as well, before the host allocates it.
  Machine huge(4, "ipu1");
  huge.variable(FLOAT, {std::size_t{1} << 36}, "huge", 1);
  CHECK_CONTAINS(messageOf<graph_memory_allocation_error>([&] { Engine(huge.graph, Sequence()); }), "out of memory on tile 1: 274877906944 bytes needed");
  // What a vertex reads from other tiles needs buffers on its own.
  Machine buffers(4, "ipu1");
  buffers.addCodelets();
  const Tensor a = buffers.variable(FLOAT, {40000}, "a", 0), b = buffers.variable(FLOAT, {40000}, "b", 1);
  const ComputeSet cs = buffers.graph.addComputeSet("cs");
  const VertexRef v = buffers.graph.addVertex(cs, "Sum", {{"in", concat(a, b)}, {"out", buffers.variable(FLOAT, {}, "s", 2)}});
  buffers.graph.setTileMapping(v, 2);
  CHECK_CONTAINS(messageOf<graph_memory_allocation_error>([&] { Engine(buffers.graph, Execute(cs)); }), "Edge Buffers 320000");
}

TEST_CASE("half elements that share a unit of store are warned of, or refused in strict mode") {
  Machine m;
  m.addCodelets();
  const Tensor t = m.variable(HALF, {2}, "t");
  const ComputeSet cs = m.graph.addComputeSet("cs");
  for (unsigned i = 0; i != 2; ++i)
    m.graph.setTileMapping(m.graph.addVertex(cs, "HalfStore", {{"out", t[i]}}), 0);
  Engine engine(m.graph, Execute(cs));
  REQUIRE(engine.warnings().size() == 1);
  CHECK_CONTAINS(engine.warnings()[0], "elements [0:2) of variable 't'");
  CHECK_THROWS_AS(Engine(m.graph, Execute(cs), {{"debug.strict", "true"}}), application_runtime_error);
  CHECK(m.result<std::uint16_t>(Execute(cs), t) == std::vector<std::uint16_t>{0x3e00, 0x3e00});
}

TEST_CASE("debug mode reports outputs that are read first or never written") {
  Machine m;
  m.addCodelets();
  const Tensor t = m.variable(FLOAT, {2}, "t");
  m.graph.setInitialValue(t, std::vector<float>{3, 4});
  const ComputeSet cs = m.graph.addComputeSet("cs");
  m.graph.setTileMapping(m.graph.addVertex(cs, "Careless", {{"out", t}}), 0);
  m.graph.createHostRead("t", t);
  Engine engine(m.graph, Execute(cs), {{"debug.mode", "true"}});
  engine.loadAndRun(m.device);
  REQUIRE(engine.warnings().size() == 1);
  CHECK_CONTAINS(engine.warnings()[0], "output field 'out' of vertex 0 of type 'Careless' on tile 0 (compute set 'cs'): element 0 depends on its value before it was written");
  std::vector<float> values(2);
  engine.readTensor("t", values);
  CHECK(values == std::vector<float>{6, 4}); // as in the fast mode
}

TEST_CASE("virtual graphs see their tiles only") {
  Machine m;
  Graph part = m.graph.createVirtualGraph(2, 6);
  CHECK(part.getTarget().getNumTiles() == 4);
  const Tensor t = part.addVariable(INT, {4}, "t");
  part.setTileMapping(t, 1);
  CHECK(m.graph.getTileMapping(t)[3] == std::vector<Interval>{{0, 4}});
  CHECK(part.getTileMapping(t)[1] == std::vector<Interval>{{0, 4}});
  CHECK_THROWS_AS(part.setTileMapping(t, 4), invalid_tile_mapping);
  Graph inner = part.createVirtualGraph(std::vector<unsigned>{3, 0});
  inner.setTileMapping(t, 0);
  CHECK(m.graph.getTileMapping(t)[5].size() == 1);
  m.graph.setTileMapping(t, 0);
  CHECK_CONTAINS(messageOf<invalid_tile_mapping>([&] { part.getTileMapping(t); }), "not part of this virtual graph");
  CHECK(m.graph.createVirtualGraph(3).getTarget().getNumTiles() == 3);
  CHECK_THROWS_AS(m.graph.createVirtualGraph(5, 9), invalid_tile_mapping);
}
