// Programs and the engine: what each program class does.

#include "fixture.hpp"
#include "poplar/CycleCount.hpp"
#include "poplar/exceptions.hpp"
#include <sstream>

using namespace poplar;
using namespace poplar::program;

TEST_CASE("vertices of a compiled codelet run, and PrintTensor writes the text of the tutorials") {
  Machine m;
  m.addCodelets();
  const Tensor v1 = m.graph.addVariable(FLOAT, {4}, "v1"), v2 = m.graph.addVariable(FLOAT, {4}, "v2");
  for (unsigned i = 0; i != 4; ++i) {
    m.graph.setTileMapping(v1[i], i);
    m.graph.setTileMapping(v2[i], i);
  }
  const ComputeSet cs = m.graph.addComputeSet("sums");
  for (unsigned i = 0; i != 4; ++i) {
    const VertexRef v = m.graph.addVertex(cs, "Sum");
    m.graph.connect(v["in"], v1.slice(i, 4));
    m.graph.connect(v["out"], v2[i]);
    m.graph.setTileMapping(v, i);
    m.graph.setPerfEstimate(v, 20);
  }
  Sequence prog;
  prog.add(Copy(m.constant<float>(FLOAT, {4}, {1.0f, 1.5f, 2.0f, 2.5f}), v1));
  prog.add(Execute(cs));
  prog.add(PrintTensor("v2", v2));
  prog.add(PrintTensor("square", v2.reshape({2, 2})));
  Engine engine(m.graph, prog);
  std::ostringstream text;
  engine.setPrintTensorStream(text);
  engine.load(m.device);
  engine.run();
  CHECK(text.str() == "v2: [7.0000000 6.0000000 4.5000000 2.5000000]\n"
                      "square: [\n  [7.0000000 6.0000000]\n  [4.5000000 2.5000000]\n]\n");
}

TEST_CASE("older spellings, handles instead of names, lists instead of pointers") {
  Machine m;
  m.addCodelets();
  const Tensor in = m.variable(FLOAT, {3}, "in"), out = m.variable(FLOAT, {}, "out");
  const ComputeSet cs = m.graph.addComputeSet("sum");
  const VertexRef v = m.graph.addVertex(cs, "Sum", {{"in", in}, {"out", out}});
  m.graph.setTileMapping(v, 0);
  m.graph.setCycleEstimate(v, 30);
  CHECK(m.graph.getCycleEstimate(v) == 30);
  const DataStream feed = m.graph.addHostToDeviceFIFO("feed", FLOAT, 3);
  const DataStream drain = m.graph.addDeviceToHostFIFO("drain", FLOAT, 1);
  const RemoteBuffer rows = m.graph.addRemoteBuffer("rows", FLOAT, 1);
  m.graph.createHostRead("out", out);
  Sequence timed = Sequence(std::vector<Program>{Copy(feed, in), Execute(cs)}, "timed");
  m.graph.createHostRead("cycles", cycleCount(m.graph, timed, 0));
  Engine engine(m.graph, Sequence(timed, Copy(out, drain), Copy(out, rows)));
  engine.load(m.device);
  std::vector<float> values{1, 2, 4}, sum(1), copied(1), row(1);
  engine.connectStream(feed, values.data());
  engine.connectStreamToCallback(drain, [&](void *from) { copied[0] = *static_cast<float *>(from); });
  engine.run();
  engine.readTensor("out", ArrayRef<float>(sum));
  engine.copyFromRemoteBuffer(rows, ArrayRef<float>(row), 0);
  CHECK(sum[0] == 7);
  CHECK(copied == sum);
  CHECK(row == sum);
  std::uint64_t cycles = 0;
  engine.readTensor("cycles", &cycles, &cycles + 1);
  CHECK(cycles > 30);
}

