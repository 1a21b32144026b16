// Reads the vertex classes of a compiled codelet from its debug information.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ipu_model {

struct ReflectedField {
  std::string name;
  std::size_t offset;
  std::string file;
  int line;
};

struct ReflectedClass {
  std::string name;     ///< "ns::Foo<float,true>": what addVertex takes, and valid C++
  std::string baseKind; ///< "Vertex", "MultiVertex" or "SupervisorVertex"
  std::string file;
  int line;
  std::vector<ReflectedField> fields; ///< base classes first
  bool hasCompute = false;
  bool hasCycleEstimate = false;
  std::string problem; ///< what vertex state cannot hold, with its place; empty if all is well
};

/// Concrete classes that derive from a vertex base, in the order of the source. Throws
/// poplar::graph_program_compilation_error if the object has no readable debug information.
std::vector<ReflectedClass> reflectVertexClasses(const std::filesystem::path &object);

/// Heap functions that the object calls, by linker name.
std::vector<std::string> heapCalls(const std::filesystem::path &object);

} // namespace ipu_model
