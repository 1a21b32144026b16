// The base classes of codelets, for codelet sources that the model compiles for the host.
#pragma once

#include <poplar/FieldTypes.hpp>
#include <poplar/HalfFloat.hpp>

#ifndef __POPC__
#error "poplar/Vertex.hpp is for codelet sources: pass them to Graph::addCodelets"
#endif

/// Marks a codelet whose body is in an assembly file; the model runs the C++ body.
#ifndef IS_EXTERNAL_CODELET
#define IS_EXTERNAL_CODELET(external) static const bool isExternalCodelet = external
#endif

namespace poplar {

/// Base of a codelet that one worker thread runs.
class Vertex {};

/// Base of a codelet whose compute(workerId) the six workers of a tile run on the same state.
class MultiVertex {
 public:
  static constexpr unsigned numWorkers() { return 6; }
};

/// Base of a codelet that the supervisor thread of a tile runs.
class SupervisorVertex {};

/// A supervisor codelet where the flag is set (it has an assembly body), a worker codelet elsewhere.
template <bool Supervisor>
using SupervisorVertexIf = std::conditional_t<Supervisor, SupervisorVertex, Vertex>;

}  // namespace poplar

#include <ipu_model/reflection.hpp>