TEST_CASE("a negative long of vertex state keeps its sign, though a tile's long has 32 bits") {
  Machine m;
  std::stringstream source("#include <poplar/Vertex.hpp>\n"
                           "class Down : public poplar::Vertex {\n"
                           " public: long n; std::size_t step; poplar::Output<int> out;\n"
                           " bool compute() { n -= step; *out = n < 0 ? int(n) : 99; return true; } };");
  m.graph.addCodelets(source);
  const Tensor out = m.variable(INT, {}, "out");
  const ComputeSet cs = m.graph.addComputeSet("down");
  const VertexRef v = m.graph.addVertex(cs, "Down", {{"out", out}});
  m.graph.setTileMapping(v, 0);
  m.graph.setInitialValue(v["n"], -3);
  m.graph.setInitialValue(v["step"], std::size_t{5});
  CHECK(m.result<int>(Repeat(2, Execute(cs)), out) == std::vector<int>{-13});
}

TEST_CASE("half values as bits") {
  Machine m;
  const std::vector<std::uint16_t> bits{0x3C00, 0xC000}; // 1, -2
  const Tensor constant = m.graph.addConstantHalf(HALF, {2}, bits.data()), t = m.variable(HALF, {2}, "t");
  m.graph.setTileMapping(constant, 0);
  m.graph.setInitialValueHalf(t, std::uint16_t{0x4200}); // 3
  CHECK(m.result<std::uint16_t>(Sequence(), constant) == bits);
  CHECK(m.result<std::uint16_t>(Sequence(), t) == std::vector<std::uint16_t>{0x4200, 0x4200});
}

