// One vertex object, bound by field names, as the engine does it for a graph.
#pragma once

#include "codelets/codelet_library.hpp"

#include <doctest/doctest.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace ipu_model::test {

inline std::shared_ptr<const CodeletLibrary> compile(const std::string& body, const std::string& flags = "") {
  return CodeletLibrary::fromText("#include <poplar/Vertex.hpp>\nusing namespace poplar;\n" + body, flags);
}

/// The message of the error that compiling must give; empty, and a failed check, if it compiles.
template <class Error>
std::string compileError(const std::string& body) {
  try {
    compile(body);
  } catch (const Error& error) {
    return error.what();
  }
  FAIL_CHECK("compiled, but must be refused:\n", body);
  return "";
}

class VertexInstance {
 public:
  VertexInstance(std::shared_ptr<const CodeletLibrary> library, const std::string& name) : library_(library) {
    class_ = library_->find(name);
    REQUIRE_MESSAGE(class_ != nullptr, name);
    memory_.resize(class_->size + class_->align);
    void* start = memory_.data();
    std::size_t room = memory_.size();
    object_ = std::align(class_->align, class_->size, start, room);
    class_->construct(object_);
  }

  const Field& field(const std::string& name) const {
    const Field* found = class_->find(name);
    REQUIRE_MESSAGE(found != nullptr, name);
    return *found;
  }

  template <class T>
  void scalar(const std::string& name, T& element) {
    bindVector(object_, field(name), &element, 1);
  }
  template <class T>
  void vector(const std::string& name, std::vector<T>& elements) {
    bindVector(object_, field(name), elements.data(), elements.size());
  }
  template <class T>
  void rows(const std::string& name, std::vector<std::vector<T>>& rows) {
    std::vector<std::pair<void*, std::size_t>> pointers;
    for (auto& row : rows) pointers.emplace_back(row.data(), row.size());
    bindVectorList(object_, field(name), pointers, tables_.emplace_back());
  }
  template <class T>
  void state(const std::string& name, T value) {
    setState(object_, field(name), &value);
  }

  bool run(unsigned worker = 0) { return class_->compute(object_, worker); }
  const VertexClass& vertexClass() const { return *class_; }

 private:
  std::shared_ptr<const CodeletLibrary> library_;
  const VertexClass* class_ = nullptr;
  std::vector<std::byte> memory_;
  void* object_ = nullptr;
  std::list<std::vector<std::byte>> tables_;
};

}  // namespace ipu_model::test
