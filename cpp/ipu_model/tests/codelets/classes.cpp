#include "vertex_instance.hpp"

#include <poplar/exceptions.hpp>

using namespace ipu_model;
using namespace ipu_model::test;

TEST_CASE("template instantiations are named as templateVertex names them") {
  const auto library = compile(R"(
    namespace outer { namespace inner {
    enum class Op { ADD, MUL };
    enum Plain { FIRST, SECOND = 7 };
    struct Policy {};
    template <class T, bool b, unsigned n, Op op, Plain plain, int negative, class P, char c, class... More>
    class Many : public Vertex {
     public:
      Output<T> out;
      bool compute() { *out = n + negative; return b; }
    };
    template class Many<unsigned int, true, 4, Op::MUL, SECOND, -1, Policy, 'a'>;
    template class Many<half, false, 4, Op::ADD, FIRST, -1, Policy, 'a', float, unsigned char>;
    } }
    template <class T> class Simple : public Vertex { public: Output<T> out; bool compute() { *out = 1; return true; } };
    template class Simple<float>;
    template class Simple<unsigned>;
    template <class T> class Never : public Vertex { public: Output<T> out; bool compute() { return true; } };
  )");
  for (const char* name : {"outer::inner::Many<unsigned int,true,4,outer::inner::Op::MUL,outer::inner::Plain::SECOND,-1,"
                           "outer::inner::Policy,97>",
                           "outer::inner::Many<half,false,4,outer::inner::Op::ADD,outer::inner::Plain::FIRST,-1,"
                           "outer::inner::Policy,97,float,unsigned char>",
                           "Simple<float>", "Simple<unsigned int>"})
    CHECK_MESSAGE(library->find(name) != nullptr, name);
  CHECK(library->classes().size() == 4);  // a template that is not instantiated has no code
  CHECK(library->find("Simple<int>") == nullptr);
  CHECK(library->find("Simple") == nullptr);

  VertexInstance vertex(library, "Simple<unsigned int>");
  unsigned out = 0;
  vertex.scalar("out", out);
  CHECK(vertex.run());
  CHECK(out == 1);
}

TEST_CASE("a source whose vertices are for the IPU target alone is compiled as for it") {
  const auto library = compile(R"(
    #ifdef __IPU__
    class OnTile : public Vertex {
     public: Output<unsigned> out; bool compute() { *out = 7 + __builtin_ipu_get_scount_l(); return true; } };
    #endif
  )");
  CHECK(library->compilerMessages().find("compiled with __IPU__ defined") != std::string::npos);
  VertexInstance vertex(library, "OnTile");
  unsigned out = 0;
  vertex.scalar("out", out);
  CHECK(vertex.run());
  CHECK(out == 7);
}

TEST_CASE("kinds of vertices") {
  const auto library = compile(R"(
    #define SUPERVISOR __attribute__((target("supervisor")))
    class W : public Vertex { public: Output<int> out; bool compute() { *out = 1; return false; } };
    class M : public MultiVertex {
     public:
      Output<Vector<unsigned>> out;
      bool compute(unsigned worker) {
        for (unsigned i = worker; i < out.size(); i += MultiVertex::numWorkers()) out[i] = worker;
        return true;
      }
    };
    class S : public SupervisorVertex { public: Output<int> out; SUPERVISOR bool compute() { *out = 3; return true; } };
    template <bool s> class Either : public SupervisorVertexIf<s> {
     public: Output<int> out; bool compute() { *out = s; return true; } };
    template class Either<true>;
    template class Either<false>;
    class Estimated : public Vertex {
     public: int n; bool compute() { return true; } int getCycleEstimate() const { return 5 + n; } };
  )");
  CHECK(library->find("W")->kind == VertexKind::Worker);
  CHECK(library->find("M")->kind == VertexKind::MultiVertex);
  CHECK(library->find("S")->kind == VertexKind::Supervisor);
  CHECK(library->find("Either<true>")->kind == VertexKind::Supervisor);
  CHECK(library->find("Either<false>")->kind == VertexKind::Worker);
  CHECK_FALSE(static_cast<bool>(library->find("W")->perfEstimate));
  REQUIRE(static_cast<bool>(library->find("Estimated")->perfEstimate));
  int n = 7;
  CHECK(library->find("Estimated")->perfEstimate(&n) == 12);

  VertexInstance multi(library, "M");
  std::vector<unsigned> out(8, 99);
  multi.vector("out", out);
  for (unsigned worker = 0; worker < 6; ++worker) CHECK(multi.run(worker));
  CHECK(out == std::vector<unsigned>{0, 1, 2, 3, 4, 5, 0, 1});

  VertexInstance worker(library, "W");
  int value = 0;
  worker.scalar("out", value);
  CHECK_FALSE(worker.run());
  CHECK(value == 1);
}

TEST_CASE("codelets of one name in two sources do not meet") {
  const auto first = compile("struct Helper { static int f() { return 1; } };"
                             "class Same : public Vertex { public: Output<int> out; bool compute() { *out = Helper::f();"
                             " return true; } };");
  const auto second = compile("struct Helper { static int f() { return 2; } };"
                              "class Same : public Vertex { public: Output<int> out; bool compute() { *out = "
                              "Helper::f(); return true; } };");
  int a = 0, b = 0;
  VertexInstance one(first, "Same"), two(second, "Same");
  one.scalar("out", a);
  two.scalar("out", b);
  one.run();
  two.run();
  CHECK(a == 1);
  CHECK(b == 2);
}

TEST_CASE("two codelets of one name in one source are refused") {
  const std::string twice = "class Same : public Vertex { public: Output<int> out; bool compute() { return true; } };";
  const std::string message = compileError<poplar::graph_program_compilation_error>(twice + "\n" + twice);
  CHECK(message.find("redefinition of 'Same'") != std::string::npos);
  CHECK(message.find("<stdin>:4:") != std::string::npos);
}

TEST_CASE("a source without codelets is no error") { CHECK(compile("int helper();").get()->classes().empty()); }
