#include "vertex_instance.hpp"

#include <poplar/exceptions.hpp>

#include <string>

using namespace ipu_model;
using namespace ipu_model::test;

TEST_CASE("scalar edges and plain state") {
  const auto library = compile(R"(
    class Axpy : public Vertex {
     public:
      Input<float> x;
      Output<float> y;
      InOut<int> calls;
      float a;
      const unsigned short scale;
      std::size_t wide;
      bool compute() {
        *y = a * *x * scale;
        a = a + 1;  // state keeps its value between executions
        ++*calls;
        return wide == 4000000000u;
      }
    };)");
  VertexInstance vertex(library, "Axpy");
  float x = 3, y = 0;
  int calls = 0;
  vertex.scalar("x", x);
  vertex.scalar("y", y);
  vertex.scalar("calls", calls);
  vertex.state("a", 2.0f);
  vertex.state("scale", static_cast<unsigned short>(10));
  vertex.state("wide", 4000000000u);
  CHECK(vertex.run());
  CHECK(y == 60);
  vertex.state("wide", 1u);
  CHECK_FALSE(vertex.run());
  CHECK(y == 90);
  CHECK(calls == 2);

  CHECK(vertex.field("x").direction == Direction::Input);
  CHECK(vertex.field("y").direction == Direction::Output);
  CHECK(vertex.field("calls").direction == Direction::InOut);
  CHECK(vertex.field("a").direction == Direction::State);
  CHECK(vertex.field("x").shape == FieldShape::Scalar);
  CHECK(vertex.field("scale").elementType == "unsigned short");
  CHECK(vertex.field("wide").elementType == "unsigned int");  // 32 bits on a tile
  CHECK(vertex.vertexClass().find("nothing") == nullptr);
  // three edges of 4 bytes, 4 of `a`, 2 of `scale` and 2 of padding, 4 of `wide`
  CHECK(vertex.vertexClass().ipuStateBytes == 24);
}

TEST_CASE("every layout of a vector") {
  struct Case {
    const char *layout;
    Layout expected;
    std::size_t ipuBytes;
  };
  const Case cases[] = {{"SPAN", Layout::Span, 8},
                        {"SHORT_SPAN", Layout::ShortSpan, 4},
                        {"ONE_PTR", Layout::OnePtr, 4},
                        {"SCALED_PTR32", Layout::ScaledPtr32, 2},
                        {"SCALED_PTR64", Layout::ScaledPtr64, 2},
                        {"SCALED_PTR128", Layout::ScaledPtr128, 2},
                        {"COMPACT_PTR", Layout::CompactPtr, 4}};
  std::string source;
  for (const Case& c : cases)
    source += std::string("class V") + c.layout + R"( : public Vertex {
      public:
       Input<Vector<int, VectorLayout::)" + c.layout + R"(, 8>> in;
       Output<Vector<int, VectorLayout::)" + c.layout + R"(, 16, true>> out;
       int n;
       void compute() { for (int i = 0; i < n; ++i) out[i] = 2 * in[i]; }
    };
    )";
  const auto library = compile(source);
  CHECK(library->classes().size() == std::size(cases));
  for (const Case& c : cases) {
    CAPTURE(c.layout);
    VertexInstance vertex(library, std::string("V") + c.layout);
    std::vector<int> in{1, 2, 3}, out(3);
    vertex.vector("in", in);
    vertex.vector("out", out);
    vertex.state("n", 3);
    CHECK(vertex.run());  // void counts as true
    CHECK(out == std::vector<int>{2, 4, 6});
    CHECK(vertex.field("in").layout == c.expected);
    CHECK(vertex.field("in").ipuBytes == c.ipuBytes);
    CHECK(vertex.field("in").minAlign == 8);
    CHECK_FALSE(vertex.field("in").interleaved);
    CHECK(vertex.field("out").minAlign == 16);
    CHECK(vertex.field("out").interleaved);
  }
}