TEST_CASE("PrintTensor writes integers plainly and shortens large tensors") {
  Machine m;
  const Tensor t = m.variable(INT, {10}, "t"), big = m.variable(UNSIGNED_INT, {1001}, "big");
  Sequence prog(PrintTensor("v4-1", t), PrintTensor("big", big), PrintTensor("one", t[3]));
  m.graph.setInitialValue(t, std::vector<int>{10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
  m.graph.setInitialValue(big, counting<unsigned>(1001));
  Engine engine(m.graph, prog);
  std::ostringstream text;
  engine.setPrintTensorStream(text);
  engine.load(m.device);
  engine.run();
  CHECK(text.str() == "v4-1: [10 11 12 13 14 15 16 17 18 19]\nbig: [0 1 2 ... 998 999 1000]\none: 13\n");
}

TEST_CASE("copies move elements in order whatever the shapes") {
  Machine m;
  const Tensor t = m.variable(INT, {2, 3}, "t"), u = m.variable(INT, {3, 2}, "u"), w = m.variable(INT, {6}, "w");
  Sequence prog;
  prog.add(Copy(m.constant<int>(INT, {6}, counting<int>(6)), t));
  prog.add(Copy(t.transpose(), u));
  prog.add(Copy(u.reverse(0), w));
  CHECK(m.result<int>(prog, u) == std::vector<int>{0, 3, 1, 4, 2, 5});
  CHECK(m.result<int>(prog, w) == std::vector<int>{2, 5, 1, 4, 0, 3});
}

TEST_CASE("loops, conditions, switches and functions") {
  Machine m;
  m.addCodelets();
  const Tensor n = m.variable(INT, {}, "n"), more = m.variable(BOOL, {}, "more");
  const ComputeSet cs = m.graph.addComputeSet("count");
  const VertexRef v = m.graph.addVertex(cs, "Count", {{"out", n}, {"step", 1}, {"calls", 0}});
  m.graph.setTileMapping(v, 0);

  SUBCASE("Repeat keeps the state of vertices") {
    CHECK(m.result<int>(Repeat(7, Execute(cs)), n) == std::vector<int>{7});
  }
  SUBCASE("RepeatWhileTrue evaluates its condition first") {
    // The vertex returns false in its fifth execution, so the body runs four times.
    const Tensor rounds = m.variable(INT, {}, "rounds"), one = m.constant<int>(INT, {}, {1});
    const ComputeSet add = m.graph.addComputeSet("add");
    m.graph.setTileMapping(m.graph.addVertex(add, "Count", {{"out", rounds}, {"step", 1}, {"calls", 0}}), 1);
    CHECK(m.result<int>(RepeatWhileTrue(Execute(cs, more), more, Execute(add)), rounds) == std::vector<int>{4});
  }
  SUBCASE("RepeatWhileFalse stops at true") {
    // The vertex returns true at once, so the body never runs.
    CHECK(m.result<int>(RepeatWhileFalse(Execute(cs, more), more, Repeat(100, Execute(cs))), n) == std::vector<int>{1});
  }
  SUBCASE("If and Switch") {
    const Tensor which = m.constant<int>(INT, {}, {3});
    Switch choose(which, Repeat(1, Execute(cs)));
    choose.add(2, Repeat(20, Execute(cs)));
    choose.add(3, Repeat(30, Execute(cs)));
    CHECK(m.result<int>(choose, n) == std::vector<int>{30});
    CHECK(m.result<int>(Switch(which, std::vector<Switch::Case>{{1, Repeat(9, Execute(cs))}}, Repeat(5, Execute(cs))), n) == std::vector<int>{5});
    const Tensor flag = m.constant<int>(INT, {}, {0});
    CHECK(m.result<int>(If(flag, Repeat(3, Execute(cs)), Repeat(4, Execute(cs))), n) == std::vector<int>{4});
  }
  SUBCASE("functions are called") {
    const Function f = m.graph.addFunction(Sequence(Execute(cs), Execute(cs)));
    CHECK(m.result<int>(Sequence(Call(f), Call(f), Sync(SyncType::INTERNAL), WriteUndef(more)), n) == std::vector<int>{4});
  }
}

TEST_CASE("a program stands for a sequence of it; an executable can be written and read back") {
  Machine m;
  const Tensor x = m.variable(FLOAT, {4}, "x"), two = m.constant<float>(FLOAT, {4}, {2, 2, 2, 2});
  m.graph.createHostRead("x", x);
  Sequence program;
  program = Copy(two, x);
  std::stringstream file;
  {
    const Executable written = compileGraph(m.graph, {program});
    written.serialize(file);
  }
  Engine engine(Executable::deserialize(file));
  engine.loadAndRun(m.device);
  std::vector<float> values(4);
  engine.readTensor("x", values);
  CHECK(values == std::vector<float>{2, 2, 2, 2});
}

TEST_CASE("a program added to another is copied") {
  Machine m;
  m.addCodelets();
  const Tensor n = m.variable(INT, {}, "n");
  const ComputeSet cs = m.graph.addComputeSet("count");
  m.graph.setTileMapping(m.graph.addVertex(cs, "Count", {{"out", n}, {"step", 1}}), 0);
  Sequence inner, outer;
  inner.add(Execute(cs));
  outer.add(inner);
  inner.add(Execute(cs)); // not part of outer
  outer.add(outer);       // what it was before
  CHECK(m.result<int>(outer, n) == std::vector<int>{2});
}

TEST_CASE("vertex state lasts across runs and starts again with load") {
  Machine m;
  m.addCodelets();
  const Tensor n = m.variable(INT, {}, "n");
  const ComputeSet cs = m.graph.addComputeSet("count");
  m.graph.setTileMapping(m.graph.addVertex(cs, "Count", {{"out", n}, {"step", 2}, {"calls", 10}}), 0);
  m.graph.createHostRead("n", n);
  Engine engine(m.graph, Execute(cs));
  engine.load(m.device);
  int value = 0;
  engine.run();
  engine.run();
  engine.readTensor("n", &value);
  CHECK(value == 14);
  engine.loadAndRun(m.device);
  engine.readTensor("n", &value, &value + 1);
  CHECK(value == 12);
}

TEST_CASE("lists of vectors, private vectors, templates and workers") {
  Machine m;
  m.addCodelets();
  const Tensor t = m.variable(FLOAT, {3, 4}, "t"), sums = m.variable(FLOAT, {3}, "sums");
  m.graph.setInitialValue(t, counting<float>(12));
  const ComputeSet cs = m.graph.addComputeSet("rows"), scale = m.graph.addComputeSet("scale");
  const VertexRef v = m.graph.addVertex(cs, "Rows");
  m.graph.connect(v["sums"], sums);
  m.graph.setFieldSize(v["scratch"], 1);
  m.graph.setTileMapping(v, 1);
  SUBCASE("a tensor of rank 2") { m.graph.connect(v["rows"], t); }
  SUBCASE("a list of tensors, not contiguous") {
    m.graph.connect(v["rows"], std::vector<Tensor>{t[0], concat(t[1].slice(2, 4), t[1].slice(0, 2)), t[2]});
  }
  SUBCASE("row by row") {
    m.graph.setFieldSize(v["rows"], 3);
    for (unsigned i = 0; i != 3; ++i)
      m.graph.connect(v["rows"][i], t[i]);
  }
  const ComputeSet unused = m.graph.addComputeSet("unused");
  m.graph.addVertex(unused, "Rows", {{"rows", {t[0], t[1]}}}); // a list in place
  const VertexRef s = m.graph.addVertex(scale, "Scale<float>", {{"data", sums}, {"factor", 2}});
  m.graph.setTileMapping(s, 2);
  CHECK(m.result<float>(Sequence(Execute(cs), Execute(scale)), sums) == std::vector<float>{12, 44, 76});
  CHECK(m.graph.getFieldSize(v["rows"]) == 3);

  const Tensor w = m.variable(INT, {8}, "w");
  const ComputeSet workers = m.graph.addComputeSet("workers");
  m.graph.setTileMapping(m.graph.addVertex(workers, "Workers", {{"out", w}}), 0);
  CHECK(m.result<int>(Execute(workers), w) == std::vector<int>{0, 1, 2, 3, 4, 5, 0, 1});
}

TEST_CASE("a private vector has the size and the values that it was given, in any order of the calls") {
  Machine m;
  m.addCodelets();
  const Tensor out = m.variable(INT, {4}, "out");
  m.graph.setInitialValue(out, -1);
  const ComputeSet cs = m.graph.addComputeSet("cs");
  const VertexRef v = m.graph.addVertex(cs, "Private", {{"out", out}});
  m.graph.setTileMapping(v, 0);
  std::vector<int> expected{3, 5, 6, 7};
  SUBCASE("values alone") { m.graph.setInitialValue(v["values"], std::vector<int>{5, 6, 7}); }
  SUBCASE("size, then values") {
    m.graph.setFieldSize(v["values"], 3);
    m.graph.setInitialValue(v["values"], std::vector<int>{5, 6, 7});
  }
  SUBCASE("values, then the same size, twice") {
    m.graph.setInitialValue(v["values"], std::vector<int>{5, 6, 7});
    m.graph.setFieldSize(v["values"], 3);
    m.graph.setFieldSize(v["values"], 3);
  }
  SUBCASE("size, then some of the elements") {
    m.graph.setFieldSize(v["values"], 3);
    m.graph.setInitialValue(v["values"][2], 7);
    m.graph.setInitialValue(v["values"][0], 5);
    expected = {3, 5, 0, 7};
  }
  SUBCASE("size alone") {
    m.graph.setFieldSize(v["values"], 2);
    expected = {2, 0, 0, -1};
  }
  CHECK(m.graph.getFieldSize(v["values"]) == static_cast<std::size_t>(expected[0]));
  CHECK(m.result<int>(Execute(cs), out) == expected);
  CHECK(m.result<int>(Execute(cs), out, {{"debug.mode", "true"}}) == expected);
}

TEST_CASE("lists of single elements are connected element by element, as a tensor, or as a list") {
  Machine m;
  m.addCodelets();
  const Tensor in = m.variable(FLOAT, {3}, "in"), out = m.variable(FLOAT, {3}, "out");
  m.graph.setInitialValue(in, std::vector<float>{1, 2, 3});
  const ComputeSet cs = m.graph.addComputeSet("cs");
  const VertexRef v = m.graph.addVertex(cs, "SingleElements");
  m.graph.setTileMapping(v, 0);
  std::vector<float> expected{6, 4, 2};
  SUBCASE("tensors of rank 1") {
    m.graph.connect(v["in"], in.reverse(0));
    m.graph.connect(v["out"], out);
  }
  SUBCASE("lists of tensors") {
    m.graph.connect(v["in"], std::vector<Tensor>{in[2], in.slice(1, 2), in[0]});
    m.graph.connect(v["out"], std::vector<Tensor>{out[0], out[1], out[2]});
  }
  SUBCASE("one by one, a number among them") {
    m.graph.setFieldSize(v["in"], 3);
    m.graph.connect(v["in"][0], in[2]);
    m.graph.connect(v["in"][1], 2.5f);
    m.graph.connect(v["in"][2], in[0]);
    for (unsigned i = 0; i != 3; ++i)
      m.graph.connect(v["out"][i], out[i]);
    expected[1] = 5;
  }
  CHECK(m.graph.getFieldSize(v["in"]) == 3);
  CHECK(m.result<float>(Execute(cs), out) == expected);
  const VertexRef other = m.graph.addVertex(cs, "SingleElements");
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { m.graph.connect(other["in"], in.reshape({3, 1})); }), "rank 1 or a list of tensors, not shape {3,1}");
  CHECK_CONTAINS(messageOf<graph_connection_error>([&] { m.graph.connect(other["in"][0], in); }), "it takes one element");
}

