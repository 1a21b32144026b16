#include "codelets/codelet_cache.hpp"

#include "vertex_instance.hpp"

#include <poplar/exceptions.hpp>

#include <cstdlib>
#include <fstream>
#include <thread>

using namespace ipu_model;
using namespace ipu_model::test;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::vector<fs::path> cachedObjects() {
  std::vector<fs::path> objects;
  for (const auto& file : fs::directory_iterator(codeletCacheFolder())) objects.push_back(file.path());
  return objects;
}

/// A cache of its own for the test, so that it can count files.
class OwnCache {
 public:
  OwnCache() : old_(std::getenv("IPU_MODEL_CACHE")) {
    setenv("IPU_MODEL_CACHE", (folder_.path() / "cache").c_str(), 1);
  }
  ~OwnCache() { setenv("IPU_MODEL_CACHE", old_.c_str(), 1); }
  const fs::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  std::string old_;
};

int answer(const std::shared_ptr<const CodeletLibrary>& library) {
  VertexInstance vertex(library, "Answer");
  int out = 0;
  vertex.scalar("out", out);
  vertex.run();
  return out;
}

const char* const answerSource =
    "#include \"value.hpp\"\n#include <poplar/Vertex.hpp>\n"
    "class Answer : public poplar::Vertex { public: poplar::Output<int> out; bool compute() { *out = VALUE; return "
    "true; } };\n";

}  // namespace

TEST_CASE("a codelet file is compiled once for its content, headers and flags") {
  const OwnCache cache;
  const fs::path source = cache.folder() / "answer.cpp";
  write(source, answerSource);
  write(cache.folder() / "value.hpp", "#ifndef VALUE\n#define VALUE 41\n#endif\n");
  CHECK(answer(CodeletLibrary::fromFile(source, "")) == 41);
  CHECK(cachedObjects().size() == 1);
  CHECK(answer(CodeletLibrary::fromFile(source, "")) == 41);
  CHECK(cachedObjects().size() == 1);

  write(cache.folder() / "value.hpp", "#define VALUE 42\n");  // an included header counts
  CHECK(answer(CodeletLibrary::fromFile(source, "")) == 42);
  CHECK(cachedObjects().size() == 2);

  write(cache.folder() / "value.hpp", "#ifndef VALUE\n#define VALUE 41\n#endif\n");
  CHECK(answer(CodeletLibrary::fromFile(source, "-O3 -DVALUE=43")) == 43);  // so do flags
  CHECK(cachedObjects().size() == 3);
}

TEST_CASE("include folders come through the flags") {
  const OwnCache cache;
  fs::create_directories(cache.folder() / "with blank");
  write(cache.folder() / "answer.cpp", answerSource);
  write(cache.folder() / "with blank" / "value.hpp", "#define VALUE 7\n");
  CHECK_THROWS_WITH_AS(CodeletLibrary::fromFile(cache.folder() / "answer.cpp", ""), doctest::Contains("value.hpp"),
                       poplar::graph_program_compilation_error);
  CHECK(answer(CodeletLibrary::fromFile(cache.folder() / "answer.cpp",
                                        "-O3 -I '" + (cache.folder() / "with blank").string() + "'")) == 7);
}

TEST_CASE("a compiled codelet file that was never made stands for the source beside it") {
  const OwnCache cache;
  write(cache.folder() / "value.hpp", "#define VALUE 3\n");
  write(cache.folder() / "answer.cpp", answerSource);
  CHECK(answer(CodeletLibrary::fromFile(cache.folder() / "answer.gp", "")) == 3);
}

TEST_CASE("a damaged file of the cache is made anew") {
  const OwnCache cache;
  write(cache.folder() / "value.hpp", "#define VALUE 11\n");
  write(cache.folder() / "answer.cpp", answerSource);
  CHECK(answer(CodeletLibrary::fromFile(cache.folder() / "answer.cpp", "")) == 11);
  for (const fs::path& object : cachedObjects()) write(object, "not a library");
  CHECK(answer(CodeletLibrary::fromFile(cache.folder() / "answer.cpp", "")) == 11);
}

TEST_CASE("threads that ask for one source get one library") {
  const OwnCache cache;
  write(cache.folder() / "value.hpp", "#define VALUE 5\n");
  write(cache.folder() / "answer.cpp", answerSource);
  std::vector<std::shared_ptr<const CodeletLibrary>> got(4);
  std::vector<std::thread> threads;
  for (auto& library : got)
    threads.emplace_back([&] { library = CodeletLibrary::fromFile(cache.folder() / "answer.cpp", ""); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& library : got) CHECK(library == got[0]);
  CHECK(cachedObjects().size() == 1);
}

TEST_CASE("a failed compilation leaves nothing in the cache") {
  const OwnCache cache;
  CHECK_THROWS(compile("class X : public Vertex { public: int a[3]; bool compute() { return true; } };"));
  CHECK(cachedObjects().empty());
}

TEST_CASE("code is not loaded from a folder that others can write") {
  const OwnCache cache;
  const fs::path open = cache.folder() / "cache";
  fs::create_directories(open);
  fs::permissions(open, fs::perms::all);
  CHECK_THROWS_WITH_AS(codeletCacheFolder(), doctest::Contains("IPU_MODEL_CACHE"),
                       poplar::graph_program_compilation_error);
}

TEST_CASE("warnings of the compiler reach the caller") {
  const auto library = compile("class X : public Vertex { public: int n; bool compute() { int unused; return true; } };",
                               "-Wunused-variable");
  CHECK(library->compilerMessages().find("unused") != std::string::npos);
}

TEST_CASE("content hashes tell texts and their borders apart") {
  CHECK(contentHash({"a", "b"}) == contentHash({"a", "b"}));
  CHECK(contentHash({"a", "b"}) != contentHash({"ab", ""}));
  CHECK(contentHash({"a", "b"}) != contentHash({"b", "a"}));
  CHECK(contentHash({}).size() == 32);
}