TEST_CASE("only spans know their length") {
  for (const char* layout : {"SPAN", "SHORT_SPAN"}) {
    const auto library = compile(std::string("class Sum : public Vertex { public: Input<Vector<float, VectorLayout::") +
                                 layout + R"(>> in; Output<float> out;
        bool compute() { float s = 0; for (float x : in) s += x; *out = s;
          return in.size() == 2 && in->size() == 2 && (*in)[1] == in[1] && in->begin() == &in[0]; } };)");
    VertexInstance vertex(library, "Sum");
    std::vector<float> in{1.5f, 2};
    float out = 0;
    vertex.vector("in", in);
    vertex.scalar("out", out);
    CHECK(vertex.run());
    CHECK(out == 3.5f);
  }
  for (const char* layout : {"ONE_PTR", "SCALED_PTR32", "SCALED_PTR64", "SCALED_PTR128", "COMPACT_PTR"})
    for (const char* member : {"size()", "end()"}) {
      const std::string message = compileError<poplar::graph_program_compilation_error>(
          std::string("class Sum : public Vertex { public: Input<Vector<float, VectorLayout::") + layout +
          ">> in; bool compute() { return in." + member + "; } };");
      CHECK(message.find("no member named '" + std::string(member, std::string(member).find('('))) !=
            std::string::npos);
    }
}

TEST_CASE("lists of vectors") {
  const auto library = compile(R"(
    class Rows : public Vertex {
     public:
      Vector<Input<Vector<float>>> in;
      Vector<Output<Vector<float, VectorLayout::ONE_PTR, 8>>, VectorLayout::ONE_PTR> out;
      Vector<InOut<Vector<int, VectorLayout::SPAN>>, VectorLayout::SHORT_SPAN> counts;
      Vector<Input<int>> single;
      bool compute() {
        for (unsigned i = 0; i < in.size(); ++i)
          for (unsigned j = 0; j < in[i].size(); ++j) out[i][j] = in[i][j] + *single[i];
        for (auto& row : counts)
          for (int& n : row) ++n;
        return true;
      }
    };
    class Lists : public Vertex {
     public:
      Input<VectorList<short, VectorListLayout::DELTANELEMENTS>> a;
      Output<VectorList<short, VectorListLayout::DELTAN>> b;
      InOut<VectorList<unsigned char, VectorListLayout::COMPACT_DELTAN>> c;
      Output<VectorList<short, VectorListLayout::ONE_PTR, 4>> d;
      void compute() {
        for (unsigned i = 0; i < a.size(); ++i)
          for (unsigned j = 0; j < a[i].size(); ++j) {
            b[i][j] = -a[i][j];
            c[i][j] += 1;
            d[i][j] = a[i][j] * 2;
          }
      }
    };)");
  VertexInstance rows(library, "Rows");
  std::vector<std::vector<float>> in{{1, 2}, {3}}, out{{0, 0}, {0}};
  std::vector<std::vector<int>> counts{{1}, {5, 6}}, single{{10}, {20}};
  rows.rows("in", in);
  rows.rows("out", out);
  rows.rows("counts", counts);
  rows.rows("single", single);
  CHECK(rows.run());
  CHECK(out == std::vector<std::vector<float>>{{11, 12}, {23}});
  CHECK(counts == std::vector<std::vector<int>>{{2}, {6, 7}});
  CHECK(rows.field("in").shape == FieldShape::VectorList);
  CHECK(rows.field("in").direction == Direction::Input);
  CHECK(rows.field("out").layout == Layout::OnePtr);
  CHECK(rows.field("out").rowLayout == Layout::OnePtr);
  CHECK(rows.field("out").minAlign == 8);
  CHECK(rows.field("out").ipuRowBytes == 4);
  CHECK(rows.field("counts").layout == Layout::ShortSpan);
  CHECK(rows.field("counts").ipuRowBytes == 8);

  VertexInstance lists(library, "Lists");
  std::vector<std::vector<short>> a{{1}, {2, 3}}, b{{0}, {0, 0}}, d = b;
  std::vector<std::vector<unsigned char>> c{{7}, {8, 9}};
  lists.rows("a", a);
  lists.rows("b", b);
  lists.rows("c", c);
  lists.rows("d", d);
  CHECK(lists.run());
  CHECK(b == std::vector<std::vector<short>>{{-1}, {-2, -3}});
  CHECK(c == std::vector<std::vector<unsigned char>>{{8}, {9, 10}});
  CHECK(d == std::vector<std::vector<short>>{{2}, {4, 6}});
  CHECK(lists.field("a").layout == Layout::DeltaNElements);
  CHECK(lists.field("b").layout == Layout::DeltaN);
  CHECK(lists.field("c").layout == Layout::CompactDeltaN);
  CHECK(lists.field("d").layout == Layout::OnePtr);
}