TEST_CASE("an engine keeps to the graph that it was made of when the graph grows") {
  Machine m;
  m.addCodelets();
  const Tensor t = m.variable(INT, {2}, "t"), n = m.variable(INT, {}, "n");
  m.graph.setInitialValue(t, 1);
  m.graph.createHostRead("t", t);
  m.graph.createHostRead("n", n);
  const ComputeSet cs = m.graph.addComputeSet("count");
  const VertexRef v = m.graph.addVertex(cs, "Count", {{"out", n}});
  m.graph.setTileMapping(v, 0);
  Engine engine(m.graph, Execute(cs));
  engine.load(m.device);
  // Enough to move what the graph holds to other memory.
  std::vector<Tensor> later;
  for (int i = 0; i != 100; ++i) {
    later.push_back(m.variable(INT, {5}, "later"));
    m.graph.setInitialValue(later.back(), 9);
    m.graph.createHostRead("later" + std::to_string(i), later.back());
  }
  m.graph.createHostWrite("later", later[0]);
  m.graph.addHostToDeviceFIFO("late stream", INT, 1);
  m.graph.addRemoteBuffer("late rows", INT, 1);
  m.graph.setInitialValue(t, 2);
  m.graph.setInitialValue(v["step"], 7);
  engine.loadAndRun(m.device);
  std::vector<int> values(5), two(2), counted(1, -1);
  engine.readTensor("t", two);
  engine.readTensor("n", counted);
  CHECK(two == std::vector<int>{1, 1});
  CHECK(counted == std::vector<int>{0});
  CHECK_CONTAINS(messageOf<stream_connection_error>([&] { engine.readTensor("later0", values); }), "no host read has the handle 'later0'");
  CHECK_THROWS_AS(engine.writeTensor("later", values), stream_connection_error);
  CHECK_THROWS_AS(engine.connectStream("late stream", values.data()), stream_connection_error);
  CHECK_THROWS_AS(engine.copyToRemoteBuffer(values.data(), "late rows", 0), stream_connection_error);
  CHECK(engine.listStreams().empty());
  std::ostringstream summary;
  engine.printProfileSummary(summary, {{"showVarStorage", "true"}});
  CHECK_CONTAINS(summary.str(), "Number of variables:    2\n");
  CHECK(summary.str().find("later") == std::string::npos);
  CHECK(m.result<int>(Execute(cs), n) == std::vector<int>{7}); // an engine of the graph as it is now
}

