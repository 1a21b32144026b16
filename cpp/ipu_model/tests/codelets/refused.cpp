// What a host compiler would let pass and popc refuses.
#include "vertex_instance.hpp"

#include <poplar/exceptions.hpp>

#include <fstream>

using namespace ipu_model;
using namespace ipu_model::test;
using poplar::graph_program_compilation_error;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string withField(const std::string& field) {
  return "struct Pair { float a; int b; };\nclass X : public Vertex {\n public:\n  " + field +
         "\n  bool compute() { return true; }\n};";
}

}  // namespace

TEST_CASE("field types that vertex state cannot hold") {
  const std::pair<const char*, const char*> fields[] = {
      {"unsigned int y[100];", "unsigned int"},
      {"Pair y;", "Pair"},
      {"char* y;", "char *"},
      {"int& y;", "int &"},
      {"double y;", "double"},
      {"Input<Pair> y;", "Pair"},
      {"Input<double> y;", "double"},
      {"Output<Vector<Pair>> y;", "Pair"},
      {"Input<Vector<Vector<float>>> y;", "Vector"},
      {"Vector<Vector<Input<Vector<float>>>> y;", "Vector"},
      {"Vector<Input<Vector<double>>> y;", "double"},
  };
  for (const auto& refused : fields) {  // not a structured binding: clang 14 cannot capture those
    const std::string field = refused.first, type = refused.second;
    CAPTURE(field);
    const std::string message = compileError<graph_program_compilation_error>(withField(field));
    CHECK(contains(message, "Field 'X.y' has unsupported field type '"));
    CHECK(contains(message, type));
    CHECK(contains(message, ":6: error:"));  // two lines of includes come first
  }
}

TEST_CASE("all unsupported fields are named at once") {
  const std::string message =
      compileError<graph_program_compilation_error>(withField("int a[2];\n  Input<float> fine;\n  float* b;"));
  CHECK(contains(message, "'X.a'"));
  CHECK(contains(message, "'X.b'"));
  CHECK_FALSE(contains(message, "'X.fine'"));
}

TEST_CASE("members that are no plain fields") {
  CHECK(contains(compileError<graph_program_compilation_error>(withField("virtual void f() {}")),
                 "has virtual functions"));
  CHECK(contains(compileError<graph_program_compilation_error>(withField("unsigned y : 3;")), "'X.y' is a bit-field"));
  CHECK(contains(compileError<graph_program_compilation_error>(withField("union { int a; float b; };")),
                 "without a name"));
  compile(withField("static const bool isExternalCodelet = false; static float* buffer;"));  // statics are no fields
}

TEST_CASE("directions are kept") {
  const std::string head = "class X : public Vertex { public: Input<Vector<float>> v; Input<int> s;"
                           " Vector<Input<Vector<float>>> l; bool compute() { ";
  for (const char* write : {"v[0] = 1;", "*s = 1;", "s = 1;", "l[0][0] = 1;", "*v.begin() = 1;", "const_cast<const float&>(v[0]) = 1;"}) {
    CAPTURE(write);
    CHECK(contains(compileError<graph_program_compilation_error>(head + write + " return true; } };"), "error:"));
  }
}

TEST_CASE("casting an Input to a writable pointer is let pass with a warning") {
  const auto library = compile("class X : public Vertex { public: Input<Vector<char, VectorLayout::ONE_PTR, 8>> v;"
                               " Output<int> out; bool compute() { *out = *reinterpret_cast<int*>(&v[0]); return true; }"
                               " };");
  CHECK(contains(library->compilerMessages(), "casts an Input"));
  VertexInstance vertex(library, "X");
  std::vector<int> v{42};
  int out = 0;
  vertex.vector("v", v);
  vertex.scalar("out", out);
  vertex.run();
  CHECK(out == 42);
  // ... but not where an Input is written, too
  CHECK(contains(compileError<graph_program_compilation_error>(
                     "class X : public Vertex { public: Input<Vector<int>> v; bool compute() { int* p = &v[0]; v[0] = 1;"
                     " return p; } };"),
                 "error:"));
}

TEST_CASE("IPU-only names without their headers are let pass with a warning") {
  const auto library = compile("class X : public Vertex { public: Output<float> out; bool compute() { rptsize_t n = 2;"
                               " float2 v = {1, 2}; *out = v[n - 1]; return true; } };");
  CHECK(contains(library->compilerMessages(), "names of the IPU target"));
}

TEST_CASE("edges cannot be made or pointed elsewhere") {
  const std::string head = "class X : public Vertex { public: Input<Vector<float>> a, b; bool compute() { ";
  for (const char* body : {"Input<Vector<float>> mine;", "a = b;", "static Vector<int> mine;"}) {
    CAPTURE(body);
    CHECK(contains(compileError<graph_program_compilation_error>(head + body + " return true; } };"), "error:"));
  }
}

TEST_CASE("no heap, exceptions or run-time types on a tile") {
  const auto body = [](const std::string& text) {
    return "class X : public Vertex { public: Output<int> out; bool compute() { " + text + " return true; } };";
  };
  const std::string message =
      compileError<poplar::link_error>(body("float* p = new float[*out]; *out = int(long(p));"));
  CHECK(contains(message, "undefined symbol _Znam"));
  CHECK(contains(message, "no heap"));
  CHECK(contains(compileError<poplar::link_error>("#include <cstdlib>\n" + body("*out = int(long(malloc(*out)));")),
                 "malloc"));
  CHECK(contains(compileError<graph_program_compilation_error>(body("throw 1;")), "exceptions disabled"));
  CHECK(contains(compileError<graph_program_compilation_error>("struct A { virtual ~A(); }; struct B : A {};\n" +
                                                               body("A* a = nullptr; *out = !dynamic_cast<B*>(a);")),
                 "rtti"));
}

TEST_CASE("broken codelets give the compiler's place and text") {
  const std::string message =
      compileError<graph_program_compilation_error>("class X : public Vertex {\n public:\n  int n;\n  bool compute() { "
                                                    "return missing; }\n};");
  CHECK(contains(message, "<stdin>:6:"));
  CHECK(contains(message, "missing"));
  CHECK(contains(compileError<graph_program_compilation_error>("class X : public Vertex { public: int n; };"),
                 "vertex 'X' has no compute() function"));
  CHECK(contains(compileError<graph_program_compilation_error>(
                     "class X : public Vertex { public: int n; bool compute(); };"),
                 "compute()"));  // declared only: an assembly codelet
  CHECK(contains(compileError<graph_program_compilation_error>(
                     "class X : public MultiVertex { public: int n; bool compute() { return true; } };"),
                 "error:"));
  CHECK_THROWS_WITH_AS(CodeletLibrary::fromText("int f() { return 1; }", ""),
                       doctest::Contains("no vertex class is defined"), graph_program_compilation_error);
  CHECK_THROWS_WITH_AS(compile("", "-I\"unclosed"), doctest::Contains("unclosed quote"),
                       graph_program_compilation_error);
}

TEST_CASE("files that are not C++ sources") {
  CHECK_THROWS_WITH_AS(CodeletLibrary::fromFile("nowhere.cpp", ""), doctest::Contains("no such codelet file"),
                       graph_program_compilation_error);
  CHECK_THROWS_WITH_AS(CodeletLibrary::fromFile("codelets.gp", ""), doctest::Contains("'.gp'"),
                       graph_program_compilation_error);
  CHECK_THROWS_WITH_AS(CodeletLibrary::fromFile("vertex.S", ""), doctest::Contains("C++ source only"),
                       graph_program_compilation_error);
}