TEST_CASE("a long has 32 bits in the rows of every list") {
  const auto library = compile(R"(
    class Longs : public Vertex {
     public:
      Input<VectorList<long, VectorListLayout::DELTAN>> a;
      Output<VectorList<long, VectorListLayout::DELTAN>> b;
      InOut<VectorList<unsigned long, VectorListLayout::DELTAN>> c;
      Vector<Output<long>> d;
      void compute() {
        for (unsigned i = 0; i < a.size(); ++i)
          for (unsigned j = 0; j < a[i].size(); ++j) {
            b[i][j] = 2 * a[i][j];
            c[i][j] += 1;
            *d[i] = a[i][0];
          }
      }
    };)");
  VertexInstance vertex(library, "Longs");
  std::vector<std::vector<int>> a{{1}, {-2, 3}}, b{{0}, {0, 0}}, d{{0}, {0}};
  std::vector<std::vector<unsigned>> c{{7}, {4000000000u, 9}};
  vertex.rows("a", a);
  vertex.rows("b", b);
  vertex.rows("c", c);
  vertex.rows("d", d);
  CHECK(vertex.run());
  CHECK(b == std::vector<std::vector<int>>{{2}, {-4, 6}});
  CHECK(c == std::vector<std::vector<unsigned>>{{8}, {4000000001u, 10}});
  CHECK(d == std::vector<std::vector<int>>{{1}, {-2}});
  CHECK(vertex.field("b").elementSize == 4);
  CHECK(vertex.field("b").ipuRowBytes == 4);
  CHECK_FALSE(vertex.field("b").rowsAreScalars());
  CHECK(vertex.field("d").rowsAreScalars());
}

TEST_CASE("element types are named as the host names them") {
  const std::pair<const char*, const char*> types[] = {
      {"bool", "bool"},         {"char", "char"},           {"signed char", "signed char"},
      {"uint8_t", "unsigned char"}, {"int16_t", "short"},   {"unsigned short", "unsigned short"},
      {"int", "int"},           {"uint32_t", "unsigned int"}, {"long long", "long long"},
      {"unsigned long long", "unsigned long long"},         {"half", "half"}, {"float", "float"}};
  std::string fields;
  for (std::size_t i = 0; i < std::size(types); ++i)
    fields += std::string("Input<Vector<") + types[i].first + ">> v" + std::to_string(i) + "; " + types[i].first +
              " s" + std::to_string(i) + ";\n";
  const auto library = compile("class All : public Vertex { public:\n" + fields + "void compute() {} };");
  const VertexClass* all = library->find("All");
  REQUIRE(all);
  for (std::size_t i = 0; i < std::size(types); ++i) {
    CHECK(all->find("v" + std::to_string(i))->elementType == types[i].second);
    CHECK(all->find("s" + std::to_string(i))->elementType == types[i].second);
  }
}

TEST_CASE("scratch, inherited, private and undefined-constructor fields") {
  const auto library = compile(R"(
    template <class T> class Base : public Vertex {
     protected:
      Input<Vector<T>> in;
      T offset;
    };
    class Derived : public Base<float> {
      const unsigned n;
      Vector<float> scratch;
      Output<float> out;
      static const bool isExternalCodelet = false;
      static constexpr unsigned limit = 8;
     public:
      Derived();
      bool compute() {
        for (unsigned i = 0; i < n; ++i) scratch[i] = in[i] + offset;
        *out = scratch[n - 1];
        return scratch.size() == n && n < limit;
      }
    };)");
  CHECK(library->classes().size() == 1);  // a base without compute() is no codelet
  VertexInstance vertex(library, "Derived");
  std::vector<float> in{1, 2}, scratch(2);
  float out = 0;
  vertex.vector("in", in);
  vertex.vector("scratch", scratch);
  vertex.scalar("out", out);
  vertex.state("offset", 0.5f);
  vertex.state("n", 2u);
  CHECK(vertex.run());
  CHECK(out == 2.5f);
  CHECK(vertex.field("scratch").direction == Direction::State);
  CHECK(vertex.field("scratch").shape == FieldShape::Vector);
  CHECK(vertex.vertexClass().fields.size() == 5);
}