TEST_CASE("streams: rings, callbacks, host reads and writes") {
  Machine m;
  const Tensor t = m.variable(INT, {2}, "t");
  const DataStream in = m.graph.addHostToDeviceFIFO("in", INT, 2), out = m.graph.addDeviceToHostFIFO("out", INT, 2);
  m.graph.createHostWrite("w", t);
  m.graph.createHostRead("r", t);
  Engine engine(m.graph, {Copy(in, t), Copy(t, out)});
  engine.load(m.device);
  CHECK_CONTAINS(messageOf<stream_connection_error>([&] { engine.run(0); }), "'in'");

  std::vector<int> ring{1, 2, 3, 4}, seen(2);
  engine.connectStream("in", ring.data(), ring.data() + ring.size());
  std::vector<std::vector<int>> got;
  engine.connectStreamToCallback("out", [&](void *p) {
    got.emplace_back(static_cast<int *>(p), static_cast<int *>(p) + 2);
  });
  for (int i = 0; i != 3; ++i) {
    engine.run(0);
    engine.run(1);
  }
  CHECK(got == std::vector<std::vector<int>>{{1, 2}, {3, 4}, {1, 2}});

  struct Counter : StreamCallback {
    void fetch(void *p) override { static_cast<int *>(p)[0] = static_cast<int *>(p)[1] = ++calls; }
    void complete() override { ++completed; }
    int calls = 40, completed = 0;
  };
  auto counter = std::make_unique<Counter>();
  const Counter &state = *counter;
  engine.connectStreamToCallback("in", std::move(counter));
  engine.run(0);
  engine.readTensor("r", seen.data(), seen.data() + 2);
  CHECK(seen == std::vector<int>{41, 41});
  CHECK(state.completed == 1);
  engine.writeTensor("w", std::vector<int>{8, 9});
  engine.readTensor("r", seen);
  CHECK(seen == std::vector<int>{8, 9});
  CHECK_CONTAINS(messageOf<stream_connection_error>([&] { engine.readTensor("r", seen.data(), seen.data() + 1); }), "8 bytes");
  CHECK_THROWS_AS(engine.readTensor("unknown", seen.data()), stream_connection_error);
}

