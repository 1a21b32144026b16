// What the graph and the engine know of codelets: the vertex classes that one compiled codelet source
// holds, the layout of their fields in host memory, and the functions that run them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ipu_model {

/// State: a plain data member (set by setInitialValue, kept between executions), or a `Vector<T>`
/// without direction: scratch whose length setFieldSize gives.
enum class Direction { Input, Output, InOut, State };

/// VectorList: `Vector<Input<Vector<T>>>`, `Input<VectorList<T, ...>>`, and, its rows one element each,
/// `Vector<Input<T>>`.
enum class FieldShape { Scalar, Vector, VectorList };

enum class VertexKind { Worker, MultiVertex, Supervisor };

/// How a field's address and length are packed into vertex state on a tile. The host keeps full
/// pointers; the layout matters for memory accounting and for what a codelet may call.
enum class Layout {
  NotAVector,
  Span,
  ShortSpan,
  OnePtr,
  ScaledPtr32,
  ScaledPtr64,
  ScaledPtr128,
  CompactPtr,
  DeltaN,
  DeltaNElements,
  CompactDeltaN
};

struct Field {
  std::string name;
  Direction direction = Direction::State;
  FieldShape shape = FieldShape::Scalar;
  std::string elementType;               ///< spelled as poplar::Type::toString() spells it
  Layout layout = Layout::NotAVector;    ///< of the vector, or of the list of rows
  Layout rowLayout = Layout::NotAVector; ///< VectorList: of each row
  unsigned minAlign = 1;                 ///< bytes; of the vector, or of each row
  bool interleaved = false;              ///< asks for interleaved tile memory
  std::size_t offset = 0;                ///< bytes from the start of the host object
  std::size_t elementSize = 0;           ///< bytes of one element in the host object or its memory
  std::size_t ipuBytes = 0;              ///< bytes in vertex state on a tile
  std::size_t ipuRowBytes = 0;           ///< VectorList: bytes of descriptor for each row on a tile
  bool rowsAreScalars() const { return shape == FieldShape::VectorList && rowLayout == Layout::NotAVector; }
};

/// One vertex type. The functions stay valid while the CodeletLibrary that owns the class is alive.
struct VertexClass {
  std::string name; ///< as addVertex takes it: "Foo", "ns::Foo<float,true>"
  VertexKind kind = VertexKind::Worker;
  std::size_t size = 0, align = 1; ///< of the host object
  std::vector<Field> fields;
  std::size_t ipuStateBytes = 0; ///< vertex state on a tile, fields aligned as there
  bool usesRandom = false;       ///< calls a random builtin: call seedRandom before each compute

  void (*construct)(void *) = nullptr; ///< zeroes the object: codelet constructors never run, as on a tile
  bool (*compute)(void *, unsigned workerId) = nullptr; ///< true for codelets that return void
  std::uint64_t (*perfEstimate)(void *) = nullptr;      ///< null unless the codelet has getCycleEstimate()
  void (*seedRandom)(std::uint64_t) = nullptr;          ///< of the calling thread

  const Field *find(const std::string &fieldName) const;
};

/// Points the edge of a constructed vertex at tile memory, which must outlive the vertex. A scalar is a vector of one.
void bindVector(void *object, const Field &field, void *first, std::size_t n);
/// `storage` receives the table of rows that the field points to; keep it (moving it is fine).
void bindVectorList(void *object, const Field &field, const std::vector<std::pair<void *, std::size_t>> &rows,
                    std::vector<std::byte> &storage);

/// Set a plain field. `value` is one element of field.elementType as tile memory holds it (a `size_t` field has 32
/// bits there and 64 in the host object).
void setState(void *object, const Field &field, const void *value);

/// One compiled codelet source; keeps its shared object loaded.
///
/// Both makers throw poplar::graph_program_compilation_error with the compiler's text, or with the source line and
/// the field that popc would refuse. Loading the same content twice gives the same library. Three things that only
/// some popc refuse are let pass with a warning in compilerMessages(): casting const away from an Input, IPU-only names
/// without their headers, and sources whose vertices are for the IPU target alone.
class CodeletLibrary {
public:
  struct Source;
  static std::shared_ptr<const CodeletLibrary> fromFile(const std::string &path, const std::string &flags);
  static std::shared_ptr<const CodeletLibrary> fromText(const std::string &source, const std::string &flags);

  ~CodeletLibrary();
  CodeletLibrary(const CodeletLibrary &) = delete;
  CodeletLibrary &operator=(const CodeletLibrary &) = delete;

  const std::vector<VertexClass> &classes() const { return classes_; }
  const VertexClass *find(const std::string &name) const;
  /// Warnings of the compiler and of the model; empty when the library came from the cache.
  const std::string &compilerMessages() const { return messages_; }

private:
  static std::shared_ptr<const CodeletLibrary> open(const Source &source, std::string messages);
  static std::shared_ptr<const CodeletLibrary> openTolerantly(Source source);
  CodeletLibrary(void *handle, std::vector<VertexClass> classes, std::string messages);

  void *handle_;
  std::vector<VertexClass> classes_;
  std::string messages_;
};

} // namespace ipu_model