TEST_CASE("remote buffers keep rows; offsets select them") {
  Machine m;
  const Tensor t = m.variable(FLOAT, {2}, "t"), row = m.variable(UNSIGNED_INT, {1}, "row");
  RemoteBuffer buffer = m.graph.addRemoteBuffer("rb", FLOAT, 2, 3);
  m.graph.createHostWrite("row", row);
  Engine engine(m.graph, {Copy(buffer, t, row), Copy(t, buffer, row)});
  engine.load(m.device);
  std::vector<float> values{1.5f, 2.5f};
  engine.copyToRemoteBuffer(values, "rb", 1);
  unsigned index = 1;
  engine.writeTensor("row", &index, &index + 1);
  engine.run(0);
  index = 2;
  engine.writeTensor("row", &index, &index + 1);
  engine.run(1);
  std::vector<float> back(2);
  engine.copyFromRemoteBuffer("rb", back, 2);
  CHECK(back == values);
  index = 3;
  engine.writeTensor("row", &index, &index + 1);
  CHECK_CONTAINS(messageOf<index_error>([&] { engine.run(0); }), "row 3 of remote buffer 'rb', which has 3");
}

TEST_CASE("programs that end with an error say why") {
  Machine m;
  const Tensor t = m.constant<int>(INT, {2}, {3, 4}), no = m.constant<int>(INT, {}, {0});
  Engine engine(m.graph, {ErrorProgram("bad value", t), Abort("stop here"), AbortOnCondition(no), AbortOnCondition(t[0], "three")});
  engine.load(m.device);
  CHECK_CONTAINS(messageOf<application_runtime_error>([&] { engine.run(0); }), "bad value [3 4]");
  CHECK_CONTAINS(messageOf<application_runtime_error>([&] { engine.run(1); }), "stop here");
  CHECK_NOTHROW(engine.run(2));
  CHECK_CONTAINS(messageOf<application_runtime_error>([&] { engine.run(3); }), "three");
  CHECK_THROWS_AS(engine.run(4), runtime_error);
}

TEST_CASE("cycleCount gives the estimate of what it encloses") {
  Machine m;
  m.addCodelets();
  const Tensor n = m.variable(INT, {}, "n");
  const ComputeSet cs = m.graph.addComputeSet("count");
  const VertexRef v = m.graph.addVertex(cs, "Count", {{"out", n}});
  m.graph.setTileMapping(v, 0);
  m.graph.setPerfEstimate(v, 100);
  Sequence prog(Repeat(10, Execute(cs)));
  const Tensor cycles = cycleCount(m.graph, prog, 0, SyncType::INTERNAL);
  const auto words = m.result<unsigned>(prog, cycles);
  // Ten executions of one worker's 100 issue slots of 6 cycles, and one sync before the second reading.
  CHECK(words == std::vector<unsigned>{6000 + 90, 0});
}
